"""Who somebody is and what they may do: a name on one's own machine, a login and a role where one is configured.

On one's own machine everybody is an admin: whoever reaches a port of 127.0.0.1 can read and write the files too. So is
the command line.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from data import logs
from data.errors import ConflictError, NotAllowedError, SettingsError
from data.people import Person, Role, RoleChange
from data.records import AssessorKind
from data.settings import Settings
from data.store import Store

NAME_LENGTH = 60
PER_PAGE = 50
BY_SETTING = "WHYRANK_ADMINS"
FIRST_TIME = "first sign-in"
_ARTICLES = {Role.ASSESSOR: "an assessor", Role.LEAD: "a lead", Role.ADMIN: "an admin"}


class Claims(BaseModel):
    """What an identity provider says of somebody (OpenID Connect Core 1.0, section 5.1). What it did not verify counts
    for nothing but a name."""

    iss: str = ""
    sub: str = Field(min_length=1)
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    preferred_username: str | None = None

    @property
    def login(self) -> str:
        """Issuer and subject: the one thing of a person that never becomes somebody else's."""
        return f"{self.iss} {self.sub}"

    @property
    def verified_email(self) -> str | None:
        """The address, where the provider vouches for it."""
        return self.email.strip().casefold() if self.email and self.email_verified else None


def mended(name: str) -> str:
    """A name on one line: no control or invisible characters, one space at a time, at most `NAME_LENGTH` characters.
    Empty where nothing is left."""
    shown = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFKC", name))
    shown = "".join(c for c in shown if unicodedata.category(c)[0] != "C")
    return " ".join(shown.split())[:NAME_LENGTH].strip()


def local(name: str) -> Person:
    """Somebody at their own machine. Raises SettingsError for a name of which nothing is left."""
    if not (given := mended(name)):
        raise SettingsError("A name needs a letter or a digit.", mend="Type your name as others know it.")
    return Person(name=given, role=Role.ADMIN)


def introduce(store: Store, typed: str) -> tuple[Person, str]:
    """Somebody at their own machine, and a word for them. A name that is known but for its capitals is that one.

    Raises SettingsError for a name of which nothing is left, and ConflictError for the sample's author's.
    """
    person = local(typed)
    there = [assessor.name for assessor in store.assessors.list(AssessorKind.HUMAN)]
    alike = [name for name in there if name.casefold() == person.name.casefold()]
    if person.name not in alike and len(alike) == 1:
        person = local(alike[0])
    store.assessors.found_or_new(person.name, AssessorKind.HUMAN)
    if person.name in there:
        return person, f"Welcome back, {person.name}. Everybody of this name here is the same assessor."
    return person, f"Welcome, {person.name}. What you judge is kept under this name."


def command_line(name: str) -> Person:
    """Whoever types commands: they have the files."""
    return local(name)


def sign_in(store: Store, settings: Settings, given: Mapping[str, object]) -> Person:
    """The person of these claims, as they are stored; a first sign-in makes an assessor, or the admin a setting names.

    Raises NotAllowedError for who is not on the list.
    """
    claims = _read(given)
    named_admin = _listed(settings.admins, claims)
    if not named_admin and not _listed(settings.people, claims):
        raise _refused(claims)
    found = store.people.find(claims.login)
    if found is None:
        role, by = (Role.ADMIN, BY_SETTING) if named_admin else (Role.ASSESSOR, FIRST_TIME)
        new = Person(name="", login=claims.login, email=claims.verified_email, role=role, changed_by=by)
        found = store.people.add(new, _names(claims))
    promoted = named_admin and found.role is not Role.ADMIN
    if promoted:
        store.people.set_role(claims.login, Role.ADMIN, BY_SETTING)
    if found.email != claims.verified_email:
        store.people.know_email(claims.login, claims.verified_email)
    elif not promoted:
        return found
    return store.people.find(claims.login) or found


def refusal(person: Person, needed: Role, doing: str) -> str | None:
    """Why this person may not do that, in a sentence; None: they may. `doing`: "promote a version"."""
    if person.role.covers(needed):
        return None
    return f"You are {_ARTICLES[person.role]} here: only {_ARTICLES[needed]} may {doing}."


def require(person: Person, needed: Role, doing: str) -> None:
    """Raise NotAllowedError where the person's role does not cover what they are doing. What needs a role passes here,
    so here is its line in the log; who it was stands with what came of it (job, audit log)."""
    why = refusal(person, needed, doing)
    logs.write("action", {"doing": doing, "allowed": why is None})
    if why is not None:
        mend = f"Ask {_ARTICLES[needed]} to do it, or an admin to make you {_ARTICLES[needed]}."
        raise NotAllowedError(why, mend=mend if needed is not Role.ADMIN else "Ask an admin.")


def require_own(person: Person, name: str) -> None:
    """Raise NotAllowedError where somebody who signed in would judge in another's name."""
    if person.login is not None and person.name != name:
        raise NotAllowedError(
            f"You are signed in as {person.name}, and can't judge as {name}.", mend="Judge in your own name."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The people who signed in, as the People page shows them."""

    people: Sequence[Person]
    """One page of them, by name."""
    pages: int
    changes: Sequence[RoleChange]
    """The roles given last, newest first."""


def roster(store: Store, by: Person, page: int = 1) -> Roster:
    """A page (the first is 1) of who signed in. Raises NotAllowedError."""
    require(by, Role.ADMIN, "see who signs in")
    found = store.people.list(limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    pages = max(1, -(-store.people.count() // PER_PAGE))
    return Roster(people=found, pages=pages, changes=store.people.changes(limit=PER_PAGE))


def set_role(store: Store, settings: Settings, by: Person, login: str, role: Role) -> Person:
    """Give somebody a role. Raises NotAllowedError, NotFoundError, and ConflictError for who is an admin by setting, or
    the only one."""
    require(by, Role.ADMIN, "give roles")
    found = store.people.find(login)
    if found is not None and role is not Role.ADMIN and is_admin_by_setting(settings, found):
        raise ConflictError(
            f"{found.name} is an admin by the setting {BY_SETTING}.", mend="Take them out of it and start WhyRank anew."
        )
    return store.people.set_role(login, role, by.name)


def is_admin_by_setting(settings: Settings, person: Person) -> bool:
    """Would their next sign-in make them an admin?"""
    issuer, _, subject = (person.login or "").partition(" ")
    if not subject:
        return False
    claims = Claims(iss=issuer, sub=subject, email=person.email, email_verified=person.email is not None)
    return _listed(settings.admins, claims)


def _read(given: Mapping[str, object]) -> Claims:
    try:
        return Claims.model_validate(dict(given))
    except ValidationError:
        raise NotAllowedError(
            "Your identity provider did not say who you are.",
            mend="Ask whoever runs it to send the claims `sub`, `email` and `email_verified` in the identity token.",
        ) from None


def _listed(entries: str, claims: Claims) -> bool:
    """Is the person on this list? An entry with an @ is only ever compared with a verified address."""
    email = claims.verified_email
    for entry in (part.strip() for part in entries.split(",")):
        if entry == "*" or (entry and "@" not in entry and entry == claims.sub):
            return True
        if "@" in entry and email is not None:
            wanted = entry.casefold()
            if email == wanted or (wanted.startswith("@") and "@" + email.rpartition("@")[2] == wanted):
                return True
    return False


def _names(claims: Claims) -> Sequence[str]:
    """What the person may be called, best first."""
    written = (claims.name, claims.preferred_username, claims.verified_email, claims.sub)
    name = next((shown for given in written if given and (shown := mended(given))), "somebody")
    unique = mended(claims.verified_email or claims.sub)
    return [way for way in (name, mended(f"{name[: NAME_LENGTH - len(unique) - 3]} ({unique})"), unique) if way]


def _refused(claims: Claims) -> NotAllowedError:
    who = claims.verified_email or claims.email or claims.name or claims.sub
    doubted = claims.email is not None and claims.verified_email is None
    unverified = " Your identity provider did not verify this address." if doubted else ""
    return NotAllowedError(
        f"{mended(who)} is not among those who may sign in here.{unverified}",
        mend="Ask whoever runs this WhyRank to add you to WHYRANK_PEOPLE.",
    )
