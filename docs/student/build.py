"""The collections from which the default student is trained, as files that `whyrank` imports.

    python docs/student/build.py DATASETS OUT          what student-1 learnt
    python docs/student/build.py DATASETS OUT --then   what it learns then, to become student-2

DATASETS holds `teacher-tfrank-samples` and `scifact` in BEIR layout. OUT becomes a BEIR folder (documents, queries with
their splits) and `judgments.jsonl`: a teacher's scores 0-4 of MS MARCO passages, some with its reason in at most sixty
words and a quote, and for SciFact train claims the experts' abstracts (with the rationale they marked) and BM25's other
hits, assumed to be irrelevant and marked so. Claims nearly the same as a dev claim are left out: those measure.

The teacher's passages of middle grades were written by a model, and are shorter than the others: a student learns that
as well. What comes then is led by documents written for it (`written/`), where neither length nor shared words tell
the grade, with some of the teacher's passages of the two ends and other claims beside them.
"""

import argparse
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.formats.jsonl import read_documents, read_queries
from data.records import Document
from training.leaks import near_duplicate

WORDS = 60
"""Most words of an explanation, its quote included."""
QUOTE_WORDS = 12
TFRANK_DEVELOPMENT = 0.1
"""Share of the teacher's queries nobody trains on."""
CLAIMS_TRAINED = 70
CLAIMS_HELD_OUT = 20
NEGATIVES = 3
"""BM25's hits per trained claim, drawn from its best ten, that no expert cited."""
CLAIMS_THEN = 30
TEACHER_QUERIES_THEN = 50
WRITTEN = Path(__file__).parent / "written"
WRITTEN_DEVELOPMENT = 0.1
"""Share of the queries written for the student that nobody trains on."""
TEACHER = {"name": "TFRank teacher", "kind": "teacher"}
EXPERTS = {"name": "SciFact experts", "kind": "human"}
AUTHORS = {"name": "written for the student", "kind": "teacher", "authored": True}
ASSUMED = {"name": "assumed 0: a BM25 hit that no expert cited", "kind": "teacher"}
_CLOSING = "Before giving the final reply"
_VERDICT = re.compile(r"^(therefore|thus|hence|so|in conclusion|overall|this precise)\b|\brelevan(t|ce)\b", re.I)
"""A sentence that repeats the grade instead of giving a reason."""


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--then", action="store_true", help="What student-1 learns to become student-2.")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    teacher = tfrank(given.datasets / "teacher-tfrank-samples")
    used = CLAIMS_TRAINED + CLAIMS_HELD_OUT
    claims = slice(used, used + CLAIMS_THEN) if given.then else slice(CLAIMS_TRAINED)
    parts = [written(WRITTEN), ends(teacher, TEACHER_QUERIES_THEN)] if given.then else [teacher]
    parts.append(scifact(given.datasets / "scifact", claims))
    documents, queries, judgments = ([row for part in parts for row in part[i]] for i in range(3))
    _write(given.out / "corpus.jsonl", documents)
    _write(given.out / "queries.jsonl", queries)
    _write(given.out / "judgments.jsonl", judgments)


Parts = tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]
"""Rows of corpus.jsonl, queries.jsonl and judgments.jsonl."""


def tfrank(folder: Path) -> Parts:
    """The teacher's passages, queries and scores, with the reasons of those it explained."""
    documents = {d.doc_id: d for d in read_documents(folder / "corpus.jsonl")}
    queries = {q.query_id: q.text for q in read_queries(folder / "queries.jsonl")}
    reasons = {}
    for row in _read(folder / "pointwise.jsonl"):
        if row["kind"] == "yesno-score":
            reasons[row["query"], row["passage"]] = row["explanation"]
    judgments = []
    for query_id, doc_id, score in _qrels(folder / "qrels.tsv"):
        document = documents[doc_id]
        text = reasons.get((queries[query_id], document.text))
        reason = None if text is None else shortened(text, queries[query_id], document)
        judgments.append(_judgment(f"t{query_id}", f"t{doc_id}", score, reason, TEACHER))
    return (
        [{"_id": f"t{d.doc_id}", "title": d.title, "text": d.text} for d in documents.values()],
        [_query(f"t{i}", text, "dev" if _draw(i) < TFRANK_DEVELOPMENT else "train") for i, text in queries.items()],
        judgments,
    )


def ends(teacher: Parts, count: int) -> Parts:
    """Of so many of the teacher's queries, what it gave the lowest or the highest grade; both must be there."""
    documents, queries, judgments = teacher
    grades: dict[str, set[int]] = defaultdict(set)
    for row in judgments:
        grades[row["query_id"]].add(row["grade"])
    fit = [row for row in queries if {0, 4} <= grades[row["_id"]]]
    chosen = {row["_id"] for row in sorted(fit, key=lambda row: _draw(f"then {row['_id']}"))[:count]}
    kept = [row for row in judgments if row["query_id"] in chosen and row["grade"] in (0, 4)]
    doc_ids = {row["doc_id"] for row in kept}
    return (
        [row for row in documents if row["_id"] in doc_ids],
        [row for row in queries if row["_id"] in chosen],
        kept,
    )


def written(folder: Path) -> Parts:
    """The documents written for the student, each with its grade and half of them with a reason."""
    documents, queries, judgments = [], [], []
    for file in sorted(folder.glob("*.jsonl")):
        for number, row in enumerate(_read(file), start=1):
            query_id = f"w{file.stem}-{number}"
            queries.append(_query(query_id, row["query"], "dev" if _draw(query_id) < WRITTEN_DEVELOPMENT else "train"))
            for i, document in enumerate(row["documents"], start=1):
                doc_id = f"{query_id}-{i}"
                documents.append({"_id": doc_id, "title": document["title"], "text": document["text"]})
                judgments.append(_judgment(query_id, doc_id, document["grade"], document["explanation"], AUTHORS))
    return documents, queries, judgments


def shortened(explanation: str, query: str, document: Document) -> str | None:
    """What a long explanation says last of the document itself, and the words of the document nearest to the query."""
    paragraphs = [line.strip() for line in explanation.split(_CLOSING)[0].splitlines() if line.strip()]
    sentences = re.split(r"(?<=[.!?])\s+", paragraphs[-1]) if paragraphs else []
    chosen: list[str] = []
    quote = quoted(query, document.text)
    room = WORDS - (len(quote.split()) + 3 if quote else 0)
    for sentence in sentences:
        if _VERDICT.search(sentence):
            continue
        if len(" ".join([*chosen, sentence]).split()) > room:
            break
        chosen.append(sentence)
    if not chosen:
        return None
    return " ".join([*chosen, f'It says: "{quote}".' if quote else ""]).strip()


def quoted(query: str, text: str) -> str | None:
    """The stretch of a document with the most of the query's words, as it stands there."""
    wanted = set(re.findall(r"\w{3,}", query.casefold()))
    words = list(re.finditer(r"\S+", text))
    stretches = [words[i : i + QUOTE_WORDS] for i in range(max(1, len(words) - QUOTE_WORDS + 1))]

    def shared(stretch: Sequence[re.Match[str]]) -> int:
        return len(wanted & {word for raw in stretch for word in re.findall(r"\w{3,}", raw.group().casefold())})

    best = max(stretches, key=shared)
    if not best:
        return None
    quote = text[best[0].start() : best[-1].end()].strip(" .,;:")
    return None if '"' in quote or "\n" in quote else quote


def scifact(folder: Path, chosen: slice) -> Parts:
    """SciFact's abstracts, the chosen of its train claims and those held out, and what experts cited for them."""
    documents = {d.doc_id: d for d in read_documents(folder / "corpus.jsonl")}
    claims = _read(folder / "queries.jsonl")
    dev = [row["text"] for row in claims if row["metadata"]["split"] == "dev"]
    if not dev:
        raise SystemExit(f"{folder / 'queries.jsonl'} names no dev claim: nothing could be kept apart from them.")
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for query_id, doc_id, grade in _qrels(folder / "qrels.train.graded.tsv"):
        grades[query_id][doc_id] = grade
    fit = [
        row
        for row in sorted(claims, key=lambda row: _draw(row["_id"]))
        if row["metadata"]["split"] == "train"
        and 2 in grades[row["_id"]].values()
        and not any(near_duplicate(row["text"], text) for text in dev)
    ]
    learnt, kept = fit[chosen], fit[CLAIMS_TRAINED : CLAIMS_TRAINED + CLAIMS_HELD_OUT]
    found = _found(folder / "run.bm25.trec", {row["_id"] for row in learnt})
    rationales = {(e["query_id"], e["doc_id"]): e for e in _read(folder / "evidence.jsonl") if e["split"] == "train"}
    judgments = []
    for row in (*learnt, *kept):
        query_id = row["_id"]
        for doc_id, grade in grades[query_id].items():
            reason = rationale(rationales.get((query_id, doc_id)), documents[doc_id])
            judgments.append(_judgment(f"s{query_id}", f"s{doc_id}", 2 * grade, reason, EXPERTS))
    for row in learnt:
        others = [doc_id for doc_id in found[row["_id"]] if doc_id not in grades[row["_id"]]]
        for doc_id in sorted(others[:10], key=lambda doc_id: _draw(f"{row['_id']} {doc_id}"))[:NEGATIVES]:
            judgments.append(_judgment(f"s{row['_id']}", f"s{doc_id}", 0, None, ASSUMED))
    return (
        [{"_id": f"s{d.doc_id}", "title": d.title, "text": d.text} for d in documents.values()],
        [
            *(_query(f"s{row['_id']}", row["text"], "train") for row in learnt),
            *(_query(f"s{row['_id']}", row["text"], "test") for row in kept),
        ],
        judgments,
    )


def rationale(evidence: Mapping[str, Any] | None, document: Document) -> str | None:
    """A reason that quotes the beginning of the sentence experts marked; None where it is not in the text as it is."""
    if evidence is None:
        return None
    quote = " ".join(evidence["rationale"][0].split()[:18])
    if quote not in document.text or '"' in quote:
        return None
    finding = "supports" if evidence["label"] == "SUPPORT" else "contradicts"
    return f'The abstract tests this claim and {finding} it: "{quote}".'


def _found(run: Path, query_ids: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in run.read_text(encoding="utf-8").splitlines():
        query_id, _, doc_id, *_ = line.split()
        if query_id in query_ids:
            found[query_id].append(doc_id)
    return found


def _draw(name: str) -> float:
    """The same number in [0, 1) for the same name, always."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def _query(query_id: str, text: str, split: str) -> dict[str, Any]:
    return {"_id": query_id, "text": text, "metadata": {"split": split}}


def _judgment(
    query_id: str, doc_id: str, grade: int, explanation: str | None, assessor: Mapping[str, str]
) -> dict[str, Any]:
    return {"query_id": query_id, "doc_id": doc_id, "grade": grade, "explanation": explanation, "assessor": assessor}


def _qrels(path: Path) -> Iterable[tuple[str, str, int]]:
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query_id, doc_id, grade = line.split("\t")
        yield query_id, doc_id, int(grade)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
