"""Backup of a running database, and restore: both verified, neither overwrites anything."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from data.errors import ConflictError, NotFoundError, StoreError
from data.records import new_id, utc_now
from data.schema import REVISION, metadata
from data.store.database import cause, explained
from data.store.migrate import newer_schema, revision_of


def backup(path: Path, to: Path) -> dict[str, int]:
    """Copy the database to the new file `to` while others read and write; returns rows by table, after the copy's
    integrity and row counts were verified against the copied state."""
    if to.exists():
        raise ConflictError(f"{to} already exists.", mend="Name a new file: a backup never overwrites one.")
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f"{to.name}.{new_id()}.part")
    try:
        with explained(path), closing(sqlite3.connect(path, timeout=30)) as source:
            source.isolation_level = None
            source.execute("BEGIN")  # the counts and the copy see the same state
            expected = row_counts(source)
            with closing(sqlite3.connect(draft)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
        found = verified(draft)
        if found != expected:
            raise StoreError(f"The copy in {to} has other rows than the database.", mend="Make the backup again.")
        _to_disk(draft)
        draft.rename(to)
        _to_disk(to.parent)
        return found
    finally:
        draft.unlink(missing_ok=True)


def restore(source: Path, path: Path) -> dict[str, int]:
    """Put the backup `source` in the place of the database `path`, keeping the present one beside it; returns rows by
    table. Raises StoreError for a damaged or newer backup and ConflictError while the database is open elsewhere;
    in both cases nothing was changed."""
    if not source.is_file():
        raise NotFoundError(f"There is no backup {source}.", mend="Look at the path again.")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{new_id()}.part")
    try:
        shutil.copyfile(source, draft)
        counts = verified(draft)
        revision = revision_of(draft)
        if revision is None or revision > REVISION:
            raise newer_schema(source, str(revision))
        _to_disk(draft)
        if path.exists():
            _keep_beside(path)
        draft.replace(path)
        _to_disk(path.parent)
        return counts
    finally:
        draft.unlink(missing_ok=True)


def verified(path: Path) -> dict[str, int]:
    """Rows by table of a database file; raises StoreError where it is damaged or not WhyRank's."""
    mend = "Use another backup: this file is damaged."
    revision_of(path)
    try:
        with closing(sqlite3.connect(path)) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
            if answer != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone():
                raise StoreError(f"{path} fails the integrity check: {answer}.", mend=mend)
            return row_counts(connection)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} can't be read: {cause(error)}.", mend=mend) from error


def row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by table; tables that an older schema does not have are left out."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    names = sorted(there & set(metadata.tables))
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def _keep_beside(path: Path) -> None:
    """Keep the present database under a name of its own, with what its log holds, also where it is damaged."""
    kept = path.with_name(f"{path.stem}.replaced-{utc_now():%Y%m%dT%H%M%S%f}{path.suffix}")
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            # Writes the log into the file and ends it; refused while anybody else has the database open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise ConflictError(
            f"The database {path} is in use: {cause(error)}.", mend="Stop the app and the worker, then restore again."
        ) from error
    except sqlite3.DatabaseError:
        for end in ("-wal", "-shm"):
            log = path.with_name(path.name + end)
            if log.exists():
                log.rename(kept.with_name(kept.name + end))
    shutil.copyfile(path, kept)
    _to_disk(kept)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
