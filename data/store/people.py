"""People who sign in: an assessor's name and a role each, and every role they were given."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.audit import Action, AuditEntry
from data.errors import ConflictError, NotFoundError
from data.people import Person, Role, RoleChange
from data.records import AssessorKind
from data.schema import assessors, people, role_changes
from data.store.audit import note
from data.store.database import Database, flat


class People:
    """The store's people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, login: str) -> Person | None:
        """The person of that login."""
        with self._database.read() as connection:
            return _by_login(connection, login)

    def add(self, wanted: Person, names: Sequence[str]) -> Person:
        """The person of that login, made where there is none yet: with the first of `names` that is nobody's, neither
        of these people nor of an assessor. Raises ConflictError where all are taken."""
        if wanted.login is None:
            raise ValueError("Only people who signed in are kept.")
        with self._database.write() as connection:
            found = _by_login(connection, wanted.login)
            if found is not None:
                return found
            added = Person(**flat(wanted) | {"name": _free(connection, names)})
            connection.execute(people.insert(), flat(added))
            _trail(connection, added, None)
        return added

    def know_email(self, login: str, email: str | None) -> None:
        """Keep the address the provider verified last."""
        with self._database.write() as connection:
            connection.execute(people.update().where(people.c.login == login), {"email": email})

    def set_role(self, login: str, role: Role, changed_by: str) -> Person:
        """Give the person a role. Raises NotFoundError, and ConflictError where nobody would be left to give roles."""
        with self._database.write() as connection:
            found = _by_login(connection, login)
            if found is None:
                raise NotFoundError(
                    f"Nobody has signed in as {login!r} yet.", mend="Let them sign in once, then choose from the list."
                )
            if found.role is role:
                return found
            if found.role is Role.ADMIN and _count(connection, people.c.role == Role.ADMIN) == 1:
                raise ConflictError(
                    f"{found.name} is the only admin: nobody could give roles any more.",
                    mend="Make somebody else an admin first.",
                )
            changed = Person(**flat(found) | {"role": role, "changed_by": changed_by})
            connection.execute(people.update().where(people.c.login == login), {"role": role, "changed_by": changed_by})
            _trail(connection, changed, found.role)
        return changed

    def count(self) -> int:
        """How many people signed in so far."""
        with self._database.read() as connection:
            return _count(connection, sa.true())

    def changes(self, *, limit: int) -> list[RoleChange]:
        """The newest roles given, newest first."""
        columns = [column for column in role_changes.c if column.name != "sequence"]
        query = sa.select(*columns).order_by(role_changes.c.sequence.desc()).limit(limit)
        with self._database.read() as connection:
            return [RoleChange(**row) for row in connection.execute(query).mappings()]

    def list(self, *, limit: int, offset: int = 0) -> list[Person]:
        """People by name, a page of them."""
        query = sa.select(people).order_by(people.c.name, people.c.login).limit(limit).offset(offset)
        with self._database.read() as connection:
            return [Person(**row) for row in connection.execute(query).mappings()]


def _by_login(connection: Connection, login: str) -> Person | None:
    row = connection.execute(sa.select(people).where(people.c.login == login)).mappings().first()
    return None if row is None else Person(**row)


def _count(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(people).where(which)).scalar_one()


def _free(connection: Connection, names: Sequence[str]) -> str:
    taken = {name.casefold() for name in connection.execute(sa.select(people.c.name)).scalars()}
    humans = sa.select(assessors.c.name).where(assessors.c.kind == AssessorKind.HUMAN)
    taken |= {name.casefold() for name in connection.execute(humans).scalars()}
    for name in names:
        if name.casefold() not in taken:
            return name
    raise ConflictError(
        f"The name {names[0]!r} is taken, and so is every other way to write it.",
        mend="Change the name at your identity provider, then sign in again.",
    )


def _trail(connection: Connection, person: Person, previous: Role | None) -> None:
    if person.login is None:
        raise ValueError("Only people who signed in have roles of their own.")
    change = RoleChange(
        login=person.login, name=person.name, previous=previous, role=person.role, changed_by=person.changed_by
    )
    connection.execute(role_changes.insert(), flat(change))
    facts = {"role": change.role.value, "previous": change.previous.value if change.previous else None}
    told = AuditEntry(actor=person.changed_by, action=Action.ROLE_GIVEN, subject=person.name, details=facts)
    note(connection, told)
