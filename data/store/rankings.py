"""Rankings: what was shown for a query, with everything that made it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from data.errors import NotFoundError
from data.orders import Order, Place, Stock
from data.records import Ranking
from data.schema import rankings
from data.store.database import Database, flat
from data.store.dialects import one_of, picked

_COLUMNS = tuple(rankings.c[name] for name in Ranking.__dataclass_fields__)
_HEAD = tuple(rankings.c[name] for name in Order.__dataclass_fields__ if name != "places")
_PLACE = tuple(Place.__dataclass_fields__)


class Rankings:
    """The store's rankings; never changed once stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, ranking: Ranking) -> None:
        """Store a ranking."""
        with self._database.write() as connection:
            connection.execute(rankings.insert(), flat(ranking))

    def newest(self) -> int:
        """Sequence number of the ranking stored last, of any collection; 0 where there is none."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(rankings.c.sequence))).scalar_one() or 0

    def get(self, ranking_id: str) -> Ranking:
        """The ranking of that id; raises NotFoundError."""
        found = self._read(rankings.c.ranking_id == ranking_id, limit=1)
        if not found:
            raise NotFoundError(f"There is no ranking {ranking_id!r}.", mend="Rank the query again.")
        return found[0]

    def latest(
        self,
        collection_id: str,
        *,
        query_id: str | None = None,
        version_id: str | None = None,
        method: str | None = None,
        depth: int | None = None,
        prompt_sha256: str | None = None,
        fusion_weight: float | None = None,
    ) -> Ranking | None:
        """The newest ranking that fits everything given; None where there is none."""
        asked: dict[str, Any] = {
            "query_id": query_id,
            "version_id": version_id,
            "method": method,
            "depth": depth,
            "prompt_sha256": prompt_sha256,
            "fusion_weight": fusion_weight,
        }
        conditions = [rankings.c[name] == value for name, value in asked.items() if value is not None]
        found = self._read(rankings.c.collection_id == collection_id, *conditions, limit=1)
        return found[0] if found else None

    def recent(self, collection_id: str, limit: int = 20) -> list[Ranking]:
        """The newest rankings, newest first."""
        return self._read(rankings.c.collection_id == collection_id, limit=limit)

    def stock(self, collection_id: str) -> list[Stock]:
        """What the collection's queries were ranked with, the most used first."""
        made = [rankings.c[name] for name in Stock.__dataclass_fields__ if name != "queries"]
        count = sa.func.count(rankings.c.query_id.distinct())
        query = (
            sa.select(*made, count.label("queries"))
            .where(rankings.c.collection_id == collection_id)
            .group_by(*made)
            .order_by(count.desc(), *made)
        )
        with self._database.read() as connection:
            return [Stock(**row) for row in connection.execute(query).mappings()]

    def orders(
        self,
        collection_id: str,
        *,
        version_id: str | None = None,
        method: str | None = None,
        depth: int | None = None,
        fusion_weight: float | None = None,
        query_ids: Sequence[str] | None = None,
        until: datetime | None = None,
    ) -> list[Order]:
        """The newest ranking of every query (made `until` then) that fits everything given, in `query_id` order;
        neither texts nor probabilities leave the database. None: no filter."""
        asked: dict[str, Any] = {
            "version_id": version_id,
            "method": method,
            "depth": depth,
            "fusion_weight": fusion_weight,
        }
        conditions = [rankings.c.collection_id == collection_id]
        conditions += [rankings.c[name] == value for name, value in asked.items() if value is not None]
        if query_ids is not None:
            conditions.append(one_of(rankings.c.query_id, query_ids))
        if until is not None:
            conditions.append(rankings.c.created_at <= until)
        newest = sa.select(sa.func.max(rankings.c.sequence)).where(*conditions).group_by(rankings.c.query_id)
        query = sa.select(*_HEAD, _places()).where(rankings.c.sequence.in_(newest)).order_by(rankings.c.query_id)
        with self._database.read() as connection:
            return [
                Order(**{name: row[name] for name in row if name != "places"}, places=_read_places(row["places"]))
                for row in connection.execute(query).mappings()
            ]

    def _read(self, *conditions: sa.ColumnElement[bool], limit: int) -> list[Ranking]:
        query = sa.select(*_COLUMNS).where(*conditions).order_by(rankings.c.sequence.desc()).limit(limit)
        with self._database.read() as connection:
            return [Ranking(**row) for row in connection.execute(query).mappings()]


def _places() -> sa.Label[str]:
    """The places of a ranking's documents, as a JSON list of lists in the order of `_PLACE`."""
    return picked(rankings.c.documents, _PLACE).label("places")


def _read_places(text: str) -> tuple[Place, ...]:
    places = (Place(**dict(zip(_PLACE, row, strict=True))) for row in json.loads(text))
    return tuple(sorted(places, key=lambda place: place.rank))
