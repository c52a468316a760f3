"""What is taken away: text files with a manifest that says what they are, as a new folder or a zip."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import IO, Any

from data.errors import ConflictError, SettingsError
from data.records import Collection, new_id, utc_now
from data.scales import Level, Scale

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Files that are made when they are written."""

    format: str
    collection: Collection
    files: Mapping[str, Iterable[str]]
    """Name, with `/` for folders -> its text in pieces, read once."""
    counts: Mapping[str, int]
    """What is in it, and what was left out."""
    filters: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for."""


def write_folder(bundle: Bundle, folder: Path) -> dict[str, Any]:
    """Write the files and their manifest into a new folder, all or nothing; returns the manifest. Raises ConflictError
    where the folder is there already."""
    _check_new(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f"{folder.name}.{new_id()}.part")

    def opened(name: str) -> IO[bytes]:
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")

    try:
        manifest = _write(bundle, opened)
        draft.rename(folder)
        return manifest
    finally:
        rmtree(draft, ignore_errors=True)


def write_zip(bundle: Bundle, file: Path) -> dict[str, Any]:
    """As `write_folder`, into a new zip file."""
    _check_new(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{new_id()}.part")
    try:
        with draft.open("xb") as stream:
            manifest = _zip(bundle, stream)
        draft.rename(file)
        return manifest
    finally:
        draft.unlink(missing_ok=True)


def zipped(bundle: Bundle) -> bytes:
    """The zip file's content."""
    stream = io.BytesIO()
    _zip(bundle, stream)
    return stream.getvalue()


def scale_of(folder: Path) -> Scale | None:
    """The scale that a folder's manifest names; None where it has no manifest. Raises SettingsError for one that is not
    WhyRank's."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["scale"]
        levels = tuple(
            Level(grade=each["grade"], name=each["name"], definition=each["definition"]) for each in told["levels"]
        )
        return Scale(name=told["name"], levels=levels, relevant_from=told["relevant_from"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(
            f"{folder / MANIFEST} is not a manifest of WhyRank, or it was changed.",
            mend="Take that file out of the folder, and name the labels' scale.",
        ) from error


def _check_new(path: Path) -> None:
    if path.exists():
        raise ConflictError(f"{path} already exists.", mend="Name a new one: nothing is overwritten.")


def _zip(bundle: Bundle, stream: IO[bytes]) -> dict[str, Any]:
    with zipfile.ZipFile(stream, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        return _write(bundle, lambda name: archive.open(name, "w", force_zip64=True))


def _write(bundle: Bundle, opened: Callable[[str], AbstractContextManager[IO[bytes]]]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, pieces in bundle.files.items():
        digest, size, lines = hashlib.sha256(), 0, 0
        with opened(name) as file:
            for piece in pieces:
                content = piece.encode()
                file.write(content)
                digest.update(content)
                size += len(content)
                lines += content.count(b"\n")
        facts[name] = {"sha256": digest.hexdigest(), "bytes": size, "lines": lines}
    manifest = _manifest(bundle, facts)
    with opened(MANIFEST) as file:
        file.write((json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode())
    return manifest


def _manifest(bundle: Bundle, files: Mapping[str, Any]) -> dict[str, Any]:
    collection = bundle.collection
    return {
        "format": bundle.format,
        "made_by": f"WhyRank {version('whyrank')}",
        "made_at": utc_now().isoformat(),
        "collection": {
            "name": collection.name,
            "collection_id": collection.collection_id,
            "source": collection.source,
            "documents": collection.documents,
            "queries": collection.queries,
        },
        "scale": {**asdict(collection.scale), "levels": [asdict(level) for level in collection.scale.levels]},
        "guidelines": {"version": collection.guideline_version, "text": collection.guidelines},
        "filters": dict(bundle.filters),
        "counts": dict(bundle.counts),
        "files": dict(files),
    }
