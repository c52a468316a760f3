"""The bar of work that is done while the page waits."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from app.views.plain import plain

SECONDS_BETWEEN = 0.2
"""Drawing a bar is a message to the browser: a million rows must not be a million messages."""


@contextmanager
def bar() -> Iterator[Callable[[str, float, float | None], None]]:
    """A bar while the block runs, and the function that moves it: what is done, how much of it, and of how much."""
    drawn = st.progress(0.0, text="Starting ...")
    last: dict[str, float] = {}

    def move(stage: str, done: float, total: float | None) -> None:
        now = time.monotonic()
        if now - last.get(stage, 0.0) < SECONDS_BETWEEN and done != total:
            return
        last[stage] = now
        share = min(1.0, done / total) if total else 0.0
        drawn.progress(share, text=f"{plain(stage)}: {done:,.0f}" + (f" of {total:,.0f}" if total else ""))

    try:
        yield move
    finally:
        drawn.empty()
