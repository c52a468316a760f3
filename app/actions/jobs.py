"""A job as it is watched: how long it ran, what is left, whether its process still gives a sign of life."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data import logs
from data.records import Collection, Job, JobMetric, JobState, utc_now
from engine.workbench import Workbench
from training.heartbeat import STALE_SECONDS

ESTIMATE_FROM = 0.05
"""Below this progress an estimate of what is left would be a guess."""
TAIL_BYTES = 64_000
CURVE_POINTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A job and its clock. Seconds are None where there is nothing to measure."""

    job: Job
    words: str
    """The state in words."""
    elapsed_seconds: float | None
    remaining_seconds: float | None
    heartbeat_seconds: float | None

    @property
    def silent(self) -> bool:
        """Did the process stop giving signs of life?"""
        return self.heartbeat_seconds is not None and self.heartbeat_seconds > STALE_SECONDS


def watch(job: Job, now: datetime) -> Watch:
    """Read a job's clock."""
    running = job.state is JobState.RUNNING
    end = job.finished_at or now
    elapsed = (end - job.started_at).total_seconds() if job.started_at else None
    left = elapsed is not None and running and ESTIMATE_FROM <= job.progress < 1
    return Watch(
        job=job,
        words=words(job),
        elapsed_seconds=elapsed,
        remaining_seconds=elapsed * (1 - job.progress) / job.progress if left and elapsed is not None else None,
        heartbeat_seconds=(now - job.heartbeat_at).total_seconds() if running and job.heartbeat_at else None,
    )


def watches(workbench: Workbench, collection: Collection, kind: str | None = None) -> list[Watch]:
    """The collection's jobs (of one kind), newest first."""
    now = utc_now()
    return [watch(job, now) for job in workbench.store.jobs.list(collection_id=collection.collection_id, kind=kind)]


def watched(workbench: Workbench, job_id: str) -> Watch:
    """One job as it is now."""
    return watch(workbench.store.jobs.get(job_id), utc_now())


def told(job: Job, path: Path) -> Mapping[str, Any] | None:
    """What a job has to tell: its result, or what it wrote to `path` so far; None before it wrote anything."""
    if job.result is not None:
        return job.result
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    found: dict[str, Any] = json.loads(text)
    return found


def words(job: Job) -> str:
    """A job's state for people."""
    state = {JobState.QUEUED: "waiting for the worker"}.get(job.state, job.state.value)
    if job.cancel_requested and not job.state.ended:
        state += ", being cancelled"
    return state + (f", resumed (start {job.attempts})" if job.attempts > 1 else "")


def duration(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def log_tail(path: Path, lines: int = 40) -> str:
    """The last lines of a job's log, JSON as words; empty where there is none yet. Only the end of a long file is
    read."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    # A progress bar draws over its own line: keep what it drew last.
    found = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")[-lines - 1 :])
    return "\n".join(logs.readable(line) for line in found).strip("\n")


def curves(metrics: Iterable[JobMetric]) -> dict[str, list[tuple[int, float]]]:
    """Each figure's points (step, value), thinned evenly where there are too many to draw."""
    points: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for metric in metrics:
        points[metric.name].append((metric.step, metric.value))
    return {name: _thin(sorted(found)) for name, found in points.items()}


def _thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    stride = -(-len(points) // CURVE_POINTS) if points else 1
    return points[::stride] if (len(points) - 1) % stride == 0 else [*points[::stride], points[-1]]
