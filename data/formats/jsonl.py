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
_TEXTS = ("text", "contents", "content")
_QUERY_TEXTS = ("text", "contents", "query")
_NOTHING = "N/A"
"""What BRIGHT writes where a query excludes no document."""


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
    """Documents as they are read, `{"_id" | "id" | "doc_id", "text" | "contents" | "content", "title"?}`; bad rows go
    to `bad`."""
    yield from documents_in(object_rows(path, bad), path, bad)


def documents_in(
    rows: Iterable[tuple[int, Mapping[str, Any]]], file: Path | str, bad: BadRows, seen: dict[str, int] | None = None
) -> Iterator[Document]:
    """Documents of rows with their lines, whatever file they stand in; `seen` holds the ids of the files before it."""
    seen = {} if seen is None else seen
    for line, row in rows:
        title = row.get("title") or ""
        text, problem = _text(row, _TEXTS)
        doc_id, id_is = _id(row, _DOCUMENT_IDS)
        if problem is None and not isinstance(title, str):
            problem = "the title is not a text"
        problem = id_is or problem or text_problem(title) or _twice(seen, doc_id, line)
        if problem is not None:
            bad.add(file, line, problem)
        else:
            yield Document(doc_id=doc_id, text=text, title=title)


def read_queries(path: Path) -> list[Query]:
    """Queries of a file; raises ImportRefusedError with all bad rows."""
    with refusing() as bad:
        return [row.query for row in query_rows(path, bad)]


def query_rows(path: Path, bad: BadRows) -> list[ReadQuery]:
    """Queries `{"_id" | "id" | "query_id", "text" | "query", "metadata": {"split", "excluded_ids"}?}`; bad rows go to
    `bad`."""
    return [query for _, query, _ in queries_in(object_rows(path, bad), path, bad)]


def queries_in(
    rows: Iterable[tuple[int, Mapping[str, Any]]], file: Path | str, bad: BadRows, seen: dict[str, int] | None = None
) -> Iterator[tuple[int, ReadQuery, Mapping[str, Any]]]:
    """Queries of rows with their lines and the rows; `seen` holds the ids of the files before it."""
    seen = {} if seen is None else seen
    for line, row in rows:
        text, problem = _text(row, _QUERY_TEXTS)
        query_id, id_is = _id(row, _QUERY_IDS)
        metadata = row.get("metadata")
        facts: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
        excluded, ids_are = listed_ids(row.get("excluded_ids") or facts.get("excluded_ids"))
        problem = id_is or problem or ids_are or _twice(seen, query_id, line)
        if problem is not None:
            bad.add(file, line, problem)
            continue
        name = facts.get("split")
        name = name if isinstance(name, str) and name.strip() else None
        split = None if name is None else split_named(name)
        yield (
            line,
            ReadQuery(query=Query(query_id=query_id, text=text, split=split, excluded_ids=excluded), split_name=name),
            row,
        )


def listed_ids(value: object) -> tuple[tuple[str, ...], str | None]:
    """The ids of a list, and why they can't be used (None: they can)."""
    if value is None:
        return (), None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return (), "the ids are not a list of texts"
    found = tuple(dict.fromkeys(each for each in value if each != _NOTHING))
    return found, next((problem for each in found if (problem := id_problem(each)) is not None), None)


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
    """A line per query, as BEIR has them; split and excluded documents are kept in `metadata`."""
    return "".join(_line({"_id": q.query_id, "text": q.text} | _metadata(q)) for q in queries)


def _metadata(query: Query) -> dict[str, Any]:
    facts: dict[str, Any] = {"split": query.split.value} if query.split else {}
    if query.excluded_ids:
        facts["excluded_ids"] = list(query.excluded_ids)
    return {"metadata": facts} if facts else {}


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


def _text(row: Mapping[str, Any], names: Iterable[str]) -> tuple[str, str | None]:
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if value is None:
        return "", f"no text: one of {', '.join(names)} is needed"
    if not isinstance(value, str):
        return "", "the text is not a text"
    return value, text_problem(value) if value.strip() else "the text is empty"


def _twice(seen: dict[str, int], key: str, line: int) -> str | None:
    first = seen.setdefault(key, line)
    return None if first == line else f"the id {key!r} stands in line {first} already"


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
