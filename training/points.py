"""Points of learning curves on disk, found again by all that made them.

A point costs a training and a measurement. It is kept under the hash of its training data, options, champion, model,
prompt, index and held-out labels: a curve that was interrupted, or is drawn again with more points, takes from here
what is the same. The folder is named by the held-out set, so how often that was looked at can be counted.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from data.settings import Settings
from training.curve import Point
from training.folders import write_json

FORMAT = 1
"""Raised when the meaning of a point changes: older ones are not found any more."""


def key(**made_from: Any) -> str:
    """SHA-256 of everything a point is made from: JSON values by name."""
    content = json.dumps({"format": FORMAT, **made_from}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def read(settings: Settings, heldout_sha256: str, key: str) -> Point | None:
    """The point of that key; None where there is none, or its file can't be read."""
    try:
        content = json.loads(_path(settings, heldout_sha256, key).read_text(encoding="utf-8"))
        return Point.from_json(content)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write(settings: Settings, heldout_sha256: str, key: str, point: Point) -> None:
    """Keep a point; its file is there whole or not at all."""
    write_json(_path(settings, heldout_sha256, key), point.to_json())


def looks(settings: Settings, heldout_sha256: str) -> int:
    """How many points were measured on a held-out set: each is a look at it."""
    return len(list(_folder(settings, heldout_sha256).glob("*.json")))


def _folder(settings: Settings, heldout_sha256: str) -> Path:
    return settings.home / "learning" / heldout_sha256


def _path(settings: Settings, heldout_sha256: str, key: str) -> Path:
    return _folder(settings, heldout_sha256) / f"{key}.json"
