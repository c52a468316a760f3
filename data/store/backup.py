"""Backup of a running database, and restore: both verified, neither overwrites anything. A backup is always an SQLite
file, so one of either kind of database can be put into the other."""

import shutil
from pathlib import Path

from data.errors import ConflictError, NotFoundError, StoreError
from data.records import new_id, utc_now
from data.schema import REVISION
from data.store.migrate import newer_schema
from data.store.place import Place
from data.store.sqlite import SQLite
from data.whole import to_disk


def backup(place: Place, to: Path) -> dict[str, int]:
    """Copy the database to the new file `to` while others read and write; returns rows by table, after the copy's
    integrity and row counts were verified against the copied state."""
    if to.exists():
        raise ConflictError(f"{to} already exists.", mend="Name a new file: a backup never overwrites one.")
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f"{to.name}.{new_id()}.part")
    try:
        expected = place.copy(draft)
        found = SQLite(draft).row_counts()
        if found != expected:
            raise StoreError(f"The copy in {to} has other rows than the database.", mend="Make the backup again.")
        to_disk(draft)
        draft.rename(to)
        to_disk(to.parent)
        return found
    finally:
        draft.unlink(missing_ok=True)


def restore(source: Path, place: Place) -> dict[str, int]:
    """Put the backup `source` in the place of the database, keeping the present one as a file; returns rows by table.
    Raises StoreError for a damaged or newer backup and ConflictError while the database is open elsewhere; in both
    cases nothing was changed."""
    if not source.is_file():
        raise NotFoundError(f"There is no backup {source}.", mend="Look at the path again.")
    path = place.path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{new_id()}.part")
    try:
        shutil.copyfile(source, draft)
        counts = SQLite(draft).row_counts()
        revision = SQLite(draft).revision()
        if revision is None or revision > REVISION:
            raise newer_schema(str(source), str(revision))
        kept = path.with_name(f"{path.stem}.replaced-{utc_now():%Y%m%dT%H%M%S%f}{path.suffix}")
        place.replace_by(draft, kept)
        return counts
    finally:
        draft.unlink(missing_ok=True)
