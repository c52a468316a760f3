"""What a running job has in hand: its row, the workbench, a folder, and a way to tell how far it is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from data.records import Collection, Job, JobMetric
from engine.workbench import Workbench
from training.heartbeat import Heartbeat

TELL_SECONDS = 0.5
"""Progress is written at most so often, beside the heartbeat's own rhythm."""


@dataclass(slots=True, kw_only=True)
class Work:
    """A claimed job, in the process that runs it."""

    job: Job
    workbench: Workbench
    folder: Path
    """The job's own: log, snapshot, checkpoints."""
    heartbeat: Heartbeat
    _span: tuple[float, float] = field(default=(0.0, 1.0), init=False)
    _name: str = field(default="", init=False)
    _told: float = field(default=0.0, init=False)

    @property
    def collection(self) -> Collection:
        """The job's collection as it is now."""
        if self.job.collection_id is None:
            raise ValueError(f"job {self.job.job_id} has no collection")
        return self.workbench.store.collections.get(self.job.collection_id)

    def stage(self, name: str, start: float, end: float) -> None:
        """Begin a stage that takes the job's progress from `start` to `end` (0 to 1)."""
        self._span = (start, end)
        self._name = self.heartbeat.stage = name
        self.heartbeat.progress = start
        self._told = 0.0
        self._tell()

    def detail(self, words: str) -> None:
        """Say more of the stage under way, behind its name."""
        self.heartbeat.stage = f"{self._name}: {words}"
        self._told = 0.0
        self._tell()

    def progress(self, done: float) -> None:
        """So much of the stage is done (0 to 1)."""
        start, end = self._span
        self.heartbeat.progress = start + (end - start) * min(max(done, 0.0), 1.0)
        self._tell()

    def record(self, step: int, figures: Mapping[str, float]) -> None:
        """Add a point to each of the job's curves."""
        metrics = [JobMetric(step=step, name=name, value=value) for name, value in figures.items()]
        self.workbench.store.jobs.record(self.job.job_id, metrics)

    def should_stop(self) -> bool:
        """Is the work to stop? A `training.stopping.ShouldStop`."""
        return self.heartbeat.stop.is_set()

    def _tell(self) -> None:
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            self.heartbeat.beat()
