"""One call of a served model: many requests side by side, few at a time, each tried again where that may help."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.lm.retrying import Circuit, Retrying
from engine.lm.server import Connection, RefusedError

_T = TypeVar("_T")
_LOOK_SECONDS = 0.1
"""How often is asked whether to stop."""
GRACE_SECONDS = 5.0
"""What requests under way get to be answered when the call is told to stop."""
_UNKNOWN_PARAMETER = {400, 422}
_NONE = object()


@dataclass(slots=True)
class Facts:
    """What was learnt of a server, once for all calls and views of an instance; None where not yet known."""

    extras: bool | None = None
    """Whether it takes parameters the standard does not know."""
    labels: bool | None = None
    """Whether it gives log-probabilities at all."""
    tokenizes: bool | None = None
    """Whether it has vLLM's `/tokenize` and `/detokenize`."""


class Call:
    """Requests of one call share slots, the circuit, and what is known of the server."""

    def __init__(self, connection: Connection, *, facts: Facts, retrying: Retrying, slots: int) -> None:
        self.connection = connection
        self.facts = facts
        self._retrying = retrying
        self._slots = asyncio.Semaphore(slots)
        # Three rounds of failures in all slots: a server that is being restarted is not given up at once.
        self._circuit = Circuit(3 * slots)

    @property
    def given_up(self) -> bool:
        """Is the server not asked any more?"""
        return self._circuit.is_open

    async def run(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """One request, in a slot of its own that it keeps while it waits to try again."""
        async with self._slots:
            return await self._retrying.run(attempt, self._circuit)

    async def ask(self, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One plain request."""
        return await self.run(lambda: self.connection.ask(url, body))

    async def with_extras(
        self, body: Callable[[bool], dict[str, Any]], send: Callable[[dict[str, Any]], Awaitable[_T]]
    ) -> _T:
        """Send the body with vLLM's parameters; without them to a server that refuses what it doesn't know."""
        full, plain = body(True), body(False)
        if self.facts.extras is False or full == plain:
            return await self.run(lambda: send(plain))
        try:
            answer = await self.run(lambda: send(full))
        except RefusedError as error:
            if error.status not in _UNKNOWN_PARAMETER or self.facts.extras:
                raise
            answer = await self.run(lambda: send(plain))
            self.facts.extras = False
        else:
            self.facts.extras = True
        return answer


async def together(coroutines: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Await all, in order; the first exception cancels the others and passes through as it is."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drawn(
    source: Iterator[_T], work: Callable[[_T], Awaitable[None]], *, workers: int, should_stop: Callable[[], bool]
) -> None:
    """Work on what is drawn from `source`, so many at a time; the first exception cancels the others and passes
    through. Told to stop, it draws no more and cancels what takes longer than `GRACE_SECONDS`."""

    async def worker() -> None:
        # One iterator for all workers: nothing waits while it is asked for the next.
        while not should_stop():
            item = next(source, _NONE)
            if item is _NONE:
                return
            await work(item)  # type: ignore[arg-type]

    pending = {asyncio.ensure_future(worker()) for _ in range(workers)}
    tasks = tuple(pending)
    try:
        while pending and not should_stop():
            done, pending = await asyncio.wait(pending, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        if pending:
            done, _ = await asyncio.wait(pending, timeout=GRACE_SECONDS)
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def until_it_raises(callback: Callable[..., None]) -> Callable[..., None]:
    """The callback, silent after it raised: requests that are about to be cancelled may still have something to say."""
    broken = False

    def call(*said: Any) -> None:
        nonlocal broken
        if broken:
            return
        try:
            callback(*said)
        except BaseException:
            broken = True
            raise

    return call
