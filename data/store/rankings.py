"""Rankings: what was shown for a query, with everything that made it."""

from typing import Any

import sqlalchemy as sa

from data.errors import NotFoundError
from data.records import Ranking
from data.schema import rankings
from data.store.database import Database, flat

_COLUMNS = tuple(rankings.c[name] for name in Ranking.__dataclass_fields__)


class Rankings:
    """The store's rankings; never changed once stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, ranking: Ranking) -> None:
        """Store a ranking."""
        with self._database.write() as connection:
            connection.execute(rankings.insert(), flat(ranking))

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

    def _read(self, *conditions: sa.ColumnElement[bool], limit: int) -> list[Ranking]:
        query = sa.select(*_COLUMNS).where(*conditions).order_by(rankings.c.sequence.desc()).limit(limit)
        with self._database.read() as connection:
            return [Ranking(**row) for row in connection.execute(query).mappings()]
