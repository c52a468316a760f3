"""Gradings: judgments read without their texts, for what is counted, compared or settled over a whole collection."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from data.records import DECIDED, Judgment, Status
from data.schema import judgments
from data.settling import Grading, Pair
from data.store.assessors import PEOPLE
from data.store.database import Database
from data.store.dialects import one_of
from data.store.events import JUDGMENT_COLUMNS, newest_events

_STATUS = {status.value: status for status in Status}
# As the database gives them, turned into their types below and only where there is something to turn: a hundred
# thousand rows through column types take longer than reading them.
_COLUMNS = tuple(
    column if isinstance(column.type, sa.Integer) else sa.type_coerce(column, sa.String).label(column.name)
    for column in (judgments.c[name] for name in Grading.__dataclass_fields__)
)


class Gradings:
    """The store's judgments without texts. Only what counts is read: grades, and that a pair can't be judged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(
        self,
        collection_id: str,
        *,
        assessor_ids: Sequence[str] | None = None,
        query_ids: Sequence[str] | None = None,
        pairs_of: Sequence[Pair] | None = None,
        independent: bool = False,
    ) -> list[Grading]:
        """The newest answer of every (assessor, query, document), in the order stored. `independent`: as it was before
        its assessor settled a conflict in view of what others had said. `query_ids`, `pairs_of`: only of these."""
        conditions = [judgments.c.collection_id == collection_id]
        if assessor_ids is not None:
            conditions.append(one_of(judgments.c.assessor_id, assessor_ids))
        if query_ids is not None:
            conditions.append(one_of(judgments.c.query_id, query_ids))
        if pairs_of is not None:
            # By both ids apart, which the index has first: what is read too much is dropped below.
            conditions.append(one_of(judgments.c.query_id, sorted({query_id for query_id, _ in pairs_of})))
            conditions.append(one_of(judgments.c.doc_id, sorted({doc_id for _, doc_id in pairs_of})))
        if independent:
            # Looked up once, as there are few: asking each event itself would read its row, not the index alone.
            settling = sa.select(judgments.c.sequence).where(
                judgments.c.collection_id == collection_id, judgments.c.settles.is_not(None)
            )
            conditions.append(judgments.c.sequence.not_in(settling))
        query = (
            sa.select(*_COLUMNS)
            .where(judgments.c.sequence.in_(newest_events(*conditions)), judgments.c.status.in_(DECIDED))
            .order_by(judgments.c.sequence)
        )
        wanted = None if pairs_of is None else set(pairs_of)
        return [g for g in self._read(query) if wanted is None or (g.query_id, g.doc_id) in wanted]

    def disputed(self, collection_id: str) -> list[Grading]:
        """The current answers of people to every pair that got different grades from them, settled or not."""
        newest = newest_events(judgments.c.collection_id == collection_id, judgments.c.assessor_id.in_(PEOPLE))
        # Used twice, so SQLite keeps it: the events are looked up once.
        said = (
            sa.select(*_COLUMNS, judgments.c.sequence)
            .where(judgments.c.sequence.in_(newest), judgments.c.status.in_(DECIDED))
            .cte("said")
        )
        apart = (
            sa.select(said.c.query_id, said.c.doc_id)
            .group_by(said.c.query_id, said.c.doc_id)
            .having(sa.func.min(said.c.grade) < sa.func.max(said.c.grade))
        )
        columns = [said.c[name] for name in Grading.__dataclass_fields__]
        query = sa.select(*columns).where(sa.tuple_(said.c.query_id, said.c.doc_id).in_(apart))
        return self._read(query.order_by(said.c.sequence))

    def settlements(
        self, collection_id: str, *, assessor_id: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Judgment]:
        """People's current judgments that settle others (one person's, where named), whole, the newest first."""
        query = _settling(JUDGMENT_COLUMNS, collection_id).order_by(judgments.c.sequence.desc())
        if assessor_id is not None:
            query = query.where(judgments.c.assessor_id == assessor_id)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit).offset(offset)).mappings()
            return [Judgment(**row) for row in rows]

    def settlement_count(self, collection_id: str) -> int:
        """How many there are."""
        with self._database.read() as connection:
            count: int = connection.execute(_settling((sa.func.count(),), collection_id)).scalar_one()
        return count

    def by_id(self, event_ids: Sequence[str]) -> dict[str, Grading]:
        """Events by their id, current or not; those that are not here (an import may name others) are absent."""
        found = self._read(sa.select(*_COLUMNS).where(one_of(judgments.c.event_id, event_ids)))
        return {grading.event_id: grading for grading in found}

    def _read(self, query: sa.Select[Any]) -> list[Grading]:
        with self._database.read() as connection:
            return [_grading(*row) for row in connection.execute(query)]


def _grading(  # noqa: PLR0913 - a row's columns
    event_id: str,
    query_id: str,
    doc_id: str,
    assessor_id: str,
    status: str,
    grade: int | None,
    settles: str | list[str] | None,
    created_at: str | datetime,
) -> Grading:
    if settles is None:
        return Grading(event_id, query_id, doc_id, assessor_id, _STATUS[status], grade, (), None)
    # SQLite keeps both as texts; PostgreSQL's driver has read them.
    moment = datetime.fromisoformat(created_at) if isinstance(created_at, str) else created_at
    settled = tuple(json.loads(settles) if isinstance(settles, str) else settles)
    return Grading(event_id, query_id, doc_id, assessor_id, _STATUS[status], grade, settled, moment.replace(tzinfo=UTC))


def _settling(columns: Sequence[Any], collection_id: str) -> sa.Select[Any]:
    """Goes over people's events alone (by the index of assessors), and asks of the few that settle something whether
    their assessor said anything of the pair later."""
    later = judgments.alias()
    said_later = sa.exists().where(
        later.c.collection_id == judgments.c.collection_id,
        later.c.query_id == judgments.c.query_id,
        later.c.doc_id == judgments.c.doc_id,
        later.c.assessor_id == judgments.c.assessor_id,
        later.c.sequence > judgments.c.sequence,
    )
    return sa.select(*columns).where(
        judgments.c.collection_id == collection_id,
        judgments.c.assessor_id.in_(PEOPLE),
        judgments.c.settles.is_not(None),
        ~said_later,
    )
