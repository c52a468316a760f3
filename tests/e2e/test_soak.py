"""App and worker killed at random moments while somebody judges and a training runs: nothing that was called saved is
lost, nothing is there twice, and the training goes on or says why not.

Five kills; `make soak` asks for fifty. The seed stands in the test's name: KILLS=50 SEED=7 chooses them again.
"""

import os
import random
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing, suppress

import pytest

from app.actions import launch
from benchmarks import filled_store, made_up
from benchmarks.audit import audit
from data.records import AssessorKind, JobState
from data.settings import Settings
from engine.workbench import Workbench
from tests import synthetic
from tests.e2e import processes
from tests.e2e.page_server import Browser, PageServer
from training import jobs
from training.recipes import TrainConfig

pytestmark = pytest.mark.e2e

KILLS = int(os.environ.get("KILLS", "5"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10_000))
ME = "me"
APP, WORKER, JOB = "app", "worker", "job's process"
VICTIMS = ((APP,), (WORKER,), (APP,), (WORKER, JOB), (APP, WORKER))
"""Who is killed, one line after the other."""
STROKES = (1, 25)
"""Judged, each acknowledged, before the next kill."""
IN_FLIGHT_SECONDS = 0.05
"""The last one is under way for up to that long: sometimes it is on disk and not acknowledged yet."""
AWAITED, BETWEEN_SECONDS = 2_000, 0.05
"""Strokes, at most, until a job is under way or has ended, and the time between two of them."""
SIZE = made_up.Size(
    documents=2_000, queries=20 * KILLS + 20, judgments=1_000 * KILLS, people=4, ranked=10, depth=10, pool=50
)
"""With so many pairs the queue does not run out."""
LONG = TrainConfig(epochs=50, batch_size=1, depth=4, heldout_queries=10)


class Worker:
    """`whyrank worker` as a process of its own, its output in a file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.log = settings.home / "logs" / "worker.log"
        self.log.parent.mkdir(parents=True)

    def start(self) -> None:
        """Start it."""
        chosen = self._settings.model_dump(exclude_none=True)
        names = {f"WHYRANK_{name.upper()}": str(value) for name, value in chosen.items()}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                launch.worker_command(),
                env={**launch.environment(self._settings), **names},
                cwd=launch.PROJECT,
                stdout=log,
                stderr=log,
            )

    def kill(self, *, with_job: bool) -> None:
        """SIGKILL it, and then what it started, if there is something."""
        below = processes.below(self._process.pid) if with_job else {}
        self._process.kill()
        for pid in below:
            with suppress(ProcessLookupError):  # it ended with its worker
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


class Bench:
    """Everything on one home, and the person who judges on it."""

    def __init__(self, workbench: Workbench, rng: random.Random) -> None:
        self.workbench = workbench
        self.rng = rng
        self.judged = filled_store.fill(workbench, SIZE)
        self.trained = synthetic.install(workbench.store, synthetic.synthetic(train=4, heldout=10, per_query=4))
        self.server = PageServer(workbench.settings, self.judged.collection_id, ME)
        self.browser = Browser(self.server, SEED)
        self.worker = Worker(workbench.settings)
        self.attempts = 0

    def job(self):
        """The training that goes on; a new one where the last ended, as one does whose process died too often."""
        found = self.workbench.store.jobs.list(collection_id=self.trained.collection_id)
        if not found or found[0].state.ended:
            self.attempts = 0
            return jobs.submit(self.workbench, self.trained, LONG, ME)
        return found[0]

    def judge_until_the_job_steps(self):
        """Judge on until this worker's process of the job has trained a step."""
        self.judge_until(lambda: (job := self.job()).attempts > self.attempts and self.steps(job))
        self.attempts = self.job().attempts

    def judge_until(self, good):
        """Judge on until it is so."""
        tick = threading.Event()
        for _ in range(AWAITED):
            if good():
                return
            self.browser.judge()
            tick.wait(BETWEEN_SECONDS)
        raise AssertionError(self.worker.log.read_text())

    def steps(self, job):
        return [metric.step for metric in self.workbench.store.jobs.metrics(job.job_id, names=["loss"])]

    def kill(self, victims):
        """Kill them while a key is under way, look at the store, and start them again."""
        self.browser.press()
        self.server.connection.poll(self.rng.uniform(0, IN_FLIGHT_SECONDS))
        if WORKER in victims:
            self.worker.kill(with_job=JOB in victims)
        if APP in victims:
            self.server.kill()
            for page in self.server.answers():
                self.browser.hear(page)
            self.check()
            self.server.start()
            self.browser.load()
        else:
            self.browser.hear_next()
            self.check()
        if WORKER in victims:
            self.worker.start()

    def check(self):
        """Everything that was acknowledged is there, once, as it was said."""
        assert audit(self.browser.sent, self.browser.acknowledged, self.stored()).clean

    def stored(self):
        me = self.workbench.store.assessors.found_or_new(ME, AssessorKind.HUMAN).assessor_id
        events = self.workbench.store.judgments.events(self.judged.collection_id)
        return [event for event in events if event.assessor_id == me]


@pytest.fixture
def bench(tmp_path, model):
    settings = Settings(home=tmp_path / "home", model=str(model), threads=1, explanation_tokens=16, retriever="bm25s")
    with Workbench.open(settings) as workbench:
        made = Bench(workbench, random.Random(SEED))
        made.trained = workbench.build_index(made.trained)
        made.job()
        made.worker.start()
        made.server.start()
        made.browser.load()
        yield made
        made.server.kill()
        made.worker.stop()


@pytest.mark.parametrize("seed", [SEED], ids=lambda seed: f"seed-{seed}")
def test_kills_at_random_moments_lose_nothing_that_was_acknowledged(bench, seed):
    for number in range(KILLS):
        victims = VICTIMS[number % len(VICTIMS)]
        if WORKER in victims and APP not in victims:
            bench.judge_until_the_job_steps()
        for _ in range(bench.rng.randint(*STROKES)):
            bench.browser.judge()
        bench.kill(victims)

    sent = [stroke["event_id"] for stroke in bench.browser.sent]
    assert bench.browser.acknowledged == sent, "what was under way was sent again, and acknowledged then"
    assert [event.event_id for event in bench.stored()] == sent, "each once, in the order of the keys"
    with closing(sqlite3.connect(bench.workbench.settings.database_path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    bench.judge_until_the_job_steps()
    job_id = bench.job().job_id
    bench.workbench.store.jobs.request_cancel(job_id)
    bench.judge_until(lambda: bench.workbench.store.jobs.get(job_id).state.ended)
    job = bench.workbench.store.jobs.get(job_id)
    assert job.state is JobState.CANCELLED, job.error
    done = bench.steps(job)
    assert done == list(range(1, len(done) + 1)), "no step of the curve is missing or there twice"
