"""How every process writes its log: a line per thing that happened, as JSON or as text, with the ids it belongs to.

What people wrote or read has no place there: neither keys nor texts of queries, documents and answers. So a line has
ids and figures, and of an error its kind and where it came from, not its words: these may quote a document, or what a
server sent back. The words are shown to who asked, and a job's stand in its row. Said is only what is wrong with the
machine (the database, a model's files), and our own error that ends a process, as nobody else would hear of it.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, TypeVar

from data.errors import LMError, ModelError, StoreError, WhyRankError
from data.records import new_id

Form = Literal["json", "text"]
T = TypeVar("T")
NAME = "whyrank"
OWN = (NAME, "app", "training", "engine", "data", "__main__")
"""Whose lines are written from `info` on; everybody else's from `warning` on. The last is a job's process."""
_FACTS = "facts"
_HEAD = ("time", "level", "event")
_OF_THE_MACHINE = (StoreError, ModelError)
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ROOT = Path(__file__).parents[1]
_bound: ContextVar[Mapping[str, Any]] = ContextVar("whyrank_log", default=MappingProxyType({}))


def request_id(given: str | None) -> str:
    """The client's own id where it is one that a log can hold, else a new one."""
    return given if given is not None and _SANE.fullmatch(given) else new_id()


def set_up(form: Form, handler: logging.Handler | None = None, **facts: Any) -> None:
    """Write this process's lines to stderr or to this handler, each with these facts. What ends the process unforeseen
    is a line too."""
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(facts) if form == "json" else TextLines(facts))
    root = logging.getLogger()
    for other in [other for other in root.handlers if isinstance(other.formatter, _Lines)]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO)
    sys.excepthook = _on_end


def take_over(name: str) -> None:
    """Write the lines of a library that has handlers of its own as everybody's."""
    for each in (name, *(known for known in logging.root.manager.loggerDict if known.startswith(f"{name}."))):
        logger = logging.getLogger(each)
        logger.handlers, logger.propagate = [], True


def handed_on() -> dict[str, Any]:
    """How this process writes, as JSON takes it: what `set_up` needs in a process that works for it."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Lines):
            return {"form": handler.formatter.form, **handler.formatter.facts}
    return {"form": "text"}


@contextmanager
def bound(**facts: Any) -> Iterator[None]:
    """Every line that is written inside, by this thread or a task of it, has these facts."""
    token = _bound.set({**_bound.get(), **facts})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**facts: Any) -> None:
    """As `bound`, until `unbind`: for a thread whose beginning and end are not in one place."""
    _bound.set({**_bound.get(), **facts})


def unbind() -> None:
    """Forget what was bound."""
    _bound.set(MappingProxyType({}))


def carried(work: Callable[[], T]) -> Callable[[], T]:
    """The same work, for another thread: its lines have what is bound here."""
    facts = _bound.get()

    def with_facts() -> T:
        with bound(**facts):
            return work()

    return with_facts


def is_bound(name: str) -> bool:
    """Do lines have this fact now?"""
    return name in _bound.get()


def write(event: str, facts: Mapping[str, Any] | None = None, *, level: int = logging.INFO) -> None:
    """One line: what happened, and its facts."""
    logging.getLogger(NAME).log(level, event, extra=about(**(facts or {})))


def about(**facts: Any) -> dict[str, Any]:
    """Facts for a module's own logger: `log.info("Stage ended.", extra=logs.about(stage=...))`."""
    return {_FACTS: facts}


def of_error(error: BaseException, *, told: tuple[type[WhyRankError], ...] = _OF_THE_MACHINE) -> dict[str, str]:
    """What a line tells of an error: its kind and where it came from; its words where it is one of `told`."""
    words = {"what": error.what, "mend": error.mend} if isinstance(error, told) else {}
    return {"error": type(error).__name__, **words, "at": whereabouts(error)}


def whereabouts(error: BaseException) -> str:
    """Where an error came from, the innermost place first. Without its own words: they may quote a document."""
    frames = traceback.extract_tb(error.__traceback__)
    kept = [frame for place, frame in enumerate(frames, 3 - len(frames)) if place > 0 or _is_own(frame.filename)]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(kept[-9:]))


def line(form: Form, event: str, **facts: Any) -> str:
    """A line for a file that belongs to another process."""
    record = logging.LogRecord(NAME, logging.INFO, "", 0, event, None, None)
    record.__dict__.update(about(**facts))
    return (JsonLines() if form == "json" else TextLines()).format(record)


def readable(text: str) -> str:
    """A line for people: one of JSON as words, any other as it stands."""
    if not text.startswith("{"):
        return text
    try:
        told = json.loads(text)
    except ValueError:
        return text
    return _words(told) if isinstance(told, dict) and all(isinstance(told.get(n), str) for n in _HEAD) else text


class _Lines(logging.Formatter):
    form: Form

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.facts = dict(facts or {})

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        """A record's facts, the head first."""
        own = record.name.partition(".")[0] in OWN
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **({} if own else {"logger": record.name}),
            **self.facts,
            **_bound.get(),
            **getattr(record, _FACTS, {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            told |= of_error(record.exc_info[1])
        return told


class JsonLines(_Lines):
    """A record as one JSON object on one line."""

    form: Form = "json"

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json.dumps(self.told(record), ensure_ascii=True, default=str)


class TextLines(_Lines):
    """A record as words for people."""

    form: Form = "text"

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return _words(self.told(record))


def _words(told: Mapping[str, Any]) -> str:
    head = " ".join(str(told[name]) for name in _HEAD)
    facts = [f"{name}={json.dumps(value, default=str)}" for name, value in told.items() if name not in _HEAD]
    # One line whatever it holds: an id from a file may have a line break in it, or what steers a terminal.
    return "".join(c if c.isprintable() else " " for c in " ".join([head, *facts]))


def _is_own(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(_ROOT) and "site-packages" not in path.parts


def _on_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    told = () if isinstance(error, LMError) else (WhyRankError,)
    write("The process ended by an error.", of_error(error, told=told), level=logging.CRITICAL)
