"""Bring a database to the schema of this program: one transaction, a backup copy before it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from data.errors import StoreError
from data.records import utc_now
from data.schema import REVISION
from data.store.place import Place

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(place: Place, target: str = "head", *, folder: Path = MIGRATIONS) -> Path | None:
    """Bring the database to revision `target`, up or down ("base": no tables); returns the backup copy made before an
    existing database was changed. Of several processes that come at once, one does it and the others find it done."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with place.migrating() as connection:
        present = place.revision()
        known = {script.revision for script in scripts.walk_revisions()}
        if present is not None and present not in known:
            raise newer_schema(place.name, present)
        wanted = scripts.get_current_head() if target == "head" else target
        if present == wanted:
            return None
        kept = None if present is None else _copy_before(place, present, folder)
        config.attributes["connection"] = connection
        if present is None or wanted not in {s.revision for s in scripts.iterate_revisions(present, "base")} | {"base"}:
            command.upgrade(config, target)
        else:
            command.downgrade(config, target)
        place.check_migrated(connection)
    return kept


def newer_schema(name: str, revision: str) -> StoreError:
    """The error for a database that a newer program has written."""
    return StoreError(
        f"{name} has schema {revision}; this program knows schemas up to {REVISION}.",
        mend="Use the newer WhyRank that wrote it, or restore an older backup.",
    )


def _copy_before(place: Place, revision: str, folder: Path) -> Path:
    path = place.path
    kept = path.with_name(f"{path.stem}.schema-{revision}.{utc_now():%Y%m%dT%H%M%S%f}.backup{path.suffix}")
    place.copy(kept, migrations=folder)
    return kept
