"""Judgments as a CSV, both ways: an event a row, with the words of query and document beside the ids for people who
read it in a spreadsheet. What the rows say is that of `data.formats.events`; only ids and grade are needed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from data.formats.csv_file import csv_rows, write_csv
from data.formats.events import ReadEvent, event_facts, events_in
from data.formats.rows import BadRows
from data.records import Assessor, Judgment

_READ_ONLY = ("query", "title")
"""Not read again: they belong to the collection."""
_JSON = ("evidence", "settles")
_NUMBERS = ("grade", "guideline_version", "seconds_spent")
_ASSESSOR = {"assessor": "name", "kind": "kind", "authored": "authored", "version_id": "version_id"}
"""Column -> field of the event's assessor."""
COLUMNS = (
    *("query_id", "query", "doc_id", "title", "assessor", "kind", "status", "grade", "explanation", "evidence", "note"),
    *("model_visible", "seconds_spent", "guideline_version", "created_at", "edited_from", "settles", "ranking_id"),
    *("event_id", "authored", "version_id"),
)


def table_event_rows(path: Path, bad: BadRows) -> list[ReadEvent]:
    """The events of a file; bad rows go to `bad`."""
    records = csv_rows(path, bad)
    _, header = next(records, (0, []))
    names = [name.strip().lower() for name in header]
    if header and (missing := [name for name in ("query_id", "doc_id") if name not in names]):
        bad.add(path, 1, f"no column {' and '.join(missing)}: judgments need query_id, doc_id and grade (or status)")
        return []
    if not header and not bad.count:
        bad.add(path, 1, "the file is empty: a header with the columns' names is needed")
    rows = ((line, _object(dict(zip(names, cells, strict=True)))) for line, cells in records)
    return events_in(rows, path, bad)


def write_event_table(
    events: Iterable[tuple[Judgment, Assessor]], queries: Mapping[str, str], titles: Mapping[str, str]
) -> Iterator[str]:
    """Header and rows, a piece each. `queries`, `titles`: id -> words."""
    return write_csv(COLUMNS, (_cells(event, assessor, queries, titles) for event, assessor in events))


def _cells(event: Judgment, assessor: Assessor, queries: Mapping[str, str], titles: Mapping[str, str]) -> list[str]:
    facts = event_facts(event, assessor)
    facts |= {column: facts["assessor"].get(field) for column, field in _ASSESSOR.items()}
    facts |= {"query": queries.get(event.query_id), "title": titles.get(event.doc_id)}
    facts |= {name: json.dumps(facts[name], ensure_ascii=False) if facts[name] else None for name in _JSON}
    facts["created_at"] = event.created_at.isoformat()
    return [_cell(facts[name]) for name in COLUMNS]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _object(row: Mapping[str, str]) -> str:
    """The row as the JSON of an event; what can't be turned into its type stays a text, which is refused there."""
    facts: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for name, cell in row.items():
        if cell == "" or name in _READ_ONLY:
            continue
        if name in _ASSESSOR:
            said[_ASSESSOR[name]] = _value(name, cell)
        else:
            facts[name] = _value(name, cell)
    return json.dumps(facts | ({"assessor": said} if said else {}))


def _value(name: str, cell: str) -> Any:
    plain = cell.strip()
    if name in _JSON or name in _NUMBERS:
        try:
            return json.loads(plain)
        except (ValueError, RecursionError):
            return cell
    if name in ("authored", "model_visible"):
        return {"true": True, "false": False}.get(plain.lower(), cell)
    return cell if name in ("explanation", "note") else plain
