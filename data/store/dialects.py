"""SQL that SQLite and PostgreSQL say differently, chosen when a statement is put into words for one of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from data.settling import Pair


def one_of(column: sa.ColumnElement[Any], values: Iterable[str]) -> sa.ColumnElement[bool]:
    """Is the column one of `values`? As one parameter, however many there are (both databases have a limit)."""
    given = _Texts(sa.literal(json.dumps(list(values)), sa.Text)).table_valued("value")
    return column.in_(sa.select(given.c.value))


def listed_pairs(pairs: Iterable[Pair]) -> sa.Select[str, str]:
    """Pairs as rows, given as one parameter however many there are."""
    each = _Values(sa.literal(json.dumps([list(pair) for pair in pairs]), sa.Text)).table_valued("value")
    return sa.select(_Nth(each.c.value, sa.literal_column("0")), _Nth(each.c.value, sa.literal_column("1")))


def picked(column: sa.Column[Any], names: Sequence[str]) -> sa.ColumnElement[str]:
    """Of a JSON list of objects the values of these names, as the text of a JSON list of lists in the order of `names`.
    A few fields leave the database where the objects hold whole texts."""
    return _Picked(column, *(sa.literal_column(f"'{name}'") for name in names))


def epoch_seconds(column: sa.Column[Any]) -> sa.ColumnElement[int]:
    """A moment as whole seconds since 1970."""
    return _EpochSeconds(column)


def unindexed(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The column with a plus before it, so that SQLite does not look it up in its index; PostgreSQL keeps statistics
    and chooses well without."""
    return _Unindexed(column)


def upsert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], newer: Sequence[str]) -> None:
    """Insert the rows; where one of the same primary key is there, it takes the columns `newer` of the new row."""
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in newer}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


class _Texts(FunctionElement[str]):
    """The strings of a JSON list, a row each."""

    name = "json_each"
    inherit_cache = True


class _Values(FunctionElement[Any]):
    """The values of a JSON list, a row each."""

    name = "json_each"
    inherit_cache = True


class _Nth(FunctionElement[str]):
    """A string of a JSON list, by its place."""

    type = sa.String()
    inherit_cache = True


class _Picked(FunctionElement[str]):
    type = sa.Text()
    inherit_cache = True


class _EpochSeconds(FunctionElement[int]):
    type = sa.BigInteger()
    inherit_cache = True


class _Unindexed(FunctionElement[Any]):
    inherit_cache = True

    def __init__(self, column: sa.Column[Any]) -> None:
        super().__init__(column)
        self.type = column.type


def _said(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> list[str]:
    return [compiler.process(clause, **given) for clause in element.clauses]


@compiles(_Texts, "sqlite")
@compiles(_Values, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (value,) = _said(element, compiler, **given)
    return f"json_each({value})"


@compiles(_Texts, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (value,) = _said(element, compiler, **given)
    return f"json_array_elements_text(CAST({value} AS json))"


@compiles(_Values, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (value,) = _said(element, compiler, **given)
    return f"json_array_elements(CAST({value} AS json))"


@compiles(_Nth, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    value, place = _said(element, compiler, **given)
    return f"json_extract({value}, '$[{place}]')"


@compiles(_Nth, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    value, place = _said(element, compiler, **given)
    return f"({value} ->> {place})"


@compiles(_Picked, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    column, *names = _said(element, compiler, **given)
    fields = ", ".join(f"json_extract(each_.value, '$.{name.strip(chr(39))}')" for name in names)
    return f"(SELECT json_group_array(json_array({fields})) FROM json_each({column}) AS each_)"


@compiles(_Picked, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    column, *names = _said(element, compiler, **given)
    fields = ", ".join(f"each_.value -> {name}" for name in names)
    listed = f"SELECT json_agg(json_build_array({fields})) FROM json_array_elements({column}) AS each_"
    return f"CAST(coalesce(({listed}), '[]') AS text)"


@compiles(_EpochSeconds, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (moment,) = _said(element, compiler, **given)
    return f"CAST(strftime('%s', {moment}) AS INTEGER)"


@compiles(_EpochSeconds, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (moment,) = _said(element, compiler, **given)
    return f"CAST(floor(extract(epoch FROM {moment})) AS bigint)"


@compiles(_Unindexed, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (column,) = _said(element, compiler, **given)
    return f"+{column}"


@compiles(_Unindexed, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **given: Any) -> str:
    (column,) = _said(element, compiler, **given)
    return column
