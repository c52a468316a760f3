"""The audit log's rows: written in the transaction of what they tell, so that there is never one without the other."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.audit import Action, AuditEntry
from data.schema import audit, collections
from data.store.database import Database, flat


class Audit:
    """The store's audit log. It stays where a collection goes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, *, limit: int, action: Action | None = None) -> list[AuditEntry]:
        """The newest entries (of one action), newest first."""
        columns = (audit.c[name] for name in AuditEntry.__dataclass_fields__)
        query = sa.select(*columns).order_by(audit.c.sequence.desc()).limit(limit)
        if action is not None:
            query = query.where(audit.c.action == action)
        with self._database.read() as connection:
            return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def note(connection: Connection, entry: AuditEntry) -> None:
    """Add an entry."""
    connection.execute(audit.insert(), flat(entry))


def collection_name(connection: Connection, collection_id: str) -> str:
    """The name to write down; the id where there is none."""
    query = sa.select(collections.c.name).where(collections.c.collection_id == collection_id)
    return connection.execute(query).scalar() or collection_id
