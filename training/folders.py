"""Where a job keeps its files."""

import json
from pathlib import Path
from typing import Any

from data import whole
from data.settings import Settings


def folder(settings: Settings, job_id: str) -> Path:
    """The job's own folder: log, snapshot and, while it runs, checkpoints."""
    return settings.jobs_path / job_id


def log_path(settings: Settings, job_id: str) -> Path:
    """Where the job's process writes its log; not there before it has started."""
    return folder(settings, job_id) / "log.txt"


def curve_path(settings: Settings, job_id: str) -> Path:
    """Where a learning-curve job tells how far its curve is; not there before its first point."""
    return folder(settings, job_id) / "curve.json"


def teach_path(settings: Settings, job_id: str) -> Path:
    """Where a teaching job tells what it has done and spent; not there before it began to ask."""
    return folder(settings, job_id) / "teach.json"


def spent_path(settings: Settings, job_id: str) -> Path:
    """Where a job that asks a teacher keeps what it spent; not there before the first request ended."""
    return folder(settings, job_id) / "spent.json"


def made_path(settings: Settings, job_id: str) -> Path:
    """The manifest of a job that makes queries, written as it goes; not there before it began to ask."""
    return folder(settings, job_id) / "queries.json"


def write_json(path: Path, content: Any) -> None:
    """Write JSON that is there whole or not at all."""
    whole.write_text(path, json.dumps(content, ensure_ascii=False, indent=1))
