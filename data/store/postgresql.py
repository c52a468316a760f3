"""PostgreSQL, by URL: for teams whose operations ask for it."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from data.errors import ConflictError, SettingsError, StoreError
from data.schema import metadata
from data.store.copying import copy_rows, count_rows
from data.store.migrate import MIGRATIONS, migrate
from data.store.place import BUSY_MEND, BUSY_SECONDS, explained
from data.store.sqlite import SQLite

SCHEMES = ("postgresql+psycopg", "postgresql", "postgres")
_LOCK = int.from_bytes(b"whyrank")
"""The advisory lock of whoever writes."""
_APPLICATION = "whyrank"
_SETTINGS = (
    # The server may be set otherwise; what a call has stored is on disk when it returns.
    "SET synchronous_commit = on",
    f"SET lock_timeout = '{BUSY_SECONDS}s'",
    f"SET application_name = '{_APPLICATION}'",
)
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = :name
"""
_COLLATED = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation k ON k.oid = a.attcollation
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  AND k.collname <> 'C' ORDER BY c.relname, a.attnum
"""
_CLOSING_SECONDS = 2.0
"""How long the server may take to notice that a connection was closed."""


class PostgreSQL:
    """A database of a server; copies are laid beside `path`."""

    def __init__(self, url: SecretStr, path: Path) -> None:
        self._url = _parsed(url)
        self.path = path

    @property
    def name(self) -> str:
        """Server and database alone: a URL's user, password and parameters are nobody's business."""
        host = f"{self._url.host or ''}" + (f":{self._url.port}" if self._url.port else "")
        return f"postgresql://{host}/{self._url.database}"

    def exists(self) -> bool:
        """Are there tables?"""
        return self.revision() is not None

    def engine(self) -> Engine:
        """Connections, few enough for a server that allows 100 in all; a lost one is made anew."""
        return self._engine(pool_size=8, max_overflow=24, pool_pre_ping=True)

    def reading(self, engine: Engine) -> Engine:
        """Transactions that see one state and can't write."""
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def writing(self, engine: Engine) -> Engine:
        """Transactions that hold an advisory lock from the start: one writer at a time, so that sequence numbers become
        visible in their order. Each statement sees what was committed before it; with a snapshot of the whole
        transaction, a writer that waited would see the state from before its wait."""
        return engine.execution_options(isolation_level="READ COMMITTED", locked=True)

    def turn(self) -> AbstractContextManager[None]:
        """The server's own line is in order."""
        return nullcontext()

    def cause(self, error: Exception) -> str:
        """The server's own words, or the driver's, without the password."""
        orig = getattr(error, "orig", None) or error
        words = getattr(getattr(orig, "diag", None), "message_primary", None) or str(orig)
        line = (words.strip().splitlines() or [type(orig).__name__])[0].rstrip(".")
        return line.replace(self._url.password, "***") if self._url.password else line

    def mend(self, words: str) -> str:
        """What a person can do about them."""
        if "lock timeout" in words:
            return BUSY_MEND
        if "NUL" in words:
            return "PostgreSQL keeps no texts with NUL characters: take them out of the file first."
        if "index row" in words:
            return "PostgreSQL keeps no ids of more than about 2,000 characters: give shorter ones."
        if "permission denied" in words:
            return "The user of WHYRANK_DATABASE_URL must own the database, or have all rights in its schema."
        return "Look whether the server runs and is reached with WHYRANK_DATABASE_URL, and at its log."

    def revision(self) -> str | None:
        """The schema revision; None where there is no table yet."""
        with self._once() as connection:
            tables = set(sa.inspect(connection).get_table_names())
            if not tables - {"alembic_version"}:
                return None
            if {"alembic_version", "judgments"} <= tables:
                found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
                return None if found is None else str(found)
        raise StoreError(
            f"{self.name} is a database of another program.",
            mend="Name a database of its own in WHYRANK_DATABASE_URL.",
        )

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """The only writer."""
        with self._once(locked=True) as connection:
            yield connection

    def check_migrated(self, connection: Connection) -> None:
        """Let texts be ordered by their characters' numbers, as SQLite orders them, whatever language the database was
        made for: pages walk on by "greater than the last id"."""
        changes: dict[str, list[str]] = {}
        for table, column, kind in connection.execute(sa.text(_COLLATED)):
            changes.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')
        for table, columns in changes.items():
            connection.execute(sa.text(f'ALTER TABLE "{table}" {", ".join(columns)}'))

    def copy(self, to: Path, *, migrations: Path | None = None) -> dict[str, int]:
        """Copy one snapshot, of whatever revision, into a new SQLite file of the same revision."""
        revision = self.revision()
        if revision is None:
            raise StoreError(f"{self.name} has no tables yet.", mend="Start WhyRank once, then make the backup.")
        file = SQLite(to)
        try:
            migrate(file, revision, folder=migrations or MIGRATIONS)
            with self._once(isolation_level="REPEATABLE READ", postgresql_readonly=True) as source:
                with file.migrating() as target:
                    target.exec_driver_sql("DELETE FROM versions")  # the base, which comes with a new file
                    copy_rows(source, target)
                counts = count_rows(source)
            file.end_log()
        except BaseException:
            to.unlink(missing_ok=True)
            raise
        return counts

    def row_counts(self) -> dict[str, int]:
        """Rows by table. Whether its files are whole, the server sees to itself."""
        self.revision()
        with self._once(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
            return count_rows(connection)

    def program(self) -> str:
        """The server."""
        with self._once() as connection:
            return f"PostgreSQL {str(connection.execute(sa.text('SHOW server_version')).scalar_one()).split()[0]}"

    def replace_by(self, draft: Path, kept: Path) -> None:
        """Put the file's rows in the place of the present ones, in one transaction."""
        file = SQLite(draft)
        copy = migrate(file)
        if copy is not None:
            copy.unlink()
        expected = file.row_counts()
        present = self.revision()
        self._check_unused()
        if present is not None:
            self.copy(kept)
        try:
            made = migrate(self)
            if made is not None:
                made.unlink()  # `kept` is the same
            self._fill(file, expected)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise

    def _fill(self, file: SQLite, expected: dict[str, int]) -> None:
        """Take the file's rows for the present ones: all, or nothing changes."""
        engine = file.engine()
        try:
            with self._once(locked=True) as target, engine.begin() as source:
                names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
                target.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
                copy_rows(source, target)
                if count_rows(target) != expected:
                    raise StoreError(
                        f"{self.name} would have other rows than the backup; nothing changed.", mend="Restore again."
                    )
        finally:
            engine.dispose()

    def _check_unused(self) -> None:
        with self._once(isolation_level="AUTOCOMMIT") as connection:
            give_up = time.monotonic() + _CLOSING_SECONDS
            while others := connection.execute(sa.text(_OTHERS), {"name": _APPLICATION}).scalar_one():
                if time.monotonic() > give_up:
                    raise ConflictError(
                        f"The database {self.name} is in use by {others} connections.",
                        mend="Stop the app, the worker and `whyrank api` on every machine, then restore again.",
                    )
                time.sleep(0.05)

    @contextmanager
    def _once(self, **options: Any) -> Iterator[Connection]:
        """A transaction on a connection that is closed after it."""
        engine = self._engine(poolclass=NullPool).execution_options(**options)
        with explained(self), engine.begin() as connection:
            yield connection

    def _engine(self, **given: Any) -> Engine:
        engine = sa.create_engine(self._url, connect_args={"connect_timeout": 10}, **given)
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
        return engine


def _parsed(url: SecretStr) -> URL:
    """The URL for our driver. What is wrong with one is not shown: it may be a part of the password."""
    try:
        found = sa.make_url(url.get_secret_value().strip())
    except (sa.exc.ArgumentError, ValueError):
        raise SettingsError(
            "WHYRANK_DATABASE_URL can't be read as a URL.",
            mend="Write it as postgresql://user:password@host:5432/database, with special characters of the password "
            "as %XX.",
        ) from None
    if found.drivername not in SCHEMES:
        raise SettingsError(
            f"WHYRANK_DATABASE_URL begins with {found.drivername!r}.",
            mend="It names a PostgreSQL database: postgresql://... Leave it empty for SQLite in WHYRANK_HOME.",
        )
    if "@" in (found.host or ""):  # the rest of a password, which `name` would show
        raise SettingsError(
            "WHYRANK_DATABASE_URL has more than one @ in it.", mend="Write the @ of a user or password as %40."
        )
    if not found.database:
        raise SettingsError(
            "WHYRANK_DATABASE_URL names no database.", mend="Write it at the end: postgresql://host/whyrank"
        )
    if find_spec("psycopg") is None:
        raise SettingsError(
            "PostgreSQL's driver is not installed.",
            mend="Install it: pip install 'whyrank[postgresql]', or in a checkout: make install",
        )
    return found.set(drivername=SCHEMES[0])


def _on_connect(connection: Any, record: ConnectionPoolEntry) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.commit()


def _on_begin(connection: Connection) -> None:
    if connection.get_execution_options().get("locked"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
