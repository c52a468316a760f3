"""What vLLM was started with and has loaded since, as `whyrank serve` writes it down for whoever loads adapters."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from data import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running vLLM of this home."""

    url: str
    model: str
    model_path: str
    slots: int
    rank: int
    gpu: bool
    loaded: tuple[str, ...]
    """Names of all adapters it ever took in, the oldest first; those unloaded since too."""


def read(path: Path) -> Served | None:
    """The record in the file; None where none runs, or the file is not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Served(**{**found, "loaded": tuple(found["loaded"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(path: Path, served: Served) -> None:
    """Replace the file's record."""
    whole.write_text(path, json.dumps(asdict(served), indent=2))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time changes what is loaded; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def add(path: Path, served: Served, name: str) -> None:
    """Write down one more adapter."""
    write(path, replace(served, loaded=(*served.loaded, name)))
