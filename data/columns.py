"""Columns the tables share: moments in UTC, words of an enum, JSON, insertion order, a row's collection."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)

from data.records import Evidence, RankedDocument
from data.scales import Level, Scale

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
"""Names for every constraint: SQLite can only alter a named one (Alembic's batch mode)."""

metadata = MetaData(naming_convention=NAMING)
"""All tables."""


class UtcTime(TypeDecorator[datetime]):
    """A moment: written in UTC, read back aware. A naive one is refused: nobody knows when it was."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To naive UTC, SQLite's form."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use data.records.utc_now().")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back to aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Word(TypeDecorator[StrEnum]):
    """A member of a StrEnum, kept as its text."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """To its text; a word that is not in the enum raises ValueError."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Back to the member."""
        return None if value is None else self.words(value)


class ScaleValue(TypeDecorator[Scale]):
    """A label scale, kept whole as JSON: a collection keeps its own when a preset changes."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Scale | None, dialect: Dialect) -> dict[str, Any] | None:
        """To JSON."""
        return None if value is None else asdict(value)

    def process_result_value(self, value: dict[str, Any] | None, dialect: Dialect) -> Scale | None:
        """Back to the scale."""
        if value is None:
            return None
        levels = tuple(Level(**level) for level in value["levels"])
        return Scale(name=value["name"], relevant_from=value["relevant_from"], levels=levels)


class EvidenceList(TypeDecorator[tuple[Evidence, ...]]):
    """A judgment's evidence, as a JSON list."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: tuple[Evidence, ...] | None, dialect: Dialect) -> list[dict[str, Any]]:
        """To JSON."""
        return [asdict(evidence) for evidence in value or ()]

    def process_result_value(self, value: list[dict[str, Any]] | None, dialect: Dialect) -> tuple[Evidence, ...]:
        """Back to the tuple."""
        return tuple(Evidence(**evidence) for evidence in value or ())


class Names(TypeDecorator[tuple[str, ...]]):
    """Ids or names, as a JSON list; none is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> list[str] | None:
        """To a list."""
        return list(value) if value else None

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> tuple[str, ...]:
        """Back to the tuple."""
        return tuple(value or ())


class Pairs(TypeDecorator[tuple[tuple[str, str], ...]]):
    """(query_id, doc_id) pairs, as a JSON list of lists."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: tuple[tuple[str, str], ...] | None, dialect: Dialect) -> list[list[str]]:
        """To lists."""
        return [list(pair) for pair in value or ()]

    def process_result_value(self, value: list[list[str]] | None, dialect: Dialect) -> tuple[tuple[str, str], ...]:
        """Back to tuples."""
        return tuple((query_id, doc_id) for query_id, doc_id in value or ())


class RankedList(TypeDecorator[tuple[RankedDocument, ...]]):
    """A ranking's documents, as a JSON list: they are only ever written and read together."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: tuple[RankedDocument, ...] | None, dialect: Dialect) -> list[dict[str, Any]]:
        """To JSON."""
        return [{f.name: _plain(getattr(document, f.name)) for f in fields(document)} for document in value or ()]

    def process_result_value(self, value: list[dict[str, Any]] | None, dialect: Dialect) -> tuple[RankedDocument, ...]:
        """Back to the tuple; JSON made strings of the grades."""
        documents = []
        for row in value or ():
            by_grade = row["probabilities"]
            row["probabilities"] = None if by_grade is None else {int(grade): p for grade, p in by_grade.items()}
            row["evidence"] = tuple(Evidence(**evidence) for evidence in row["evidence"])
            documents.append(RankedDocument(**row))
        return tuple(documents)


class PlainMapping(TypeDecorator[Mapping[str, Any]]):
    """Any mapping of JSON values; None is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> dict[str, Any] | None:
        """To a dict, which JSON knows."""
        return None if value is None else dict(value)


class Figure(TypeDecorator[float]):
    """A number that may be "not a number", which SQLite keeps as NULL: a loss that went astray must show."""

    impl = Float
    cache_ok = True

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        """Back to the number."""
        return math.nan if value is None else value


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [asdict(evidence) for evidence in value]
    return dict(value) if isinstance(value, Mapping) else value


def mapping_column(name: str, *, nullable: bool = False) -> Column[Mapping[str, Any]]:
    """A mapping of JSON values."""
    return Column(name, PlainMapping, nullable=nullable)


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text of any length."""
    return Column(name, Text, nullable=nullable)


def word_column(name: str, words: type[StrEnum], *, nullable: bool = False) -> Column[StrEnum]:
    """A member of an enum."""
    return Column(name, Word(words), nullable=nullable)


def time_column(name: str, *, nullable: bool = False) -> Column[datetime]:
    """A moment."""
    return Column(name, UtcTime, nullable=nullable)


def sequence_column() -> Column[int]:
    """Insertion order. AUTOINCREMENT: a number is never given twice, so "newest" can't be mistaken."""
    return Column("sequence", Integer, primary_key=True, autoincrement=True)


def collection_column(*, nullable: bool = False) -> Column[str]:
    """The collection a row belongs to, and goes with."""
    return Column(
        "collection_id", String, ForeignKey("collections.collection_id", ondelete="CASCADE"), nullable=nullable
    )


def query_key() -> ForeignKeyConstraint:
    """A row's query, which it goes with."""
    return ForeignKeyConstraint(
        ["collection_id", "query_id"], ["queries.collection_id", "queries.query_id"], ondelete="CASCADE"
    )


def document_key() -> ForeignKeyConstraint:
    """A row's document, which it goes with."""
    return ForeignKeyConstraint(
        ["collection_id", "doc_id"], ["documents.collection_id", "documents.doc_id"], ondelete="CASCADE"
    )
