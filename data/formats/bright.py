"""BRIGHT's layout (arXiv 2407.12883): `documents` {id, content} and `examples` {query, id, excluded_ids, gold_ids}, as
JSONL or Parquet, one file each or a folder with a file (or several) for every domain."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import SettingsError
from data.formats.jsonl import ReadQuery, documents_in, listed_ids, object_rows, queries_in
from data.formats.parquet_file import parquet_rows
from data.formats.rows import BadRows
from data.formats.trec import Qrel
from data.records import Document

GOLD = 1
"""The grade of a gold document; no other has one."""

_SUFFIXES = (".jsonl", ".parquet")
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrightFolder:
    """The files of one domain."""

    domain: str
    """Empty where the folder has one only, without a name."""
    document_files: tuple[Path, ...]
    example_files: tuple[Path, ...]

    def documents(self, bad: BadRows) -> Iterator[Document]:
        """The documents; bad rows go to `bad`."""
        seen: dict[str, int] = {}
        for path in self.document_files:
            yield from documents_in(_rows(path, bad), path, bad, seen)

    def queries(self, bad: BadRows) -> list[ReadQuery]:
        """The queries with the documents they exclude; bad rows go to `bad`."""
        return [query for _, _, query, _ in self._examples(bad)]

    def gold(self, bad: BadRows) -> list[tuple[Path, Qrel]]:
        """The gold documents as labels of the grade `GOLD`, each with the file it stands in."""
        found = []
        for path, line, read, row in self._examples(BadRows()):
            doc_ids, problem = listed_ids(row.get("gold_ids"))
            if problem is not None:
                bad.add(path, line, f"gold_ids: {problem}")
            for doc_id in doc_ids:
                found.append((path, Qrel(query_id=read.query.query_id, doc_id=doc_id, grade=GOLD, line=line)))
        return found

    def _examples(self, bad: BadRows) -> Iterator[tuple[Path, int, ReadQuery, Mapping[str, Any]]]:
        seen: dict[str, int] = {}
        for path in self.example_files:
            for line, query, row in queries_in(_rows(path, bad), path, bad, seen):
                yield path, line, query, row


def is_bright(path: Path) -> bool:
    """Has the folder documents and examples?"""
    return bool(_files(path, "documents")) and bool(_files(path, "examples"))


def bright_folder(path: Path, domain: str | None) -> BrightFolder:
    """The files of a domain; without a name of the only one. Raises SettingsError with the domains there are."""
    documents, examples = _files(path, "documents"), _files(path, "examples")
    domains = sorted(documents.keys() & examples.keys())
    if domain is None and len(domains) == 1:
        domain = domains[0]
    if domain is None or domain not in domains:
        what = "has several domains" if domain is None else f"has no domain {domain!r}"
        raise SettingsError(
            f"The BRIGHT folder {path} {what}.",
            mend=f"Name one with --split: {', '.join(domains)}." if any(domains) else "Leave --split out.",
        )
    return BrightFolder(domain=domain, document_files=tuple(documents[domain]), example_files=tuple(examples[domain]))


def _files(folder: Path, kind: str) -> dict[str, list[Path]]:
    """Domain -> its files of a kind."""
    found: dict[str, list[Path]] = defaultdict(list)
    for suffix in _SUFFIXES:
        if (folder / f"{kind}{suffix}").is_file():
            return {"": [folder / f"{kind}{suffix}"]}
        for path in sorted((folder / kind).glob(f"*{suffix}")):
            found[_SHARD.sub("", path.stem)].append(path)
    return found


def _rows(path: Path, bad: BadRows) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return parquet_rows(path, bad) if path.suffix == ".parquet" else object_rows(path, bad)
