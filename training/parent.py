"""A job's process, and the one that started it: what it was told, and that it must not outlive it."""

import argparse
import ctypes
import logging
import os
import signal
import sys
from dataclasses import dataclass

from data import logs
from data.settings import Settings

_PR_SET_PDEATHSIG = 1
"""Of Linux' `prctl`."""
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a job's process was started for."""

    job_id: str
    settings: Settings
    takeover: bool
    """The job's last process is known to be dead."""


def begin(description: str) -> Task:
    """What the command line says, with everything set up that a job's process needs; ends the process where something
    is missing."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("job_id")
    parser.add_argument("--takeover", action="store_true", help="The job's last process is known to be dead.")
    parser.add_argument(
        "--needs-database-url", action="store_true", help="The job is a row of the database of WHYRANK_DATABASE_URL."
    )
    given = parser.parse_args()
    settings = Settings()
    if given.needs_database_url and settings.database_url is None:
        sys.exit("The job's row is in PostgreSQL, and WHYRANK_DATABASE_URL is not set here: set it before `ray start`.")
    end_with_it()
    logs.set_up(settings.log or "text", logging.StreamHandler(sys.stdout), job_id=given.job_id)
    return Task(job_id=given.job_id, settings=settings, takeover=given.takeover)


def end_with_it() -> None:
    """Ask the system to send this process SIGTERM when the one that started it ends, however that ends. Linux knows
    how; where it is not Linux, a process whose parent was killed runs on to its end."""
    if _LIBC is None:
        return
    parent = os.getppid()
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:  # it ended in the meantime
        os.kill(os.getpid(), signal.SIGTERM)
