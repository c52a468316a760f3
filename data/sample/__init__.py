"""The sample collection: original documents and queries, grades by an author, and a teacher's judgments to correct."""

from dataclasses import dataclass
from pathlib import Path

from data.errors import ConflictError, NotFoundError
from data.formats.events import event_rows
from data.formats.rows import refusing
from data.importing import located, read_data_set
from data.records import AssessorKind, Collection, Document, Query, new_id
from data.scales import DEFAULT_SCALE
from data.store import Store

SAMPLE_NAME = "sample"
AUTHOR = "Sample author"
TEACHER = "Sample teacher"
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What the author and the teacher say of a (query, document) pair."""

    query: Query
    document: Document
    grade: int
    """The author's."""
    explanation: str | None
    """The teacher's, where its grade is the author's."""


def pairs(folder: Path = FOLDER) -> list[Pair]:
    """Every pair the author graded, on `DEFAULT_SCALE`, read from the files."""
    reading = read_data_set(folder, qrels=None, split=None, scale=DEFAULT_SCALE)
    documents = {document.doc_id: document for document in reading.documents()}
    queries = {query.query_id: query for query in reading.queries}
    with refusing() as bad:
        said = {(e.row.query_id, e.row.doc_id): e.row for e in event_rows(folder / "teacher.jsonl", bad)}
    found = []
    for qrel in reading.qrels:
        taught = said.get((qrel.query_id, qrel.doc_id))
        found.append(
            Pair(
                query=queries[qrel.query_id],
                document=documents[qrel.doc_id],
                grade=qrel.grade,
                explanation=taught.explanation if taught is not None and taught.grade == qrel.grade else None,
            )
        )
    return found


def install(store: Store, *, folder: Path = FOLDER, by: str = "") -> Collection:
    """The sample collection, stored (in one transaction) where there is no collection of its name yet. Its assessors
    are marked as authored: nothing may report them as measured people or as a named model."""
    try:
        return store.collections.get(SAMPLE_NAME)
    except NotFoundError:
        pass
    reading = read_data_set(folder, qrels=None, split=None, scale=DEFAULT_SCALE)
    author = store.assessors.found_or_new(AUTHOR, AssessorKind.HUMAN, authored=True)
    teacher = store.assessors.found_or_new(TEACHER, AssessorKind.TEACHER, authored=True)
    documents = {document.doc_id: document for document in reading.documents()}
    collection_id = new_id()
    with refusing() as bad:
        taught = event_rows(folder / "teacher.jsonl", bad)
    judgments = reading.judgments(collection_id, author)
    for event in taught:
        judgment = event.judgment(collection_id, teacher.assessor_id)
        judgments.append(located(judgment, documents[judgment.doc_id]))
    try:
        return store.collections.add(
            collection_id=collection_id,
            name=SAMPLE_NAME,
            scale=DEFAULT_SCALE,
            documents=documents.values(),
            queries=reading.queries,
            judgments=judgments,
            assessors=[author, teacher],
            source="written for WhyRank",
            by=by,
        )
    except ConflictError:
        # Another process has installed it in the meantime.
        return store.collections.get(SAMPLE_NAME)
