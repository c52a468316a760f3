"""Systems beside each other on one query: every document with its rank, grade and reason in each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.actions.opinions import Opinion, opinions
from app.actions.systems import Kind, Line, Making, System, lines
from data.records import AssessorKind, Collection, Document, Evidence, Query, RankedDocument
from engine.workbench import Workbench
from training import labels as labelling

TOP = 10
"""Ranks shown of each system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one system makes of a document."""

    rank: int | None
    """None: the document is not in its order."""
    move: int | None = None
    """Places above (positive) or below where the system stands that it is held against; None where one lacks it."""
    grade: int | None = None
    expected: float | None = None
    explanation: str = ""
    evidence: tuple[Evidence, ...] = ()
    unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A document that stands high in one of the systems."""

    document: Document
    label: int | None
    """The grade people agree on."""
    cells: Mapping[str, Cell]
    """system_id -> cell"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One query in several systems."""

    query: Query
    systems: tuple[System, ...]
    rows: tuple[Row, ...]
    """In the first system's order; then what only the others have."""
    lacking: tuple[System, ...]
    """Systems without an order of this query."""


def beside(
    workbench: Workbench,
    collection: Collection,
    systems: Sequence[System],
    query_id: str,
    making: Making | None = None,
) -> Beside:
    """Look at one query. Raises NotFoundError where it is not in the collection."""
    store, collection_id = workbench.store, collection.collection_id
    query = store.collections.query(collection_id, query_id)
    found = lines(workbench, collection, systems, {query_id: query}, making)
    given = {s.system_id: found[s.system_id][query_id] for s in systems if query_id in found[s.system_id]}
    doc_ids = list(dict.fromkeys(spot.doc_id for line in given.values() for spot in line.spots[:TOP]))
    documents = store.collections.documents_by_id(collection_id, doc_ids)
    said = opinions(store, collection_id, query_id, doc_ids)
    labels = _labels(said, query)
    cells = {
        system.system_id: _cells(workbench, system, given[system.system_id], said)
        for system in systems
        if system.system_id in given
    }
    against = {doc_id: cell.rank for doc_id, cell in cells.get(systems[1].system_id, {}).items()}
    return Beside(
        query=query,
        systems=tuple(systems),
        rows=tuple(
            Row(
                document=documents[doc_id],
                label=labels.get(doc_id),
                cells={
                    system_id: _moved(
                        of_system.get(doc_id), against.get(doc_id), moves=system_id != systems[1].system_id
                    )
                    for system_id, of_system in cells.items()
                },
            )
            for doc_id in doc_ids
        ),
        lacking=tuple(system for system in systems if system.system_id not in given),
    )


def _labels(said: Mapping[str, Sequence[Opinion]], query: Query) -> Mapping[str, int]:
    people = [o for given in said.values() for o in given if o.assessor.kind is AssessorKind.HUMAN]
    assessors = {o.assessor.assessor_id: o.assessor for o in people}
    found = labelling.of_people([query], [o.judgment for o in people], assessors)
    return found.qrels.get(query.query_id, {})


def _cells(workbench: Workbench, system: System, line: Line, said: Mapping[str, Sequence[Opinion]]) -> dict[str, Cell]:
    """doc_id -> what the system makes of it. Rankings made for a comparison have no explanations: then the version's
    own words from elsewhere stand for them."""
    ranked: dict[str, RankedDocument] = {}
    if system.kind is Kind.RANKED and line.ranking_id is not None:
        ranked = {d.doc_id: d for d in workbench.store.rankings.get(line.ranking_id).documents}
    found = {}
    for spot in line.spots:
        document = ranked.get(spot.doc_id)
        explanation: str = ""
        evidence: tuple[Evidence, ...] = ()
        if document is not None and document.explanation:
            explanation, evidence = document.explanation, document.evidence
        elif system.kind in (Kind.RANKED, Kind.GRADES):
            explanation, evidence = _words(system, said.get(spot.doc_id, ()))
        found[spot.doc_id] = Cell(
            rank=spot.rank,
            grade=spot.grade,
            expected=spot.expected,
            explanation=explanation,
            evidence=evidence,
            unreadable=document is not None and document.unreadable is not None,
        )
    return found


def _words(system: System, said: Sequence[Opinion]) -> tuple[str, tuple[Evidence, ...]]:
    """The system's explanation among what is said of a document."""
    for opinion in said:
        mine = (
            opinion.assessor.version_id == system.version_id
            if system.kind is Kind.RANKED
            else opinion.assessor.assessor_id in system.assessor_ids
        )
        if mine and opinion.judgment.explanation:
            return opinion.judgment.explanation, opinion.judgment.evidence
    return "", ()


def _moved(cell: Cell | None, against: int | None, *, moves: bool) -> Cell:
    if cell is None or cell.rank is None:
        return Cell(rank=None)
    if not moves or against is None:
        return cell
    return replace(cell, move=against - cell.rank)
