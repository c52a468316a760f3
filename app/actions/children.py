"""Processes of our own: each in a group of its own, told to stop with all it started, and gone when this one is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from training.parent import end_with_it

STOP_SECONDS = 45.0
"""A worker gives its job 30 s to save where it is."""


@contextmanager
def ended_at_exit() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A list of processes; at the end those in it are stopped, with all they started."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        yield children
    finally:
        for child in children:
            signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            signal_group(child, signal.SIGKILL)
            child.wait()


def signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a child's whole group; one that is gone is fine."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def start(
    command: Sequence[str], *, variables: Mapping[str, str], cwd: Path | None, log: Path
) -> subprocess.Popen[bytes]:
    """Start a process with nothing to read; what it says is added to `log`. Where this process is killed, the kernel
    stops it (Linux)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_it if sys.platform == "linux" else None,
        )
