"""A disk that a test can fill, or make read-only: a small tmpfs. Only root may mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A disk of its own at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Leave no room for a single page."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def make_room(self) -> None:
        """Take away what filled it."""
        self._filler.unlink()

    def read_only(self) -> None:
        """Nothing can be written any more; no file may be open for writing."""
        subprocess.run(["mount", "-o", "remount,ro", self.path], check=True, capture_output=True)

    def files(self) -> list[str]:
        """What is on it, but for what fills it."""
        found = (path for path in self.path.rglob("*") if path.is_file() and path != self._filler)
        return sorted(path.relative_to(self.path).as_posix() for path in found)


@contextmanager
def small(path: Path, *, mib: int = 4) -> Iterator[SmallDisk]:
    """Mount one; skips where that is not allowed."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", path]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: a store may still be open when a test has failed.
        subprocess.run(["umount", "--lazy", path], check=True)
