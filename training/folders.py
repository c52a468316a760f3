"""Where a job keeps its files."""

from pathlib import Path

from data.settings import Settings


def folder(settings: Settings, job_id: str) -> Path:
    """The job's own folder: log, snapshot and, while it runs, checkpoints."""
    return settings.jobs_path / job_id


def log_path(settings: Settings, job_id: str) -> Path:
    """Where the job's process writes its log; not there before it has started."""
    return folder(settings, job_id) / "log.txt"
