"""Answers of teachers, kept as files so that nothing is asked, and paid, twice.

Files rather than a table: an answer is written once and read by its key alone, nothing joins it, and what it came to (a
judgment, the raw text of an unreadable one included) stands in the database. Losing the folder loses money, no data.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a model wrote, and what it took."""

    text: str
    finished: bool
    """False where the token limit cut it off."""
    prompt_tokens: int
    completion_tokens: int
    job_id: str
    """The job that asked for it."""


class Answers:
    """The answers of a collection, a file each."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of all collections, `Settings.answers_path`, joined with the collection's id."""
        self._folder = folder

    def get(self, key: str) -> KeptAnswer | None:
        """The answer of that key; None where there is none, or none that can be read."""
        try:
            found: dict[str, Any] = json.loads(self._path(key).read_text(encoding="utf-8"))
            answer = KeptAnswer(**found)
        except (OSError, ValueError, TypeError):
            return None
        return answer if isinstance(answer.text, str) else None

    def put(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer: there whole or not at all."""
        whole.write_text(self._path(key), json.dumps(asdict(answer), ensure_ascii=False))

    def forget(self) -> None:
        """Delete them all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def answer_key(url: str, model: str, turns: Sequence[Mapping[str, str]], parameters: Mapping[str, Any]) -> str:
    """SHA-256 of all that an answer hangs on: endpoint, model, every word of the prompt, and how it is sampled."""
    asked = {"url": url.rstrip("/"), "model": model, "messages": list(turns), "parameters": dict(parameters)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
