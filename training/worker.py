"""The worker: runs jobs one after the other, each in a process of its own.

The rows are the truth. The worker looks for rows that wait (new ones, and running ones whose process gave no sign of
life) and puts their ids into huey's queue, which carries nothing else; huey's consumer takes them out in order. The
queue is in memory: a new worker begins with an empty one anyway, and a full disk can't stop it. When a job's process
dies, the worker sees it and starts the next one at once.
"""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from huey import MemoryHuey
from huey.consumer import Consumer

from data import disk, logs
from data.errors import ConflictError, StoreError, WhyRankError
from data.records import JobState, utc_now
from data.settings import Settings
from data.store import Store
from training.environment import THREADS, variables
from training.folders import log_path
from training.heartbeat import STALE_SECONDS

LOOK_SECONDS = 1.0
STOP_SECONDS = 30.0
"""What a job's process gets to save where it is, before it is killed."""
LOCK_SECONDS = 0.5
"""How long a held lock is tried: somebody may hold it for a moment to ask whether a worker runs."""
STARTS = 3
"""Processes that may end before they claim their job; then something is wrong with the installation."""
log = logging.getLogger(__name__)


def run_worker(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT. Raises ConflictError where a worker runs on this home already."""
    with _alone(settings.home / "worker.lock"), Store.open(settings.database_path, settings.database_url) as store:
        stopping = threading.Event()
        runner = _Runner(settings, store, stopping)
        huey = MemoryHuey("whyrank", results=False)
        run = huey.task(name="run")(runner.run)
        consumer = Consumer(huey, workers=1, periodic=False, max_delay=LOOK_SECONDS)
        consumer.start()
        for number in (signal.SIGTERM, signal.SIGINT):  # after start(), which sets huey's own
            signal.signal(number, lambda *_: stopping.set())
        log.info("Worker of %s, process %d.", settings.home, os.getpid())
        try:
            while not stopping.wait(LOOK_SECONDS):
                for job_id in runner.waiting():
                    run(job_id)
        finally:
            stopping.set()
            runner.stop()
            consumer.stop(graceful=True)
            log.info("Worker stopped.")


class _Runner:
    """Knows which jobs this worker has in its queue, and the process of the one that runs."""

    def __init__(self, settings: Settings, store: Store, stopping: threading.Event) -> None:
        self._settings = settings
        self._store = store
        self._stopping = stopping
        self._queued: set[str] = set()
        self._died: set[str] = set()
        """Jobs whose process this worker saw die."""
        self._unclaimed: Counter[str] = Counter()
        """Jobs whose process ended before it could claim them -> how often."""
        self._child: subprocess.Popen[bytes] | None = None
        self._full = False
        """Jobs wait for room on the disk."""
        self._lock = threading.Lock()

    def waiting(self) -> list[str]:
        """Ids of the jobs to queue now; each only once. None while the disk is full: they would begin only to fail."""
        if disk.is_full(self._settings.home) != self._full:
            self._full = not self._full
            log.warning("The disk is full: jobs wait for room." if self._full else "There is room again: jobs go on.")
        if self._full:
            return []
        try:
            rows = self._store.jobs.waiting(now=utc_now(), stale_after_seconds=STALE_SECONDS)
        except StoreError as error:
            log.warning("Can't look for jobs.", extra=logs.about(**logs.of_error(error)))
            return []
        with self._lock:
            found = [job_id for job_id in (*self._died, *(row.job_id for row in rows)) if job_id not in self._queued]
            found = list(dict.fromkeys(found))
            self._queued.update(found)
            return found

    def run(self, job_id: str) -> None:
        """Run a job's process to its end."""
        if self._stopping.is_set():
            return
        with self._lock:
            takeover = job_id in self._died
            self._died.discard(job_id)
        with logs.bound(job_id=job_id):
            try:
                code = self._process(job_id, takeover)
            except OSError as error:
                log.error("The job can't be started: %s", disk.problem(error) or error)
                code = 1
        died = not self._stopping.is_set() and code != 0 and self._left_running(job_id)
        with self._lock:
            self._child = None
            self._queued.discard(job_id)
            if died:
                self._died.add(job_id)

    def _process(self, job_id: str, takeover: bool) -> int:
        """Start a job's process and wait for its exit code; OSError where its log can't be opened."""
        path = log_path(self._settings, job_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as output:
            with self._lock:
                self._child = _start(job_id, takeover, self._settings, output.fileno())
            log.info("The job's process runs.", extra=logs.about(pid=self._child.pid))
            code = self._child.wait()
            ending = f"The process ended by {_ending(code)}."
            if code != 0:
                said = logs.line(self._settings.log or "text", ending, job_id=job_id)
                with suppress(OSError):  # a full disk; the worker's own log has it too
                    output.write(f"{said}\n".encode())
        log.info(ending)
        return code

    def stop(self) -> None:
        """Stop the job's process; it saves where it is."""
        with self._lock:
            child = self._child
        if child is None or child.poll() is not None:
            return
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("The job's process does not stop; it is killed.")
            os.killpg(child.pid, signal.SIGKILL)

    def _left_running(self, job_id: str) -> bool:
        """Did the process leave its job unfinished? Fails a job that no process can even claim."""
        try:
            job = self._store.jobs.get(job_id)
            if job.state is JobState.QUEUED:
                self._unclaimed[job_id] += 1
                if self._unclaimed[job_id] >= STARTS:
                    what = f"The job's process could not start ({STARTS} times)."
                    mend = "See the log for why, and `whyrank doctor` for what is missing."
                    self._store.jobs.finish(job_id, JobState.FAILED, error=what, mend=mend, now=utc_now())
        except WhyRankError as error:
            log.warning("Can't read the job's row.", extra=logs.about(job_id=job_id, **logs.of_error(error)))
            return False
        return job.state is JobState.RUNNING


def _start(job_id: str, takeover: bool, settings: Settings, output: int) -> subprocess.Popen[bytes]:
    module = "training.on_ray" if settings.ray_address else "training.process"
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, job_id, *(["--takeover"] if takeover else [])],
        cwd=settings.home,
        env={**THREADS, **os.environ, **variables(settings, secrets=True)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the worker's lock; it ends with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConflictError(
                        f"A worker runs on {path.parent} already.",
                        mend="One is enough: stop the other one first, or leave it to work.",
                    ) from None
                time.sleep(0.05)
        yield
