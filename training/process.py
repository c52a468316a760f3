"""The process of one job: `python -m training.process JOB_ID`.

It claims the row, beats while the job runs, and writes how it ended. Killed, it leaves a row that a worker takes up
again; told to stop (SIGTERM, also by the system when its worker is gone), it saves where it is and leaves the row to be
taken up at once.
"""

import errno
import logging
import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path

from data import logs
from data.errors import WhyRankError
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
        folder.mkdir(parents=True, exist_ok=True)
        if _deaths(job, folder) >= ATTEMPTS:
            _fail(
                workbench,
                job,
                f"The job's process died {ATTEMPTS} times.",
                "Look at the log for what killed it; often it is too little memory. Then submit the job again.",
            )
            return
        log.info("The job starts.", extra=logs.about(kind=job.kind, start=job.attempts))
        _run(workbench, job, folder)


def _run(workbench: Workbench, job: Job, folder: Path) -> None:
    with Heartbeat(workbench.store, job.job_id) as heartbeat:
        signal.signal(signal.SIGTERM, lambda *_: heartbeat.stop.set())
        work = Work(job=job, workbench=workbench, folder=folder, heartbeat=heartbeat)
        try:
            result = jobs.JOBS[job.kind].run(work)
        except Stopped:
            pass
        except WhyRankError as error:
            log.error("The job failed.", exc_info=error)
            _fail(workbench, job, error.what, error.mend)
            return
        except Exception as error:  # noqa: BLE001 -- whatever it is, the row must say that the job failed
            log.error("The job failed by what nobody foresaw.", exc_info=error)
            _fail(workbench, job, *_words(error))
            return
        else:
            workbench.store.jobs.finish(job.job_id, JobState.DONE, result=result, now=utc_now())
            _discard(folder)
            log.info("Done.")
            return
    if heartbeat.lost:
        log.warning("Another process has the job now.")
    elif heartbeat.cancelled:
        workbench.store.jobs.finish(job.job_id, JobState.CANCELLED, now=utc_now())
        _discard(folder)
        log.info("Cancelled.")
    else:
        _release(workbench, job, folder, heartbeat)


def _release(workbench: Workbench, job: Job, folder: Path, heartbeat: Heartbeat) -> None:
    """Leave the job to be taken up at once; this start does not count as a death."""
    (folder / f"stopped-{job.attempts}").touch()
    long_ago = utc_now() - timedelta(days=1)
    workbench.store.jobs.heartbeat(
        job.job_id, stage="stopped with the worker", progress=heartbeat.progress, now=long_ago
    )
    log.info("Stopped; the job goes on when a worker runs.")


def _deaths(job: Job, folder: Path) -> int:
    """Starts before this one that ended without a word."""
    return job.attempts - 1 - len(list(folder.glob("stopped-*")))


def _words(error: Exception) -> tuple[str, str]:
    """What and mend for an error nobody foresaw."""
    text = str(error).strip()
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left on device" in text:
        return "The disk is full.", "Make room where WHYRANK_HOME lies, then submit the job again."
    line = text.splitlines()[0] if text else "no message"
    return f"{type(error).__name__}: {line}", "See the log for where it happened."


def _fail(workbench: Workbench, job: Job, what: str, mend: str) -> None:
    workbench.store.jobs.finish(job.job_id, JobState.FAILED, error=what, mend=mend, now=utc_now())
    _discard(jobs.folder(workbench.settings, job.job_id))


def _discard(folder: Path) -> None:
    """Give back the disk space of checkpoints; the log and the snapshot stay."""
    shutil.rmtree(folder / "stages", ignore_errors=True)


if __name__ == "__main__":
    task = begin("Run one job.")
    main(task.job_id, task.settings, takeover=task.takeover)
