"""SQLite: one file, safe from many threads and processes, and durable at every commit."""

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from data import disk
from data.errors import ConflictError, StoreError
from data.schema import metadata
from data.store.place import BUSY_MEND, BUSY_SECONDS, explained
from data.whole import to_disk

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
_STRANDED = ("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL")
"""How SQLite's errors begin that a full disk may be behind."""


class SQLite:
    """A database file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def exists(self) -> bool:
        """Is there a file?"""
        return self.path.exists()

    def program(self) -> str:
        """SQLite itself."""
        return f"SQLite {sqlite3.sqlite_version}"

    def engine(self) -> Engine:
        """An engine whose transactions begin as `execution_options(begin=...)` says; deferred otherwise."""
        # No limit on connections: SQLite has none, and a page must not wait for another page's.
        engine = sa.create_engine(
            f"sqlite:///{self.path}", pool_size=8, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS}
        )
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
        return engine

    def reading(self, engine: Engine) -> Engine:
        """Transactions that take no lock before they need one."""
        return engine

    def writing(self, engine: Engine) -> Engine:
        """Transactions that hold the write lock from the start: a lock taken in mid-transaction would make one of two
        writers fail."""
        return engine.execution_options(begin="BEGIN IMMEDIATE")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Writers get SQLite's lock in the order in which they came: only one at a time asks for it, the others line up
        before a lock of the kernel's. SQLite's own waiting writers look again at intervals and in no order: of ten that
        write at once one waited for seconds."""
        try:
            line = self.path.with_name(f"{self.path.name}-turn").open("ab")
        except OSError:  # a folder that can't be written to: SQLite says so, with the mend
            yield
            return
        # Closing gives the lock back. Threads that opened the file each for themselves line up like processes.
        with line:
            fcntl.flock(line, fcntl.LOCK_EX)
            yield

    def cause(self, error: Exception) -> str:
        """SQLite's own words; where a full disk shows as an I/O error or as a file that can't be opened, so much."""
        orig = getattr(error, "orig", None) or error
        name = getattr(orig, "sqlite_errorname", None) or ""
        if name.startswith(_STRANDED) and disk.is_full(self.path.parent):
            return "the disk is full"
        return str(orig)

    def mend(self, words: str) -> str:
        """What a person can do about them."""
        if "locked" in words:
            return BUSY_MEND
        if "malformed" in words or "not a database" in words:
            return "The file is damaged: restore a backup with `whyrank restore`, or move it away to begin anew."
        if "full" in words:
            return f"Make room where {self.path.parent} lies, then do it again; what was saved before is still there."
        if "readonly" in words or "unable to open" in words:
            return (
                f"Let the user who runs WhyRank write in {self.path.parent}, files and folder, or set WHYRANK_HOME to "
                "another folder."
            )
        return "Look at the disk's free space and at the rights to the file and its folder."

    def revision(self) -> str | None:
        """The schema revision of the file; None for one that is not there or holds no table yet."""
        if not self.path.exists():
            return None
        with explained(self), closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables - {"alembic_version", "sqlite_sequence"}:
                return None
            if {"alembic_version", "judgments"} <= tables:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                return None if row is None else str(row[0])
        raise StoreError(f"{self.path} is a database of another program.", mend="Set WHYRANK_HOME to another folder.")

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """The only writer, with foreign keys off: batch mode drops and renames tables, and a cascade would take their
        children along; and renaming as SQLite once did, without a look at triggers that name the table which is just
        being made anew. The pragmas have no effect inside a transaction, so they come before."""
        engine = self.engine()
        for pragma in ("PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON"):
            sa.event.listen(engine, "connect", lambda connection, _, pragma=pragma: connection.execute(pragma))
        try:
            with explained(self), self.writing(engine).begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def check_migrated(self, connection: Connection) -> None:
        """Every row still has what it refers to."""
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise StoreError(
                f"The migration of {self.path} would leave {len(broken)} rows without what they refer to; nothing "
                "changed.",
                mend="Keep the file and report this as a defect.",
            )

    def copy(self, to: Path, *, migrations: Path | None = None) -> dict[str, int]:
        """Copy the running database to one file, without a -wal beside it."""
        with explained(self), closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as source:
            source.isolation_level = None
            source.execute("BEGIN")  # the counts and the copy see the same state
            counts = row_counts(source)
            with closing(sqlite3.connect(to)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        return counts

    def end_log(self) -> None:
        """Write the log into the file: one file to carry about, without a -wal beside it."""
        with explained(self), closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")

    def row_counts(self) -> dict[str, int]:
        """Rows by table of the file; raises StoreError where it is damaged or not WhyRank's."""
        mend = "Use another backup: this file is damaged."
        self.revision()
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
                if answer != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone():
                    raise StoreError(f"{self.path} fails the integrity check: {answer}.", mend=mend)
                return row_counts(connection)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} can't be read: {self.cause(error)}.", mend=mend) from error

    def replace_by(self, draft: Path, kept: Path) -> None:
        """Put the file in this one's place."""
        to_disk(draft)
        if self.path.exists():
            self._keep_beside(kept)
        draft.replace(self.path)
        to_disk(self.path.parent)

    def _keep_beside(self, kept: Path) -> None:
        """Keep the present database under a name of its own, with what its log holds, also where it is damaged."""
        try:
            with closing(sqlite3.connect(self.path, timeout=1)) as connection:
                # Writes the log into the file and ends it; refused while anybody else has the database open.
                connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise ConflictError(
                f"The database {self.path} is in use: {self.cause(error)}.",
                mend="Stop the app, the worker and `whyrank api`, then restore again.",
            ) from error
        except sqlite3.DatabaseError:
            for end in ("-wal", "-shm"):
                log = self.path.with_name(self.path.name + end)
                if log.exists():
                    log.rename(kept.with_name(kept.name + end))
        shutil.copyfile(self.path, kept)
        to_disk(kept)


def row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by table; tables that an older schema does not have are left out."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    names = sorted(there & set(metadata.tables))
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def _on_connect(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
