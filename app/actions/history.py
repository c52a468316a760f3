"""What the History page does: every event of a pair with what changed, and a searchable list of all events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.actions import judging
from app.actions.opinions import who
from data.formats.csv_file import write_csv
from data.history import Line, Wanted
from data.records import Assessor, Collection, Document, Judgment, Query, Status
from data.settling import Pair
from engine.explanation.changes import Change, changes
from engine.workbench import Workbench

PER_PAGE = 25
_COLUMNS = (
    "created_at",
    "assessor",
    "kind",
    "query_id",
    "doc_id",
    "before",
    "after",
    "undoes",
    "undone",
    "explanation",
    "note",
    "settles",
    "model_visible",
    "seconds_spent",
    "guideline_version",
    "event_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event of a pair, and what it changed."""

    judgment: Judgment
    assessor: Assessor
    before: Judgment | None
    """What the same assessor had said just before."""
    is_undo: bool
    undone: bool
    changes: tuple[Change, ...]
    """From the explanation before, or the one this started from, to this one."""
    started_from: str | None
    """Whose explanation it started from, where that was another's."""
    settled: tuple[str, ...]
    """Whose judgments it settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A pair and all that was ever said of it, oldest first."""

    query: Query
    document: Document
    steps: tuple[Step, ...]


def story(workbench: Workbench, collection: Collection, pair: Pair) -> Story:
    """Everything that was said of a pair; raises NotFoundError where it is not in the collection."""
    query, document = judging.pair(workbench, collection, *pair)
    store, collection_id = workbench.store, collection.collection_id
    assessors = store.assessors.by_id()
    marks = {line.event_id: line for line in store.history.all(collection_id, Wanted(pair=pair))}
    events: dict[str, Judgment] = {}
    newest: dict[str, Judgment] = {}
    steps = []
    for event in store.judgments.history(collection_id, *pair):
        before = newest.get(event.assessor_id)
        steps.append(_step(event, before, marks[event.event_id], events, assessors))
        events[event.event_id] = newest[event.assessor_id] = event
    return Story(query=query, document=document, steps=tuple(steps))


def _step(
    event: Judgment,
    before: Judgment | None,
    mark: Line,
    earlier: Mapping[str, Judgment],
    assessors: Mapping[str, Assessor],
) -> Step:
    own = before is not None and before.explanation is not None
    origin = None if own or event.explanation is None else earlier.get(event.edited_from or "")
    old = origin or before
    return Step(
        judgment=event,
        assessor=assessors[event.assessor_id],
        before=before,
        is_undo=mark.undoes is not None,
        undone=mark.undone,
        changes=changes((old.explanation if old else None) or "", event.explanation or ""),
        started_from=who(assessors[origin.assessor_id]) if origin else None,
        settled=tuple(who(assessors[earlier[e].assessor_id]) for e in event.settles if e in earlier),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of events."""

    lines: tuple[Line, ...]
    """The newest first."""
    count: int
    """Of all pages."""
    assessors: Mapping[str, Assessor]


def listing(workbench: Workbench, collection: Collection, wanted: Wanted, *, page: int) -> Listing:
    """The `page`-th page, from 1 on."""
    store, collection_id = workbench.store, collection.collection_id
    return Listing(
        lines=tuple(store.history.page(collection_id, wanted, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)),
        count=store.history.count(collection_id, wanted),
        assessors=store.assessors.by_id(),
    )


def answer(status: Status | None, grade: int | None) -> str:
    """A grade, else the status in a word; empty where nothing was said."""
    if status is None or status is Status.WITHDRAWN:
        return ""
    return str(grade) if grade is not None else status.value


def as_csv(workbench: Workbench, collection: Collection, wanted: Wanted) -> str:
    """Every event asked for as a file, with whole explanations."""
    return "".join(write_csv(_COLUMNS, _rows(workbench, collection, wanted)))


def _rows(workbench: Workbench, collection: Collection, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    store, collection_id = workbench.store, collection.collection_id
    assessors = store.assessors.by_id()
    for line in store.history.all(collection_id, wanted, whole=True):
        assessor = assessors[line.assessor_id]
        yield (
            line.created_at.isoformat(),
            assessor.name,
            assessor.kind.value,
            line.query_id,
            line.doc_id,
            answer(line.status_before, line.grade_before),
            answer(line.status, line.grade),
            line.undoes or "",
            "yes" if line.undone else "",
            line.explanation or "",
            line.note or "",
            " ".join(line.settles),
            "yes" if line.model_visible else "no",
            "" if line.seconds_spent is None else f"{line.seconds_spent:.1f}",
            "" if line.guideline_version is None else str(line.guideline_version),
            line.event_id,
        )
