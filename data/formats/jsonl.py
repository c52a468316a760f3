"""JSONL, an object a line: documents, queries and judgments, both ways."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.formats.rows import BadRows, id_problem, refusing, text_problem, text_rows
from data.records import Document, Query, Split

_DOCUMENT_IDS = ("_id", "id", "doc_id")
_QUERY_IDS = ("_id", "id", "query_id")
_TEXTS = ("text", "contents")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuery:
    """A query and the split's name as the file has it."""

    query: Query
    split_name: str | None


def read_documents(path: Path) -> list[Document]:
    """Documents of a file; raises ImportRefusedError with all bad rows."""
    with refusing() as bad:
        return list(document_rows(path, bad))


def document_rows(path: Path, bad: BadRows) -> Iterator[Document]:
    """Documents as they are read, `{"_id" | "id" | "doc_id", "text" | "contents", "title"?}`; bad rows go to `bad`."""
    seen: dict[str, int] = {}
    for line, row in object_rows(path, bad):
        title = row.get("title") or ""
        text, problem = _text(row)
        doc_id, id_is = _id(row, _DOCUMENT_IDS)
        if problem is None and not isinstance(title, str):
            problem = "the title is not a text"
        problem = id_is or problem or text_problem(title) or _twice(seen, doc_id, line)
        if problem is not None:
            bad.add(path, line, problem)
        else:
            yield Document(doc_id=doc_id, text=text, title=title)


def read_queries(path: Path) -> list[Query]:
    """Queries of a file; raises ImportRefusedError with all bad rows."""
    with refusing() as bad:
        return [row.query for row in query_rows(path, bad)]


def query_rows(path: Path, bad: BadRows) -> list[ReadQuery]:
    """Queries `{"_id" | "id" | "query_id", "text", "metadata": {"split"}?}`; bad rows go to `bad`."""
    seen: dict[str, int] = {}
    found = []
    for line, row in object_rows(path, bad):
        text, problem = _text(row)
        query_id, id_is = _id(row, _QUERY_IDS)
        problem = id_is or problem or _twice(seen, query_id, line)
        if problem is not None:
            bad.add(path, line, problem)
            continue
        metadata = row.get("metadata")
        name = metadata.get("split") if isinstance(metadata, dict) else None
        name = name if isinstance(name, str) and name.strip() else None
        query = Query(query_id=query_id, text=text, split=None if name is None else split_named(name))
        found.append(ReadQuery(query=query, split_name=name))
    return found


def split_named(name: str) -> Split:
    """What a data set's split may be used for: `train` for training; dev, test and whatever else it has are held out.
    WhyRank's own names mean themselves."""
    try:
        return Split(name.strip().lower())
    except ValueError:
        return Split.HELDOUT


def write_documents(documents: Iterable[Document]) -> str:
    """A line per document, as BEIR has them."""
    return "".join(_line({"_id": d.doc_id, "title": d.title, "text": d.text}) for d in documents)


def write_queries(queries: Iterable[Query]) -> str:
    """A line per query, as BEIR has them; the split is kept in `metadata`."""
    return "".join(
        _line({"_id": q.query_id, "text": q.text} | ({"metadata": {"split": q.split.value}} if q.split else {}))
        for q in queries
    )


def object_rows(path: Path, bad: BadRows) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file with their lines; bad rows go to `bad`."""
    for line, row in text_rows(path, bad):
        try:
            value = json.loads(row)
        except (ValueError, RecursionError) as error:
            bad.add(path, line, f"broken JSON: {error}")
            continue
        if isinstance(value, dict):
            yield line, value
        else:
            bad.add(path, line, "not a JSON object")


def _id(row: Mapping[str, Any], names: Iterable[str]) -> tuple[str, str | None]:
    """The id, and why it can't be used (None: it can). Whole numbers are taken as text."""
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if value is None:
        return "", f"no id: one of {', '.join(names)} is needed"
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "", "the id is not a text"
    return str(value), id_problem(str(value))


def _text(row: Mapping[str, Any]) -> tuple[str, str | None]:
    value = next((row[name] for name in _TEXTS if row.get(name) is not None), None)
    if value is None:
        return "", f"no text: one of {', '.join(_TEXTS)} is needed"
    if not isinstance(value, str):
        return "", "the text is not a text"
    return value, text_problem(value) if value.strip() else "the text is empty"


def _twice(seen: dict[str, int], key: str, line: int) -> str | None:
    first = seen.setdefault(key, line)
    return None if first == line else f"the id {key!r} stands in line {first} already"


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
