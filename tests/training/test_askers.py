"""A teacher asked by several processes: the budget they share, and (by `make test-ray`) whole jobs."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from data.errors import LMError
from engine.lm.base import Generate, Generated, Message
from engine.lm.scripted import ScriptedLM
from tests.e2e import processes
from tests.scripted_server import Reply, ScriptedServer
from tests.training.test_teacher import PAIRS, by_marker, config, judgments, submitted, work_of
from tests.training.working import until
from training import jobs, teacher
from training.askers import Purse, Room
from training.budget import Budget, Spent
from training.stopping import Stopped

KEY = "sk-a-very-secret-key"


def ask(tag="a"):
    return Generate(messages=(Message(role="user", content="x" * 100),), max_tokens=50, tag=tag)


ANSWER = Generated(text="fine", finished=True, prompt_tokens=20, completion_tokens=5)


# The purse


def test_what_one_process_has_under_way_leaves_the_others_less_room():
    purse = Purse(Budget(tokens=300), Spent())
    assert [purse.begin(ask("a")), purse.begin(ask("b"))] == [Room.NOW, Room.LATER]
    purse.heard(ask("a"), ANSWER)
    assert purse.begin(ask("b")) is Room.NOW


def test_when_nothing_is_under_way_and_nothing_fits_it_is_over_for_all():
    purse = Purse(Budget(tokens=190), Spent(prompt_tokens=9))
    assert purse.begin(ask("a")) is Room.NONE and purse.ended()
    spent, refusal = purse.counted()
    assert spent.tokens == 9 and "budget of 190 tokens" in refusal


def test_attempts_of_all_are_counted_together():
    purse = Purse(Budget(requests=2), Spent(requests=1))
    assert purse.attempt() is None and "2 requests is used up" in purse.attempt()
    assert purse.counted()[0].requests == 2


def test_told_to_stop_it_begins_nothing():
    purse = Purse(Budget(), Spent())
    purse.stop()
    assert purse.begin(ask()) is Room.NONE and purse.counted()[1] is None


# Whole jobs: this process is the job's, and each asker is one of its own


@pytest.fixture(scope="module")
def environment():
    """What the processes read their settings from; Ray hands it on as it is when it starts."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def running(environment):
    ray = pytest.importorskip("ray", reason="Ray is not installed: make test-ray")
    with ScriptedServer(ScriptedLM(generate=by_marker), api_key=KEY, work_seconds=0.2) as server:
        environment.setenv("WHYRANK_TEACHER_URL", server.url)
        environment.setenv("WHYRANK_TEACHER_API_KEY", KEY)
        yield server
        ray.shutdown()


@pytest.fixture
def server(running):
    running.received.clear()
    running.failures.clear()
    running.most_at_once = 0
    running.lm = ScriptedLM(generate=by_marker)
    yield running


def taught(workbench, collection, server, **changes):
    wanted = config(server, workers=2, concurrency=2, **changes)
    return teacher.run(work_of(workbench, submitted(workbench, collection, wanted)))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray deprecates its own
class TestJobs:
    def test_two_processes_ask_what_one_asks_and_the_key_is_shown_nowhere(self, workbench, collection, server):
        before = time.time()

        def both(ask):
            """One process alone has only one first request: its answer waits for the other's."""
            until(lambda: server.most_at_once >= 2, "two at once")
            return by_marker(ask)

        server.lm = ScriptedLM(generate=both)
        told = taught(workbench, collection, server, timeout_seconds=200)
        assert (told["graded"], told["asked"], told["requests"], told["stopped"]) == (PAIRS, PAIRS, PAIRS, None)
        assert told["by_grade"] == dict.fromkeys("0123", PAIRS // 4) and told["completion_tokens"] == 6 * PAIRS
        assert len({json.dumps(body, sort_keys=True) for body in server.chats}) == len(server.chats) == PAIRS
        assert len(judgments(workbench, collection)) == PAIRS
        again = taught(workbench, collection, server)
        assert (again["kept"], again["requests"], len(server.chats)) == (PAIRS, 0, PAIRS)
        sessions = [path for path in Path("/tmp/ray").glob("session_2*") if path.stat().st_mtime > before - 300]
        files = [path for folder in (*sessions, workbench.settings.home) for path in folder.rglob("*")]
        assert sessions and not [path for path in files if path.is_file() and KEY.encode() in path.read_bytes()]

    @pytest.mark.parametrize(
        ("budget", "failures"),
        [
            (Budget(requests=9), [Reply(status=503)] * 2),
            (Budget(tokens=3000), []),
        ],
        ids=["requests", "tokens"],
    )
    def test_together_they_never_go_over(self, workbench, collection, server, budget, failures):
        server.failures += failures
        told = taught(workbench, collection, server, budget=budget)
        assert 0 < told["asked"] < PAIRS and told["not_asked"] == PAIRS - told["asked"] and told["unanswered"] == 0
        assert len(server.chats) == told["requests"]
        if budget.tokens is None:
            assert (told["requests"], told["asked"]) == (9, 7) and "9 requests is used up" in told["stopped"]
        else:
            assert told["tokens"] <= 3000 and "3,000 tokens" in told["stopped"]

    def test_what_every_request_would_meet_is_said_as_by_one(self, workbench, collection, server):
        server.failures += [Reply(status=404, body={"error": {"message": "no model `scripted`"}})] * 2
        with pytest.raises(LMError, match="no model `scripted`") as caught:
            taught(workbench, collection, server)
        assert "/models" in caught.value.mend and len(server.chats) <= 2

    def test_a_process_that_dies_costs_what_it_was_at(self, workbench, collection, server):
        wanted = config(server, workers=2, concurrency=2)
        job = submitted(workbench, collection, wanted)
        work = work_of(workbench, job)

        def kill():
            until(lambda: len(server.chats) >= 6, "six requests")
            asker = next(pid for pid, line in processes.below(os.getpid()).items() if "MapWorker" in line)
            os.kill(asker, signal.SIGKILL)

        killing = threading.Thread(target=kill)
        killing.start()
        told = teacher.run(work)
        killing.join()
        assert (told["graded"], told["asked"]) == (PAIRS, PAIRS)
        assert PAIRS <= len(server.chats) <= told["requests"] < 2 * PAIRS

    def test_told_to_stop_it_keeps_what_came_and_goes_on_from_there(self, workbench, collection, server):
        wanted = config(server, workers=2, concurrency=2)
        job = submitted(workbench, collection, wanted)
        work = work_of(workbench, job)

        def stop():
            until(lambda: len(server.chats) >= 6, "six requests")
            for pid in processes.below(os.getpid()):  # as a worker does, which stops the job's whole group
                if os.getpgid(pid) == os.getpgid(0):
                    os.kill(pid, signal.SIGTERM)
            work.heartbeat.stop.set()

        stopping = threading.Thread(target=stop)
        stopping.start()
        with pytest.raises(Stopped):
            teacher.run(work)
        stopping.join()
        first = json.loads(jobs.teach_path(workbench.settings, job.job_id).read_text())
        assert 4 <= first["asked"] < PAIRS and len(judgments(workbench, collection)) == first["asked"]
        told = teacher.run(work_of(workbench, job))
        assert (told["asked"], told["requests"], len(server.chats)) == (PAIRS, PAIRS, PAIRS)
