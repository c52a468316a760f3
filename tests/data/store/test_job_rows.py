import math
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from data.errors import ConflictError, NotFoundError
from data.records import Job, JobMetric, JobState, new_id

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
STALE = 30.0


@pytest.fixture
def job(store):
    made = Job(job_id=new_id(), kind="train", collection_id=None, config={"steps": 3}, created_by="Ann")
    store.jobs.add(made)
    return made


def claim(store, job, seconds=0.0, pid=1):
    now = NOW + timedelta(seconds=seconds)
    return store.jobs.claim(job.job_id, pid=pid, now=now, stale_after_seconds=STALE)


def test_of_workers_that_want_a_job_at_once_one_gets_it(store, job):
    """As of two homes on one PostgreSQL database."""
    together, got = threading.Barrier(6), []

    def want(pid):
        together.wait()
        got.append(claim(store, job, pid=pid))

    workers = [threading.Thread(target=want, args=(pid,)) for pid in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    (mine,) = (each for each in got if each is not None)
    assert len(got) == 6 and store.jobs.get(job.job_id) == mine
    assert (mine.attempts, mine.state) == (1, JobState.RUNNING)


def test_a_job_is_claimed_once_and_again_when_its_process_is_gone(store, job):
    assert store.jobs.get(job.job_id) == job
    assert store.jobs.waiting(now=NOW, stale_after_seconds=STALE) == [job]
    first = claim(store, job, pid=11)
    assert (first.state, first.pid, first.attempts, first.started_at) == (JobState.RUNNING, 11, 1, NOW)
    assert claim(store, job, seconds=STALE) is None
    assert store.jobs.heartbeat(job.job_id, stage="training", progress=0.5, now=NOW + timedelta(seconds=9)) is False
    assert claim(store, job, seconds=STALE + 9) is None
    late = NOW + timedelta(seconds=STALE + 10)
    assert [j.job_id for j in store.jobs.waiting(now=late, stale_after_seconds=STALE)] == [job.job_id]
    second = claim(store, job, seconds=STALE + 10, pid=12)
    assert (second.pid, second.attempts, second.started_at, second.heartbeat_at) == (12, 2, NOW, late)
    assert (second.stage, second.progress) == ("training", 0.5)


def test_a_job_ends_once(store, job):
    claim(store, job)
    store.jobs.finish(job.job_id, JobState.DONE, result={"version": "v"}, now=NOW)
    done = store.jobs.get(job.job_id)
    assert (done.state, done.result, done.progress, done.finished_at) == (JobState.DONE, {"version": "v"}, 1.0, NOW)
    with pytest.raises(ConflictError):
        store.jobs.finish(job.job_id, JobState.FAILED, error="late", now=NOW)
    assert store.jobs.heartbeat(job.job_id, stage="more", progress=0.1, now=NOW) is True
    assert store.jobs.request_cancel(job.job_id) == done
    assert claim(store, job, seconds=1000) is None
    assert store.jobs.waiting(now=NOW + timedelta(days=1), stale_after_seconds=STALE) == []


def test_a_failed_job_says_what_and_mend(store, job):
    claim(store, job)
    with pytest.raises(ConflictError):
        store.jobs.finish(job.job_id, JobState.RUNNING, now=NOW)
    store.jobs.finish(job.job_id, JobState.FAILED, error="no data", mend="judge more", now=NOW)
    failed = store.jobs.get(job.job_id)
    assert (failed.state, failed.error, failed.mend, failed.result) == (JobState.FAILED, "no data", "judge more", None)


def test_a_running_job_hears_of_the_cancel_and_a_queued_one_never_starts(store, job):
    claim(store, job)
    assert store.jobs.request_cancel(job.job_id).cancel_requested
    assert store.jobs.heartbeat(job.job_id, stage="training", progress=0.2, now=NOW) is True
    queued = replace(job, job_id=new_id())
    store.jobs.add(queued)
    assert store.jobs.request_cancel(queued.job_id).state is JobState.QUEUED
    assert claim(store, queued) is None
    assert store.jobs.get(queued.job_id).state is JobState.CANCELLED


def test_jobs_are_listed_newest_first_and_filtered(filled):
    jobs = [
        Job(job_id=f"j{i}", kind=kind, collection_id=collection, config={})
        for i, (kind, collection) in enumerate(
            [("train", filled.collection.collection_id), ("evaluate", None), ("train", None)]
        )
    ]
    for job in jobs:
        filled.store.jobs.add(job)
    claim(filled.store, jobs[1])
    assert [j.job_id for j in filled.store.jobs.list()] == ["j2", "j1", "j0"]
    assert [j.job_id for j in filled.store.jobs.list(kind="train")] == ["j2", "j0"]
    assert [j.job_id for j in filled.store.jobs.list(states=[JobState.RUNNING, JobState.DONE])] == ["j1"]
    assert [j.job_id for j in filled.store.jobs.list(collection_id=filled.collection.collection_id)] == ["j0"]
    with pytest.raises(NotFoundError):
        filled.store.jobs.get("none")
    with pytest.raises(ConflictError):
        filled.store.jobs.add(jobs[0])


def test_curves_keep_the_newer_point_and_can_be_cut(store, job):
    points = [JobMetric(step=step, name=name, value=float(step), created_at=NOW) for name in "ba" for step in (2, 1)]
    store.jobs.record(job.job_id, points)
    store.jobs.record(job.job_id, [])
    newer = JobMetric(step=2, name="a", value=math.nan, created_at=NOW + timedelta(seconds=1))
    store.jobs.record(job.job_id, [newer])
    found = store.jobs.metrics(job.job_id)
    assert [(p.name, p.step) for p in found] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert math.isnan(found[1].value)
    assert found[1].created_at == newer.created_at
    assert store.jobs.metrics(job.job_id, ["b"]) == [points[1], points[0]]
    store.jobs.truncate_metrics(job.job_id, 1)
    assert [(p.name, p.step) for p in store.jobs.metrics(job.job_id)] == [("a", 1), ("b", 1)]
    with pytest.raises(NotFoundError):
        store.jobs.record("none", points)


def test_jobs_are_counted_by_state(store, job):
    assert store.jobs.count() == {JobState.QUEUED: 1}
    claim(store, job)
    assert store.jobs.count() == {JobState.RUNNING: 1}
