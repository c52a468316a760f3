"""Where a database is: what SQLite and PostgreSQL do each in their own way. Everything else in the store is shared."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import Connection, Engine

from data.errors import ConflictError, NotFoundError, StoreError

BUSY_SECONDS = 30
"""How long a writer waits for another one; an import holds the lock for as long as its rows take."""

BUSY_MEND = "Another process has been writing for a long time: wait until its import or job is done, then try again."
"""Where that was too short."""


class Place(Protocol):
    """A database of one kind."""

    path: Path
    """SQLite's file. Copies, also of another database, are laid beside it."""

    @property
    def name(self) -> str:
        """What people are shown; never a password."""

    def exists(self) -> bool:
        """Is there anything? Looks no further."""

    def program(self) -> str:
        """What keeps it, with its version."""

    def engine(self) -> Engine:
        """Connections."""

    def reading(self, engine: Engine) -> Engine:
        """These connections for transactions that read: each sees one state of the database."""

    def writing(self, engine: Engine) -> Engine:
        """These connections for transactions that hold the write lock from their beginning on."""

    def turn(self) -> AbstractContextManager[None]:
        """Stand in line for the write lock."""

    def cause(self, error: Exception) -> str:
        """The database's own words."""

    def mend(self, words: str) -> str:
        """What a person can do about them."""

    def revision(self) -> str | None:
        """The schema revision; None where there is no table yet. Raises StoreError for a database that is damaged or
        not WhyRank's."""

    def migrating(self) -> AbstractContextManager[Connection]:
        """A transaction that may change tables, as the only writer."""

    def check_migrated(self, connection: Connection) -> None:
        """Finish a migration; raises StoreError where it can't stay."""

    def copy(self, to: Path, *, migrations: Path | None = None) -> dict[str, int]:
        """Copy one state of the running database into the new SQLite file `to`; returns that state's rows by table.
        `migrations`: the folder of those the database was made with, where they are not this program's."""

    def row_counts(self) -> dict[str, int]:
        """Rows by table, after the database was checked; raises StoreError where it is damaged."""

    def replace_by(self, draft: Path, kept: Path) -> None:
        """Put the SQLite file `draft`, which may be used up, in the place of what is here, and keep that as the file
        `kept`. Raises ConflictError while the database is in use elsewhere; then nothing was changed."""


def place_of(path: Path, url: SecretStr | None = None) -> Place:
    """The database of that URL, else the SQLite file; raises SettingsError for a URL that can't be used."""
    if url is None or not url.get_secret_value().strip():
        from data.store.sqlite import SQLite

        return SQLite(path)
    # The driver is an extra: whoever keeps to SQLite need not have it.
    from data.store.postgresql import PostgreSQL

    return PostgreSQL(url, path)


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn what the database says into errors for people."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        raise _integrity_error(place.cause(error)) from error
    except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as error:
        words = place.cause(error)
        raise StoreError(f"The database {place.name} can't be used: {words}.", mend=place.mend(words)) from error


def _integrity_error(words: str) -> ConflictError | NotFoundError:
    if "FOREIGN KEY" in words.upper():
        return NotFoundError(
            "Something that this refers to (collection, query, document, assessor, version or job) is not stored.",
            mend="Store that first, or look at the id again.",
        )
    return ConflictError(f"The store refuses this: {words}.", mend="Load the present state anew, then do it again.")
