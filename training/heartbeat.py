"""A job's sign of life: a thread that writes the heartbeat, and hears whether the job shall stop."""

import logging
import os
import threading
from types import TracebackType
from typing import Self

from data import logs
from data.errors import StoreError
from data.records import utc_now
from data.store import Store

BEAT_SECONDS = 3.0
STALE_SECONDS = 30.0
"""A running job without a heartbeat for so long has no living process."""
log = logging.getLogger(__name__)


class Heartbeat:
    """Beats while the `with` block runs. `stage` and `progress` are what is written; `stop` is set when the job is to
    be cancelled, was taken over by another process, or could not be written to for so long that it may be."""

    def __init__(self, store: Store, job_id: str) -> None:
        self.stage = "starting"
        self.progress = 0.0
        self.stop = threading.Event()
        self.cancelled = False
        """Somebody asked for the job's end."""
        self.lost = False
        """The job is another process's now: nothing more may be written to it."""
        self.unheard = False
        """The database took no sign of life for so long that another process may take the job."""
        self._store = store
        self._job_id = job_id
        self._ended = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def beat(self) -> None:
        """Write one sign of life now."""
        if self._store.jobs.get(self._job_id).pid != os.getpid():
            self.lost = True
        elif self._store.jobs.heartbeat(self._job_id, stage=self.stage, progress=self.progress, now=utc_now()):
            self.cancelled = True
        if self.lost or self.cancelled:
            self.stop.set()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self.beat()
                self._failures = 0
            except StoreError as error:
                log.warning("No heartbeat.", extra=logs.about(**logs.of_error(error)))
                self._failures += 1
                if self._failures * BEAT_SECONDS >= STALE_SECONDS:
                    self.unheard = True
                    self.stop.set()
