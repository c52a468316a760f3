"""A worker in a process of its own, for tests that run jobs, and waiting for what it does."""

import os
import signal
import subprocess
import sys
import threading
import time

from training.environment import variables
from training.folders import log_path

PATIENCE_SECONDS = 240


class Worker:
    """A worker in a process of its own; ends with the block."""

    def __init__(self, settings):
        code = (
            "import logging; logging.basicConfig(level='INFO'); from data.settings import Settings; "
            "from training.worker import run_worker; run_worker(Settings())"
        )
        self.log = settings.home / "worker.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                env={**os.environ, **variables(settings, secrets=True)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text()


def until(found, what):
    """Wait for a condition; fails with what was waited for."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    tick = threading.Event()
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        tick.wait(0.02)
    raise AssertionError(f"not in time: {what}")


def ended(store, settings, job):
    def look():
        now = store.jobs.get(job.job_id)
        return now if now.state.ended else None

    path = log_path(settings, job.job_id)
    try:
        return until(look, "the job's end")
    except AssertionError:
        raise AssertionError(path.read_text() if path.exists() else "no log") from None


def steps_done(store, job):
    return [metric.step for metric in store.jobs.metrics(job.job_id, names=["loss"])]
