"""What people together say of a pair: an agreed grade, a settled one, or an open conflict.

Pure, and the one place where this is decided: training, evaluation labels, exports and pages all ask here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from data.records import DECIDED, Judgment, Status

Pair = tuple[str, str]
"""(query_id, doc_id)"""


@dataclass(frozen=True, slots=True)
class Grading:
    """A judgment without its texts: all that is asked of one here."""

    event_id: str
    query_id: str
    doc_id: str
    assessor_id: str
    status: Status
    grade: int | None
    settles: tuple[str, ...]
    created_at: datetime | None
    """Of those that settle others: which of two came later is asked of no other, and reading moments takes long."""


T = TypeVar("T", Judgment, Grading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How a pair stands among the people who graded it."""

    grade: int | None
    """What counts; None: nobody graded it, the conflict is open, or it was settled that it can't be judged."""
    grades: tuple[int, ...]
    """The different grades given, rising."""
    settled_by: str | None = None
    """Id of the event that settles it, where one does."""

    @property
    def open(self) -> bool:
        """Do people disagree, and nobody has settled it?"""
        return self.settled_by is None and len(self.grades) > 1

    @property
    def spread(self) -> int:
        """How far the grades are apart."""
        return self.grades[-1] - self.grades[0] if self.grades else 0


def resolve(said: Iterable[T]) -> Resolution:
    """How one pair stands. `said` are the current events of people on it, in any order.

    A settling event (a grade, or that it can't be judged) wins while every current grade that is not its own is among
    the events it settles: whoever says something else afterwards opens the conflict again. Two that settle the same
    conflict differently, neither in view of the other, leave it open.
    """
    events = list(said)
    grades = tuple(sorted({event.grade for event in events if event.grade is not None}))
    settling = [event for event in events if event.settles and event.status in DECIDED]
    winners = [event for event in settling if all(_covered(other, event) for other in events)]
    if len({event.grade for event in winners}) == 1:
        # Which of several is named must not hang on the order in which they come.
        named = max(winners, key=lambda event: (event.created_at, event.event_id))
        return Resolution(grade=named.grade, grades=grades, settled_by=named.event_id)
    return Resolution(grade=grades[0] if len(grades) == 1 else None, grades=grades)


def resolve_all(said: Iterable[T]) -> dict[Pair, Resolution]:
    """How every pair stands of which people said something that counts."""
    found = {pair: resolve(events) for pair, events in by_pair(said).items()}
    return {pair: how for pair, how in found.items() if how.grades or how.settled_by}


def by_pair(said: Iterable[T]) -> Mapping[Pair, Sequence[T]]:
    """Events by their pair, in the order given."""
    pairs: dict[Pair, list[T]] = {}
    for event in said:
        pairs.setdefault((event.query_id, event.doc_id), []).append(event)
    return pairs


def _covered(other: Judgment | Grading, settling: Judgment | Grading) -> bool:
    return other.grade in (None, settling.grade) or other.event_id in settling.settles
