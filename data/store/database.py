"""The SQLite file as an engine: safe from many threads and processes, and durable at every commit."""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from data.errors import ConflictError, NotFoundError, StoreError
from data.settling import Pair

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BUSY_SECONDS = 30
"""How long a writer waits for another one; an import holds the lock for as long as its rows take."""

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Else INSERT OR REPLACE deletes rows without asking the triggers that guard judgment events.
    "PRAGMA recursive_triggers = ON",
    # Pages are read where the system caches them, not copied: the queries over all judgments take half as long.
    f"PRAGMA mmap_size = {256 * 2**20}",
)


class Database:
    """Read and write transactions on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = make_engine(path)
        self._process = os.getpid()
        self._writing = self._engine.execution_options(begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with explained(self.path), self._of_this_process(self._engine).begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first statement: two writers wait for each other, where a
        lock taken in mid-transaction would make one of them fail. When it ends without an error, it is on disk."""
        with explained(self.path), ExitStack() as transaction:
            with _turn(self.path):
                connection = transaction.enter_context(self._of_this_process(self._writing).begin())
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _of_this_process(self, engine: Engine) -> Engine:
        """SQLite connections that came along in a fork must not be used: their locks belong to the parent."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)
            self._process = os.getpid()
        return engine


def make_engine(path: Path) -> Engine:
    """An engine whose transactions begin as `execution_options(begin=...)` says; deferred otherwise."""
    # No limit on connections: SQLite has none, and a page must not wait for another page's.
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=8, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Writers get SQLite's lock in the order in which they came: only one at a time asks for it, the others line up
    before a lock of the kernel's. SQLite's own waiting writers look again at intervals and in no order: of ten that
    write at once one waited for seconds."""
    try:
        line = path.with_name(f"{path.name}-turn").open("ab")
    except OSError:  # a folder that can't be written to: SQLite says so, with the mend
        yield
        return
    # Closing gives the lock back. Threads that opened the file each for themselves line up like processes.
    with line:
        fcntl.flock(line, fcntl.LOCK_EX)
        yield


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says into errors for people."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise _integrity_error(error) from error
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise StoreError(f"The database {path} can't be used: {cause(error)}.", mend=_mend(cause(error))) from error


def cause(error: Exception) -> str:
    """SQLite's own words."""
    return str(getattr(error, "orig", None) or error)


def _integrity_error(error: sa.exc.IntegrityError) -> ConflictError | NotFoundError:
    if "FOREIGN KEY" in cause(error):
        return NotFoundError(
            "Something that this refers to (collection, query, document, assessor, version or job) is not stored.",
            mend="Store that first, or look at the id again.",
        )
    return ConflictError(
        f"The store refuses this: {cause(error)}.", mend="Load the present state anew, then do it again."
    )


def _mend(words: str) -> str:
    if "locked" in words:
        return "Another process has been writing for a long time: wait until its import or job is done, then try again."
    if "malformed" in words or "not a database" in words:
        return "The file is damaged: restore a backup with `whyrank restore`."
    return "Look at the disk's free space and at the rights to the file and its folder."


def _on_connect(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def one_of(column: sa.ColumnElement[Any], values: Iterable[str]) -> sa.ColumnElement[bool]:
    """Is the column one of `values`? As one parameter, however many there are (SQLite has a limit)."""
    given = sa.func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(sa.select(given.c.value))


def listed_pairs(pairs: Iterable[Pair]) -> sa.Select[tuple[str, str]]:
    """Pairs as rows, given as one parameter however many there are."""
    each = sa.func.json_each(json.dumps([list(pair) for pair in pairs])).table_valued("value")
    return sa.select(sa.func.json_extract(each.c.value, "$[0]"), sa.func.json_extract(each.c.value, "$[1]"))


def flat(record: "DataclassInstance") -> dict[str, Any]:
    """A record's fields as a row; the column types turn the values into what SQLite keeps."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
