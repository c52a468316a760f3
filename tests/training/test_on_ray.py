"""Jobs on a Ray cluster: a head of its own on this machine (`make test-ray`)."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from data.records import JobState
from data.settings import Settings
from engine.lm.scripted import ScriptedLM
from engine.pipeline import Plan
from tests import synthetic
from tests.e2e import processes
from tests.scripted_server import ScriptedServer
from tests.training.test_teacher import by_marker
from tests.training.test_teacher import config as teaching
from tests.training.working import Worker, ended, steps_done, until
from training import jobs
from training.ranked import RankConfig, RankedBy
from training.recipes import TrainConfig

pytestmark = [pytest.mark.ray, pytest.mark.slow]
QUICK = TrainConfig(epochs=1, learning_rate=5e-3, batch_size=8, heldout_queries=10, depth=4)
LONG = TrainConfig(epochs=50, learning_rate=1e-3, batch_size=1, heldout_queries=10, depth=4)
RAY = Path(sys.executable).with_name("ray")
NO_TOKEN = {"RAY_AUTH_MODE": "disabled"}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a Ray head that knows nothing of WhyRank's settings."""
    pytest.importorskip("ray", reason="Ray is not installed: make test-ray")
    dashboard = free_port()
    bare = {name: value for name, value in os.environ.items() if not name.startswith("WHYRANK_")}
    command = [RAY, "start", "--head", "--block", "--port=0", "--num-cpus=3", "--num-gpus=0"]
    bounds = ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", "--object-store-memory=100000000"]
    log = tmp_path_factory.mktemp("ray") / "head.log"
    with log.open("ab") as output:
        head = subprocess.Popen(
            [*command, *bounds],
            # Slow machines need longer to start than the half minute Ray gives itself.
            # Its address is this machine's own; a token that lies in somebody's home would be asked for otherwise.
            env={**bare, **NO_TOKEN, "RAY_USAGE_STATS_ENABLED": "0", "RAY_raylet_start_wait_time_s": "200"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def started():
        assert head.poll() is None, log.read_text()
        return "Ray runtime started" in log.read_text()

    until(started, "the Ray head")
    yield f"http://127.0.0.1:{dashboard}"
    head.send_signal(signal.SIGTERM)
    head.wait(60)


@pytest.fixture
def settings(tmp_path, model, cluster):
    return Settings(
        home=tmp_path / "home", model=str(model), retriever="bm25s", device="cpu", threads=1, ray_address=cluster
    )


@pytest.fixture
def collection(bench, learnable):
    return bench.build_index(synthetic.install(bench.store, learnable))


def test_a_job_runs_on_the_cluster_and_its_log_comes_back(bench, collection, settings):
    job = jobs.submit(bench, collection, QUICK, "ann")
    with Worker(settings):
        done = ended(bench.store, settings, job)
    assert (done.state, done.error) == (JobState.DONE, None)
    assert bench.store.versions.get(done.result["version_id"]).job_id == job.job_id
    log = jobs.log_path(settings, job.job_id).read_text()
    assert f"Ray job whyrank-{job.job_id}" in log
    assert log.count("Done.") == 1


def test_stopping_the_worker_stops_the_job_there_and_the_next_one_goes_on(bench, collection, settings):
    job = jobs.submit(bench, collection, LONG, "ann")
    with Worker(settings) as worker:
        until(lambda: len(steps_done(bench.store, job)) >= 3, "three steps")
        worker.stop()
    left = bench.store.jobs.get(job.job_id)
    assert (left.state, left.stage) == (JobState.RUNNING, "stopped with the worker")
    before = len(steps_done(bench.store, job))
    with Worker(settings):
        until(lambda: len(steps_done(bench.store, job)) > before, "another step")
        jobs.cancel(bench, job.job_id)
        assert ended(bench.store, settings, job).state is JobState.CANCELLED


def test_what_nobody_follows_any_more_is_stopped_before_the_next_start(bench, collection, settings):
    """The process beside the worker is killed; the job's on the cluster is not, and two would write the same files."""
    job = jobs.submit(bench, collection, LONG, "ann")
    with Worker(settings):
        until(lambda: len(steps_done(bench.store, job)) >= 3, "three steps")
        (follower,) = [pid for pid, line in processes.below(os.getpid()).items() if "training.on_ray" in line]
        first = bench.store.jobs.get(job.job_id).attempts
        os.kill(follower, signal.SIGKILL)
        until(lambda: bench.store.jobs.get(job.job_id).attempts > first, "the next start")
        lines = processes.below(1).values()
        assert sum("training.process" in line and job.job_id in line for line in lines) == 1
        log = jobs.log_path(settings, job.job_id).read_text()
        assert "which nobody follows any more" in log
        before = len(steps_done(bench.store, job))
        until(lambda: len(steps_done(bench.store, job)) > before, "another step")
        jobs.cancel(bench, job.job_id)
        assert ended(bench.store, settings, job).state is JobState.CANCELLED


def test_a_cluster_that_is_not_there_fails_the_job_with_the_reason_in_its_log(bench, collection, settings):
    nowhere = settings.model_copy(update={"ray_address": f"http://127.0.0.1:{free_port()}"})
    job = jobs.submit(bench, collection, QUICK, "ann")
    with Worker(nowhere):
        failed = ended(bench.store, nowhere, job)
    assert failed.state is JobState.FAILED
    assert "could not start" in failed.error
    assert "does not answer" in jobs.log_path(nowhere, job.job_id).read_text()


def test_several_processes_rank_as_one_does(bench, collection, settings):
    """Side by side on the cluster, with the same scores; a second job finds everything ranked."""
    queries = tuple(query.query_id for query in bench.store.collections.queries(collection.collection_id))
    systems = (RankedBy(version_id="base", method="pointwise-score"),)
    asked = RankConfig(systems=systems, query_ids=queries, depth=4, workers=2)
    bench.base_version()
    job = jobs.submit_ranking(bench, collection, asked, "ann")
    with Worker(settings):
        done = ended(bench.store, settings, job)
        assert (done.state, done.error, done.result) == (JobState.DONE, None, {"rankings": 14, "queries": 14})
        spread = bench.store.rankings.orders(collection.collection_id, version_id="base")
        again = jobs.submit_ranking(bench, collection, asked, "ann")
        assert ended(bench.store, settings, again).state is JobState.DONE
    assert bench.store.rankings.orders(collection.collection_id, version_id="base") == spread
    asked_here = bench.store.collections.query(collection.collection_id, queries[0])
    (alone,) = bench.pipeline(collection, bench.base_version()).rank(
        [asked_here], replace(Plan.of(settings), method="pointwise-score", depth=4)
    )
    (there,) = [order for order in spread if order.query_id == queries[0]]
    assert [place.doc_id for place in there.places] == [document.doc_id for document in alone.documents]


def test_several_processes_of_the_cluster_ask_a_teacher(bench, collection, settings):
    """The nodes have no key: none is handed over."""
    with ScriptedServer(ScriptedLM(generate=by_marker)) as server:
        wanted = teaching(server, workers=2, concurrency=2)
        job = jobs.submit_teaching(bench, collection, wanted, "ann")
        with Worker(settings):
            done = ended(bench.store, settings, job)
        assert (done.state, done.error) == (JobState.DONE, None)
        assert (done.result["graded"], done.result["asked"], len(server.chats)) == (16, 16, 16)


def test_without_a_cluster_named_one_that_runs_here_is_left_alone(bench, collection, settings, cluster):
    """Its processes know nothing of this home."""
    alone = settings.model_copy(update={"ray_address": ""})
    queries = tuple(query.query_id for query in bench.store.collections.queries(collection.collection_id))[:4]
    systems = (RankedBy(version_id="base", method="pointwise-score"),)
    bench.base_version()
    asked = RankConfig(systems=systems, query_ids=queries, depth=4, workers=3)
    job = jobs.submit_ranking(bench, collection, asked, "ann")
    with Worker(alone):
        done = ended(bench.store, alone, job)
    assert (done.state, done.error, done.result) == (JobState.DONE, None, {"rankings": 4, "queries": 4})
