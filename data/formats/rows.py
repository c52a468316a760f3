"""Rows of text files, and those among them that can't be used: each is told with its file, line and reason."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import BadRow, ImportRefusedError, NotFoundError

KEPT = 50
"""How many bad rows are kept; all are counted."""

_MEND = "Mend these rows in the file and import it again: nothing was imported."


class BadRows:
    """Bad rows as they turn up, over all files of an import."""

    def __init__(self) -> None:
        self.rows: list[BadRow] = []
        self.count = 0

    def add(self, file: Path | str, line: int, reason: str) -> None:
        """Note a bad row. A file is called by its name; where many have the same one, by the text given for it."""
        self.count += 1
        if len(self.rows) < KEPT:
            name = file if isinstance(file, str) else file.name
            self.rows.append(BadRow(file=name, line=line, reason=reason))

    def refuse(self) -> None:
        """Raise ImportRefusedError if there was any bad row."""
        if self.count:
            what = f"{self.count} rows can't be read." if self.count > 1 else "1 row can't be read."
            raise ImportRefusedError(what, mend=_MEND, rows=self.rows, count=self.count)


@contextmanager
def refusing() -> Iterator[BadRows]:
    """Gathers bad rows, and refuses at the end if there were any."""
    bad = BadRows()
    yield bad
    bad.refuse()


def text_rows(path: Path, bad: BadRows) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers from 1; lines that are not UTF-8 are bad rows."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", mend="Look at the path again.")
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                row = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                bad.add(path, number, f"not UTF-8 (byte {error.start + 1} of the line): save the file as UTF-8")
                continue
            if row:
                yield number, row


def id_problem(value: str) -> str | None:
    """Why a text can't be an id; None where it can."""
    if not value.strip():
        return "the id is blank"
    if re.search(r"\s", value):
        return f"the id {value!r} has white space in it"
    # TREC's tools end a name at a NUL, and a BOM at a file's beginning is not read as a part of it.
    if re.search(r"[\x00-\x1f\x7f-\x9f\ufeff]", value):
        return f"the id {value!r} has an invisible character in it"
    return text_problem(value)


def text_problem(value: str) -> str | None:
    """Why a text can't be stored; None where it can."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return "wrong encoding: half of a surrogate pair"
    return None
