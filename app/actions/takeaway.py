"""What is taken away of a collection: a bundle in one of several formats, its counts known before it is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data import exporting, logs
from data.bundle import Bundle, write_folder, write_zip, zipped
from data.errors import ConflictError, NotFoundError, SettingsError
from data.exporting import Whose
from data.grading import REFUSE, RULES
from data.orders import Stock
from data.records import AssessorKind, Collection
from engine.pipeline import GIVEN_RUN
from engine.ranking import DEFAULT_METHOD
from engine.workbench import Workbench
from training.splits import split_of
from training.trl_data import TrlData

FORMATS = {
    "trec-qrels": "TREC qrels: one grade for every pair",
    "trec-run": "TREC run: what a system ranked",
    "beir": "BEIR folder: documents, queries, labels",
    "jsonl": "JSONL: every judgment event, with history",
    "csv": "CSV: current judgments, for a spreadsheet",
    "trl-sft": "TRL SFT: prompts and whole answers",
    "trl-grpo": "TRL GRPO: prompts and the grade to be found",
    "trl-dpo": "TRL DPO: mended explanations against the ones they were edited from",
}
"""Format -> what it is."""

ONE_GRADE = ("trec-qrels", "beir")
"""Formats that hold one grade for every pair."""
CONFLICTS = {REFUSE: "nothing is exported while there are any", **{name: words for name, (words, _) in RULES.items()}}
"""Rule -> what it does with pairs that got different grades."""
_PEOPLE = (AssessorKind.HUMAN,)
_TRAINING = (AssessorKind.HUMAN, AssessorKind.TEACHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person asks for."""

    format: str
    kinds: tuple[AssessorKind, ...] = ()
    """None given: people for labels, people and teachers for TRL, everybody for judgments; all where one is named."""
    assessor: str | None = None
    conflicts: str = REFUSE
    system: Stock | None = None
    """For a run; None: the only one there is."""
    method: str = DEFAULT_METHOD
    """For TRL: it decides the form of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a bundle would hold, before its files are made."""

    counts: Mapping[str, int]
    files: tuple[str, ...]


def count(workbench: Workbench, collection: Collection, wanted: Wanted) -> Counted:
    """Look into a bundle; raises what `bundle` raises."""
    made = bundle(workbench, collection, wanted)
    return Counted(counts=made.counts, files=tuple(made.files))


def bundle(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    """The files, not yet written. Raises SettingsError for an unknown format, ConflictError for refused conflicts or
    where there is nothing to take away."""
    make = _MAKERS.get(wanted.format)
    if make is None:
        raise SettingsError(f"There is no format {wanted.format!r}.", mend=f"Use one of: {', '.join(FORMATS)}.")
    made = make(workbench, collection, wanted)
    if not any(made.counts.get(name) for name in _SOMETHING[wanted.format]):
        left_out = "; ".join(f"{name} {count:,}" for name, count in made.counts.items() if count)
        raise ConflictError(
            f"There is nothing to take away as {wanted.format}" + (f" ({left_out})." if left_out else "."),
            mend=_MENDS.get(wanted.format, "Judge some pairs first, or ask for other assessors."),
        )
    return made


def write(workbench: Workbench, collection: Collection, wanted: Wanted, out: Path) -> Mapping[str, Any]:
    """Write a bundle into a new folder, or a new zip where the name ends so; returns the manifest."""
    made = _taken(workbench, collection, wanted)
    return write_zip(made, out) if out.suffix.lower() == ".zip" else write_folder(made, out)


def download(workbench: Workbench, collection: Collection, wanted: Wanted) -> bytes:
    """A bundle as a zip."""
    return zipped(_taken(workbench, collection, wanted))


def _taken(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    made = bundle(workbench, collection, wanted)
    facts = {"collection_id": collection.collection_id, "format": wanted.format, "counts": dict(made.counts)}
    logs.write("taken away", facts)
    return made


def systems(workbench: Workbench, collection: Collection) -> list[tuple[Stock, str]]:
    """What has stored rankings, the most queries first, each with its words."""
    names = {version.version_id: version.name for version in workbench.store.versions.list()}
    return [(made, _system_words(made, names)) for made in workbench.store.rankings.stock(collection.collection_id)]


def assessors(workbench: Workbench, collection: Collection) -> list[str]:
    """Names of those who judged in this collection."""
    judged = workbench.store.judgments.counts(collection.collection_id)
    return sorted({a.name for a in workbench.store.assessors.list() if a.assessor_id in judged})


def file_name(collection: Collection, wanted: Wanted) -> str:
    """A name for a download."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in collection.name).strip("-")
    return f"{plain or 'collection'}.{wanted.format}.zip"


def _qrels(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    return exporting.qrels_bundle(workbench.store, collection, _whose(wanted, _PEOPLE), wanted.conflicts)


def _beir(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    queries = workbench.store.collections.queries(collection.collection_id)
    said = [replace(query, split=split_of(query)) for query in queries]
    return exporting.beir_bundle(workbench.store, collection, _whose(wanted, _PEOPLE), wanted.conflicts, said)


def _events(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    return exporting.events_bundle(workbench.store, collection, _whose(wanted, tuple(AssessorKind)))


def _table(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    return exporting.table_bundle(workbench.store, collection, _whose(wanted, tuple(AssessorKind)))


def _run(workbench: Workbench, collection: Collection, wanted: Wanted) -> Bundle:
    found = systems(workbench, collection)
    if wanted.system is not None:
        found = [(made, words) for made, words in found if made == wanted.system]
    if not found:
        raise NotFoundError(
            f"{collection.name} has no such stored rankings.",
            mend="Rank queries first: on the Explore page, or with `whyrank evaluate`.",
        )
    if len(found) > 1:
        raise ConflictError(
            "Several systems ranked here, and a run holds one: " + "; ".join(words for _, words in found) + ".",
            mend="Say which one, by version, method, depth or fusion weight.",
        )
    ((made, _),) = found
    return exporting.run_bundle(workbench.store, collection, made, workbench.store.versions.get(made.version_id).name)


def _trl(workbench: Workbench, collection: Collection, wanted: Wanted) -> TrlData:
    return TrlData(
        store=workbench.store,
        collection=collection,
        clip=workbench.clip,
        document_tokens=workbench.settings.document_tokens,
        whose=_whose(wanted, _TRAINING),
        method=wanted.method,
    )


def _whose(wanted: Wanted, usual: tuple[AssessorKind, ...]) -> Whose:
    kinds = wanted.kinds or (tuple(AssessorKind) if wanted.assessor is not None else usual)
    return Whose(kinds=kinds, assessor=wanted.assessor)


def _system_words(made: Stock, names: Mapping[str, str]) -> str:
    given = "" if made.retriever != GIVEN_RUN else ", of a given run"
    return (
        f"{names[made.version_id]} by {made.method}, depth {made.depth}, first stage's weight "
        f"{made.fusion_weight:g}{given}: {made.queries:,} queries"
    )


_MAKERS: Mapping[str, Callable[[Workbench, Collection, Wanted], Bundle]] = {
    "trec-qrels": _qrels,
    "trec-run": _run,
    "beir": _beir,
    "jsonl": _events,
    "csv": _table,
    "trl-sft": lambda *given: _trl(*given).sft(),
    "trl-grpo": lambda *given: _trl(*given).grpo(),
    "trl-dpo": lambda *given: _trl(*given).dpo(),
}
_SOMETHING = {
    "trec-qrels": ("labels",),
    "trec-run": ("queries",),
    "beir": ("documents",),
    "jsonl": ("events",),
    "csv": ("judgments",),
    "trl-sft": ("examples", "grades_only"),
    "trl-grpo": ("examples",),
    "trl-dpo": ("preferences",),
}
"""Format -> the counts of which one must not be 0."""
_MENDS = {
    "trl-sft": "Judge documents of training queries first: held-out ones are never taken away for training.",
    "trl-grpo": "Judge documents of training queries first: held-out ones are never taken away for training.",
    "trl-dpo": "Mend a student's or teacher's explanation of a training query's document first.",
}
