"""TREC's files: qrels (also BEIR's tsv with a header) and runs."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.errors import SettingsError
from data.formats.rows import BadRows, id_problem, refusing, text_rows

_LARGEST = 1e38
"""Scores a run can hold are below this: single precision ends there."""

DOCUMENT_ID_COLUMNS = ("docid", "docno", "pid")
"""What TREC and MS MARCO call a document's id in tables."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Qrel:
    """A label. `line` is where it was read, for errors."""

    query_id: str
    doc_id: str
    grade: int
    line: int = field(default=0, compare=False)
    given: int | None = field(default=None, compare=False)
    """The file's own grade, where it was on another scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDoc:
    """A document in a run; `rank` starts at 1 and follows the score."""

    doc_id: str
    score: float
    rank: int


def read_qrels(path: Path) -> list[Qrel]:
    """Labels of a TREC file (query, iteration, document, grade) or a BEIR one (query, document, grade, with or without
    a header). Raises ImportRefusedError with all bad rows."""
    with refusing() as bad:
        return qrels_rows(path, bad)


def qrels_rows(path: Path, bad: BadRows) -> list[Qrel]:
    """As `read_qrels`, with the bad rows noted in `bad`. A pair may stand there twice only with the same grade."""
    found: dict[tuple[str, str], Qrel] = {}
    first = True
    for line, row in text_rows(path, bad):
        cells = row.split()
        header, first = first and _is_header(cells), False
        if header:
            continue
        if len(cells) not in (3, 4):
            bad.add(path, line, f"{len(cells)} columns: 3 (query, document, grade) or TREC's 4 are expected")
        elif not _INTEGER.fullmatch(cells[-1]):
            bad.add(path, line, f"the grade {cells[-1]!r} is not a whole number")
        else:
            qrel = Qrel(query_id=cells[0], doc_id=cells[-2], grade=int(cells[-1]), line=line)
            known = found.setdefault((qrel.query_id, qrel.doc_id), qrel)
            if known != qrel:
                bad.add(path, line, f"the pair stands in line {known.line} with the grade {known.grade}")
    return list(found.values())


def write_qrels(qrels: Iterable[Qrel]) -> str:
    """TREC's four columns; raises SettingsError for an id with white space."""
    return "".join(f"{_id(q.query_id)} 0 {_id(q.doc_id)} {q.grade}\n" for q in qrels)


def write_beir_qrels(qrels: Iterable[Qrel]) -> Iterator[str]:
    """BEIR's three columns with its header, a piece each; raises SettingsError for an id with white space."""
    yield "query-id\tcorpus-id\tscore\n"
    for qrel in qrels:
        yield f"{_id(qrel.query_id)}\t{_id(qrel.doc_id)}\t{qrel.grade}\n"


def read_run(path: Path) -> dict[str, list[ScoredDoc]]:
    """A run by query, best first: by score, equal scores by the file's rank; ranks are counted anew. Raises
    ImportRefusedError with all bad rows."""
    with refusing() as bad:
        return {query_id: [row.scored for row in rows] for query_id, rows in run_rows(path, bad).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A document in a run, and the line it stands in."""

    scored: ScoredDoc
    line: int


def run_rows(path: Path, bad: BadRows) -> dict[str, list[RunRow]]:
    """As `read_run`, with the bad rows noted in `bad`."""
    found: dict[str, dict[str, tuple[float, int, int]]] = {}
    for line, row in text_rows(path, bad):
        cells = row.split()
        problem = _run_problem(cells)
        if problem is not None:
            bad.add(path, line, problem)
            continue
        query_id, _, doc_id, rank, score, _ = cells
        documents = found.setdefault(query_id, {})
        if doc_id in documents:
            bad.add(path, line, f"document {doc_id!r} stands there twice for query {query_id!r}")
        documents[doc_id] = (float(score), int(rank), line)
    return {query_id: _ranked(documents) for query_id, documents in found.items()}


def write_run(rankings: Mapping[str, Sequence[ScoredDoc]], tag: str) -> str:
    """A TREC run with strictly falling scores in the order of the ranks: evaluation tools go by the score in single
    precision and break ties by id, so equal scores would lose the order. Raises SettingsError for an id or tag with
    white space, or a score that is not a finite number."""
    rows = []
    for query_id, documents in rankings.items():
        bound = np.float32(np.inf)
        for rank, document in enumerate(sorted(documents, key=lambda d: d.rank), start=1):
            if abs(document.score) < _LARGEST:
                bound = min(np.float32(document.score), np.nextafter(bound, np.float32(-np.inf)))
            else:  # also what is not a number
                raise SettingsError(
                    f"The score {document.score} of document {document.doc_id!r} can't be written to a run.",
                    mend=f"Write finite scores below {_LARGEST:g}.",
                )
            rows.append(f"{_id(query_id)} Q0 {_id(document.doc_id)} {rank} {bound!s} {_id(tag)}\n")
    return "".join(rows)


def _is_header(cells: Sequence[str]) -> bool:
    return len(cells) == 3 and cells[0].lower() in ("query-id", "query_id", "qid", "query") and cells[2].isalpha()


def _run_problem(cells: Sequence[str]) -> str | None:
    if len(cells) != 6:
        return f"{len(cells)} columns: 6 (query, Q0, document, rank, score, tag) are expected"
    if not _INTEGER.fullmatch(cells[3]):
        return f"the rank {cells[3]!r} is not a whole number"
    try:
        finite = math.isfinite(float(cells[4]))
    except ValueError:
        finite = False
    return None if finite else f"the score {cells[4]!r} is not a number"


def _ranked(documents: Mapping[str, tuple[float, int, int]]) -> list[RunRow]:
    ordered = sorted(documents.items(), key=lambda item: (-item[1][0], item[1][1]))
    return [
        RunRow(scored=ScoredDoc(doc_id=doc_id, score=score, rank=i), line=line)
        for i, (doc_id, (score, _, line)) in enumerate(ordered, start=1)
    ]


def _id(value: str) -> str:
    problem = id_problem(value)
    if problem is not None:
        raise SettingsError(f"A TREC file can't hold this: {problem}.", mend="Use ids and tags without white space.")
    return value
