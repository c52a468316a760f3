"""CSV files, both ways. A cell that a spreadsheet would take for a formula is written with an apostrophe before it, and
read without."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import NotFoundError
from data.formats.rows import BadRows, text_problem

if TYPE_CHECKING:
    from _csv import Reader

LONGEST = 2**26
"""Characters of a cell; where one seems to be longer, a quotation mark was not closed."""

csv.field_size_limit(LONGEST)

_DELIMITERS = ",;\t|"
# Full-width forms too: some spreadsheets take them for the plain ones.
_RUN = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_RUNS = re.compile(f"'*[{_RUN}]")
_MADE_HARMLESS = re.compile(f"'+[{_RUN}]")


def harmless(cell: str) -> str:
    """The cell as no spreadsheet runs it (OWASP, "CSV injection"); `as_it_was` gives the very cell back."""
    return f"'{cell}" if _RUNS.match(cell) else cell


def as_it_was(cell: str) -> str:
    """The cell before `harmless`."""
    return cell[1:] if _MADE_HARMLESS.match(cell) else cell


def csv_rows(path: Path, bad: BadRows) -> Iterator[tuple[int, list[str]]]:
    """The records with the line each begins in, the header first; all others have as many cells. Bad ones go to `bad`;
    after a bad header nothing is read."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", mend="Look at the path again.")
    # Bytes that are not UTF-8 become what no text may hold, so that they are told with their record's line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        delimiter = _delimiter(path, file.readline())
        file.seek(0)
        width = 0
        for line, cells, problem in _records(csv.reader(file, delimiter=delimiter, strict=True)):
            problem = problem or _problem(cells, width)
            if problem is not None:
                bad.add(path, line, problem)
                if not width:
                    return
            else:
                width = width or len(cells)
                yield line, [as_it_was(cell) for cell in cells]


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Header and records, a piece each. It begins with a byte order mark, without which Excel doesn't read UTF-8."""
    yield "\ufeff" + _line(columns)
    for row in rows:
        yield _line([harmless(cell) for cell in row])


def _records(reader: "Reader") -> Iterator[tuple[int, list[str], str | None]]:
    """The first line, the cells, and what is wrong with a record that can't be read."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"broken CSV from this line on ({error}): look for a quotation mark that is not closed"
            continue
        if cells:
            yield line, cells, None


def _problem(cells: Sequence[str], width: int) -> str | None:
    if any(text_problem(cell) is not None for cell in cells):
        return "not UTF-8: save the file as UTF-8"
    if width and len(cells) != width:
        return f"{len(cells)} cells where the header has {width}: look for a delimiter or quotation mark too many"
    return None


def _delimiter(path: Path, header: str) -> str:
    """Tab for .tsv, else what the header has most of."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(_DELIMITERS, key=header.count)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()
