"""The process of one job: `python -m training.process JOB_ID`.

It claims the row, beats while the job runs, and writes how it ended. Killed, it leaves a row that a worker takes up
again; told to stop (SIGTERM, also by the system when its worker is gone), it saves where it is and leaves the row to be
taken up at once.
"""

import logging
import os
import shutil
import signal
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from data import disk, logs
from data.errors import ConflictError, StoreError, WhyRankError, lacks_memory
from data.records import Job, JobState, utc_now
from data.settings import Settings
from engine.workbench import Workbench
from training import jobs
from training.heartbeat import STALE_SECONDS, Heartbeat
from training.parent import begin
from training.stopping import Stopped
from training.work import Work

ATTEMPTS = 3
"""Processes that may die on a job before it counts as failed."""
AGAIN_SECONDS = 1.0
"""How long is waited where the database does not take how a job ended."""
log = logging.getLogger(__name__)


def main(job_id: str, settings: Settings, *, takeover: bool = False) -> None:
    """Run a job to its end if it can be claimed. `takeover`: its last process is known to be dead."""
    with Workbench.open(settings) as workbench:
        stale = 0.0 if takeover else STALE_SECONDS
        job = workbench.store.jobs.claim(job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=stale)
        if job is None:
            log.info("The job is not to be run: it has ended, or another process has it.")
            return
        folder = jobs.folder(settings, job_id)
        if _deaths(job, folder) >= ATTEMPTS:
            what = f"The job's process died {ATTEMPTS} times."
            mend = "Look at the log for what killed it; often it is too little memory. Then submit the job again."
            _fail(workbench, job, what, mend, threading.Event())
            return
        log.info("The job starts.", extra=logs.about(kind=job.kind, start=job.attempts))
        _run(workbench, job, folder)


def _run(workbench: Workbench, job: Job, folder: Path) -> None:
    told = threading.Event()
    """Somebody wants the process to stop."""
    with Heartbeat(workbench.store, job.job_id) as heartbeat:

        def on_signal(*_: object) -> None:
            told.set()
            heartbeat.stop.set()

        signal.signal(signal.SIGTERM, on_signal)
        work = Work(job=job, workbench=workbench, folder=folder, heartbeat=heartbeat)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            result = jobs.JOBS[job.kind].run(work)
        except Stopped:
            pass
        except WhyRankError as error:
            log.error("The job failed.", exc_info=error)
            _fail(workbench, job, error.what, error.mend, told)
            return
        except Exception as error:  # noqa: BLE001 -- whatever it is, the row must say that the job failed
            known = disk.problem(error, folder)
            log.error("The job failed by what nobody foresaw.", exc_info=known or error)
            _fail(workbench, job, *_words(known or error), told)
            return
        else:
            if _ended(workbench, job, JobState.DONE, told, result=result):
                _discard(folder)
                log.info("Done.")
            return
    _stopped(workbench, job, folder, heartbeat, told)


def _stopped(workbench: Workbench, job: Job, folder: Path, heartbeat: Heartbeat, told: threading.Event) -> None:
    """Tell why the work stopped before its end."""
    if heartbeat.lost:
        log.warning("Another process has the job now.")
    elif heartbeat.cancelled:
        if _ended(workbench, job, JobState.CANCELLED, told):
            _discard(folder)
            log.info("Cancelled.")
    elif heartbeat.unheard:
        _no_death(job, folder)  # and not a word more: another process may have the job by now
        log.warning("The database took no sign of life for %.0f s; the job goes on when it does.", STALE_SECONDS)
    else:
        _release(workbench, job, folder, heartbeat)


def _release(workbench: Workbench, job: Job, folder: Path, heartbeat: Heartbeat) -> None:
    """Leave the job to be taken up at once."""
    _no_death(job, folder)
    long_ago = utc_now() - timedelta(days=1)
    try:
        workbench.store.jobs.heartbeat(
            job.job_id, stage="stopped with the worker", progress=heartbeat.progress, now=long_ago
        )
    except StoreError as error:  # without it the job waits until its last sign of life is old enough
        log.warning("That the job has stopped can't be written: %s", error)
    log.info("Stopped; the job goes on when a worker runs.")


def _no_death(job: Job, folder: Path) -> None:
    """This start does not count as a death."""
    with suppress(OSError):  # then it does
        (folder / f"stopped-{job.attempts}").touch()


def _deaths(job: Job, folder: Path) -> int:
    """Starts before this one that ended without a word."""
    return job.attempts - 1 - len(list(folder.glob("stopped-*")))


def _words(error: Exception) -> tuple[str, str]:
    """What and mend for an error nobody foresaw."""
    if isinstance(error, WhyRankError):
        return error.what, f"{error.mend} Submit the job again then."
    if lacks_memory(error):
        mend = "Close other programs, or lower WHYRANK_DOCUMENT_TOKENS; then submit the job again."
        return "The job ran out of memory.", mend
    text = str(error).strip()
    line = text.splitlines()[0] if text else "no message"
    return f"{type(error).__name__}: {line}", "See the log for where it happened."


def _fail(workbench: Workbench, job: Job, what: str, mend: str, told: threading.Event) -> None:
    # First: where the disk is full, this makes room for the words.
    _discard(jobs.folder(workbench.settings, job.job_id))
    _ended(workbench, job, JobState.FAILED, told, error=what, mend=mend)


def _ended(workbench: Workbench, job: Job, state: JobState, told: threading.Event, **facts: Any) -> bool:
    """Write how the job ended; where the database does not take it (it may want room), as soon as it does. False where
    that could not be: the process was told to stop before, or the job has ended by somebody else's hand."""
    said = ""
    while True:
        try:
            workbench.store.jobs.finish(job.job_id, state, now=utc_now(), **facts)
        except StoreError as error:
            if str(error) != said:
                said = str(error)
                log.error("That the job is %s can't be written yet: %s", state.value, said)
            if told.wait(AGAIN_SECONDS):
                return False
        except ConflictError as error:
            log.warning("%s", error)
            return False
        else:
            return True


def _discard(folder: Path) -> None:
    """Give back the disk space of checkpoints; the log and the snapshot stay."""
    shutil.rmtree(folder / "stages", ignore_errors=True)


if __name__ == "__main__":
    task = begin("Run one job.")
    main(task.job_id, task.settings, takeover=task.takeover)
