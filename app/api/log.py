"""The service's log: a line a request, as JSON or as text. No key and no text of a query or document is ever in it."""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from data.records import new_id

Form = Literal["json", "text"]
NAME = "whyrank.api"
_FACTS = "facts"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ROOT = Path(__file__).parents[2]


def request_id(given: str | None) -> str:
    """The client's own id where it is one that a log can hold, else a new one."""
    return given if given is not None and _SANE.fullmatch(given) else new_id()


def set_up(form: Form, handler: logging.Handler | None = None) -> None:
    """Write the service's lines, and the server's own, to stderr or to this handler."""
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    for name, level in ((NAME, logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def write(event: str, facts: Mapping[str, Any], *, level: int = logging.INFO) -> None:
    """One line: what happened, and its facts."""
    logging.getLogger(NAME).log(level, event, extra={_FACTS: dict(facts)})


def whereabouts(error: BaseException) -> str:
    """Where an error that nobody expected came from. Without its own words: they may quote a document."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)] or list(frames)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(own[-6:]))


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json.dumps(_told(record), ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """A record as words for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = _told(record)
        head = " ".join(str(told.pop(name)) for name in ("time", "level", "event"))
        return " ".join([head, *(f"{name}={json.dumps(value, default=str)}" for name, value in told.items())])


def _told(record: logging.LogRecord) -> dict[str, Any]:
    told: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
        **getattr(record, _FACTS, {}),
    }
    if record.exc_info and record.exc_info[1] is not None:
        told |= {"error": type(record.exc_info[1]).__name__, "at": whereabouts(record.exc_info[1])}
    return told
