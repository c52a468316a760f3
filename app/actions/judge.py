"""What the Judge page does: which pairs to judge, in which order, and where a person is among them.

The order is computed once per visit, from ids and grades alone; a key press then costs one pair's look-up and one
write. No model works here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.actions import judging
from app.actions.opinions import Opinion, of, of_others, opinions
from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Ranking, Status
from engine.workbench import Workbench

Pair = tuple[str, str]
"""(query_id, doc_id)"""
RANKINGS = 200
"""How many of the newest rankings say which documents stand high."""


class Order(StrEnum):
    """Which pairs are shown, and which come first."""

    USEFUL = "useful"
    """Disagreement first, then what stands high in rankings and was never judged by this person."""
    DISAGREEMENT = "disagreement"
    NEVER = "never"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A pair in a queue, and why it is there."""

    query_id: str
    doc_id: str
    difference: int = 0
    """Largest difference between the grades of assessors of different kinds."""
    best_rank: int | None = None
    """Its best place in a stored ranking."""

    @property
    def pair(self) -> Pair:
        """(query_id, doc_id)"""
        return self.query_id, self.doc_id


@dataclass(slots=True, kw_only=True)
class Desk:
    """Where a person is: the pairs laid out, and the one on top. Changed in place by the page."""

    collection_id: str
    assessor_name: str
    order: Order
    items: list[Item]
    position: int = 0

    @property
    def item(self) -> Item | None:
        """The pair on top; None at the end of the queue."""
        return self.items[self.position] if self.position < len(self.items) else None

    def next(self) -> None:
        """One pair on, at most to behind the last."""
        self.position = min(self.position + 1, len(self.items))

    def previous(self) -> None:
        """One pair back."""
        self.position = max(self.position - 1, 0)

    def open(self, pair: Pair) -> None:
        """Put this pair on top; one that is not in the queue is laid in before the present one."""
        for i, item in enumerate(self.items):
            if item.pair == pair:
                self.position = i
                return
        self.items.insert(self.position, Item(query_id=pair[0], doc_id=pair[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One pair with all that is said of it."""

    query: Query
    document: Document
    mine: Judgment | None
    others: tuple[Opinion, ...]

    @property
    def decided(self) -> bool:
        """Has this person given an answer that models can no longer sway?"""
        return self.mine is not None and self.mine.status in (Status.JUDGED, Status.CANT_JUDGE)

    @property
    def start(self) -> Judgment | None:
        """Whose explanation a correction starts from: the newest student's, else a teacher's."""
        explained = [o for o in self.others if o.judgment.explanation]
        for kind in (AssessorKind.STUDENT, AssessorKind.TEACHER):
            said = [o.judgment for o in explained if o.assessor.kind is kind]
            if said:
                return max(said, key=lambda judgment: judgment.created_at)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Painting:
    """A sheet as it was put on the screen: what a key pressed there means."""

    event_id: str
    pair: Pair
    blind: bool
    """Does the person want to decide before models are shown?"""
    revealed: bool
    """Are the others' answers on the screen?"""
    model_visible: bool
    started_from: Judgment | None
    """Whose explanation the text field started from; None: the person's own, or an empty field."""
    text: str
    """What the text field started with."""

    @property
    def text_key(self) -> str:
        """Key of the explanation's widget: another painting has another field."""
        return f"judge_text:{self.event_id}:{self.revealed}"

    def goes_on(self, status: Status) -> bool:
        """Does an answer lead to the next pair? Not where there is now something to be shown of this one."""
        return not self.blind or status is not Status.JUDGED


def paint(sheet: Sheet, *, blind: bool, event_id: str) -> Painting:
    """Decide what of a sheet may be seen. In blind mode the others are hidden until this person has decided."""
    revealed = not blind or sheet.decided
    own = sheet.mine.explanation if sheet.mine else None
    start = sheet.start if revealed and not own else None
    models = any(o.assessor.kind is not AssessorKind.HUMAN for o in sheet.others)
    return Painting(
        event_id=event_id,
        pair=(sheet.query.query_id, sheet.document.doc_id),
        blind=blind and bool(sheet.others),
        revealed=revealed,
        model_visible=revealed and models,
        started_from=start,
        text=own or (start.explanation if start else None) or "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much this person has judged."""

    judged: int
    today: int
    left: int
    """Pairs of the collection that somebody ranked or judged, and this person did not."""


def sit_down(workbench: Workbench, collection: Collection, name: str, order: Order) -> Desk:
    """Lay out a queue for this person."""
    store = workbench.store
    me = judging.person(workbench, name)
    items = queue(
        store.judgments.current(collection.collection_id),
        {a.assessor_id: a for a in store.assessors.list()},
        store.rankings.recent(collection.collection_id, limit=RANKINGS),
        me=me.assessor_id,
        order=order,
    )
    return Desk(collection_id=collection.collection_id, assessor_name=name, order=order, items=items)


def queue(
    judgments: Iterable[Judgment],
    assessors: Mapping[str, Assessor],
    rankings: Iterable[Ranking],
    *,
    me: str,
    order: Order,
) -> list[Item]:
    """The pairs of a queue in their order; what this person decided or skipped is not among them."""
    given: dict[Pair, list[Judgment]] = {}
    for judgment in judgments:
        given.setdefault((judgment.query_id, judgment.doc_id), []).append(judgment)
    ranks = best_ranks(rankings)
    items = []
    for pair in dict.fromkeys([*given, *ranks]):
        said = given.get(pair, [])
        mine = next((j.status for j in said if j.assessor_id == me), None)
        if (mine is Status.LATER) if order is Order.LATER else mine is None:
            difference = disagreement(said, assessors)
            items.append(Item(query_id=pair[0], doc_id=pair[1], difference=difference, best_rank=ranks.get(pair)))
    if order is Order.DISAGREEMENT:
        items = [item for item in items if item.difference > 0]
    by_rank = order is Order.NEVER
    return sorted(items, key=lambda item: _place(item, by_rank=by_rank))


def _place(item: Item, *, by_rank: bool) -> tuple[int, bool, int, str, str]:
    disagreed = 0 if by_rank else -item.difference
    return disagreed, item.best_rank is None, item.best_rank or 0, item.query_id, item.doc_id


def disagreement(judgments: Sequence[Judgment], assessors: Mapping[str, Assessor]) -> int:
    """The largest difference between grades of assessors of different kinds (student, teacher, people)."""
    grades: dict[AssessorKind, list[int]] = {}
    for judgment in judgments:
        if judgment.grade is not None:
            grades.setdefault(assessors[judgment.assessor_id].kind, []).append(judgment.grade)
    return max(
        (max(a) - min(b) for one, a in grades.items() for other, b in grades.items() if one is not other), default=0
    )


def best_ranks(rankings: Iterable[Ranking]) -> dict[Pair, int]:
    """The best place of each pair over these rankings."""
    best: dict[Pair, int] = {}
    for ranking in rankings:
        for document in ranking.documents:
            pair = (ranking.query_id, document.doc_id)
            best[pair] = min(document.rank, best.get(pair, document.rank))
    return best


def sheet(workbench: Workbench, collection: Collection, name: str, pair: Pair) -> Sheet:
    """Everything about one pair; raises NotFoundError where it is not in the collection."""
    query, document = judging.pair(workbench, collection, *pair)
    me = judging.person(workbench, name).assessor_id
    said = opinions(workbench.store, collection.collection_id, pair[0], [pair[1]]).get(pair[1], ())
    return Sheet(query=query, document=document, mine=of(said, me), others=of_others(said, me))


def progress(workbench: Workbench, collection: Collection, name: str, desk: Desk) -> Progress:
    """How much is done; `today` is the present day where the app runs."""
    me = judging.person(workbench, name)
    mine = workbench.store.judgments.current(collection.collection_id, assessor_ids=[me.assessor_id])
    decided = [j for j in mine if j.status in (Status.JUDGED, Status.CANT_JUDGE)]
    answered = {(j.query_id, j.doc_id) for j in mine if j.status is not Status.LATER}
    today = datetime.now().astimezone().date()
    return Progress(
        judged=len(decided),
        today=sum(j.created_at.astimezone().date() == today for j in decided),
        left=sum(item.pair not in answered for item in desk.items),
    )
