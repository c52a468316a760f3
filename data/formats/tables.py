"""Documents as a table, in CSV or Parquet: which column holds ids, titles and texts, by its usual name or as told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import SettingsError
from data.formats.csv_file import csv_rows
from data.formats.jsonl import documents_in
from data.formats.parquet_file import parquet_columns, parquet_rows
from data.formats.rows import BadRows, refusing
from data.formats.trec import DOCUMENT_ID_COLUMNS
from data.records import Document

USUAL = {
    "id": ("_id", "id", "doc_id", "document_id", "passage_id", *DOCUMENT_ID_COLUMNS),
    "title": ("title", "headline", "heading", "subject", "name"),
    "text": ("text", "contents", "content", "body", "passage", "abstract", "document", "segment", "description"),
}
"""What a column is for -> its usual names, the most usual first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Names of the columns; `title` is None where there is none."""

    id: str
    text: str
    title: str | None

    @property
    def words(self) -> str:
        """Which column is what, for people."""
        titles = f", titles from {self.title!r}" if self.title is not None else ", no titles"
        return f"ids from {self.id!r}{titles}, texts from {self.text!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file of documents as rows."""

    path: Path
    parquet: bool
    names: tuple[str, ...]
    """All its columns."""
    columns: Columns

    @property
    def words(self) -> str:
        """What it is, for people."""
        kind = "a Parquet file" if self.parquet else "a CSV"
        return f"{kind} with the columns {', '.join(map(repr, self.names))}: {self.columns.words}"

    def documents(self, bad: BadRows) -> Iterator[Document]:
        """The documents; bad rows go to `bad`."""
        yield from documents_in(self._rows(bad), self.path, bad)

    def _rows(self, bad: BadRows) -> Iterator[tuple[int, Mapping[str, Any]]]:
        wanted = self.columns
        if self.parquet:
            read = [name for name in (wanted.id, wanted.title, wanted.text) if name is not None]
            rows: Iterator[tuple[int, Mapping[str, Any]]] = parquet_rows(self.path, bad, read)
        else:
            records = csv_rows(self.path, bad)
            _, header = next(records, (0, []))
            rows = ((line, dict(zip(header, cells, strict=True))) for line, cells in records)
        for line, row in rows:
            # An empty cell is no id, not an id without letters.
            yield (
                line,
                {
                    "_id": row[wanted.id] if row[wanted.id] != "" else None,
                    "title": row[wanted.title] if wanted.title is not None else None,
                    "text": row[wanted.text],
                },
            )


def table_of(path: Path, *, parquet: bool, told: Mapping[str, str]) -> Table:
    """The table, its columns guessed by `USUAL` but for those `told` (`id`, `title` or `text` -> column). Raises
    SettingsError where a needed one can't be found, ImportRefusedError for a file without a header."""
    names = column_names(path, parquet=parquet)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(
            f"{path.name} has several columns called {twice[0]!r}.", mend="Give every column a name of its own."
        )
    if unknown := sorted(set(told) - set(USUAL)):
        raise SettingsError(f"There is no use {unknown[0]!r} for a column.", mend=f"Use one of: {', '.join(USUAL)}.")
    found = {use: _found(path, names, use, told.get(use)) for use in USUAL}
    for use in ("id", "text"):
        if found[use] is None:
            raise SettingsError(
                f"{path.name} has the columns {', '.join(map(repr, names))}, and none has a usual name of the {use}.",
                mend=f"Say which one it is: --column {use}=NAME (in the browser: below the file).",
            )
    columns = Columns(id=str(found["id"]), text=str(found["text"]), title=found["title"])
    return Table(path=path, parquet=parquet, names=names, columns=columns)


def column_names(path: Path, *, parquet: bool) -> tuple[str, ...]:
    """All columns; raises ImportRefusedError for a file without a header."""
    with refusing() as bad:
        names = parquet_columns(path, bad) if parquet else next(iter(csv_rows(path, bad)), (0, []))[1]
        if not names and not bad.count:
            bad.add(path, 1, "the file is empty: a header with the columns' names is needed")
    return tuple(names)


def _found(path: Path, names: Sequence[str], use: str, told: str | None) -> str | None:
    if told is not None:
        if told not in names:
            raise SettingsError(
                f"{path.name} has no column {told!r}.", mend=f"Use one of: {', '.join(map(repr, names))}."
            )
        return told
    by_plain_name = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(names)}
    return next((by_plain_name[usual] for usual in USUAL[use] if usual in by_plain_name), None)
