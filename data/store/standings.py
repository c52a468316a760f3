"""Standings: every pair a queue could show, read narrow. Explanations, documents and raw answers stay in the file."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.records import DECIDED, AssessorKind, Status
from data.schema import assessors, judgments, queries, rankings
from data.settling import Pair
from data.standing import Standing
from data.store.assessors import REAL_PEOPLE
from data.store.database import Database
from data.store.dialects import listed_pairs, picked, unindexed
from data.store.events import newest_events

_SHIFT = 1000
"""More than any scale has grades: a grade can ride on a sequence number, and come out with the highest."""


class Standings:
    """Grades and places of a collection's pairs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(
        self, collection_id: str, assessor_id: str, *, query_id: str | None = None, undecided: bool = False
    ) -> list[Standing]:
        """Every pair (of one query) that somebody judged or that stands in the newest ranking of its query, as this
        assessor sees it, in no particular order. Documents that a query excludes are left out.

        `undecided`: pairs that a person decided on may be missing, which is most of the work where people judged
        much."""
        with self._database.read() as connection:
            excluded = _excluded(connection, collection_id)
            ranked = {pair: (rank, by_grade) for pair, rank, by_grade in _ranked(connection, collection_id, query_id)}
            conditions = [judgments.c.collection_id == collection_id, *_of_query(judgments.c.query_id, query_id)]
            if undecided:
                wanted: sa.CompoundSelect[tuple[str, str]] = sa.union(
                    *_perhaps_open(collection_id, assessor_id), listed_pairs(ranked)
                )
                conditions.append(sa.tuple_(judgments.c.query_id, judgments.c.doc_id).in_(wanted))
            found = []
            for standing in _judged(connection, assessor_id, conditions):
                rank, probabilities = ranked.pop(standing.pair, (None, None))
                if standing.pair not in excluded:
                    found.append(standing._replace(rank=rank, probabilities=probabilities) if rank else standing)
            found += [
                Standing(query_id=pair[0], doc_id=pair[1], rank=rank, probabilities=probabilities)
                for pair, (rank, probabilities) in ranked.items()
                if pair not in excluded
            ]
        return found


def _perhaps_open(collection_id: str, me: str) -> Iterator[sa.Select[tuple[str, str]]]:
    """The pairs that no person touched, read from an index alone; and those of which one said at some time something
    that is no decision, read from the table in its order, as they are few and lie all over the index."""
    j = judgments.c
    person = sa.or_(j.assessor_id.in_(REAL_PEOPLE), j.assessor_id == me)
    pairs = sa.select(j.query_id, j.doc_id)
    of_collection = j.collection_id == collection_id
    yield (
        pairs.where(of_collection)
        .group_by(*pairs.selected_columns)
        .having(sa.func.max(sa.case((person, 1), else_=0)) == 0)
    )
    yield pairs.where(unindexed(j.collection_id) == collection_id, person, j.status.not_in(DECIDED))


def _judged(connection: Connection, me: str, conditions: Sequence[sa.ColumnElement[bool]]) -> Iterator[Standing]:
    """A row a pair, put together by the database: what leaves it is a few numbers."""
    j, a = judgments.c, assessors.c
    newest = newest_events(*conditions).subquery()
    student, teacher, human = (
        a.kind == kind for kind in (AssessorKind.STUDENT, AssessorKind.TEACHER, AssessorKind.HUMAN)
    )
    real = sa.and_(human, a.authored.is_(False))
    decided = sa.and_(real, j.assessor_id != me, j.status.in_(DECIDED))

    shift = sa.literal(_SHIFT, sa.BigInteger)  # PostgreSQL's integers end at two billion

    def of(who: sa.ColumnElement[bool], value: Any) -> Any:
        return sa.case((who, value))

    query = (
        sa.select(
            j.query_id,
            j.doc_id,
            sa.func.max(of(sa.and_(student, j.grade.is_not(None)), j.sequence * shift + j.grade)),
            sa.func.min(of(teacher, j.grade)),
            sa.func.max(of(teacher, j.grade)),
            sa.func.min(of(real, j.grade)),
            sa.func.max(of(real, j.grade)),
            sa.func.count(of(decided, 1)),
            sa.func.max(of(j.assessor_id == me, sa.cast(j.status, sa.String))),
        )
        .select_from(
            newest.join(judgments, j.sequence == newest.c.sequence).join(assessors, a.assessor_id == j.assessor_id)
        )
        .where(j.status != Status.WITHDRAWN)
        .group_by(j.query_id, j.doc_id)
    )
    for judged_id, doc_id, said, t_low, t_high, p_low, p_high, others, mine in connection.execute(query).all():
        yield Standing(
            judged_id,
            doc_id,
            None if said is None else said % _SHIFT,
            None if t_low is None else (t_low, t_high),
            None if p_low is None else (p_low, p_high),
            others,
            None if mine is None else Status(mine),
        )


def _ranked(
    connection: Connection, collection_id: str, query_id: str | None
) -> Iterator[tuple[Pair, int, tuple[float, ...] | None]]:
    """(pair, rank, probabilities) of the newest ranking of every query."""
    places = picked(rankings.c.documents, ("doc_id", "rank", "probabilities"))
    newest = (
        sa.select(sa.func.max(rankings.c.sequence))
        .where(rankings.c.collection_id == collection_id, *_of_query(rankings.c.query_id, query_id))
        .group_by(rankings.c.query_id)
    )
    query = sa.select(rankings.c.query_id, places).where(rankings.c.sequence.in_(newest))
    for ranked_id, listed in connection.execute(query):
        for doc_id, rank, by_grade in json.loads(listed):
            yield (ranked_id, doc_id), rank, tuple(sorted(by_grade.values(), reverse=True)) if by_grade else None


def _of_query(column: sa.Column[str], query_id: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if query_id is None else (column == query_id,)


def _excluded(connection: Connection, collection_id: str) -> set[Pair]:
    query = sa.select(queries.c.query_id, queries.c.excluded_ids).where(
        queries.c.collection_id == collection_id, queries.c.excluded_ids.is_not(None)
    )
    return {(query_id, doc_id) for query_id, names in connection.execute(query) for doc_id in names}
