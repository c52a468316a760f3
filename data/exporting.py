"""Judgments, collections and rankings as bundles of files. Counts are known before anything is written."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from data.bundle import Bundle
from data.errors import NotFoundError, SettingsError
from data.formats.event_table import write_event_table
from data.formats.events import event_line, write_events
from data.formats.jsonl import write_documents, write_queries
from data.formats.trec import Qrel, ScoredDoc, write_beir_qrels, write_qrels, write_run
from data.grading import REFUSE, Graded, graded
from data.orders import Order, Stock
from data.records import Assessor, AssessorKind, Collection, Judgment, Query, Split
from data.store import Store

BATCH = 1000
BEIR_SPLITS = {Split.TRAIN: "train", Split.DEVELOPMENT: "dev", Split.HELDOUT: "test"}
"""What BEIR's tools call the files of labels; the queries' own metadata say WhyRank's word."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose judgments are meant: of these kinds, of this name."""

    kinds: tuple[AssessorKind, ...] = tuple(AssessorKind)
    assessor: str | None = None

    def among(self, assessors: Iterable[Assessor]) -> dict[str, Assessor]:
        """The assessors meant, by id; raises NotFoundError with the names there are."""
        of_kind = {a.assessor_id: a for a in assessors if a.kind in self.kinds}
        if self.assessor is None:
            return of_kind
        found = {key: a for key, a in of_kind.items() if a.name == self.assessor}
        if not found:
            names = ", ".join(sorted({a.name for a in of_kind.values()}))
            raise NotFoundError(
                f"There is no such assessor {self.assessor!r}.",
                mend=f"Use one of: {names}." if names else "Ask for other assessors: nobody of this kind judged yet.",
            )
        return found

    @property
    def filters(self) -> dict[str, Any]:
        """As a manifest says it."""
        return {"kinds": [kind.value for kind in self.kinds], "assessor": self.assessor}


def grades_of(store: Store, collection: Collection, whose: Whose, rule: str) -> Graded:
    """One grade for every pair; raises ConflictError for conflicts under the rule `refuse`."""
    chosen = whose.among(store.assessors.list())
    said = store.gradings.current(collection.collection_id, assessor_ids=sorted(chosen))
    return graded(said, {key: assessor.kind for key, assessor in chosen.items()}, rule)


def qrels_bundle(store: Store, collection: Collection, whose: Whose, rule: str) -> Bundle:
    """TREC qrels: a grade for every pair that somebody could judge."""
    found = grades_of(store, collection, whose, rule)
    return Bundle(
        format="trec-qrels",
        collection=collection,
        files={"qrels.txt": (write_qrels([qrel]) for qrel in _qrels(found))},
        counts=_label_counts(found),
        filters=whose.filters | {"conflicts": rule},
    )


def beir_bundle(store: Store, collection: Collection, whose: Whose, rule: str, queries: Sequence[Query]) -> Bundle:
    """A BEIR folder. `queries`: all of the collection's, each with its split; a file of labels for every split."""
    found = grades_of(store, collection, whose, rule)
    splits = {query.query_id: query.split for query in queries}
    files: dict[str, Iterable[str]] = {
        "corpus.jsonl": (write_documents([each]) for each in store.collections.documents(collection.collection_id)),
        "queries.jsonl": (write_queries([query]) for query in queries),
    }
    for split, name in BEIR_SPLITS.items():
        if labels := [qrel for qrel in _qrels(found) if splits[qrel.query_id] is split]:
            files[f"qrels/{name}.tsv"] = write_beir_qrels(labels)
    return Bundle(
        format="beir",
        collection=collection,
        files=files,
        counts={"documents": collection.documents, "queries": len(queries)} | _label_counts(found),
        filters=whose.filters | {"conflicts": rule},
    )


def events_bundle(store: Store, collection: Collection, whose: Whose) -> Bundle:
    """Every event, also those that were replaced or undone since, as JSONL."""
    chosen = whose.among(store.assessors.list())
    counts = store.judgments.event_counts(collection.collection_id)
    return Bundle(
        format="jsonl",
        collection=collection,
        files={"judgments.jsonl": (event_line(e, chosen[e.assessor_id]) for e in _events(store, collection, chosen))},
        counts={"events": sum(count for key, count in counts.items() if key in chosen)},
        filters=whose.filters,
    )


def table_bundle(store: Store, collection: Collection, whose: Whose) -> Bundle:
    """The current judgments as a CSV, for people."""
    chosen = whose.among(store.assessors.list())
    counts = store.judgments.counts(collection.collection_id)
    queries = {query.query_id: query.text for query in store.collections.queries(collection.collection_id)}
    return Bundle(
        format="csv",
        collection=collection,
        files={"judgments.csv": _table(store, collection, chosen, queries)},
        counts={"judgments": sum(sum(states.values()) for key, states in counts.items() if key in chosen)},
        filters=whose.filters,
    )


def run_bundle(store: Store, collection: Collection, made: Stock, version_name: str) -> Bundle:
    """What a system ranked, as a TREC run, with its scores as JSONL. The run's own scores fall by rank and say nothing
    else: its readers go by them alone."""
    orders = [
        order
        for order in store.rankings.orders(
            collection.collection_id,
            version_id=made.version_id,
            method=made.method,
            depth=made.depth,
            fusion_weight=made.fusion_weight,
        )
        if order.retriever == made.retriever
    ]
    tag = "_".join(f"{version_name} {made.method}".split())
    return Bundle(
        format="trec-run",
        collection=collection,
        files={
            "run.txt": (write_run({order.query_id: _falling(order)}, tag) for order in orders),
            "scores.jsonl": (line for order in orders for line in _score_lines(order)),
        },
        counts={"queries": len(orders), "documents": sum(len(order.places) for order in orders)},
        filters={
            "version": version_name,
            "version_id": made.version_id,
            "method": made.method,
            "depth": made.depth,
            "fusion_weight": made.fusion_weight,
            "retriever": made.retriever,
        },
    )


def export_judgments(
    store: Store,
    collection: Collection,
    *,
    format: str,
    kinds: Sequence[AssessorKind] | None = None,
    assessor: str | None = None,
) -> str:
    """The text of a file. `trec`: current grades, people's conflicts as they were settled; ConflictError where several
    assessors give a pair different grades otherwise. `jsonl`: every event, oldest first, as `import_judgments` reads
    them."""
    whose = Whose(kinds=tuple(AssessorKind) if kinds is None else tuple(kinds), assessor=assessor)
    if format == "trec":
        return write_qrels(_qrels(grades_of(store, collection, whose, REFUSE)))
    if format == "jsonl":
        chosen = whose.among(store.assessors.list())
        return write_events(_events(store, collection, chosen), chosen)
    raise SettingsError(f"There is no format {format!r} for judgments here.", mend="Use trec or jsonl.")


def _qrels(found: Graded) -> list[Qrel]:
    return [Qrel(query_id=q, doc_id=d, grade=grade) for (q, d), grade in found.grades.items()]


def _label_counts(found: Graded) -> dict[str, int]:
    return {
        "labels": len(found.grades),
        "labelled_queries": len({query_id for query_id, _ in found.grades}),
        "conflicts": found.conflicts,
        "conflicts_left_out": found.left_out,
        "cant_judge_left_out": found.cant_judge,
    }


def _events(store: Store, collection: Collection, chosen: Mapping[str, Assessor]) -> Iterator[Judgment]:
    return (event for event in store.judgments.events(collection.collection_id) if event.assessor_id in chosen)


def _table(
    store: Store, collection: Collection, assessors: Mapping[str, Assessor], queries: Mapping[str, str]
) -> Iterator[str]:
    """Judgments are read when the first line is asked for; documents' titles a batch at a time, as their texts come
    along."""
    titles: dict[str, str] = {}

    def rows() -> Iterator[tuple[Judgment, Assessor]]:
        judgments = store.judgments.current(collection.collection_id, assessor_ids=sorted(assessors))
        for batch in _batches(judgments):
            doc_ids = sorted({judgment.doc_id for judgment in batch})
            found = store.collections.documents_by_id(collection.collection_id, doc_ids)
            titles.update((doc_id, document.title) for doc_id, document in found.items())
            yield from ((judgment, assessors[judgment.assessor_id]) for judgment in batch)

    return write_event_table(rows(), queries, titles)


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _falling(order: Order) -> list[ScoredDoc]:
    count = len(order.places)
    return [
        ScoredDoc(doc_id=place.doc_id, rank=rank, score=float(count - rank + 1))
        for rank, place in enumerate(order.places, start=1)
    ]


def _score_lines(order: Order) -> Iterator[str]:
    for rank, place in enumerate(order.places, start=1):
        facts = {
            "query_id": order.query_id,
            "doc_id": place.doc_id,
            "rank": rank,
            "score": place.score,
            "raw_score": place.raw_score,
            "grade": place.grade,
            "first_stage_rank": place.first_stage_rank,
        }
        yield json.dumps(facts, ensure_ascii=False) + "\n"
