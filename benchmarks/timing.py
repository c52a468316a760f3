"""How long something took, many times over: percentiles, and what else the machine was doing."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.figure import Figure, give


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Measured times in seconds, at least one."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    """What of it this process computed: on a machine without other work, wall time comes near to it."""

    @property
    def words(self) -> str:
        """The p50 and the p95 as they are noted."""
        middle, late = (1000 * percentile(self.wall, share) for share in (50, 95))
        own = 1000 * percentile(self.cpu, 95)
        return f"p50 {middle:.0f} ms, p95 {late:.0f} ms (computing {own:.0f} ms) of {len(self.wall)}"

    def give(self, name: str, note: str, *, goal: str = "") -> None:
        """Print the p95 as a figure."""
        late = 1000 * percentile(self.wall, 95)
        give(
            Figure(name=name, figure=late, unit="milliseconds, p95", note=f"{note}; {self.words}; {load()}", goal=goal)
        )


class Watch:
    """Collects times: `with watch: ...` measures once."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []
        self._began = (0.0, 0.0)

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self._wall.append(time.perf_counter() - self._began[0])
        self._cpu.append(time.process_time() - self._began[1])

    @property
    def times(self) -> Times:
        """What was measured so far."""
        return Times(wall=tuple(self._wall), cpu=tuple(self._cpu))


def repeated(action: Callable[[], object], times: int) -> Times:
    """Do it so many times."""
    watch = Watch()
    for _ in range(times):
        with watch:
            action()
    return watch.times


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share / 100 * len(values)) - 1)]


def load() -> str:
    """What the machine did besides, as the system counts it."""
    if not hasattr(os, "getloadavg"):
        return f"{os.cpu_count()} cores"
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
