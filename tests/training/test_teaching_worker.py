"""The jobs that ask a teacher, in the worker's own processes: killed, taken up, cancelled."""

import json
import os
import signal

import pytest

from data.records import AssessorKind, JobState
from data.settings import Settings
from engine.lm.scripted import ScriptedLM
from tests import synthetic
from tests.scripted_server import ScriptedServer
from tests.training.test_making import config as making_config
from tests.training.test_making import scripted
from tests.training.test_teacher import by_marker, config
from tests.training.working import Worker, ended, until
from training import jobs

pytestmark = pytest.mark.slow
KEY = "sk-a-very-secret-key"
PAIRS = 80


@pytest.fixture
def server():
    with ScriptedServer(ScriptedLM(generate=by_marker), api_key=KEY, work_seconds=0.1) as running:
        yield running


@pytest.fixture
def settings(tmp_path, server):
    return Settings(home=tmp_path / "home", retriever="bm25s", teacher_url=server.url, teacher_api_key=KEY)


@pytest.fixture
def collection(bench):
    return bench.build_index(synthetic.install(bench.store, synthetic.synthetic(train=20, heldout=1, per_query=4)))


def told(bench, job):
    now = bench.store.jobs.get(job.job_id)
    assert not now.state.ended, now
    return kept(bench, job)


def kept(bench, job):
    path = jobs.teach_path(bench.settings, job.job_id)
    return json.loads(path.read_text()) if path.exists() else {"asked": 0}


def test_a_killed_process_is_taken_up_and_no_answer_is_asked_for_twice(bench, collection, settings, server):
    job = jobs.submit_teaching(bench, collection, config(server, concurrency=2), "ann")
    with Worker(settings):
        until(lambda: told(bench, job)["asked"] >= 10, "ten answers")
        first = bench.store.jobs.get(job.job_id)
        os.kill(first.pid, signal.SIGKILL)
        done = ended(bench.store, settings, job)
    assert (done.state, done.error, done.attempts) == (JobState.DONE, None, 2)
    assert (done.result["graded"], done.result["asked"], done.result["kept"]) == (PAIRS, PAIRS, 0)
    # What was under way when it died is asked again, and nothing else.
    assert PAIRS <= len(server.chats) <= PAIRS + 3
    (teacher,) = bench.store.assessors.list(AssessorKind.TEACHER)
    assert bench.store.judgments.event_counts(collection.collection_id)[teacher.assessor_id] == PAIRS
    log = jobs.log_path(settings, job.job_id).read_text()
    assert "signal SIGKILL" in log and KEY not in log and "HTTP Request" not in log
    assert KEY.encode() not in settings.database_path.read_bytes()


def test_cancelling_ends_it_soon_and_keeps_the_answers(bench, collection, settings, server):
    job = jobs.submit_teaching(bench, collection, config(server, concurrency=2), "ann")
    with Worker(settings):
        until(lambda: told(bench, job)["asked"] >= 5, "five answers")
        jobs.cancel(bench, job.job_id)
        done = ended(bench.store, settings, job)
    assert done.state is JobState.CANCELLED
    asked = kept(bench, job)["asked"]
    assert 5 <= asked < PAIRS and len(list(settings.answers_path.rglob("*.json"))) == asked
    (teacher,) = bench.store.assessors.list(AssessorKind.TEACHER)
    assert bench.store.judgments.event_counts(collection.collection_id)[teacher.assessor_id] == asked


def test_a_killed_process_that_makes_queries_is_taken_up(bench, collection, settings, server):
    server.lm = ScriptedLM(generate=scripted)
    wanted = making_config(server, documents=20, concurrency=2)
    job = jobs.submit_making(bench, collection, wanted, "ann")

    def requests():
        now = bench.store.jobs.get(job.job_id)
        assert not now.state.ended, now
        return len(server.chats)

    with Worker(settings):
        for enough in (8, 40):  # while queries are made; while they are judged
            until(lambda enough=enough: requests() >= enough, f"{enough} requests")
            os.kill(bench.store.jobs.get(job.job_id).pid, signal.SIGKILL)
            until(lambda: bench.store.jobs.get(job.job_id).attempts > 1, "another start")
        done = ended(bench.store, settings, job)
    assert (done.state, done.error, done.attempts) == (JobState.DONE, None, 3)
    made = done.result["queries"]
    assert (done.result["asked"], done.result["kept"], done.result["new_queries"]) == (20, 0, made)
    assert done.result["judged"]["graded"] == done.result["judged"]["asked"] > 40
    # What was under way when it died is asked again, and nothing else.
    whole = 20 + done.result["judged"]["asked"]
    assert whole <= len(server.chats) <= whole + 4
