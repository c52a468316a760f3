"""Versions of models, and which of them is a collection's champion or challenger."""

import builtins
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.audit import Action, AuditEntry
from data.errors import ConflictError, NotFoundError
from data.records import BASE_VERSION_ID, Alias, AliasEvent, Version
from data.schema import alias_events, aliases, versions
from data.store.audit import collection_name, note
from data.store.database import Database, flat

_SELECTED = sa.select(*(versions.c[name] for name in Version.__dataclass_fields__))


class Versions:
    """The store's versions and aliases. The moves of an alias are append-only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, version: Version, *, by: str = "") -> None:
        """Store a version; raises ConflictError where its name is taken. `by`: who is told to have changed the
        default, where it becomes that."""
        with self._database.write() as connection:
            if connection.execute(sa.select(versions.c.name).where(versions.c.name == version.name)).first():
                raise ConflictError(f"There is already a version {version.name!r}.", mend="Choose another name.")
            before = _default(connection)
            connection.execute(versions.insert(), flat(version))
            if _default(connection) != before:
                facts = {"previous": _get(connection, before).name}
                entry = AuditEntry(actor=by, action=Action.DEFAULT_CHANGED, subject=version.name, details=facts)
                note(connection, entry)

    def get(self, id_or_name: str) -> Version:
        """The version of that id or name; raises NotFoundError with the names there are."""
        with self._database.read() as connection:
            return _get(connection, id_or_name)

    def list(self, collection_id: str | None = None) -> builtins.list[Version]:
        """The collection's versions and those of no collection, the base first, then oldest first; None: all."""
        query = _SELECTED.order_by((versions.c.version_id != BASE_VERSION_ID), versions.c.sequence)
        if collection_id is not None:
            query = query.where((versions.c.collection_id == collection_id) | versions.c.collection_id.is_(None))
        with self._database.read() as connection:
            return [Version(**row) for row in connection.execute(query).mappings()]

    def ensure_base(self, base_model: str, base_sha256: str | None = None) -> Version:
        """The base model itself as a version; says which model that is now. Without a hash, the known one of the same
        model stays."""
        with self._database.read() as connection:
            present = _get(connection, BASE_VERSION_ID)
        if base_sha256 is None and present.base_model == base_model:
            base_sha256 = present.base_sha256
        wanted = replace(present, base_model=base_model, base_sha256=base_sha256)
        if wanted != present:
            with self._database.write() as connection:
                connection.execute(
                    versions.update()
                    .where(versions.c.version_id == BASE_VERSION_ID)
                    .values(base_model=base_model, base_sha256=base_sha256)
                )
        return wanted

    def alias(self, collection_id: str, alias: Alias) -> Version | None:
        """What the alias points to; a collection without any promotion has the default as its champion."""
        with self._database.read() as connection:
            version_id = _pointed(connection, collection_id, alias)
            if version_id is None and alias is Alias.CHAMPION:
                version_id = _default(connection)
            return None if version_id is None else _get(connection, version_id)

    def default(self) -> Version:
        """What ranks for a collection without any promotion: the newest version for every collection that was trained
        on the base in use, else that base."""
        with self._database.read() as connection:
            return _get(connection, _default(connection))

    def move(self, event: AliasEvent) -> None:
        """Point an alias at another version. Raises ConflictError where `previous_version_id` is no longer what it
        points to: somebody else moved it in the meantime."""
        with self._database.write() as connection:
            present = _pointed(connection, event.collection_id, event.alias)
            expected = event.previous_version_id
            if present is None and event.alias is Alias.CHAMPION and expected == _default(connection):
                expected = None
            if present != expected:
                raise ConflictError(
                    f"The {event.alias.value} is no longer version {event.previous_version_id}, but {present}.",
                    mend="Look at the present state, then decide again.",
                )
            connection.execute(alias_events.insert(), flat(event))
            _clear(connection, event.collection_id, event.alias)
            row = {"collection_id": event.collection_id, "alias": event.alias, "version_id": event.version_id}
            connection.execute(aliases.insert(), row)
            _note(connection, event)

    def clear(self, collection_id: str, alias: Alias) -> None:
        """Let the alias point to nothing (the champion: to the base)."""
        with self._database.write() as connection:
            _clear(connection, collection_id, alias)

    def alias_events(self, collection_id: str) -> builtins.list[AliasEvent]:
        """All moves of a collection's aliases, oldest first."""
        columns = (alias_events.c[name] for name in AliasEvent.__dataclass_fields__)
        query = sa.select(*columns).where(alias_events.c.collection_id == collection_id)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(alias_events.c.sequence)).mappings()
            return [AliasEvent(**row) for row in rows]


def _note(connection: Connection, event: AliasEvent) -> None:
    names = {id_: _get(connection, id_).name for id_ in (event.version_id, event.previous_version_id) if id_}
    facts = {
        "alias": event.alias.value,
        "version": names[event.version_id],
        "previous": names.get(event.previous_version_id or ""),
        "reason": event.reason,
    }
    subject = collection_name(connection, event.collection_id)
    note(connection, AuditEntry(actor=event.actor, action=Action.ALIAS_MOVED, subject=subject, details=facts))


def _get(connection: Connection, id_or_name: str) -> Version:
    same = (versions.c.version_id == id_or_name) | (versions.c.name == id_or_name)
    # Where one's name is another's id, the id is meant.
    query = _SELECTED.where(same).order_by((versions.c.version_id == id_or_name).desc())
    row = connection.execute(query).mappings().first()
    if row is None:
        names = connection.execute(sa.select(versions.c.name).order_by(versions.c.sequence)).scalars().all()
        raise NotFoundError(f"There is no version {id_or_name!r}.", mend=f"Use one of: {', '.join(names)}.")
    return Version(**row)


def _default(connection: Connection) -> str:
    base = sa.select(versions.c.base_model).where(versions.c.version_id == BASE_VERSION_ID).scalar_subquery()
    query = (
        sa.select(versions.c.version_id)
        .where(versions.c.collection_id.is_(None), versions.c.adapter_path.is_not(None), versions.c.base_model == base)
        .order_by(versions.c.sequence.desc())
    )
    return connection.execute(query).scalars().first() or BASE_VERSION_ID


def _pointed(connection: Connection, collection_id: str, alias: Alias) -> str | None:
    query = sa.select(aliases.c.version_id).where(aliases.c.collection_id == collection_id, aliases.c.alias == alias)
    return connection.execute(query).scalar_one_or_none()


def _clear(connection: Connection, collection_id: str, alias: Alias) -> None:
    connection.execute(aliases.delete().where(aliases.c.collection_id == collection_id, aliases.c.alias == alias))
