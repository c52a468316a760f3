"""Processes side by side, as Ray Data actors: rows go out, and what is made of them comes back as it is made.

They are the cluster's where the job is a Ray job, else this machine's, and this job's alone. Each reads its settings
from its own environment: no secret travels.
"""

import os
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from data.errors import SettingsError, WhyRankError

_PATIENCE = {"RAY_raylet_start_wait_time_s": "200", "RAY_agent_register_timeout_ms": "200000"}
"""Busy machines need longer to start than the half minute Ray gives itself."""
_AT_ONCE = 1
"""Bytes of results that Ray collects before it hands them over: each result travels when it is there."""


class Maker(Protocol):
    """One process's part: made once, then given some rows at a time."""

    def __call__(self, rows: Sequence[Any], /) -> Iterable[Any]:
        """What is made of these rows."""


class ProcessDiedError(WhyRankError):
    """One of the processes ended without a word."""


def started(workers: int, *, cluster: bool) -> Any:
    """Ray, joined to the job's cluster or started for `workers` processes on this machine. Raises SettingsError where
    it is not installed."""
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)  # before the import, which reads them
    try:
        import ray.data
    except ImportError as error:
        raise SettingsError(
            "Several processes side by side need Ray, which is not installed.",
            mend="pip install --no-deps -r requirements-ray.lock, or ask for one worker.",
        ) from error
    with _stopping_left_to_the_job():
        if cluster:
            ray.init(address="auto", ignore_reinit_error=True, log_to_driver=False)
        else:
            # Unasked, Ray would join a cluster that happens to run here, whose processes have other settings: another
            # home, another database. And it would report its use to its makers.
            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            ray.init(
                address="local",
                num_cpus=workers + 1,  # as many as were asked for, however few cores there are
                ignore_reinit_error=True,
                log_to_driver=False,
                include_dashboard=False,
            )
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = _AT_ONCE
    return ray


def made(
    ray: Any,
    maker: Callable[..., Maker],
    arguments: Sequence[Any],
    rows: Sequence[Any],
    *,
    workers: int,
    batch: int,
    again: bool = True,
) -> Iterator[Any]:
    """What `workers` processes make of the rows, in no order. Each calls `maker` with the arguments once, and what that
    returns with up to `batch` rows at a time.

    `again`: Ray starts a process that died anew, with the rows it was at; else ProcessDiedError is raised. Raises what
    a process raised.
    """
    packed = [{"row": pickle.dumps(row)} for row in rows]
    results = ray.data.from_items(packed, override_num_blocks=-(-len(packed) // batch)).map_batches(
        _Actor,
        fn_constructor_args=(maker, tuple(arguments)),
        batch_size=batch,
        num_cpus=1,
        # None waits behind another in a process while one that started later has nothing to do.
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
        ray_remote_args_fn=None if again else _once,
    )
    try:
        # No prefetching: it holds each result back until the next one is there.
        for block in results.iter_batches(batch_size=None, prefetch_batches=0):
            yield from map(pickle.loads, block["made"])
    except ray.exceptions.RayActorError as error:
        raise ProcessDiedError(
            "A process that worked beside others died.",
            mend="Look at the log for what killed it; often it is too little memory: ask for fewer workers.",
        ) from error
    except Exception as error:
        raise _ours(error) from error


@contextmanager
def _stopping_left_to_the_job() -> Iterator[None]:
    """SIGTERM goes to a job's whole group of processes, and a job saves where it is first. So what Ray starts here does
    not hear it, and this process heeds it as before: Ray would have it end at once, as if it had died."""
    heeded = signal.getsignal(signal.SIGTERM)
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, heeded)
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)


def _once() -> dict[str, Any]:
    return {"max_restarts": 0, "max_task_retries": 0}


class _Actor:
    """What Ray Data calls in each process."""

    def __init__(self, maker: Callable[..., Maker], arguments: Sequence[Any]) -> None:
        self._make = maker(*arguments)

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, list[bytes]]]:
        for made in self._make([pickle.loads(row) for row in batch["row"]]):
            yield {"made": [pickle.dumps(made)]}


def _ours(error: BaseException) -> BaseException:
    """The error of ours that Ray has wrapped, else Ray's own."""
    seen: BaseException | None = error
    while seen is not None:
        inner = getattr(seen, "cause", None)  # Ray's is of our kind as well, with a trace for its words
        if inner is None and isinstance(seen, WhyRankError):
            return seen
        seen = inner or seen.__cause__
    return error
