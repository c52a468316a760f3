"""Backup and restore of a home: the database, the adapters of trained versions and given runs, in one checked file."""

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.actions import holding
from data import disk
from data.errors import ConflictError, NotFoundError, StoreError
from data.records import new_id
from data.runs import Runs
from data.settings import Settings
from data.store import Store
from data.store.place import place_of

DATABASE = "whyrank.db"
VERSIONS = "versions"
RUNS = "runs"
MANIFEST = "manifest.json"
"""Name of each file in the backup -> SHA-256."""


def backup(settings: Settings, store: Store, file: Path) -> dict[str, int]:
    """Write a backup of the running home to the new file; returns rows by table."""
    if file.exists():
        raise ConflictError(f"{file} already exists.", mend="Name a new file: a backup never overwrites one.")
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{new_id()}.part")
    try:
        with TemporaryDirectory(prefix="backup-", dir=settings.home) as folder:
            counts = store.backup(Path(folder) / DATABASE)
            # After the database: a version in it has its adapter on disk already.
            members = {DATABASE: Path(folder) / DATABASE, **_adapters(settings, store), **_runs(settings, store)}
            manifest = Path(folder) / MANIFEST
            manifest.write_text(json.dumps({name: _sha256(path) for name, path in members.items()}))
            with draft.open("xb") as stream:
                with tarfile.open(fileobj=stream, mode="w") as tar:
                    for name, path in {MANIFEST: manifest, **members}.items():
                        tar.add(path, arcname=name)
                stream.flush()
                os.fsync(stream.fileno())
        draft.rename(file)
        return counts
    finally:
        draft.unlink(missing_ok=True)


def present(settings: Settings) -> str | None:
    """The database a restore would replace, as people are shown it; None: there is none yet."""
    place = place_of(settings.database_path, settings.database_url)
    return place.name if place.exists() else None


def restore(settings: Settings, file: Path) -> dict[str, int]:
    """Put a backup in the place of the home's database; returns rows by table. A damaged file changes nothing."""
    if not file.is_file():
        raise NotFoundError(f"There is no backup {file}.", mend="Look at the path again.")
    settings.home.mkdir(parents=True, exist_ok=True)
    with holding.alone(settings), TemporaryDirectory(prefix="restore-", dir=settings.home) as name:
        folder = Path(name)
        with _explained(file):
            _unpack(file, folder)
        # Before the database: it must never name an adapter that is not there.
        for adapter in sorted((folder / VERSIONS).glob("*")):
            target = settings.versions_path / adapter.name
            if not target.exists():
                settings.versions_path.mkdir(parents=True, exist_ok=True)
                shutil.move(adapter, target)
        for run in sorted((folder / RUNS).glob("*/*")):
            target = settings.runs_path / run.parent.name / run.name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(run, target)
        return Store.restore(folder / DATABASE, settings.database_path, settings.database_url)


def _adapters(settings: Settings, store: Store) -> dict[str, Path]:
    """Adapter files of finished versions by their names in the backup; one that is being trained has no row yet."""
    folders = [settings.home / version.adapter_path for version in store.versions.list() if version.adapter_path]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {f"{VERSIONS}/{path.relative_to(settings.versions_path).as_posix()}": path for path in files}


def _runs(settings: Settings, store: Store) -> dict[str, Path]:
    """Files of the collections' runs by their names in the backup."""
    runs = Runs(settings.runs_path)
    folders = [run.path.parent for each in store.collections.list() for run in runs.list(each.collection_id)]
    files = sorted(path for folder in folders for path in folder.iterdir())
    return {f"{RUNS}/{path.relative_to(settings.runs_path).as_posix()}": path for path in files}


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file, mode="r:") as tar:
        tar.extractall(folder, filter="data")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if not isinstance(manifest, Mapping) or DATABASE not in manifest:
        raise _damaged(file, "it holds no database")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if found != {MANIFEST, *manifest}:
        raise _damaged(file, "files in it are missing, or are not its own")
    for name, sha256 in manifest.items():
        if _sha256(folder / name) != sha256:
            raise _damaged(file, f"{name} in it has changed")


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, OSError, ValueError) as error:
        if (known := disk.problem(error)) is not None:
            raise known from error
        raise _damaged(file, str(error) or type(error).__name__) from error


def _damaged(file: Path, why: str) -> StoreError:
    return StoreError(
        f"{file} is not a whole backup of WhyRank: {why}.", mend="Use another backup; nothing was changed."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
