"""How far judging is: figures of an assessor, of a collection's pairs, of a stretch of time."""

from dataclasses import dataclass
from datetime import datetime

from data.records import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Current judgments of one assessor with one status."""

    assessor_id: str
    status: Status
    blind: int
    """Decided while no model's answer was on the screen."""
    in_sight: int

    @property
    def count(self) -> int:
        """Both."""
        return self.blind + self.in_sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How a collection's judgments stand."""

    tallies: tuple[Tally, ...]
    pairs: int
    """Of which anybody, a model too, says something."""
    decided: int
    """Those among them that a person graded or said can't be judged."""
    conflicts: int
    """Pairs on which people differ, and nobody has settled it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """A quarter of an hour in which somebody judged. Every time zone is a whole number of these away from UTC, so days
    and hours of any of them can be put together from them."""

    assessor_id: str
    start: datetime
    judged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long an assessor takes for a pair."""

    assessor_id: str
    median_seconds: float
    """To a tenth of a second."""
    timed: int
    """Judgments whose time is known: those that were imported have none."""
