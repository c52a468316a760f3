"""Where a pair stands, for a queue: who gave it which grade and how high it was ranked; no texts."""

from typing import NamedTuple

from data.records import Status
from data.settling import Pair


class Standing(NamedTuple):
    """One pair. A tuple rather than a dataclass: a hundred thousand of them are made at a time."""

    query_id: str
    doc_id: str
    student: int | None = None
    """Grade of the newest student that graded it."""
    teacher: tuple[int, int] | None = None
    """Lowest and highest grade of teachers."""
    people: tuple[int, int] | None = None
    """Lowest and highest grade of people, the asking one included."""
    decided: int = 0
    """How many other people graded it or said that it can't be judged; authored assessors are nobody."""
    mine: Status | None = None
    """What the asking person says of it."""
    rank: int | None = None
    """Its place in the newest ranking of its query."""
    probabilities: tuple[float, ...] | None = None
    """The student's probabilities of the grades in that ranking, the likeliest first."""

    @property
    def pair(self) -> Pair:
        """(query_id, doc_id)"""
        return self.query_id, self.doc_id
