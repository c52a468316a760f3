"""Who holds a home: one app and one worker at a time, told by locks that end with their process, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.errors import ConflictError
from data.settings import Settings


def app_lock(settings: Settings) -> Path:
    """Held by `whyrank app` while it serves."""
    return settings.home / "app.lock"


def worker_lock(settings: Settings) -> Path:
    """Held by the worker while it runs."""
    return settings.home / "worker.lock"


def is_held(path: Path) -> bool:
    """Does a living process hold this lock? Makes nothing."""
    if not path.exists():
        return False
    try:
        with hold(path, what="", mend=""):
            return False
    except ConflictError:
        return True


@contextmanager
def hold(path: Path, *, what: str, mend: str) -> Iterator[None]:
    """Hold a lock; raises ConflictError with these words where another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(what, mend=mend) from None
        yield


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep app and worker away; raises ConflictError where one of them runs."""
    mend = "Stop it first (Ctrl-C where it runs), then do this again."
    with ExitStack() as locks:
        locks.enter_context(hold(app_lock(settings), what=f"The app serves {settings.home}.", mend=mend))
        locks.enter_context(hold(worker_lock(settings), what=f"A worker runs in {settings.home}.", mend=mend))
        yield
