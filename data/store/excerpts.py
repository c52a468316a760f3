"""Excerpts: as much of documents and queries as fits on a screen. A document of megabytes stays in the file."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from data.schema import documents, queries
from data.store.database import Database
from data.store.dialects import one_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of a document's text."""

    doc_id: str
    title: str
    text: str
    start: int
    """Where the part begins, in characters."""
    length: int
    """Characters of the whole text."""


class Excerpts:
    """Parts of a collection's texts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, collection_id: str, doc_ids: Iterable[str], *, most: int, start: int = 0) -> dict[str, Excerpt]:
        """doc_id -> at most `most` characters of its text from `start` on. Ids that are not there are absent."""
        part = sa.func.substr(documents.c.text, start + 1, most)
        query = sa.select(
            documents.c.doc_id,
            sa.func.substr(documents.c.title, 1, most).label("title"),
            part.label("text"),
            sa.func.length(documents.c.text).label("length"),
        ).where(documents.c.collection_id == collection_id, one_of(documents.c.doc_id, doc_ids))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings()
            return {row["doc_id"]: Excerpt(start=start, **row) for row in rows}

    def queries(self, collection_id: str, query_ids: Iterable[str], *, most: int) -> dict[str, str]:
        """query_id -> at most `most` characters of its text."""
        query = sa.select(queries.c.query_id, sa.func.substr(queries.c.text, 1, most)).where(
            queries.c.collection_id == collection_id, one_of(queries.c.query_id, query_ids)
        )
        with self._database.read() as connection:
            return {query_id: text for query_id, text in connection.execute(query)}
