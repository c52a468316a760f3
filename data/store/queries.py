"""Queries of a collection: imported with it, or typed by a person later on."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.errors import NotFoundError, SettingsError
from data.records import Query
from data.schema import queries
from data.store.database import Database
from data.store.dialects import one_of

_COLUMNS = (queries.c.query_id, queries.c.text, queries.c.split, queries.c.excluded_ids)


def insert_queries(connection: Connection, collection_id: str, given: Iterable[Query]) -> None:
    """Write the queries."""
    rows = [
        {
            "collection_id": collection_id,
            "query_id": query.query_id,
            "text": query.text,
            "text_sha256": _text_sha256(query.text),
            "split": query.split,
            "excluded_ids": query.excluded_ids,
        }
        for query in given
    ]
    if rows:
        connection.execute(queries.insert(), rows)


def list_queries(database: Database, collection_id: str) -> list[Query]:
    """All queries, in `query_id` order."""
    query = sa.select(*_COLUMNS).where(queries.c.collection_id == collection_id).order_by(queries.c.query_id)
    with database.read() as connection:
        return [Query(**row) for row in connection.execute(query).mappings()]


def get_query(database: Database, collection_id: str, query_id: str) -> Query:
    """The query of that id; raises NotFoundError."""
    with database.read() as connection:
        found = _first(connection, collection_id, queries.c.query_id == query_id)
    if found is None:
        raise NotFoundError(f"The collection has no query {query_id!r}.", mend="Choose one from its list of queries.")
    return found


def ensure_query(database: Database, collection_id: str, text: str) -> Query:
    """The query of that text (white space folded), stored where it is new; blank text raises SettingsError."""
    text = _folded(text)
    if not text:
        raise SettingsError("The query is empty.", mend="Type what you are looking for.")
    same = queries.c.text_sha256 == _text_sha256(text)
    with database.read() as connection:
        found = _first(connection, collection_id, same)
    if found is not None:
        return found
    with database.write() as connection:
        found = _first(connection, collection_id, same)
        if found is None:
            found = Query(query_id=f"u-{_text_sha256(text)[:12]}", text=text)
            insert_queries(connection, collection_id, [found])
        return found


def add_missing(database: Database, collection_id: str, given: Sequence[Query]) -> int:
    """Store the queries whose ids are not there yet, and return their number."""
    wanted = {query.query_id: query for query in given}
    there = sa.select(queries.c.query_id).where(
        queries.c.collection_id == collection_id, one_of(queries.c.query_id, list(wanted))
    )
    with database.write() as connection:
        for query_id in connection.execute(there).scalars().all():
            del wanted[query_id]
        insert_queries(connection, collection_id, wanted.values())
    return len(wanted)


def _first(connection: Connection, collection_id: str, condition: sa.ColumnElement[bool]) -> Query | None:
    query = sa.select(*_COLUMNS).where(queries.c.collection_id == collection_id, condition).order_by(queries.c.query_id)
    row = connection.execute(query.limit(1)).mappings().first()
    return None if row is None else Query(**row)


def _folded(text: str) -> str:
    return " ".join(text.split())


def _text_sha256(text: str) -> str:
    return sha256(_folded(text).encode()).hexdigest()
