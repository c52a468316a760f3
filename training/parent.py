"""A process that must not outlive the one that started it."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""Of Linux' `prctl`."""


def end_with_it() -> None:
    """Ask the system to send this process SIGTERM when the one that started it ends, however that ends. Linux knows
    how; where it is not Linux, a process whose parent was killed runs on to its end."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended in the meantime
        os.kill(os.getpid(), signal.SIGTERM)
