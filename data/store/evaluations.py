"""Stored evaluations, and how often a held-out set was looked at."""

import sqlalchemy as sa

from data.errors import NotFoundError
from data.records import EvaluationRecord
from data.schema import evaluations
from data.store.database import Database, flat

_SELECTED = sa.select(*(evaluations.c[name] for name in EvaluationRecord.__dataclass_fields__))


class Evaluations:
    """The store's evaluations; never changed once stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: EvaluationRecord) -> None:
        """Store an evaluation."""
        with self._database.write() as connection:
            connection.execute(evaluations.insert(), flat(record))

    def get(self, evaluation_id: str) -> EvaluationRecord:
        """The evaluation of that id; raises NotFoundError."""
        query = _SELECTED.where(evaluations.c.evaluation_id == evaluation_id)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFoundError(f"There is no evaluation {evaluation_id!r}.", mend="Choose one from the list.")
        return EvaluationRecord(**row)

    def list(self, collection_id: str) -> list[EvaluationRecord]:
        """A collection's evaluations, newest first."""
        query = _SELECTED.where(evaluations.c.collection_id == collection_id).order_by(evaluations.c.sequence.desc())
        with self._database.read() as connection:
            return [EvaluationRecord(**row) for row in connection.execute(query).mappings()]

    def looks(self, heldout_sha256: str) -> int:
        """How many evaluations looked at this held-out set."""
        query = sa.select(sa.func.count()).where(evaluations.c.heldout_sha256 == heldout_sha256)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())
