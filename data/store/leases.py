"""Leases: for a while a pair is one assessor's, so that two people never judge the same one unawares."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.pooling import Lease
from data.records import DECIDED, Status, utc_now
from data.schema import judgments, leases
from data.settling import Pair
from data.store.assessors import REAL_PEOPLE
from data.store.database import Database
from data.store.dialects import listed_pairs, upsert
from data.store.events import newest_events


class Leases:
    """The store's leases. One whose time is over counts as not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self,
        collection_id: str,
        assessor_id: str,
        wanted: Sequence[tuple[Pair, int]],
        *,
        most: int,
        seconds: float,
        keeping: Collection[Pair] = (),
        now: datetime | None = None,
    ) -> list[Pair]:
        """Take the first `most` of the wanted pairs that are free, in their order, for `seconds`; all at once or, where
        this raises, none. A pair is wanted together with the number of people it may be with: those who hold it and
        those who decided on it (the sample's authored assessors are nobody). What this assessor answered already is
        not given. Of the pairs they held, those of `keeping` stay theirs for as long again, and are not given a second
        time; the others are free."""
        now = now or utc_now()
        until = now + timedelta(seconds=seconds)
        mine = (leases.c.collection_id == collection_id, leases.c.assessor_id == assessor_id)
        kept = sa.tuple_(leases.c.query_id, leases.c.doc_id).in_(listed_pairs(keeping))
        given: list[Pair] = []
        with self._database.write() as connection:
            connection.execute(leases.delete().where(leases.c.collection_id == collection_id, leases.c.until <= now))
            connection.execute(leases.delete().where(*mine, ~kept))
            connection.execute(leases.update().where(*mine).values(until=until))
            others, answered = _with_whom(connection, collection_id, assessor_id, [pair for pair, _ in wanted])
            passed = answered.union(keeping)
            for pair, places in wanted:
                if len(given) == most:
                    break
                if pair not in passed and len(others.get(pair, ())) < places:
                    given.append(pair)
            _hold(connection, collection_id, assessor_id, given, until)
        return given

    def release(self, collection_id: str, assessor_id: str) -> None:
        """Give back everything this assessor holds."""
        self.take(collection_id, assessor_id, (), most=0, seconds=0)

    def held(self, collection_id: str, *, now: datetime | None = None) -> list[Lease]:
        """Who holds what now."""
        columns = (leases.c[name] for name in Lease.__dataclass_fields__)
        query = (
            sa.select(*columns)
            .where(leases.c.collection_id == collection_id, leases.c.until > (now or utc_now()))
            .order_by(leases.c.query_id, leases.c.doc_id, leases.c.assessor_id)
        )
        with self._database.read() as connection:
            return [Lease(**row) for row in connection.execute(query).mappings()]


def _with_whom(
    connection: Connection, collection_id: str, me: str, pairs: Sequence[Pair]
) -> tuple[dict[Pair, set[str]], set[Pair]]:
    """Pair -> the others who hold it or decided on it; and the pairs this assessor answered."""
    others: dict[Pair, set[str]] = {}
    mine: set[Pair] = set()
    listed = listed_pairs(pairs)
    held = sa.select(leases.c.query_id, leases.c.doc_id, leases.c.assessor_id).where(
        leases.c.collection_id == collection_id,
        leases.c.assessor_id != me,
        sa.tuple_(leases.c.query_id, leases.c.doc_id).in_(listed),
    )
    for query_id, doc_id, assessor_id in connection.execute(held):
        others.setdefault((query_id, doc_id), set()).add(assessor_id)
    newest = newest_events(
        judgments.c.collection_id == collection_id, sa.tuple_(judgments.c.query_id, judgments.c.doc_id).in_(listed)
    )
    said = sa.select(judgments.c.query_id, judgments.c.doc_id, judgments.c.assessor_id, judgments.c.status).where(
        judgments.c.sequence.in_(newest),
        judgments.c.assessor_id.in_(REAL_PEOPLE),
        judgments.c.status != Status.WITHDRAWN,
    )
    for query_id, doc_id, assessor_id, status in connection.execute(said):
        # A pair that is put off is theirs to take up again.
        if assessor_id == me and status is not Status.LATER:
            mine.add((query_id, doc_id))
        elif assessor_id != me and status in DECIDED:
            others.setdefault((query_id, doc_id), set()).add(assessor_id)
    return others, mine


def _hold(connection: Connection, collection_id: str, me: str, pairs: Iterable[Pair], until: datetime) -> None:
    rows = [
        {"collection_id": collection_id, "query_id": query_id, "doc_id": doc_id, "assessor_id": me, "until": until}
        for query_id, doc_id in pairs
    ]
    if rows:
        upsert(connection, leases, rows, ["until"])
