"""Every error WhyRank raises on purpose says what happened and how to mend it.

WhyRankError
├── SettingsError          a setting or an option is wrong
├── NotFoundError          a collection, query, document, version or job that is not there
├── NotAllowedError        a person whose role does not cover what they ask
├── ConflictError          a name already taken, a state that does not allow the action
├── ImportRefusedError     a file with broken rows (carries them)
├── StoreError             the database can't be opened, is newer, or is damaged
├── DiskError              a file can't be written or read: no room, a read-only folder, no rights
├── RetrievalError         no Java, no index, an index of another version
├── ModelError             weights missing, damaged or of the wrong form
│   └── IncompatibleVersionError   a version used with another base, prompt or scale
├── LMError                a language model did not answer
│   └── CapabilityError    a server that can't do what is asked (e.g. no log-probabilities)
├── TrainingError          nothing to train on, loss not a number
└── PromotionRefusedError  the gate refused, with the conditions that failed
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


class WhyRankError(Exception):
    """What happened and the mend, both shown to the person; never a stack trace."""

    def __init__(self, what: str, *, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.what} {self.mend}"

    def __reduce__(self) -> tuple[Any, ...]:
        # As Python would, an error that comes from another process could not be made again: `mend` has to be named.
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[WhyRankError], args: tuple[Any, ...]) -> WhyRankError:
    return kind.__new__(kind, *args)


class SettingsError(WhyRankError):
    """A setting or an option has a value that can't be used."""


class NotFoundError(WhyRankError):
    """Something was asked for by a name or id that is not there."""


class NotAllowedError(WhyRankError):
    """A person asks for something their role does not cover, or may not come in."""


class ConflictError(WhyRankError):
    """A name is taken, or the state of a thing does not allow the action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """One row of a file that can't be imported."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class ImportRefusedError(WhyRankError):
    """A file has rows that can't be read; nothing was imported. `rows` holds the first ones, `count` all."""

    def __init__(self, what: str, *, mend: str, rows: Sequence[BadRow], count: int) -> None:
        super().__init__(what, mend=mend)
        self.rows = tuple(rows)
        self.count = count


class StoreError(WhyRankError):
    """The database can't be opened or used."""


class DiskError(WhyRankError):
    """The system can't write or read a file."""


class RetrievalError(WhyRankError):
    """The first stage can't answer."""


class ModelError(WhyRankError):
    """A model's weights are missing, damaged or of a form that is refused."""


class IncompatibleVersionError(ModelError):
    """A model version is used with another base, prompt or scale than it was trained for."""


class LMError(WhyRankError):
    """A language model did not answer."""


class CapabilityError(LMError):
    """A server can't do the operation asked of it."""


class TrainingError(WhyRankError):
    """A training job can't start or can't go on."""


class PromotionRefusedError(WhyRankError):
    """The gate refused; `reasons` says which conditions failed, with their figures."""

    def __init__(self, what: str, *, mend: str, reasons: Sequence[str]) -> None:
        super().__init__(what, mend=mend)
        self.reasons = tuple(reasons)


def misfits(error: "ValidationError") -> str:
    """Which fields do not fit, and why. Never their values: one may be a secret."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))


def lacks_memory(error: BaseException) -> bool:
    """Does the error tell of too little memory? Python, torch on a CPU, torch on a GPU and the system say it each in
    their way."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    text = str(error).lower()
    return any(words in text for words in ("out of memory", "allocate memory", "not enough memory", "bad_alloc"))
