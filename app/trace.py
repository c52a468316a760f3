"""What the app's process writes to its log: a line for every run of a page, all with the ids of session and run.

Streamlit runs a page's script anew at each click: that is the request here. What a click does before the script runs
(callbacks), or in a part of the page alone (fragments), begins with `visitor.person()`, and that begins the run too.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app import state
from data import logs
from data.records import new_id


def set_up(form: logs.Form) -> None:
    """Write this process's lines, and Streamlit's own, which else quote what an error quotes."""
    logs.set_up(form)
    logs.take_over("streamlit")


def begin() -> None:
    """What this thread writes belongs to this session and to this run of the page."""
    if not logs.is_bound("request_id"):
        logs.bind(session_id=state.session_id(), request_id=new_id())


@contextmanager
def run(page: str) -> Iterator[None]:
    """A run of a page: one line at its end."""
    begin()
    started = time.perf_counter()
    facts: dict[str, Any] = {"page": page}
    try:
        yield
    except Exception as error:
        facts |= logs.of_error(error)
        raise
    finally:
        level = logging.ERROR if "error" in facts else logging.INFO
        logs.write("page", {**facts, "ms": round(1000 * (time.perf_counter() - started), 1)}, level=level)
        logs.unbind()
