"""Jobs: long work as rows. The app writes them, a worker's process claims one and runs it."""

import builtins
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.errors import ConflictError, NotFoundError
from data.records import Job, JobMetric, JobState
from data.schema import job_metrics, jobs
from data.store.database import Database, flat
from data.store.dialects import upsert

_SELECTED = sa.select(*(jobs.c[name] for name in Job.__dataclass_fields__))


class Jobs:
    """The store's jobs and their curves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job) -> None:
        """Store a new job."""
        with self._database.write() as connection:
            connection.execute(jobs.insert(), flat(job))

    def get(self, job_id: str) -> Job:
        """The job of that id; raises NotFoundError."""
        with self._database.read() as connection:
            return _get(connection, job_id)

    def list(
        self,
        *,
        collection_id: str | None = None,
        kind: str | None = None,
        states: Sequence[JobState] | None = None,
    ) -> builtins.list[Job]:
        """The jobs that fit, newest first."""
        query = _SELECTED.order_by(jobs.c.sequence.desc())
        if collection_id is not None:
            query = query.where(jobs.c.collection_id == collection_id)
        if kind is not None:
            query = query.where(jobs.c.kind == kind)
        if states is not None:
            query = query.where(jobs.c.state.in_(states))
        with self._database.read() as connection:
            return [Job(**row) for row in connection.execute(query).mappings()]

    def count(self) -> dict[JobState, int]:
        """How many jobs there are in each state that any is in."""
        with self._database.read() as connection:
            return count_by_state(connection)

    def waiting(self, *, now: datetime, stale_after_seconds: float) -> builtins.list[Job]:
        """Jobs that a worker should run, oldest first: queued, or running without a sign of life."""
        query = _SELECTED.where(_claimable(now, stale_after_seconds)).order_by(jobs.c.sequence)
        with self._database.read() as connection:
            return [Job(**row) for row in connection.execute(query).mappings()]

    def claim(self, job_id: str, *, pid: int, now: datetime, stale_after_seconds: float) -> Job | None:
        """Make the job this process's: it is running now, once more attempted. None where another process has it, where
        it has ended, or where it was to be cancelled (it then is)."""
        with self._database.write() as connection:
            job = _get(connection, job_id)
            mine = (jobs.c.job_id == job_id) & _claimable(now, stale_after_seconds)
            if connection.execute(sa.select(jobs.c.job_id).where(mine)).first() is None:
                return None
            if job.cancel_requested:
                _update(connection, job_id, state=JobState.CANCELLED, finished_at=now)
                return None
            _update(
                connection,
                job_id,
                state=JobState.RUNNING,
                pid=pid,
                attempts=job.attempts + 1,
                started_at=job.started_at or now,
                heartbeat_at=now,
            )
            return _get(connection, job_id)

    def heartbeat(self, job_id: str, *, stage: str, progress: float, now: datetime) -> bool:
        """A sign of life; True where the job shall stop: it is to be cancelled, or has ended already."""
        with self._database.write() as connection:
            job = _get(connection, job_id)
            if job.state is not JobState.RUNNING:
                return True
            _update(connection, job_id, stage=stage, progress=progress, heartbeat_at=now)
            return job.cancel_requested

    def finish(
        self,
        job_id: str,
        state: JobState,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        mend: str | None = None,
        now: datetime,
    ) -> None:
        """End the job as `state` (done, failed or cancelled); raises ConflictError where it has ended already."""
        with self._database.write() as connection:
            job = _get(connection, job_id)
            if job.state.ended or not state.ended:
                raise ConflictError(
                    f"Job {job_id} is {job.state.value}: it can't end as {state.value}.",
                    mend="Look at the job's page for what became of it.",
                )
            progress = 1.0 if state is JobState.DONE else job.progress
            _update(
                connection,
                job_id,
                state=state,
                result=result,
                error=error,
                mend=mend,
                finished_at=now,
                progress=progress,
            )

    def request_cancel(self, job_id: str) -> Job:
        """Ask the job to stop at its next heartbeat (a queued one: when it would start). An ended one stays."""
        with self._database.write() as connection:
            if not _get(connection, job_id).state.ended:
                _update(connection, job_id, cancel_requested=True)
            return _get(connection, job_id)

    def record(self, job_id: str, metrics: Sequence[JobMetric]) -> None:
        """Add points to the job's curves; a point of the same name and step is replaced."""
        rows = [
            {**flat(metric), "job_id": job_id, "value": None if math.isnan(metric.value) else metric.value}
            for metric in metrics
        ]
        if not rows:
            return
        with self._database.write() as connection:
            upsert(connection, job_metrics, rows, ["value", "created_at"])

    def metrics(self, job_id: str, names: Sequence[str] | None = None) -> builtins.list[JobMetric]:
        """The points of the job's curves (of these names), by name and step."""
        columns = (job_metrics.c[name] for name in JobMetric.__dataclass_fields__)
        query = sa.select(*columns).where(job_metrics.c.job_id == job_id)
        if names is not None:
            query = query.where(job_metrics.c.name.in_(names))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(job_metrics.c.name, job_metrics.c.step)).mappings()
            return [JobMetric(**row) for row in rows]

    def truncate_metrics(self, job_id: str, after_step: int) -> None:
        """Forget the points after a step: a resumed job walks them again."""
        with self._database.write() as connection:
            later = (job_metrics.c.job_id == job_id) & (job_metrics.c.step > after_step)
            connection.execute(job_metrics.delete().where(later))


def count_by_state(connection: Connection) -> dict[JobState, int]:
    """How many jobs there are in each state that any is in."""
    query = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
    return {state: number for state, number in connection.execute(query)}


def count_waiting(connection: Connection, now: datetime, stale_after_seconds: float) -> tuple[int, datetime | None]:
    """How many jobs a worker should run, and since when the one waits that has waited longest."""
    since = sa.func.min(sa.func.coalesce(jobs.c.heartbeat_at, jobs.c.created_at), type_=jobs.c.created_at.type)
    query = sa.select(sa.func.count(), since).where(_claimable(now, stale_after_seconds))
    count, waits_since = connection.execute(query).one()
    return count, waits_since


def _get(connection: Connection, job_id: str) -> Job:
    row = connection.execute(_SELECTED.where(jobs.c.job_id == job_id)).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no job {job_id!r}.", mend="Choose one from the list of jobs.")
    return Job(**row)


def _update(connection: Connection, job_id: str, **values: object) -> None:
    connection.execute(jobs.update().where(jobs.c.job_id == job_id).values(**values))


def _claimable(now: datetime, stale_after_seconds: float) -> sa.ColumnElement[bool]:
    """Queued, or running with a heartbeat older than that (or none)."""
    oldest = now - timedelta(seconds=stale_after_seconds)
    stale = jobs.c.heartbeat_at.is_(None) | (jobs.c.heartbeat_at < oldest)
    return (jobs.c.state == JobState.QUEUED) | ((jobs.c.state == JobState.RUNNING) & stale)
