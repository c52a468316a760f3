"""Forty judgments of SciFact train claims, as a person would give them, for the walk-through.

    python docs/walkthrough/scifact_judgments.py path/to/scifact judgments.jsonl to_judge.jsonl

Twenty train claims, two abstracts each: the one in which SciFact's experts found evidence (grade 2; the reason quotes
their rationale sentence), and the best other abstract BM25 finds (grade 0; assumed not to help, as no expert cited it).
The first file takes thirty judgments of fifteen claims, the second the ten pairs of the other five, for the browser.
"""

import json
import sys
import tempfile
from pathlib import Path

from data.formats.jsonl import read_documents, read_queries
from data.records import Document
from engine.retrieval import memory

CLAIMS = 20
QUOTED_WORDS = 18


def main(scifact: Path, judged: Path, to_judge: Path) -> None:
    """Write both files."""
    documents = {document.doc_id: document for document in read_documents(scifact / "corpus.jsonl")}
    queries = {query.query_id: query for query in read_queries(scifact / "queries.jsonl")}
    evidence = [json.loads(line) for line in (scifact / "evidence.jsonl").read_text(encoding="utf-8").splitlines()]
    cited = {(row["query_id"], row["doc_id"]) for row in evidence}
    index = Path(tempfile.mkdtemp())
    memory.build(documents.values(), index)
    search = memory.Bm25sRetriever(index)
    rows, seen = [], set()
    for row in evidence:
        query_id, doc_id = row["query_id"], row["doc_id"]
        quote = quoted(row["rationale"][0], documents[doc_id])
        if row["split"] != "train" or query_id in seen or quote is None:
            continue
        seen.add(query_id)
        found = [hit.doc_id for hit in search.search(queries[query_id].text, 10)]
        other = next(other for other in found if (query_id, other) not in cited)
        finding = "supports" if row["label"] == "SUPPORT" else "contradicts"
        rows.append(_row(query_id, doc_id, 2, f'The abstract {finding} the claim: it reports that "{quote}".'))
        title = documents[other].title.strip().rstrip(".")
        rows.append(_row(query_id, other, 0, f"The abstract shares words with the claim but is about: {title}."))
        if len(rows) == 2 * CLAIMS:
            break
    _write(judged, rows[:30])
    _write(to_judge, rows[30:])


def quoted(sentence: str, document: Document) -> str | None:
    """The beginning of a rationale sentence as it stands in the document, without quotes of its own."""
    words = " ".join(sentence.split()[:QUOTED_WORDS])
    return words if words in document.text and '"' not in words else None


def _row(query_id: str, doc_id: str, grade: int, explanation: str) -> dict[str, object]:
    return {"query_id": query_id, "doc_id": doc_id, "grade": grade, "explanation": explanation}


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
