from datetime import UTC, datetime, timedelta

import pytest

from app.actions.jobs import CURVE_POINTS, curves, duration, log_tail, watch
from data.records import Job, JobMetric, JobState

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def job(**changes):
    values = {
        "job_id": "j1",
        "kind": "train",
        "collection_id": "c1",
        "config": {},
        "state": JobState.RUNNING,
        "attempts": 1,
        "progress": 0.25,
        "started_at": NOW - timedelta(seconds=60),
        "heartbeat_at": NOW - timedelta(seconds=2),
    }
    return Job(**(values | changes))


def test_a_running_job_has_an_estimate_of_what_is_left():
    seen = watch(job(), NOW)
    assert (seen.elapsed_seconds, seen.remaining_seconds, seen.heartbeat_seconds) == (60, 180, 2)
    assert not seen.silent and seen.words == "running"


def test_too_little_progress_gives_no_estimate():
    assert watch(job(progress=0.01), NOW).remaining_seconds is None


def test_an_ended_job_has_no_heartbeat_and_its_own_length():
    seen = watch(job(state=JobState.DONE, progress=1.0, finished_at=NOW - timedelta(seconds=20)), NOW)
    assert (seen.elapsed_seconds, seen.remaining_seconds, seen.heartbeat_seconds) == (40, None, None)


def test_a_silent_job_is_seen():
    assert watch(job(heartbeat_at=NOW - timedelta(seconds=90)), NOW).silent


def test_a_queued_a_resumed_and_a_cancelled_job_say_so():
    assert watch(job(state=JobState.QUEUED, started_at=None), NOW).words == "waiting for the worker"
    assert "resumed" in watch(job(attempts=2), NOW).words
    assert "being cancelled" in watch(job(cancel_requested=True), NOW).words


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "-"), (0, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3725, "1 h 02 min")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_the_log_tail_is_short_and_keeps_the_last_of_a_redrawn_line(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"\n".join(b"line %d" % i for i in range(20_000)) + b"\n10%\r20%\r30%\nbad \xff\n")
    tail = log_tail(path, lines=3)
    assert tail.splitlines() == ["line 19999", "30%", "bad \ufffd"]
    assert log_tail(tmp_path / "none") == ""


def test_curves_are_thinned_but_keep_both_ends():
    metrics = [JobMetric(step=i, name="loss", value=float(i)) for i in range(1, 5002)]
    points = curves(metrics)["loss"]
    assert len(points) <= CURVE_POINTS + 1
    assert points[0] == (1, 1.0) and points[-1] == (5001, 5001.0)
    assert curves([]) == {}
