"""Which pairs a person is shown, in which order, and why: pure functions over standings, which hold no texts.

A queue is laid out once a visit; each step on then costs a few look-ups by key (`app.actions.desk`).
"""

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from data.errors import SettingsError
from data.records import Status
from data.settling import Pair
from data.standing import Standing


class Strategy(StrEnum):
    """What makes a pair worth a person's time."""

    USEFUL = "useful"
    """Student against teacher first, then where the student is unsure, then what stands high; judged by nobody."""
    TEACHER = "teacher"
    """Student and teacher differ, and nobody judged it."""
    PEOPLE = "people"
    """Student and people differ: a second opinion."""
    UNSURE = "unsure"
    """The student's probabilities of the grades have a high entropy."""
    NEVER = "never"
    """What stands high in rankings and was judged by nobody."""
    RANDOM = "random"
    OVERLAP = "overlap"
    """Pairs that some people judged, until enough did."""
    LATER = "later"
    """What this person put off."""
    POOL = "pool"
    """The pairs of an evaluation pool, in its own order."""
    LIST = "list"
    """Not a queue: a page of one query's documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person chose to judge."""

    strategy: Strategy = Strategy.USEFUL
    assessors: int = 2
    """Overlap: how many people shall judge each pair."""
    seed: str = ""
    """Random: another seed, another order."""
    pool_id: str | None = None
    query_id: str | None = None
    """List: of which query."""
    page: int = 1

    def __post_init__(self) -> None:
        if (self.strategy is Strategy.POOL) != (self.pool_id is not None):
            raise SettingsError("A queue of an evaluation needs its pool, and no other has one.", mend="Choose a pool.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A pair in a queue, and why it is there."""

    query_id: str
    doc_id: str
    reason: str = ""
    """Why it is shown, with what models and people said."""
    blind_reason: str = ""
    """Why it is shown, for eyes that shall not know that yet."""
    places: int = 1
    """How many people it may be with: the one who asks, those who hold it, those who decided."""

    @property
    def pair(self) -> Pair:
        """(query_id, doc_id)"""
        return self.query_id, self.doc_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The first items of an order, and how many there are."""

    items: tuple[Item, ...]
    waiting: int


def lay_out(standings: Iterable[Standing], choice: Choice, *, most: int) -> Queue:
    """The first `most` items of a queue. A person's answered pairs are not among them."""
    strategy, places = choice.strategy, _places(choice)
    if strategy is Strategy.LATER:
        open_now = [s for s in standings if s.mine is Status.LATER]
    else:
        open_now = [s for s in standings if s.mine is None and s.decided < places(s)]
    key = _keys(choice)[strategy]
    keyed = [(place, s) for s in open_now if (place := key(s)) is not None]
    first = heapq.nsmallest(most, keyed, key=lambda entry: (entry[0], entry[1].query_id, entry[1].doc_id))
    return Queue(items=tuple(_item(s, strategy, places(s)) for _, s in first), waiting=len(keyed))


def of_pairs(pairs: Sequence[Pair], standings: Iterable[Standing], *, most: int) -> Queue:
    """The queue of a given list, in its own order: what neither this person nor another has decided."""
    gone = {s.pair for s in standings if s.decided or (s.mine is not None and s.mine is not Status.LATER)}
    left = [pair for pair in pairs if pair not in gone]
    words = "from an evaluation's pool"
    items = (Item(query_id=q, doc_id=d, reason=words, blind_reason=words) for q, d in left[:most])
    return Queue(items=tuple(items), waiting=len(left))


def of_query(standings: Iterable[Standing], choice: Choice, *, per_page: int) -> Queue:
    """A page of a query's documents, answered ones among them: by rank, or, with a seed, as if drawn at random, which
    keeps a good place from swaying anybody."""
    key = _at_random(choice.seed) if choice.seed else lambda s: (s.rank or math.inf,)
    everything = sorted(standings, key=lambda s: (key(s), s.doc_id))
    page = everything[(choice.page - 1) * per_page : choice.page * per_page]
    items = (Item(query_id=s.query_id, doc_id=s.doc_id, places=s.decided + 1) for s in page)
    return Queue(items=tuple(items), waiting=len(everything))


UNDECIDED = (Strategy.USEFUL, Strategy.TEACHER, Strategy.UNSURE, Strategy.NEVER, Strategy.RANDOM)
"""Queues of pairs that nobody else decided on."""


def _places(choice: Choice) -> Callable[[Standing], int]:
    """How many people a pair may be with."""
    if choice.strategy is Strategy.OVERLAP:
        return lambda standing: choice.assessors
    if choice.strategy in (Strategy.PEOPLE, Strategy.LATER):
        return lambda standing: standing.decided + 1
    return lambda standing: 1


Key = Callable[[Standing], tuple[float, ...] | None]
"""A standing's place in an order, the smallest first; None: it is not in this queue."""


def _keys(choice: Choice) -> dict[Strategy, Key]:
    def by_rank(s: Standing) -> tuple[float, ...]:
        return (s.rank or math.inf,)

    def useful(s: Standing) -> tuple[float, ...]:
        return (-teacher_gap(s), -round(entropy(s.probabilities), 1), *by_rank(s))

    def overlap(s: Standing) -> tuple[float, ...] | None:
        # What others began comes first: a pair counts only when enough have judged it.
        return (-s.decided, *by_rank(s)) if s.decided or s.rank else None

    return {
        Strategy.USEFUL: useful,
        Strategy.TEACHER: lambda s: (-teacher_gap(s), *by_rank(s)) if teacher_gap(s) else None,
        Strategy.PEOPLE: lambda s: (-people_gap(s), *by_rank(s)) if people_gap(s) else None,
        Strategy.UNSURE: lambda s: (-entropy(s.probabilities), *by_rank(s)) if s.probabilities else None,
        Strategy.NEVER: lambda s: by_rank(s) if s.rank else None,
        Strategy.RANDOM: _at_random(choice.seed),
        Strategy.OVERLAP: overlap,
        Strategy.LATER: by_rank,
    }


def _at_random(seed: str) -> Callable[[Standing], tuple[float, ...]]:
    def place(s: Standing) -> tuple[float, ...]:
        name = "\0".join((seed, *s.pair)).encode()
        return (float(int.from_bytes(blake2b(name, digest_size=6).digest(), "big")),)

    return place


def teacher_gap(standing: Standing) -> int:
    """How far the student's grade is from the teachers' farthest one; 0 where one of them said nothing."""
    return _gap(standing.student, standing.teacher)


def people_gap(standing: Standing) -> int:
    """How far the student's grade is from people's farthest one; 0 where one of them said nothing."""
    return _gap(standing.student, standing.people)


def entropy(probabilities: Sequence[float] | None) -> float:
    """Entropy of the grade in bits: 0 where the student is sure, or said nothing."""
    return -sum(p * math.log2(p) for p in probabilities or () if p > 0) + 0.0


def _gap(grade: int | None, others: tuple[int, int] | None) -> int:
    return 0 if grade is None or others is None else max(abs(grade - other) for other in others)


def _item(s: Standing, strategy: Strategy, places: int) -> Item:
    reason, blind = _why(s, strategy, places)
    return Item(query_id=s.query_id, doc_id=s.doc_id, reason=reason, blind_reason=blind, places=places)


def _why(s: Standing, strategy: Strategy, places: int) -> tuple[str, str]:
    """Why this pair is shown: with figures, and without anything that could sway."""
    if strategy in (Strategy.USEFUL, Strategy.TEACHER) and teacher_gap(s):
        return f"student {s.student}, teacher {_farthest(s.student, s.teacher)}", "student and teacher differ"
    if strategy is Strategy.PEOPLE and people_gap(s):
        return f"student {s.student}, people {_farthest(s.student, s.people)}", "the student differs from people"
    if strategy is Strategy.RANDOM:
        return "drawn at random", "drawn at random"
    if strategy is Strategy.LATER:
        return "you put it off", "you put it off"
    if strategy is Strategy.OVERLAP:
        words = f"judged by {s.decided} of {places} people" if s.decided else "judged by nobody yet"
        return words, words
    return _why_unsaid(s, strategy)


def _why_unsaid(s: Standing, strategy: Strategy) -> tuple[str, str]:
    if s.probabilities and (
        strategy is Strategy.UNSURE or (strategy is Strategy.USEFUL and entropy(s.probabilities) > 1)
    ):
        figures = " / ".join(f"{p:.0%}".replace("%", " %") for p in s.probabilities[:2])
        return f"the student is unsure: {figures}", "the student is unsure"
    if s.rank:
        return f"rank {s.rank}, judged by nobody", "stands high, judged by nobody"
    return "judged by no person yet", "judged by no person yet"


def _farthest(grade: int | None, others: tuple[int, int] | None) -> int | None:
    return None if grade is None or others is None else max(others, key=lambda other: abs(grade - other))
