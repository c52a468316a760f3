"""What the Judge page puts on the screen: pairs as the browser paints them, with what may be seen of others.

What a blind person may not see yet does not leave the server: an answer of a model is sent once it is decided upon.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.actions import desk as desks
from app.actions import judging, strokes
from app.actions.desk import Desk
from app.actions.opinions import who
from app.actions.people import require_own
from app.actions.queue import Strategy
from data.people import Person
from data.records import DECIDED, Assessor, AssessorKind, Collection, Evidence, Judgment
from data.settling import Pair
from engine.explanation.evidence import locate
from engine.workbench import Workbench

DOCUMENT = 20_000
"""Characters of a document that are sent at first; the rest comes in such pieces when it is asked for."""
LISTED = 4_000
"""Characters of a document in a list."""
WINDOW = 400_000
"""Characters of all documents sent at once: with long ones, fewer are sent ahead."""
QUERY = 4_000
EXPLANATION = 4_000
UNDOABLE = 30
NOTHING = (
    "Nothing waits here. Pairs come from rankings (Explore) and from judgments of models that nobody has checked. "
    "What somebody judged already waits under Overlap, and under \u2260 People where the student differs."
)
NOTHING_LISTED = "Nothing is listed for this query. Rank it on Explore, or import judgments of it."
_ORDER = {AssessorKind.STUDENT: 0, AssessorKind.TEACHER: 1, AssessorKind.HUMAN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the browser sent with its last message."""

    desk_id: str = ""
    at: int = 0
    beat: int = 0
    """Number of the message: told back, so that the browser knows that it was heard."""
    outbox: tuple[Any, ...] = ()
    more: tuple[str, int] | None = None
    """(doc_id, character) from which on more of a document is wanted."""


def read(state: Any) -> Sent:
    """The browser's message. What has another form counts as not sent: it comes from outside."""
    if not isinstance(state, Mapping):
        return Sent()
    more = state.get("more")
    numbers = {name: state.get(name) for name in ("at", "beat")}
    return Sent(
        desk_id=str(state.get("desk") or ""),
        **{name: value for name, value in numbers.items() if isinstance(value, int)},
        outbox=tuple(state.get("outbox") or ()) if isinstance(state.get("outbox"), Sequence) else (),
        more=_more(more),
    )


def _more(given: Any) -> tuple[str, int] | None:
    if isinstance(given, Mapping) and isinstance(given.get("start"), int) and given["start"] >= 0:
        return str(given.get("doc_id") or ""), given["start"]
    return None


def take(
    workbench: Workbench,
    collection: Collection,
    by: Person,
    desk: Desk,
    sent: Sent,
    known: Mapping[str, strokes.Answer],
) -> dict[str, strokes.Answer]:
    """Store what was sent, and go where the person went; event_id -> what is said of it. `known` answers are given
    again without looking: a message holds all strokes that were not acknowledged when it was written."""
    require_own(by, desk.assessor_name)
    given, refused = strokes.read(sent.outbox)
    fresh = [stroke for stroke in given if stroke.event_id not in known]
    answers = strokes.apply(workbench, collection, desk.assessor_name, fresh)
    pairs = {stroke.event_id: (stroke.query_id, stroke.doc_id) for stroke in fresh if stroke.kind != "undo"}
    desks.answered(desk, (pairs[a.event_id] for a in answers if a.saved and a.event_id in pairs))
    undone = {stroke.event_id: (stroke.query_id, stroke.doc_id) for stroke in fresh if stroke.kind == "undo"}
    for answer in answers:
        if answer.saved and answer.event_id in undone:
            desks.taken_back(desk, undone[answer.event_id])
    if sent.desk_id == desk.desk_id:
        desks.move(workbench, desk, sent.at)
    now = {answer.event_id: answer for answer in (*refused, *answers)}
    kept = {stroke.event_id: known[stroke.event_id] for stroke in given if stroke.event_id in known}
    return kept | now


def data(
    workbench: Workbench,
    collection: Collection,
    desk: Desk,
    sent: Sent,
    answers: Mapping[str, strokes.Answer],
    *,
    blind: bool,
) -> dict[str, Any]:
    """Everything the browser is told."""
    blind = blind or desk.choice.strategy is Strategy.POOL
    levels = [{"grade": v.grade, "name": v.name, "definition": v.definition} for v in collection.scale.levels]
    return {
        "desk": desk.desk_id,
        "view": "list" if desk.is_list else "pair",
        "collection_id": collection.collection_id,
        "assessor_id": desk.assessor_id,
        "scale": levels,
        "guidelines": collection.guidelines,
        "guideline_version": collection.guideline_version,
        "blind": blind,
        "heard": sent.beat,
        "at": desk.at,
        "first": desk.first,
        "stop": desk.end,
        "ended": desk.ended,
        "elsewhere": desks.held_by_others(workbench, desk) if desk.ended and desk.at == desk.end else 0,
        "nothing": NOTHING_LISTED if desk.is_list else NOTHING,
        "problem": desk.problem,
        "items": paint(workbench, collection, desk, blind=blind),
        "answers": acknowledged(desk, sent, answers),
        "undoable": undoable(workbench, desk),
        "progress": progress(workbench, desk),
        "more": more(workbench, collection, sent.more),
    }


def acknowledged(desk: Desk, sent: Sent, answers: Mapping[str, strokes.Answer]) -> list[dict[str, Any]]:
    """The answers as the browser takes them; with an undo's goes the place of its pair in the line."""
    places = {}
    for row in sent.outbox:
        if isinstance(row, Mapping) and row.get("kind") == "undo":
            pair = (str(row.get("query_id")), str(row.get("doc_id")))
            places[str(row.get("event_id"))] = desk.number_of(pair)
    return [
        {"event_id": a.event_id, "final": a.final, "saved": a.saved, "words": a.words, "at": a.at}
        | {"n": places.get(a.event_id)}
        for a in answers.values()
    ]


def paint(workbench: Workbench, collection: Collection, desk: Desk, *, blind: bool) -> list[dict[str, Any]]:
    """The items around the person, ready for the browser. Texts are cut to what fits on a screen."""
    shown = desk.shown()
    store, collection_id = workbench.store, collection.collection_id
    pairs = {item.pair for _, item in shown}
    doc_ids, query_ids = {d for _, d in pairs}, {q for q, _ in pairs}
    queries = store.excerpts.queries(collection_id, query_ids, most=QUERY)
    documents = store.excerpts.of(collection_id, doc_ids, most=LISTED if desk.is_list else DOCUMENT)
    said = _said(workbench, collection_id, pairs)
    assessors = store.assessors.by_id()
    painted, characters = [], 0
    for n, item in shown:
        document = documents.get(item.doc_id)
        if document is None or item.query_id not in queries:
            continue  # deleted since it was handed out
        characters += len(document.text)
        if not desk.is_list and n > desk.at + desks.FEWEST and characters > WINDOW:
            break
        judgments = said.get(item.pair, [])
        mine = next((j for j in judgments if j.assessor_id == desk.assessor_id), None)
        others = [j for j in judgments if j.assessor_id != desk.assessor_id]
        revealed = not blind or (mine is not None and mine.status in DECIDED)
        painted.append(
            {
                "n": n,
                "query_id": item.query_id,
                "doc_id": item.doc_id,
                "query": queries[item.query_id],
                "title": document.title,
                "text": document.text,
                "length": document.length,
                "reason": item.reason if revealed else item.blind_reason,
                "locked": item.pair in desk.locked,
                "mine": _mine(workbench, mine, assessors),
                "others": _others(others, assessors, document.title) if revealed else None,
            }
        )
    return painted


def more(workbench: Workbench, collection: Collection, wanted: tuple[str, int] | None) -> dict[str, Any] | None:
    """The next piece of a document."""
    if wanted is None:
        return None
    doc_id, start = wanted
    part = workbench.store.excerpts.of(collection.collection_id, [doc_id], most=DOCUMENT, start=start).get(doc_id)
    return None if part is None else {"doc_id": doc_id, "start": part.start, "text": part.text}


def undoable(workbench: Workbench, desk: Desk) -> list[dict[str, Any]]:
    """The person's newest answers that can be taken back, oldest first, with their place in the line if they have
    one."""
    found = []
    for judgment in workbench.store.judgments.standing(desk.collection_id, desk.assessor_id, limit=UNDOABLE):
        pair = (judgment.query_id, judgment.doc_id)
        found.append({"event_id": judgment.event_id, "query_id": pair[0], "doc_id": pair[1], "n": desk.number_of(pair)})
    return found[::-1]


def progress(workbench: Workbench, desk: Desk) -> dict[str, int]:
    """How much this person has judged in all and today (where the app runs), and what is left in the queue."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    judged, today = workbench.store.judgments.tally(desk.collection_id, desk.assessor_id, midnight)
    return {"judged": judged, "today": today, "left": desk.left}


def _said(workbench: Workbench, collection_id: str, pairs: Iterable[Pair]) -> dict[Pair, list[Judgment]]:
    wanted = set(pairs)
    found: dict[Pair, list[Judgment]] = {}
    current = workbench.store.judgments.current(
        collection_id, query_ids=sorted({q for q, _ in wanted}), doc_ids=sorted({d for _, d in wanted})
    )
    for judgment in current:
        if (judgment.query_id, judgment.doc_id) in wanted:
            found.setdefault((judgment.query_id, judgment.doc_id), []).append(judgment)
    return found


def _others(judgments: Iterable[Judgment], assessors: Mapping[str, Assessor], title: str) -> list[dict[str, Any]]:
    """Students, then teachers, then people."""

    def place(judgment: Judgment) -> tuple[int, str, str]:
        assessor = assessors[judgment.assessor_id]
        return _ORDER[assessor.kind], assessor.name, judgment.event_id

    return [_other(judgment, assessors, title) for judgment in sorted(judgments, key=place)]


def _mine(workbench: Workbench, mine: Judgment | None, assessors: Mapping[str, Assessor]) -> dict[str, Any] | None:
    if mine is None:
        return None
    own = set(judging.spans(mine))
    places = _places(mine.evidence)
    return {
        "event_id": mine.event_id,
        "status": mine.status.value,
        "grade": mine.grade,
        "explanation": mine.explanation or "",
        "origin": _origin(workbench, mine, assessors),
        "spans": [list(place) for place in places if place in own],
        "quoted": [list(place) for place in places if place not in own],
        "missing": [e.quote for e in mine.evidence if e.start_char is None],
    }


def _origin(workbench: Workbench, mine: Judgment, assessors: Mapping[str, Assessor]) -> dict[str, str] | None:
    """The text that the person's own began as."""
    begun = workbench.store.judgments.find(mine.edited_from) if mine.edited_from else None
    if begun is None or begun.assessor_id not in assessors:
        return None
    return {"who": who(assessors[begun.assessor_id]), "text": (begun.explanation or "")[:EXPLANATION]}


def _other(judgment: Judgment, assessors: Mapping[str, Assessor], title: str) -> dict[str, Any]:
    assessor = assessors[judgment.assessor_id]
    missing = [e.quote for e in judgment.evidence if e.start_char is None and locate(e.quote, title).start_char is None]
    return {
        "event_id": judgment.event_id,
        "who": who(assessor),
        "kind": assessor.kind.value,
        "status": judgment.status.value,
        "grade": judgment.grade,
        "explanation": (judgment.explanation or "")[:EXPLANATION],
        "quoted": [list(place) for place in _places(judgment.evidence)],
        "missing": missing,
        "note": (judgment.note or "")[:EXPLANATION],
    }


def _places(evidence: Iterable[Evidence]) -> list[tuple[int, int]]:
    return [(e.start_char, e.end_char) for e in evidence if e.start_char is not None and e.end_char is not None]
