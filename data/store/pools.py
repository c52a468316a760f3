"""Pools of pairs to be judged for an evaluation, and how far people are with them."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from data.errors import NotFoundError
from data.pooling import Pool
from data.records import DECIDED, Status
from data.schema import documents, judgments, pools, queries
from data.store.assessors import PEOPLE
from data.store.database import Database, flat
from data.store.dialects import listed_pairs, one_of
from data.store.events import newest_events

_SELECTED = sa.select(*(pools.c[name] for name in Pool.__dataclass_fields__))


class Pools:
    """The store's pools; never changed once stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, pool: Pool) -> None:
        """Store a pool. ConflictError where the collection has one of that name, NotFoundError where a pair is not of
        the collection."""
        with self._database.write() as connection:
            for column, ids in (
                (queries.c.query_id, {query_id for query_id, _ in pool.pairs}),
                (documents.c.doc_id, {doc_id for _, doc_id in pool.pairs}),
            ):
                counted = sa.select(sa.func.count()).where(
                    column.table.c.collection_id == pool.collection_id, one_of(column, ids)
                )
                if connection.execute(counted).scalar_one() != len(ids):
                    raise NotFoundError(
                        f"Some pairs of the pool {pool.name!r} name a {column.name} that is not in the collection.",
                        mend="Make the pool from rankings of this collection.",
                    )
            connection.execute(pools.insert(), flat(pool))

    def get(self, pool_id: str) -> Pool:
        """The pool of that id; raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(_SELECTED.where(pools.c.pool_id == pool_id)).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no evaluation queue {pool_id!r}.", mend="Choose one from the list.")
        return Pool(**row)

    def list(self, collection_id: str) -> list[Pool]:
        """A collection's pools, newest first."""
        query = _SELECTED.where(pools.c.collection_id == collection_id).order_by(pools.c.sequence.desc())
        with self._database.read() as connection:
            return [Pool(**row) for row in connection.execute(query).mappings()]

    def decided(self, pool: Pool) -> Mapping[str, set[tuple[str, str]]]:
        """Human assessor_id -> the pool's pairs this person has graded or said can't be judged, as things are now."""
        query = sa.select(judgments.c.assessor_id, judgments.c.query_id, judgments.c.doc_id).where(
            judgments.c.sequence.in_(newest_events(*_of_people(pool))), judgments.c.status.in_(DECIDED)
        )
        found: dict[str, set[tuple[str, str]]] = {}
        with self._database.read() as connection:
            for assessor_id, query_id, doc_id in connection.execute(query):
                found.setdefault(assessor_id, set()).add((query_id, doc_id))
        return found

    def first_graded(self, pool: Pool) -> Mapping[tuple[str, str], datetime]:
        """Pair of the pool -> when a person first graded it. Pairs nobody ever graded are absent."""
        query = (
            sa.select(judgments.c.query_id, judgments.c.doc_id, sa.func.min(judgments.c.created_at))
            .where(*_of_people(pool), judgments.c.status == Status.JUDGED)
            .group_by(judgments.c.query_id, judgments.c.doc_id)
        )
        with self._database.read() as connection:
            return {(query_id, doc_id): moment for query_id, doc_id, moment in connection.execute(query)}


def _of_people(pool: Pool) -> tuple[sa.ColumnElement[bool], ...]:
    """Which events are people's, on pairs of the pool."""
    return (
        judgments.c.collection_id == pool.collection_id,
        sa.tuple_(judgments.c.query_id, judgments.c.doc_id).in_(listed_pairs(pool.pairs)),
        judgments.c.assessor_id.in_(PEOPLE),
    )
