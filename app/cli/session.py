"""What a command works with: settings, store, workbench, each opened when it is first needed.

Nothing heavy is imported here, so that `--help` and mistyped names answer at once. Tests hand in a session of their
own with a scratch home and a scripted model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from data.errors import SettingsError

if TYPE_CHECKING:
    from data.records import Collection, Version
    from data.settings import Settings
    from data.store import Store
    from engine.lm.base import LM
    from engine.workbench import Workbench


class Session:
    """One run of the command line."""

    def __init__(self, settings: "Settings | None" = None, lm: "LM | None" = None) -> None:
        self._settings = settings
        self._lm = lm

    @staticmethod
    def of(context: typer.Context) -> "Session":
        """The session of the running command; made from the environment where none was handed in."""
        root = context.find_root()
        if not isinstance(root.obj, Session):
            root.obj = Session()
        return root.obj

    @property
    def settings(self) -> "Settings":
        """The settings of the environment; raises SettingsError naming the variable that is wrong."""
        if self._settings is None:
            self._settings = _read_settings()
        return self._settings

    @contextmanager
    def store(self) -> "Iterator[Store]":
        """The store of the home, created where there is none yet."""
        from data.store import Store

        with Store.open(self.settings.database_path, self.settings.database_url) as store:
            yield store

    @contextmanager
    def workbench(self, store: "Store") -> "Iterator[Workbench]":
        """Store, indexes and models together. Slow to import: check names against the store before this."""
        from engine.workbench import Workbench

        workbench = Workbench(self.settings, store, self._lm)
        try:
            yield workbench
        finally:
            workbench.close()


def the_collection(store: "Store", name: str | None) -> "Collection":
    """The collection of that name; without a name the only one there is."""
    if name is not None:
        return store.collections.get(name)
    collections = store.collections.list()
    if len(collections) == 1:
        return collections[0]
    if not collections:
        raise SettingsError("There is no collection yet.", mend="Make one: whyrank collection sample")
    raise SettingsError(
        "There are several collections.", mend=f"Name one with --collection: {', '.join(c.name for c in collections)}."
    )


def the_version(store: "Store", settings: "Settings", collection: "Collection", name: str | None) -> "Version":
    """The version of that id or name; without a name the collection's champion, else the base."""
    from data.records import Alias

    base = store.versions.ensure_base(settings.model)
    if name is not None:
        return store.versions.get(name)
    return store.versions.alias(collection.collection_id, Alias.CHAMPION) or base


def the_run(settings: "Settings", collection: "Collection", name_or_file: str) -> Path:
    """The file of a kept run, or the file itself; raises NotFoundError with the names there are."""
    from data.runs import Runs

    if (file := Path(name_or_file)).is_file():
        return file
    return Runs(settings.runs_path).get(collection, name_or_file).path


def _read_settings() -> "Settings":
    from pydantic import ValidationError

    from data.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"WHYRANK_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError(
            f"A setting can't be used: {'; '.join(wrong)}.", mend="Correct or unset that environment variable."
        ) from None
