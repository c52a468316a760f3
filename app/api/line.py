"""The waiting line before the model: few requests are worked on at once, some wait, and the next is sent away."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from data.errors import WhyRankError

LONGEST_WORD_SECONDS = 120


class FullError(WhyRankError):
    """Nobody more may wait. `retry_after_seconds`: when a place is likely to be free."""

    def __init__(self, places: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"{places} requests wait for the model already.",
            mend=f"Send this again in {retry_after_seconds} s, or let more wait (WHYRANK_API_WAITING).",
        )
        self.retry_after_seconds = retry_after_seconds


class Line:
    """First come, first served. Used from one event loop."""

    def __init__(self, *, at_once: int, places: int) -> None:
        self.waiting = 0
        self.running = 0
        self._places = places
        self._at_once = at_once
        self._slots = asyncio.Semaphore(at_once)
        self._seconds = 1.0
        """How long a turn takes lately."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and have it; raises FullError at once where the line is full. Who is cancelled while waiting
        leaves the line."""
        if self._slots.locked() and self.waiting >= self._places:
            raise FullError(self._places, self._retry_after_seconds())
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds = 0.5 * self._seconds + 0.5 * (time.perf_counter() - started)
            self.running -= 1
            self._slots.release()

    def _retry_after_seconds(self) -> int:
        """Until those who wait have had their turn, as turns went lately."""
        turns = math.ceil((self.waiting + 1) / self._at_once)
        return max(1, min(LONGEST_WORD_SECONDS, math.ceil(turns * self._seconds)))
