"""The whole home, counted: figures for whoever watches it. No name of a person and no text is among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from data.records import AssessorKind, JobState, Status

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper ends of a ranking's seconds: from ten documents on a GPU to a hundred explained on a laptop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankings:
    """Stored rankings of one version and method."""

    version: str
    """Its name."""
    method: str
    rankings: int
    timed: int
    """Those that know how long the model took."""
    seconds: float
    """What these took together."""
    at_most: tuple[int, ...]
    """How many took at most each of `SECONDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a version said of documents where its rankings became judgments."""

    version: str
    documents: int
    unreadable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What there is now."""

    rankings: tuple[Rankings, ...]
    answers: tuple[Answers, ...]
    judgments: Mapping[tuple[AssessorKind, Status], int]
    """Events by who gave them and what they say, those that were replaced since included."""
    jobs: Mapping[JobState, int]
    waiting: int
    """Jobs that a worker should run: queued, or running without a sign of life."""
    waiting_since: datetime | None
    """Since when the one waits that has waited longest."""
