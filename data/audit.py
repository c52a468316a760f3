"""The audit log: who did what that others have to live with. Entries are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from data.records import utc_now


class Action(StrEnum):
    """What was done."""

    ALIAS_MOVED = "alias moved"
    """A version became champion or challenger: promotions, roll-backs and overrides."""
    DEFAULT_CHANGED = "default changed"
    """Every collection without a promotion has another champion: the student that comes with WhyRank was installed."""
    ROLE_GIVEN = "role given"
    COLLECTION_IMPORTED = "collection imported"
    JUDGMENTS_IMPORTED = "judgments imported"
    RULES_CHANGED = "rules changed"
    """Guidelines or scale."""
    COLLECTION_DELETED = "collection deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that was done."""

    actor: str
    """Who: a person's name, `command line`, `job`; empty where nobody was named."""
    action: Action
    subject: str
    """To what: a collection's, a person's or a version's name, as it was then."""
    details: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = field(default_factory=utc_now)
