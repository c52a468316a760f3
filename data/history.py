"""What happened to judgments: an event as a list shows it, and which events are asked for."""

from dataclasses import dataclass
from datetime import datetime

from data.records import Status
from data.settling import Pair

BEGINNING = 300
"""Characters of an explanation or a note in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are listed; None and empty: all."""

    pair: Pair | None = None
    assessor_id: str | None = None
    statuses: tuple[Status, ...] = ()
    words: str = ""
    """Stand, without regard to case, in the ids, the query, the explanation or the note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event, narrow, and what its assessor had said of the pair just before it."""

    sequence: int
    """The order in which events were stored."""
    event_id: str
    created_at: datetime
    assessor_id: str
    query_id: str
    doc_id: str
    status: Status
    grade: int | None
    status_before: Status | None
    """None: nothing."""
    grade_before: int | None
    explanation: str | None
    """Its beginning."""
    note: str | None
    model_visible: bool
    seconds_spent: float | None
    guideline_version: int | None
    settles: tuple[str, ...]
    undoes: str | None
    """The event that this one took back."""
    undone: bool
    """Was it taken back?"""
