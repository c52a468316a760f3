"""Documents of a collection: written once with it, read in `doc_id` order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.records import Document
from data.schema import documents
from data.store.database import Database, flat
from data.store.dialects import one_of

BATCH = 1000
"""Documents written or read at once."""

_COLUMNS = (documents.c.doc_id, documents.c.text, documents.c.title)


def insert_documents(
    connection: Connection,
    collection_id: str,
    given: Iterable[Document],
    on_progress: Callable[[int], None] | None,
) -> int:
    """Write the documents and return their number; progress is called with the number done so far."""
    rest = iter(given)
    done = 0
    while batch := list(islice(rest, BATCH)):
        connection.execute(documents.insert(), [{"collection_id": collection_id, **flat(d)} for d in batch])
        done += len(batch)
        if on_progress is not None:
            on_progress(done)
    return done


def stream_documents(database: Database, collection_id: str) -> Iterator[Document]:
    """All documents. Page by page: a reader that stops half-way leaves no transaction open."""
    last = ""
    while True:
        with database.read() as connection:
            page = _read(connection, collection_id, documents.c.doc_id > last, limit=BATCH)
        yield from page
        if len(page) < BATCH:
            return
        last = page[-1].doc_id


def documents_page(database: Database, collection_id: str, offset: int, limit: int) -> list[Document]:
    """The documents from `offset` on."""
    with database.read() as connection:
        return _read(connection, collection_id, sa.true(), limit=limit, offset=offset)


def documents_by_id(database: Database, collection_id: str, doc_ids: Sequence[str]) -> dict[str, Document]:
    """The documents of these ids that there are."""
    with database.read() as connection:
        found = _read(connection, collection_id, one_of(documents.c.doc_id, doc_ids))
    return {document.doc_id: document for document in found}


def _read(
    connection: Connection,
    collection_id: str,
    condition: sa.ColumnElement[bool],
    *,
    limit: int | None = None,
    offset: int | None = None,
) -> list[Document]:
    query = (
        sa.select(*_COLUMNS)
        .where(documents.c.collection_id == collection_id, condition)
        .order_by(documents.c.doc_id)
        .limit(limit)
        .offset(offset)
    )
    return [Document(**row) for row in connection.execute(query).mappings()]
