"""Processes side by side that ask one teacher, on one budget.

The budget lies in a process of its own, the purse. Each of the others asks it before a question is begun and before
every attempt, so that together they keep to the bounds that one keeps to alone. Questions go out, answers come back
one by one, and nobody but the job's own process writes any.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from queue import SimpleQueue
from typing import Any

from data.errors import LMError
from data.settings import Settings
from engine.lm.base import Generate, Generated
from training import actors
from training.budget import Budget, Ledger, OverBudgetError, Spent
from training.stopping import ShouldStop
from training.teaching import TeachConfig, teacher

BATCH = 32
"""Questions that a process is given at a time, for each request it keeps under way."""
LOOK_SECONDS = 0.5
"""How often a process asks whether to stop, and whether there is room in the budget again."""
Said = tuple[str, Generated | LMError]
"""A question's key, and its answer or why it has none."""


class Room(StrEnum):
    """What the purse says of the next request."""

    NOW = "now"
    LATER = "later"
    """What is under way may leave some."""
    NONE = "none"
    """Nothing more is to be asked: the budget is used up, or the job is to stop."""


class Purse:
    """The budget of them all."""

    def __init__(self, budget: Budget, spent: Spent) -> None:
        self._ledger = Ledger(budget=budget, spent=spent)
        self._refusal: str | None = None
        self._stopped = False

    def begin(self, ask: Generate) -> Room:
        """A request is about to be made, where there is room for it."""
        refusal = None if self.ended() else self._ledger.refusal(ask)
        if refusal is not None and self._ledger.idle:
            self._refusal = refusal
        if self.ended():
            return Room.NONE
        if refusal is not None:
            return Room.LATER
        self._ledger.begin(ask)
        return Room.NOW

    def attempt(self) -> str | None:
        """One attempt at a request; else why there may be none."""
        try:
            self._ledger.attempt()
        except OverBudgetError as error:
            return error.what
        return None

    def heard(self, ask: Generate, answer: Generated | LMError) -> None:
        """A request ended."""
        self._ledger.heard(ask, answer)

    def stop(self) -> None:
        """The job is to stop."""
        self._stopped = True

    def ended(self) -> bool:
        """Is nothing more to be asked?"""
        return self._stopped or self._refusal is not None

    def counted(self) -> tuple[Spent, str | None]:
        """What was spent, and which budget had no room any more."""
        return self._ledger.spent, self._refusal


@dataclass(slots=True, kw_only=True)
class Askers:
    """So many processes that ask the teacher of the config, each as many requests at once as that says."""

    config: TeachConfig
    cluster: bool
    """This is a Ray job: the processes are the cluster's; else they are this machine's."""
    refusal: str | None = field(default=None, init=False)
    """Why not everything was asked: the budget that had no room."""

    def ask(self, asks: Sequence[Generate], ledger: Ledger, *, should_stop: ShouldStop) -> Generator[Said, None, None]:
        """Answers as they come, in no order, with what they cost in the ledger. What is told nothing of was not asked,
        or not to its end. Raises LMError for what every request would meet, ProcessDiedError, and SettingsError where
        Ray is not installed."""
        workers = self.config.workers
        ray = actors.started(workers, cluster=self.cluster)
        purse = ray.remote(num_cpus=0)(Purse).remote(ledger.budget, ledger.spent)
        batch = min(BATCH * self.config.concurrency, -(-len(asks) // workers))
        try:
            with _passing_on(should_stop, lambda: ray.get(purse.stop.remote())):
                for said in actors.made(
                    ray, _Asker, (self.config, purse), asks, workers=workers, batch=batch, again=False
                ):
                    ledger.spent, self.refusal = ray.get(purse.counted.remote())
                    yield said
        finally:
            ray.get(purse.stop.remote())  # nobody may listen any more
            ledger.spent, self.refusal = ray.get(purse.counted.remote())
            ray.kill(purse)


def askers(config: TeachConfig, settings: Settings) -> Askers | None:
    """Those of a job of that config; None: its own process asks."""
    return Askers(config=config, cluster=bool(settings.ray_address)) if config.workers > 1 else None


@contextmanager
def _passing_on(should_stop: ShouldStop, stop: Callable[[], object]) -> Iterator[None]:
    """Tell the other processes to stop when this one is told to."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            if should_stop():
                stop()
                return

    looking = threading.Thread(target=look, name="stop", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


class _Asker:
    """One process. Its key is the environment's; the config has none."""

    def __init__(self, config: TeachConfig, purse: Any) -> None:
        self._lm = teacher(Settings(), config)
        self._purse = _Remote(purse)
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for every request

    def __call__(self, asks: Sequence[Generate]) -> Iterator[Said]:
        heard: SimpleQueue[Said | None] = SimpleQueue()
        with ThreadPoolExecutor(1) as beside:
            asking = beside.submit(self._ask_all, deque(asks), heard.put)
            asking.add_done_callback(lambda _: heard.put(None))
            while (said := heard.get()) is not None:
                yield said
            asking.result()

    def _ask_all(self, asks: deque[Generate], tell: Callable[[Said], None]) -> None:
        def on_answer(ask: Generate, answer: Generated | LMError) -> None:
            self._purse.call("heard", ask, answer)
            if not isinstance(answer, OverBudgetError):
                tell((ask.tag, answer))

        while asks and not self._purse.ended():
            # Ends before `asks` does where what is under way, here or elsewhere, keeps the next request from fitting.
            self._lm.each(
                self._drawn(asks),
                on_answer=on_answer,
                on_request=self._attempt,
                should_stop=self._purse.ended,
            )
            if asks:
                time.sleep(LOOK_SECONDS)

    def _drawn(self, asks: deque[Generate]) -> Iterator[Generate]:
        while asks and self._purse.call("begin", asks[0]) is Room.NOW:
            yield asks.popleft()

    def _attempt(self) -> None:
        refusal = self._purse.call("attempt")
        if refusal is not None:
            raise OverBudgetError(refusal)


class _Remote:
    """The purse as another process reaches it."""

    def __init__(self, purse: Any) -> None:
        self._purse = purse
        self._looked = 0.0
        self._ended = False

    def call(self, name: str, *arguments: object) -> Any:
        """Its method of that name."""
        import ray

        return ray.get(getattr(self._purse, name).remote(*arguments))

    def ended(self) -> bool:
        """As it was `LOOK_SECONDS` ago, at most: this is asked many times a second."""
        if not self._ended and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._ended = self.call("ended")
            self._looked = time.monotonic()
        return self._ended
