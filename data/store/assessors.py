"""Assessors: people, teacher LLMs and student model versions."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.errors import ConflictError, NotFoundError, SettingsError
from data.records import Assessor, AssessorKind, Status, new_id
from data.schema import assessors, judgments
from data.store.database import Database, flat

PEOPLE = sa.select(assessors.c.assessor_id).where(assessors.c.kind == AssessorKind.HUMAN)
"""The ids of people, for conditions; the sample's authored assessors are among them."""
REAL_PEOPLE = PEOPLE.where(assessors.c.authored.is_(False))
"""The ids of people without the sample's authored assessors."""


class Assessors:
    """The store's assessors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(
        self, name: str, kind: AssessorKind, *, authored: bool = False, version_id: str | None = None
    ) -> Assessor:
        """The assessor of that name and kind (students: of that version), made where it is not there yet. Raises
        ConflictError where the sample's authored assessor would be mistaken for a real one, or the reverse."""
        wanted = self.found_or_new(name, kind, authored=authored, version_id=version_id)
        with self._database.read() as connection:
            if _by_id(connection, wanted.assessor_id) is not None:
                return wanted
        with self._database.write() as connection:
            # Between the look and the lock another process may have made it.
            wanted = _found_or_new(connection, wanted)
            insert_missing(connection, [wanted])
        return wanted

    def found_or_new(
        self, name: str, kind: AssessorKind, *, authored: bool = False, version_id: str | None = None
    ) -> Assessor:
        """As `ensure`, but a new one is only made up, not stored: give it along with its first judgments."""
        name = " ".join(name.split())
        if not name:
            raise SettingsError("An assessor needs a name.", mend="Give the name of the person or the model.")
        if (kind is AssessorKind.STUDENT) != (version_id is not None):
            raise SettingsError(
                f"Assessor {name!r}: a student is a model version, and only a student is one.",
                mend="Use the kind human or teacher for judgments that no version of this store made.",
            )
        wanted = Assessor(assessor_id=new_id(), name=name, kind=kind, authored=authored, version_id=version_id)
        with self._database.read() as connection:
            return _found_or_new(connection, wanted)

    def get(self, assessor_id: str) -> Assessor:
        """The assessor of that id; raises NotFoundError."""
        with self._database.read() as connection:
            found = _by_id(connection, assessor_id)
        if found is None:
            raise NotFoundError(f"There is no assessor {assessor_id!r}.", mend="Choose one from the list.")
        return found

    def graders(self, collection_id: str) -> list[Assessor]:
        """The assessors of whom a grade counts in the collection now, by name. Each is looked for until the first one
        is found, which is far less than counting."""
        judged, newer = judgments.alias(), judgments.alias()
        same = (newer.c[name] == judged.c[name] for name in ("collection_id", "query_id", "doc_id", "assessor_id"))
        replaced = sa.exists().where(*same, newer.c.sequence > judged.c.sequence)
        graded = sa.exists().where(
            judged.c.assessor_id == assessors.c.assessor_id,
            judged.c.collection_id == collection_id,
            judged.c.status == Status.JUDGED,
            ~replaced,
        )
        query = sa.select(assessors).where(graded).order_by(assessors.c.name, assessors.c.assessor_id)
        with self._database.read() as connection:
            return [Assessor(**row) for row in connection.execute(query).mappings()]

    def by_id(self, kind: AssessorKind | None = None) -> dict[str, Assessor]:
        """All assessors (of a kind) by their id, in the order of their names."""
        return {assessor.assessor_id: assessor for assessor in self.list(kind)}

    def list(self, kind: AssessorKind | None = None) -> list[Assessor]:
        """All assessors (of a kind), by name."""
        query = sa.select(assessors).order_by(assessors.c.name, assessors.c.assessor_id)
        if kind is not None:
            query = query.where(assessors.c.kind == kind)
        with self._database.read() as connection:
            return [Assessor(**row) for row in connection.execute(query).mappings()]


def insert_missing(connection: Connection, wanted: Iterable[Assessor]) -> None:
    """Store the assessors whose id is not there yet."""
    for assessor in wanted:
        if _by_id(connection, assessor.assessor_id) is None:
            connection.execute(assessors.insert(), flat(assessor))


def _by_id(connection: Connection, assessor_id: str) -> Assessor | None:
    row = connection.execute(sa.select(assessors).where(assessors.c.assessor_id == assessor_id)).mappings().first()
    return None if row is None else Assessor(**row)


def _found_or_new(connection: Connection, wanted: Assessor) -> Assessor:
    if wanted.version_id is not None:
        same = assessors.c.version_id == wanted.version_id
    else:
        same = (
            (assessors.c.name == wanted.name) & (assessors.c.kind == wanted.kind) & (assessors.c.version_id.is_(None))
        )
    row = connection.execute(sa.select(assessors).where(same)).mappings().first()
    if row is None:
        return wanted
    found = Assessor(**row)
    if found.authored != wanted.authored:
        raise ConflictError(
            f"The name {found.name!r} belongs to {'the sample collection' if found.authored else 'a real assessor'}.",
            mend="Choose another name: what was written for the sample must not count as measured.",
        )
    return found
