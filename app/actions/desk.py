"""Where a person is in a queue: the pairs handed out to them, in a line that only grows, and the one they are at.

What is handed out is leased: nobody else is given it. The page says where the person is; this hands out more before
they get there, so that the browser can go on without waiting.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.actions import queue
from app.actions.queue import Choice, Item, Strategy
from data.errors import NotFoundError
from data.records import AssessorKind, Collection, Status, new_id
from data.settling import Pair
from engine.workbench import Workbench

LAID_OUT = 1000
"""Pairs of an order kept in memory; it is laid out anew when they are used up."""
AHEAD, FEWEST = 24, 2
"""Pairs handed out before the person is there: 1.2 s of keys at 50 ms, but a quarter of what is left at most, so that
others find something too."""
BEHIND = 8
"""Pairs behind the present one that the browser is given again."""
LOOKED_AT = 120
"""Pairs of the order that are asked for at a time."""
LEASE_SECONDS, RENEW_SECONDS = 300.0, 90.0
PER_PAGE = 20
"""Documents of a list."""
TRAIL = 5
"""Pairs judged last that a new desk begins with, for looking back."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """A person's place. Changed in place by the functions of this module."""

    collection_id: str
    assessor_id: str
    assessor_name: str
    choice: Choice
    desk_id: str = field(default_factory=new_id)
    line: list[Item] = field(default_factory=list)
    first: int = 0
    """Number of the line's first item; those before the desk was made have negative ones."""
    at: int = 0
    """Number of the item the person is at."""
    waiting: int = 0
    """Pairs of the queue when it was laid out."""
    answered: set[Pair] = field(default_factory=set)
    """Pairs of it that were answered since."""
    ended: bool = False
    """Is nothing left that could be handed out now?"""
    asked: Pair | None = None
    """The pair that an address asked for."""
    problem: str = ""
    """What stood against it."""
    locked: set[Pair] = field(default_factory=set)
    """Pairs of a list that somebody else is judging."""
    _rest: list[Item] = field(default_factory=list)
    _leased: tuple[int, float] | None = None

    @property
    def is_list(self) -> bool:
        """Is it a page of a query's documents rather than a queue?"""
        return self.choice.strategy is Strategy.LIST

    @property
    def here(self) -> Pair | None:
        """The pair the person is at; None behind the last."""
        found = self.numbered(self.at, self.at + 1)
        return found[0][1].pair if found else None

    @property
    def end(self) -> int:
        """The number behind the last item of the line."""
        return self.first + len(self.line)

    @property
    def left(self) -> int:
        """Pairs of the queue that are not answered yet."""
        return max(0, self.waiting - len(self.answered))

    def numbered(self, start: int, stop: int) -> list[tuple[int, Item]]:
        """The items from one number to before another, with their numbers."""
        start, stop = max(start, self.first), min(stop, self.end)
        return [(n, self.line[n - self.first]) for n in range(start, stop)]

    def shown(self) -> list[tuple[int, Item]]:
        """What the browser gets: the present item, some before it, all that was handed out after it; all of a list."""
        if self.is_list:
            return self.numbered(self.first, self.end)
        return self.numbered(self.at - BEHIND, self.at + AHEAD + 1)

    def number_of(self, pair: Pair) -> int | None:
        """Number of the newest item of that pair; None: it is not in the line."""
        for n in range(self.end - 1, self.first - 1, -1):
            if self.line[n - self.first].pair == pair:
                return n
        return None


def sit_down(
    workbench: Workbench, collection: Collection, name: str, choice: Choice, asked: Pair | None = None
) -> Desk:
    """A new place in a queue. A pair that was asked for stands before it. Who is handed pairs is stored as a person."""
    me = workbench.store.assessors.ensure(name, AssessorKind.HUMAN)
    desk = Desk(
        collection_id=collection.collection_id,
        assessor_id=me.assessor_id,
        assessor_name=name,
        choice=choice,
        asked=asked,
    )
    if choice.strategy is Strategy.LIST:
        _open_list(workbench, desk)
        return desk
    if asked is not None:
        try:
            _check(workbench, collection, asked)
            desk.line.append(_item(asked, "you opened it"))
        except NotFoundError as error:
            desk.problem = str(error)
    judged = workbench.store.judgments.standing(collection.collection_id, me.assessor_id, limit=4 * TRAIL)
    for pair in dict.fromkeys((j.query_id, j.doc_id) for j in judged):
        if desk.first > -TRAIL and pair != asked:
            prepend(desk, pair)
    _lay_out(workbench, desk)
    move(workbench, desk, 0)
    return desk


def prepend(desk: Desk, pair: Pair) -> int:
    """Lay a pair before the line, for looking back at it; its number."""
    desk.line.insert(0, _item(pair, "you answered it before"))
    desk.first -= 1
    return desk.first


def move(workbench: Workbench, desk: Desk, at: int) -> None:
    """The person is at that number (or the nearest there is): hand out what comes next, and give back what they left.
    Costs nothing while half of what is handed out lies ahead still: every lease is a write, and writers wait for each
    other."""
    desk.at = min(max(at, desk.first), desk.end)
    wanted = max(FEWEST, min(AHEAD, desk.left // 4))
    missing = 0 if desk.ended else desk.at + 1 + wanted - desk.end
    now = time.monotonic()
    leased = desk._leased is not None and desk._leased[0] == desk.end and now - desk._leased[1] < RENEW_SECONDS
    if leased and missing <= wanted // 2 and not (desk.ended and desk.at == desk.end):
        return
    _hand_out(workbench, desk, max(missing, 0))
    desk._leased = (desk.end, now)


def answered(desk: Desk, pairs: Iterable[Pair]) -> None:
    """These pairs were answered."""
    desk.answered.update(pairs)


def taken_back(desk: Desk, pair: Pair) -> None:
    """The answer to this pair was taken back: it is in the line, to be looked at again."""
    desk.answered.discard(pair)
    if desk.number_of(pair) is None:
        prepend(desk, pair)


def leave(workbench: Workbench, desk: Desk) -> None:
    """Give back what was handed out and not answered."""
    workbench.store.leases.release(desk.collection_id, desk.assessor_id)


def _hand_out(workbench: Workbench, desk: Desk, missing: int) -> None:
    """Extend the line by as many free pairs, in the queue's order; the lease on what lies ahead is renewed."""
    tried_anew = False
    while True:
        start = desk.first if desk.is_list else desk.at
        ahead = [item.pair for _, item in desk.numbered(start, desk.end)]
        batch = desk._rest[:LOOKED_AT]
        given = set(
            workbench.store.leases.take(
                desk.collection_id,
                desk.assessor_id,
                [(item.pair, item.places) for item in batch],
                most=missing,
                seconds=LEASE_SECONDS,
                keeping=ahead,
            )
        )
        handed = [item for item in batch if item.pair in given]
        desk.line += handed
        missing -= len(handed)
        # What was passed over is with somebody else; it is found again when the queue is laid out anew.
        used = batch.index(handed[-1]) + 1 if missing <= 0 and handed else (0 if missing <= 0 else len(batch))
        del desk._rest[:used]
        if missing <= 0:
            return
        if not desk._rest:
            if tried_anew:
                desk.ended = True
                return
            tried_anew = True
            _lay_out(workbench, desk)


def _open_list(workbench: Workbench, desk: Desk) -> None:
    """Lay out a page of a query's documents. All of them are held while it is open, but those somebody else holds."""
    query_id = desk.choice.query_id
    if query_id is None:
        desk.ended = True
        return
    standings = workbench.store.standings.of(desk.collection_id, desk.assessor_id, query_id=query_id)
    laid_out = queue.of_query(standings, desk.choice, per_page=PER_PAGE)
    desk.line, desk.waiting, desk.ended = list(laid_out.items), laid_out.waiting, True
    desk.answered = {s.pair for s in standings if s.mine is not None and s.mine is not Status.LATER}
    workbench.store.leases.take(
        desk.collection_id,
        desk.assessor_id,
        [(item.pair, item.places) for item in desk.line],
        most=PER_PAGE,
        seconds=LEASE_SECONDS,
    )
    desk.locked = {
        (lease.query_id, lease.doc_id)
        for lease in workbench.store.leases.held(desk.collection_id)
        if lease.assessor_id != desk.assessor_id
    }


def _lay_out(workbench: Workbench, desk: Desk) -> None:
    """The queue as things are now, without what stands in the line and is still to come."""
    standings = workbench.store.standings.of(
        desk.collection_id, desk.assessor_id, undecided=desk.choice.strategy in queue.UNDECIDED
    )
    if desk.choice.strategy is Strategy.POOL and desk.choice.pool_id is not None:
        pool = workbench.store.pools.get(desk.choice.pool_id)
        laid_out = queue.of_pairs(pool.pairs, standings, most=LAID_OUT)
    else:
        laid_out = queue.lay_out(standings, desk.choice, most=LAID_OUT)
    there = {item.pair for _, item in desk.numbered(0, desk.end)}
    desk._rest = [item for item in laid_out.items if item.pair not in there]
    desk.waiting = laid_out.waiting
    desk.answered.clear()


def _check(workbench: Workbench, collection: Collection, pair: Pair) -> None:
    workbench.store.collections.query(collection.collection_id, pair[0])
    if not workbench.store.excerpts.of(collection.collection_id, [pair[1]], most=1):
        raise NotFoundError(
            f"There is no document {pair[1]!r} in {collection.name}.", mend="Choose a pair from the queue instead."
        )


def held_by_others(workbench: Workbench, desk: Desk) -> int:
    """How many pairs of the collection are with somebody else now."""
    return sum(lease.assessor_id != desk.assessor_id for lease in workbench.store.leases.held(desk.collection_id))


def _item(pair: Pair, words: str) -> Item:
    return Item(query_id=pair[0], doc_id=pair[1], reason=words, blind_reason=words)
