"""All rows of one database into another of the same revision, of either kind."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.schema import metadata

BATCH = 1000
"""Rows read and written at once."""


def copy_rows(source: Connection, target: Connection) -> None:
    """Write every row of the source into the target's tables, which are empty. Parents come before their children, and
    rows in the order of their keys: what a row refers to is there before it."""
    there, here = _tables(source), _tables(target)
    for name, table in there.items():
        query = sa.select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
        for batch in source.execute(query).mappings().partitions():
            target.execute(here[name].insert(), [dict(row) for row in batch])
    _set_sequences(target, _sequences(source, there))


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows by table; tables that an older schema does not have are left out."""
    tables = _tables(connection)
    return {
        name: connection.execute(sa.select(sa.func.count()).select_from(tables[name])).scalar_one()
        for name in sorted(tables)
    }


def _tables(connection: Connection) -> dict[str, sa.Table]:
    """The tables as they are in the database, parents first; the schema may be an older one than this program's."""
    names = set(sa.inspect(connection).get_table_names()) & set(metadata.tables)
    found = sa.MetaData()
    found.reflect(connection, only=sorted(names))
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type.none_as_null = True
    return {table.name: found.tables[table.name] for table in metadata.sorted_tables if table.name in names}


def _sequences(connection: Connection, tables: dict[str, sa.Table]) -> dict[str, int]:
    """Table -> the last number its rows were given; the rows that had it may be gone."""
    if connection.dialect.name == "sqlite":
        given = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
        return {name: number for name, number in given if name in tables and number}
    found = {}
    for name, table in tables.items():
        if "sequence" in table.c:
            last, called = connection.execute(sa.text(f"SELECT last_value, is_called FROM {name}_sequence_seq")).one()
            if called:
                found[name] = last
    return found


def _set_sequences(connection: Connection, numbers: dict[str, int]) -> None:
    """Go on after these numbers."""
    for name, number in numbers.items():
        if connection.dialect.name == "sqlite":
            connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            row = {"name": name, "number": number}
            connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), row)
        else:
            connection.execute(sa.text(f"SELECT setval('{name}_sequence_seq', :number)"), {"number": number})
