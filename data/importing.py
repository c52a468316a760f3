"""Collections from files, all or nothing; judgments alone come in by `data.importing_judgments`.

An import reads its files twice: once to find every bad row, and once, inside one transaction, to store them. So the
database is not locked while a file is checked, and a million documents need not fit into memory.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import SettingsError
from data.exporting import export_judgments
from data.formats.rows import BadRows, refusing
from data.formats.trec import Qrel
from data.importing_judgments import OWNER, check_pair, import_judgments, judgment_of, located, owner_of
from data.labels import read_labels, regraded
from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, new_id
from data.scales import DEFAULT_SCALE, Scale
from data.sources import Source, source_of
from data.store import Store

__all__ = ["export_judgments", "import_collection", "import_judgments", "located", "read_data_set"]

OnProgress = Callable[[str, int, int | None], None]
"""What is being done, how much of it is done, of how much (None: unknown)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A data set whose files were read and found good; its documents are read again when they are stored."""

    source: Source
    doc_ids: frozenset[str]
    queries: list[Query]
    qrels: list[Qrel]

    def documents(self) -> Iterator[Document]:
        """The documents; raises ImportRefusedError at the end where a file became a bad one in the meantime."""
        with refusing() as bad:
            yield from self.source.documents(bad)

    def judgments(self, collection_id: str, assessor: Assessor) -> list[Judgment]:
        """The labels as the assessor's judgments."""
        return [judgment_of(qrel, collection_id, assessor) for qrel in self.qrels]


def read_data_set(
    path: Path | Source,
    *,
    qrels: Path | None,
    split: str | None,
    scale: Scale,
    grades: Mapping[int, int] | None = None,
    on_progress: OnProgress | None = None,
) -> Reading:
    """Read and check a collection. `grades` says which of the scale's each grade of the labels is (None: the same).
    Raises ImportRefusedError with all bad rows."""
    source = path if isinstance(path, Source) else source_of(path, split=split)
    with refusing() as bad:
        doc_ids = _doc_ids(source, bad, on_progress)
        queries = source.queries(bad)
        labels = read_labels(
            replace(source.label_files, given=qrels), None if source.domain is not None else split, queries, bad
        )
        found = labels.qrels if qrels is not None else labels.qrels + _gold(source, scale, grades, bad)
        found = regraded(found, grades, bad)
        query_ids = {row.query.query_id for row in queries}
        for file, qrel in found:
            check_pair(file, qrel.line, (qrel.query_id, qrel.doc_id, qrel.grade), (query_ids, doc_ids, scale), bad)
    return Reading(source=source, doc_ids=doc_ids, queries=labels.queries, qrels=[qrel for _, qrel in found])


def import_collection(  # noqa: PLR0913 - what a person may say of a data set
    store: Store,
    *,
    name: str,
    path: Path | Source,
    qrels: Path | None = None,
    split: str | None = None,
    assessor: str | None = None,
    kind: AssessorKind | None = None,
    scale: Scale | None = None,
    grades: Mapping[int, int] | None = None,
    authored: bool = False,
    by: str = "",
    on_progress: OnProgress | None = None,
) -> Collection:
    """Import documents with, where the source has them, queries and (where an assessor is named) labels. Raises
    ImportRefusedError with all bad rows, SettingsError for labels without an assessor; nothing is stored then. Without
    a scale it is the one of the source's manifest, else the default. `by`: who imports it."""
    owner = owner_of(store, assessor, kind, authored=authored)
    if qrels is not None and owner is None:
        raise SettingsError("Labels were given without an assessor.", mend=OWNER)
    source = path if isinstance(path, Source) else source_of(path, split=split)
    if owner is None:
        source = replace(source, gold=lambda _: [])
    scale = scale or source.scale or DEFAULT_SCALE
    reading = read_data_set(source, qrels=qrels, split=split, scale=scale, grades=grades, on_progress=on_progress)
    if owner is not None and not reading.qrels:
        raise SettingsError(
            f"{source.path} has no labels to import.", mend="Name a file of labels, or leave the assessor out."
        )
    collection_id, total = new_id(), len(reading.doc_ids)
    return store.collections.add(
        collection_id=collection_id,
        name=name,
        scale=scale,
        documents=reading.documents(),
        queries=reading.queries,
        judgments=[] if owner is None else reading.judgments(collection_id, owner),
        assessors=[] if owner is None else [owner],
        by=by,
        source=source.path.name + (f" {source.domain}" if source.domain else ""),
        on_progress=None if on_progress is None else lambda done: on_progress("Storing documents", done, total),
    )


def _gold(source: Source, scale: Scale, grades: Mapping[int, int] | None, bad: BadRows) -> list[tuple[Path, Qrel]]:
    """Labels that a source has in no file of their own. Where they know relevant documents alone, on a scale of more
    grades somebody must say which of them that is."""
    found = source.gold(bad)
    if found and not source.graded and grades is None and scale.highest > 1:
        raise SettingsError(
            f"The gold documents of {source.path} are relevant or not; the scale {scale.name} has "
            f"{len(scale.grades)} grades.",
            mend=f"Use a scale of two grades (prorank), or say which grade is meant: 1={scale.highest}.",
        )
    return found


def _doc_ids(source: Source, bad: BadRows, on_progress: OnProgress | None) -> frozenset[str]:
    doc_ids: set[str] = set()
    for document in source.documents(bad):
        doc_ids.add(document.doc_id)
        if on_progress is not None and len(doc_ids) % 1000 == 0:
            on_progress("Reading documents", len(doc_ids), None)
    if not doc_ids and not bad.count:
        bad.add(source.path, 1, "there are no documents in it")
    return frozenset(doc_ids)
