"""Bring a database file to the schema of this program: one transaction, a backup copy before it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from data.errors import StoreError
from data.records import utc_now
from data.schema import REVISION
from data.store.database import cause, explained, make_engine

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def revision_of(path: Path) -> str | None:
    """The schema revision of a database file; None for a file that is not there or holds no table yet. Raises
    StoreError for one that is damaged or not WhyRank's."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables - {"alembic_version", "sqlite_sequence"}:
                return None
            if {"alembic_version", "judgments"} <= tables:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                return None if row is None else str(row[0])
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path} can't be read as a database: {cause(error)}.",
            mend="Restore a backup with `whyrank restore`, or move the file away to begin anew.",
        ) from error
    raise StoreError(f"{path} is a database of another program.", mend="Set WHYRANK_HOME to another folder.")


def migrate(path: Path, target: str = "head", *, folder: Path = MIGRATIONS) -> Path | None:
    """Bring the file to revision `target`, up or down ("base": no tables); returns the backup copy made before an
    existing database was changed. Of several processes that come at once, one does it and the others find it done."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with _alone(path) as connection:
        present = revision_of(path)
        known = {script.revision for script in scripts.walk_revisions()}
        if present is not None and present not in known:
            raise newer_schema(path, present)
        wanted = scripts.get_current_head() if target == "head" else target
        if present == wanted:
            return None
        kept = None if present is None else _copy_before(path, present)
        config.attributes["connection"] = connection
        if present is None or wanted not in {s.revision for s in scripts.iterate_revisions(present, "base")} | {"base"}:
            command.upgrade(config, target)
        else:
            command.downgrade(config, target)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise StoreError(
                f"The migration of {path} would leave {len(broken)} rows without what they refer to; nothing changed.",
                mend="Keep the file and report this as a defect.",
            )
    return kept


def newer_schema(path: Path, revision: str) -> StoreError:
    """The error for a database that a newer program has written."""
    return StoreError(
        f"{path} has schema {revision}; this program knows schemas up to {REVISION}.",
        mend="Use the newer WhyRank that wrote it, or restore an older backup.",
    )


@contextmanager
def _alone(path: Path) -> Iterator[Connection]:
    """The only writer, with foreign keys off: batch mode drops and renames tables, and a cascade would take their
    children along; and renaming as SQLite once did, without a look at triggers that name the table which is just being
    made anew. The pragmas have no effect inside a transaction, so they come before."""
    engine = make_engine(path)
    for pragma in ("PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON"):
        sa.event.listen(engine, "connect", lambda connection, _, pragma=pragma: connection.execute(pragma))
    try:
        with explained(path), engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _copy_before(path: Path, revision: str) -> Path:
    kept = path.with_name(f"{path.stem}.schema-{revision}.{utc_now():%Y%m%dT%H%M%S%f}.backup{path.suffix}")
    with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(kept)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    return kept
