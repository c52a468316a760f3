"""Trying again: how often, after which wait, and when to stop asking a server that does not answer at all."""

import math
import random
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from data.errors import LMError

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 120.0
"""All waits of one request together; a server that asks for more patience than that gets none."""
OPEN_SECONDS = 30.0
"""How long a server that does not answer is left alone."""

Sleep = Callable[[float], Awaitable[None]]
_T = TypeVar("_T")


class TransientError(Exception):
    """One attempt failed in a way that another may not. `wait_seconds`: the server's own word on when to come back.

    `unreachable`: nothing answered at all.
    """

    def __init__(self, what: str, *, wait_seconds: float | None = None, unreachable: bool = False) -> None:
        super().__init__(what)
        self.wait_seconds = wait_seconds
        self.unreachable = unreachable


class Circuit:
    """Counts failed attempts in a row, over all requests to a server, from every thread and call.

    Open, it lets nothing through for `OPEN_SECONDS`; then one request at a time tries, and an answer closes it.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._lock = threading.Lock()
        self.last = ""

    def admits(self) -> bool:
        """Whether to ask now. After the pause this says yes once, and no to the others until that one has failed or
        answered."""
        with self._lock:
            if self._opened_at is None:
                return True
            if self.seconds_left > 0:
                return False
            self._opened_at = self._clock()
            return True

    @property
    def seconds_left(self) -> float:
        """Until the server is asked again; 0 or less: now."""
        return 0.0 if self._opened_at is None else self._opened_at + OPEN_SECONDS - self._clock()

    @property
    def is_open(self) -> bool:
        """Is the server left alone now?"""
        return self.seconds_left > 0

    def succeeded(self) -> None:
        """An answer came."""
        with self._lock:
            self._failures, self._opened_at = 0, None

    def failed(self, error: TransientError) -> None:
        """No answer came. A server that says when to come back is alive: it is heeded, not counted."""
        if error.wait_seconds is None:
            with self._lock:
                self._failures += 1
                self.last = str(error)
                if self._failures >= self._limit:
                    self._opened_at = self._clock()

    def gave_up(self, error: TransientError, tries: int) -> None:
        """A request failed for good after so many tries. Where nothing answered in all that time, neither to it nor to
        others, the next request need not find that out again."""
        with self._lock:
            if error.unreachable and self._failures >= tries:
                self._opened_at = self._clock()


class Retrying:
    """Repeats an attempt up to `retries` times, waiting twice as long each time, with jitter."""

    def __init__(self, *, retries: int, sleep: Sleep, mend: str) -> None:
        self._retries = retries
        self._sleep = sleep
        self._mend = mend

    async def run(self, attempt: Callable[[], Awaitable[_T]], circuit: Circuit) -> _T:
        """Return what `attempt` returns; LMError where every attempt raised TransientError or the circuit is open."""
        waited, tries = 0.0, 0
        while True:
            if not circuit.admits():
                raise LMError(
                    f"The server does not answer, and is not asked any more: {circuit.last}",
                    mend=f"{self._mend} It is asked again in {max(1, math.ceil(circuit.seconds_left))} s.",
                )
            tries += 1
            try:
                answer = await attempt()
            except TransientError as error:
                circuit.failed(error)
                wait = _wait_seconds(tries, error)
                if tries > self._retries or waited + wait > LONGEST_WAIT_SECONDS:
                    circuit.gave_up(error, tries)
                    raise LMError(f"No answer after {_times(tries)}: {error}", mend=self._mend) from error
                await self._sleep(wait)
                waited += wait
            else:
                circuit.succeeded()
                return answer


def _wait_seconds(tries: int, error: TransientError) -> float:
    """The server's word, else a growing pause; jitter only ever adds, so that many clients don't return together."""
    base = error.wait_seconds if error.wait_seconds is not None else FIRST_WAIT_SECONDS * float(2 ** (tries - 1))
    return base * (1.0 + 0.25 * random.random())


def _times(tries: int) -> str:
    return "one attempt" if tries == 1 else f"{tries} attempts"
