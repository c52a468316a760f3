"""Jobs in processes of their own, on the tiny model: cancel, kill, resume, failure, and two workers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from data.records import Alias, JobState, utc_now
from data.settings import Settings
from data.store import Store
from tests import synthetic
from tests.training.working import Worker, ended, steps_done, until
from training import jobs
from training.environment import variables
from training.process import ATTEMPTS, _words
from training.recipes import TrainConfig

pytestmark = pytest.mark.slow
QUICK = TrainConfig(epochs=2, learning_rate=5e-3, batch_size=8, heldout_queries=10, depth=4)
MANY_STEPS = TrainConfig(epochs=10, learning_rate=1e-3, batch_size=1, heldout_queries=10, depth=4)
LONG = TrainConfig(epochs=50, learning_rate=1e-3, batch_size=1, heldout_queries=10, depth=4)


@pytest.fixture
def settings(tmp_path, model):
    return Settings(home=tmp_path / "home", model=str(model), retriever="bm25s", device="cpu", threads=1)


@pytest.fixture
def collection(bench, learnable):
    return bench.build_index(synthetic.install(bench.store, learnable))


def test_a_worker_runs_a_job_from_judgments_to_verdict(bench, collection, settings):
    job = jobs.submit(bench, collection, QUICK, "ann")
    with Worker(settings):
        done = ended(bench.store, settings, job)
    assert (done.state, done.error) == (JobState.DONE, None)
    assert (done.attempts, done.progress) == (1, 1.0)
    version = bench.store.versions.get(done.result["version_id"])
    assert version.job_id == job.job_id
    assert bench.store.versions.alias(collection.collection_id, Alias.CHALLENGER) == version
    assert (settings.home / version.adapter_path / "adapter_model.safetensors").is_file()
    assert steps_done(bench.store, job) == [1, 2, 3, 4]
    record = bench.store.evaluations.get(done.result["evaluation_id"])
    assert (record.job_id, record.report["queries"]) == (job.job_id, 10)
    assert done.result["by_source"] == {"human": 16}
    folder = jobs.folder(settings, job.job_id)
    assert len((folder / "snapshot.jsonl").read_text().splitlines()) == 16
    assert not (folder / "stages").exists()
    assert "Done." in jobs.log_path(settings, job.job_id).read_text()


def test_a_killed_process_is_resumed_and_ends_with_its_whole_curve(bench, collection, settings):
    job = jobs.submit(bench, collection, MANY_STEPS, "ann")
    checkpoints = jobs.folder(settings, job.job_id) / "stages" / "1-sft" / "checkpoints"
    with Worker(settings):
        until(lambda: len(steps_done(bench.store, job)) > 20 and list(checkpoints.glob("*/whole")), "a checkpoint")
        first = bench.store.jobs.get(job.job_id)
        os.kill(first.pid, signal.SIGKILL)
        done = ended(bench.store, settings, job)
    assert done.state is JobState.DONE, done.error
    assert done.attempts == 2
    assert done.pid != first.pid
    assert steps_done(bench.store, job) == list(range(1, 161))
    assert "signal SIGKILL" in jobs.log_path(settings, job.job_id).read_text()
    versions = [v for v in bench.store.versions.list(collection.collection_id) if v.job_id == job.job_id]
    assert len(versions) == 1


def test_cancelling_stops_within_steps(bench, collection, settings):
    job = jobs.submit(bench, collection, LONG, "ann")
    with Worker(settings):
        until(lambda: steps_done(bench.store, job), "the first step")
        jobs.cancel(bench, job.job_id)
        done = ended(bench.store, settings, job)
    assert done.state is JobState.CANCELLED
    assert len(steps_done(bench.store, job)) < 800
    assert [version.version_id for version in bench.store.versions.list(collection.collection_id)] == ["base"]


def test_cancelling_a_waiting_job_ends_it_at_once(bench, collection):
    job = jobs.submit(bench, collection, LONG, "ann")
    assert jobs.cancel(bench, job.job_id).state is JobState.CANCELLED


def test_stopping_the_worker_leaves_the_job_to_the_next_one(bench, collection, settings):
    job = jobs.submit(bench, collection, MANY_STEPS, "ann")
    with Worker(settings) as worker:
        until(lambda: steps_done(bench.store, job), "the first step")
        worker.stop()
    left = bench.store.jobs.get(job.job_id)
    assert left.state is JobState.RUNNING
    assert not _alive(left.pid)
    reached = len(steps_done(bench.store, job))
    assert reached < 160
    with Worker(settings):
        done = ended(bench.store, settings, job)
    assert (done.state, done.attempts) == (JobState.DONE, 2)
    assert steps_done(bench.store, job) == list(range(1, 161))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_job_ends_with_a_worker_that_is_killed_and_goes_on_with_the_next(bench, collection, settings):
    job = jobs.submit(bench, collection, MANY_STEPS, "ann")
    with Worker(settings) as worker:
        until(lambda: steps_done(bench.store, job), "the first step")
        worker.process.kill()
        worker.process.wait()
        left = bench.store.jobs.get(job.job_id)
        until(lambda: not _alive(left.pid), "the end of the job's process")
    assert bench.store.jobs.get(job.job_id).stage == "stopped with the worker"
    reached = len(steps_done(bench.store, job))
    assert reached < 160
    with Worker(settings):
        done = ended(bench.store, settings, job)
    assert done.state is JobState.DONE
    assert steps_done(bench.store, job) == list(range(1, 161))


def test_a_second_worker_is_refused(bench, collection, settings):
    with Worker(settings) as first:
        until(lambda: "Worker of" in first.log.read_text(), "the first worker")
        with Worker(settings) as second:
            assert second.process.wait(60) != 0
            assert "ConflictError: A worker runs on" in second.log.read_text()
        assert first.process.poll() is None


def test_a_job_that_can_t_go_on_fails_with_what_and_mend(bench, collection, settings):
    job = jobs.submit(bench, collection, QUICK, "ann")
    bench.store.collections.set_rules(
        collection.collection_id, guidelines="very long guidelines " * 600, changed_by="me"
    )
    with Worker(settings):
        done = ended(bench.store, settings, job)
    assert done.state is JobState.FAILED
    assert "more than 2048 tokens" in done.error
    assert "guidelines" in done.mend


def test_a_process_that_keeps_dying_fails_the_job_and_says_why(bench, collection, settings):
    job = jobs.submit(bench, collection, LONG, "ann")
    for _ in range(ATTEMPTS):  # processes that claimed the job and died without a word
        bench.store.jobs.claim(job.job_id, pid=1, now=utc_now(), stale_after_seconds=0)
    subprocess.run(
        [sys.executable, "-P", "-m", "training.process", job.job_id, "--takeover"],
        env={**os.environ, **variables(settings, secrets=True)},
        check=True,
        timeout=120,
    )
    done = bench.store.jobs.get(job.job_id)
    assert done.state is JobState.FAILED
    assert "died 3 times" in done.error
    assert "log" in done.mend


def test_an_error_nobody_foresaw_is_one_line():
    assert _words(KeyError("x"))[0] == "KeyError: 'x'"
    assert _words(RuntimeError("first\nsecond"))[0] == "RuntimeError: first"
    assert _words(MemoryError())[0] == "The job ran out of memory."
    assert _words(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))[0] == "The job ran out of memory."


def test_the_settings_reach_the_process_with_their_secrets(settings, monkeypatch):
    secrets = {"lm_api_key": SecretStr("key"), "database_url": SecretStr("postgresql://me:pass@host/db")}
    settings = settings.model_copy(update=secrets)
    assert "pass" not in repr(settings)
    for name, value in variables(settings, secrets=True).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_submitting_with_another_store_open_is_seen_by_the_worker(settings, bench, collection):
    job = jobs.submit(bench, collection, QUICK, "ann")
    with Store.open(settings.database_path) as other:
        assert other.jobs.get(job.job_id) == job


def test_the_lock_is_free_again_when_the_worker_ended(settings, bench):
    with Worker(settings) as worker:
        until(lambda: "Worker of" in worker.log.read_text(), "the worker")
    with Worker(settings) as again:
        until(lambda: again.log.read_text().count("Worker of") == 2, "the next worker")


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # One whose end nobody has asked for yet is a zombie.
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
