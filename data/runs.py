"""TREC runs given for a collection, kept as files of the home: a first stage to rank from, and to compare with."""

import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from data.errors import ConflictError, NotFoundError, SettingsError
from data.formats.rows import refusing
from data.formats.trec import run_rows
from data.records import Collection, new_id, utc_now
from data.store import Store

_NAME = re.compile(r"[\w][\w.-]{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRun:
    """A run that was checked against its collection."""

    name: str
    path: Path
    queries: int
    documents: int
    """Over all queries."""
    created_at: datetime


class Runs:
    """The runs of a home, a folder for each collection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, store: Store, collection: Collection, path: Path, name: str | None = None) -> GivenRun:
        """Keep a copy of a run whose queries and documents the collection has. Raises ImportRefusedError with all bad
        rows, ConflictError for a name that is taken; nothing is kept then."""
        name = name or path.stem
        if not _NAME.fullmatch(name):
            raise SettingsError(
                f"A run can't be called {name!r}.", mend="Use letters, digits, dots, dashes and underscores."
            )
        target = self._path(collection.collection_id, name)
        if target.exists():
            raise ConflictError(f"There is already a run {name!r}.", mend="Choose another name, or delete that one.")
        made = _checked(store, collection, path)
        facts = {"queries": len(made), "documents": sum(map(len, made.values())), "created_at": utc_now().isoformat()}
        draft = target.with_name(f"{new_id()}.part")
        draft.mkdir(parents=True)
        try:
            shutil.copyfile(path, draft / "run.txt")
            (draft / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return self.get(collection, name)

    def get(self, collection: Collection, name: str) -> GivenRun:
        """The run of that name; raises NotFoundError with the names there are."""
        folder = self._path(collection.collection_id, name)
        if not (_NAME.fullmatch(name) and folder.is_dir()):
            names = ", ".join(run.name for run in self.list(collection.collection_id))
            raise NotFoundError(
                f"{collection.name} has no run {name!r}.",
                mend=f"Use one of: {names}." if names else "Keep one first: whyrank run import FILE.",
            )
        return _read(folder)

    def list(self, collection_id: str) -> list[GivenRun]:
        """The collection's runs, by name."""
        folders = (self._folder / collection_id).glob("*/facts.json")
        return [_read(facts.parent) for facts in sorted(folders) if facts.parent.suffix != ".part"]

    def delete(self, collection: Collection, name: str) -> None:
        """Delete a run; rankings that began with it stay."""
        shutil.rmtree(self.get(collection, name).path.parent)

    def delete_all(self, collection_id: str) -> None:
        """Delete the runs of a collection."""
        shutil.rmtree(self._folder / collection_id, ignore_errors=True)

    def _path(self, collection_id: str, name: str) -> Path:
        return self._folder / collection_id / name


def _checked(store: Store, collection: Collection, path: Path) -> dict[str, list[str]]:
    """query_id -> doc_ids."""
    with refusing() as bad:
        found = run_rows(path, bad)
        if not found and not bad.count:
            bad.add(path, 1, "the run is empty")
        query_ids = {query.query_id for query in store.collections.queries(collection.collection_id)}
        wanted = {row.scored.doc_id for rows in found.values() for row in rows}
        doc_ids = store.collections.documents_by_id(collection.collection_id, sorted(wanted)).keys()
        for query_id, rows in found.items():
            for row in rows:
                if query_id not in query_ids:
                    bad.add(path, row.line, f"the collection has no query {query_id!r}")
                elif row.scored.doc_id not in doc_ids:
                    bad.add(path, row.line, f"the collection has no document {row.scored.doc_id!r}")
    return {query_id: [row.scored.doc_id for row in rows] for query_id, rows in found.items()}


def _read(folder: Path) -> GivenRun:
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    return GivenRun(
        name=folder.name,
        path=folder / "run.txt",
        queries=facts["queries"],
        documents=facts["documents"],
        created_at=datetime.fromisoformat(facts["created_at"]),
    )
