"""How long work is told to stop: it asks now and then, and leaves by this exception."""

from collections.abc import Callable

ShouldStop = Callable[[], bool]
"""Asked at every step; True: stop as soon as what was done is safe."""


class Stopped(Exception):  # noqa: N818 -- not an error: somebody asked for it
    """The work was asked to stop, and did; what was done so far is saved."""


def never() -> bool:
    """Nobody asks the work to stop."""
    return False
