"""Indexes on disk: built beside the one in use, checked when opened, thrown away when replaced.

An index is a folder: `index.json`, which says what it is, and `files`, which the backend wrote. It gets its name only
when it is complete, so a folder that can be opened is never a half one.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data import disk
from data.errors import RetrievalError, SettingsError
from data.records import Document, new_id, utc_now
from engine.retrieval import java, lucene, memory
from engine.retrieval.base import IndexBuilder, OnProgress, Retriever

FORMAT = 1
"""Raised when the words, fields or files of our own indexes change; others are rebuilt."""
MAX_ID_BYTES = 32_000
"""Lucene takes no longer ids."""
_MANIFEST = "index.json"
_FILES = "files"
_BUILDING = ".building-"
_DISCARDED = ".discarded-"
_STALE_SECONDS = 24 * 3600
_REBUILD = "Rebuild the collection's index."


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One way to index: how it is built, opened, and what library its files belong to."""

    build: IndexBuilder
    open: Callable[[Path], Retriever]
    library: Callable[[], str]


BACKENDS = {
    "lucene": Backend(build=lucene.build, open=lucene.LuceneRetriever, library=lucene.library),
    "bm25s": Backend(build=memory.build, open=memory.Bm25sRetriever, library=memory.library),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIndex:
    """A complete index on disk."""

    path: Path
    backend: str
    """`lucene` or `bm25s`."""
    note: str | None
    """Why `auto` fell back to bm25s, in words for people; None where nothing is to be said."""
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `index.json` says."""

    format: int
    backend: str
    library: str
    documents: int
    built_at: datetime


def build_index(
    documents: Iterable[Document], root: Path, *, backend: str = "auto", on_progress: OnProgress | None = None
) -> BuiltIndex:
    """Index `documents` into a new folder under `root`; other indexes there stay as they are.

    `backend` is `lucene`, `bm25s`, or `auto`: Lucene where Java starts, else bm25s with a note. Raises
    `RetrievalError` for no documents at all, an id that is blank, double or too long, and where Lucene is asked for
    and can't run; then nothing is left behind.
    """
    chosen, note = _choose(backend)
    name = new_id()
    building = root / f"{_BUILDING}{name}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        files = building / _FILES
        files.mkdir(parents=True)
        count = BACKENDS[chosen].build(_checked(documents), files, on_progress=on_progress)
        if count == 0:
            raise RetrievalError("There are no documents to index.", mend="Import documents into the collection first.")
        _write_manifest(building / _MANIFEST, backend=chosen, documents=count)
        building.rename(root / name)
    except (OSError, RetrievalError) as error:
        # Lucene tells of a full disk in words of its own.
        known = disk.problem(error)
        if known is not None or isinstance(error, OSError):
            raise RetrievalError(
                f"The index can't be written to {root}: {known.what if known else error}",
                mend="Mend that, then rebuild it (`whyrank collection rebuild`, or on the page Collections); documents "
                "and judgments are stored.",
            ) from error
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return BuiltIndex(path=root / name, backend=chosen, note=note, documents=count)


def open_index(path: Path, backend: str) -> Retriever:
    """Open the index in the folder `path`; `RetrievalError` where it is missing, damaged or of another version."""
    manifest = read_manifest(path)
    if manifest.backend != backend:
        raise RetrievalError(f"The index in {path.name} was built by {manifest.backend}, not {backend}.", mend=_REBUILD)
    chosen = _backend(backend)
    if manifest.format != FORMAT or manifest.library != chosen.library():
        raise RetrievalError(
            f"The index in {path.name} belongs to another version ({manifest.library}, format {manifest.format}; "
            f"here: {chosen.library()}, format {FORMAT}).",
            mend=_REBUILD,
        )
    return chosen.open(path / _FILES)


def read_manifest(path: Path) -> Manifest:
    """What is known of the index in `path` without opening it; `RetrievalError` where there is none."""
    try:
        text = (path / _MANIFEST).read_text(encoding="utf-8")
    except OSError as error:
        raise RetrievalError(f"There is no search index at {path}.", mend=_REBUILD) from error
    try:
        rows: dict[str, Any] = json.loads(text)
        return Manifest(
            format=int(rows["format"]),
            backend=str(rows["backend"]),
            library=str(rows["library"]),
            documents=int(rows["documents"]),
            built_at=datetime.fromisoformat(rows["built_at"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RetrievalError(f"The search index at {path} is damaged ({_MANIFEST}).", mend=_REBUILD) from error


def discard(path: Path) -> None:
    """Delete an index; one that is open somewhere still answers there. No folder there: nothing to do.

    Raises `RetrievalError` for a folder that is not an index, and deletes nothing then.
    """
    if not path.exists():
        return
    if not (path / _MANIFEST).is_file():
        raise RetrievalError(f"{path} is not a search index, so it was not deleted.", mend="Delete it by hand.")
    # Renamed first: a deletion that is cut short must not leave half an index under its name.
    leaving = path.with_name(f"{_DISCARDED}{path.name}")
    try:
        path.rename(leaving)
        shutil.rmtree(leaving)
    except OSError as error:
        raise RetrievalError(f"{path} can't be deleted: {error}.", mend="Check the folder's permissions.") from error


class OpenIndexes:
    """Indexes kept open, one retriever per folder, to be shared by all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[Path, str], Retriever] = {}

    def get(self, path: Path, backend: str) -> Retriever:
        """The retriever of this folder, opened once; `RetrievalError` as `open_index`."""
        key = (path.resolve(), backend)
        with self._lock:
            if key not in self._open:
                self._open[key] = open_index(path, backend)
            return self._open[key]

    def forget(self, path: Path) -> None:
        """Close the folder's retriever, e.g. after a rebuild has replaced it."""
        resolved = path.resolve()
        with self._lock:
            leaving = [self._open.pop(key) for key in list(self._open) if key[0] == resolved]
        for retriever in leaving:
            retriever.close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            leaving = list(self._open.values())
            self._open.clear()
        for retriever in leaving:
            retriever.close()


def _choose(backend: str) -> tuple[str, str | None]:
    if backend != "auto":
        _backend(backend)
        return backend, None
    try:
        java.start()
    except RetrievalError as problem:
        note = f"Indexed with bm25s, which ranks nearly as Lucene does, because Lucene can't run here. {problem}"
        return "bm25s", note
    return "lucene", None


def _backend(name: str) -> Backend:
    if name not in BACKENDS:
        raise SettingsError(
            f"There is no retriever `{name}`.", mend=f"Choose one of: auto, {', '.join(BACKENDS)} (WHYRANK_RETRIEVER)."
        )
    return BACKENDS[name]


def _checked(documents: Iterable[Document]) -> Iterator[Document]:
    seen: set[str] = set()
    for document in documents:
        reason = None
        if not document.doc_id:
            reason = "is blank"
        elif document.doc_id in seen:
            reason = "is there twice"
        elif len(document.doc_id.encode("utf-8", "replace")) > MAX_ID_BYTES:
            reason = f"is longer than {MAX_ID_BYTES} bytes"
        elif any("\ud800" <= letter <= "\udfff" for letter in document.doc_id):
            reason = "holds half a character (a lone surrogate)"
        if reason is not None:
            raise RetrievalError(
                f"The document id {document.doc_id[:80]!r} {reason}.", mend="Give every document an id of its own."
            )
        seen.add(document.doc_id)
        yield document


def _write_manifest(path: Path, *, backend: str, documents: int) -> None:
    rows = {
        "format": FORMAT,
        "backend": backend,
        "library": BACKENDS[backend].library(),
        "documents": documents,
        "built_at": utc_now().isoformat(),
    }
    with path.open("w", encoding="utf-8") as file:
        json.dump(rows, file, indent=2)
        file.flush()
        os.fsync(file.fileno())


def _sweep(root: Path) -> None:
    """Remove what a killed build or deletion left a day ago or longer; younger ones may still be at work."""
    for leftover in [*root.glob(f"{_BUILDING}*"), *root.glob(f"{_DISCARDED}*")]:
        if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
