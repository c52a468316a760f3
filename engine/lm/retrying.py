"""Trying again: how often, after which wait, and when to stop asking a server that does not answer at all."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from data.errors import LMError

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 120.0
"""All waits of one request together; a server that asks for more patience than that gets none."""

Sleep = Callable[[float], Awaitable[None]]
_T = TypeVar("_T")


class TransientError(Exception):
    """One attempt failed in a way that another may not. `wait_seconds`: the server's own word on when to come back."""

    def __init__(self, what: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(what)
        self.wait_seconds = wait_seconds


class Circuit:
    """Counts failed attempts in a row, over all requests of a call; once open it stays open."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0
        self.last = ""

    @property
    def is_open(self) -> bool:
        """Whether to stop asking."""
        return self._failures >= self._limit

    def succeeded(self) -> None:
        """An answer came."""
        if not self.is_open:
            self._failures = 0

    def failed(self, error: TransientError) -> None:
        """No answer came. A server that says when to come back is alive: it is heeded, not counted."""
        if error.wait_seconds is None:
            self._failures += 1
            self.last = str(error)


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
            if circuit.is_open:
                raise LMError(f"The server does not answer, and is not asked any more: {circuit.last}", mend=self._mend)
            tries += 1
            try:
                answer = await attempt()
            except TransientError as error:
                circuit.failed(error)
                wait = _wait_seconds(tries, error)
                if tries > self._retries or waited + wait > LONGEST_WAIT_SECONDS:
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
