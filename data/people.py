"""People who sign in, and what each may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from data.records import utc_now


class Role(StrEnum):
    """What a person may do; each may also do what those before it may."""

    ASSESSOR = "assessor"
    """Search, rank and judge, in their own name."""
    LEAD = "lead"
    """Collections, rules, settled conflicts, pools, jobs, promotions."""
    ADMIN = "admin"
    """Roles."""

    def covers(self, needed: "Role") -> bool:
        """Does this role allow what `needed` allows?"""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who acts. Their judgments are those of the human assessor of this name."""

    name: str
    role: Role
    login: str | None = None
    """Who they are to their identity provider: its issuer and their subject there; None: they did not sign in."""
    email: str | None = None
    """As the provider verified it when they last signed in."""
    created_at: datetime = field(default_factory=utc_now)
    changed_by: str = ""
    """Who gave them this role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """A role given to a person; never rewritten."""

    login: str
    name: str
    previous: Role | None
    """None: their first one."""
    role: Role
    changed_by: str
    created_at: datetime = field(default_factory=utc_now)
