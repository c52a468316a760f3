import json

import pytest

from data import sample
from data.errors import ConflictError, ImportRefusedError
from data.records import AssessorKind, Evidence


@pytest.fixture
def folder(tmp_path):
    """A sample of two documents."""
    path = tmp_path / "mini"
    path.mkdir()
    (path / "corpus.jsonl").write_text('{"_id": "a", "text": "Salt melts ice."}\n{"_id": "b", "text": "Cats purr."}\n')
    (path / "queries.jsonl").write_text('{"_id": "q", "text": "Why salt?"}\n')
    (path / "qrels.tsv").write_text("q\ta\t3\nq\tb\t0\n")
    (path / "teacher.jsonl").write_text(
        '{"query_id": "q", "doc_id": "a", "grade": 2, "explanation": "It melts.", "evidence": ["melts ice"]}\n'
    )
    return path


def test_the_sample_is_installed_once(store, folder):
    made = sample.install(store, folder=folder)
    assert sample.install(store, folder=folder) == made
    assert (made.name, made.documents, made.queries) == (sample.SAMPLE_NAME, 2, 1)
    (author,) = store.assessors.list(AssessorKind.HUMAN)
    (teacher,) = store.assessors.list(AssessorKind.TEACHER)
    assert (author.name, teacher.name) == ("Sample author", "Sample teacher")
    assert author.authored
    assert teacher.authored
    (taught,) = store.judgments.current(made.collection_id, kinds=[AssessorKind.TEACHER])
    assert (taught.grade, taught.explanation) == (2, "It melts.")
    assert taught.evidence == (Evidence(quote="melts ice", start_char=5, end_char=14),)
    grades = store.judgments.current(made.collection_id, kinds=[AssessorKind.HUMAN])
    assert {j.doc_id: j.grade for j in grades} == {"a": 3, "b": 0}


def test_a_broken_sample_leaves_nothing(store, folder):
    with (folder / "teacher.jsonl").open("a") as file:
        file.write("broken\n")
    with pytest.raises(ImportRefusedError):
        sample.install(store, folder=folder)
    assert store.collections.list() == []
    assert store.assessors.list() == []


def test_a_name_that_is_a_real_persons_is_not_taken_over(store, folder):
    store.assessors.ensure("Sample author", AssessorKind.HUMAN)
    with pytest.raises(ConflictError):
        sample.install(store, folder=folder)


def test_the_bundled_sample(sample_store):
    collection = sample_store.collections.get(sample.SAMPLE_NAME)
    assert collection.documents >= 150
    assert collection.queries >= 30
    assert all(assessor.authored for assessor in sample_store.assessors.list())
    graded = sample_store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN])
    taught = sample_store.judgments.current(collection.collection_id, kinds=[AssessorKind.TEACHER])
    assert len(taught) >= 300
    assert {j.grade for j in graded} == {0, 1, 2, 3}
    # Every teacher's reason is there, and its quotes stand in the document.
    assert all(j.explanation for j in taught)
    assert all(e.start_char is not None for j in taught for e in j.evidence)
    # Some are wrong on purpose, so that there is something to correct; most are right.
    true = {(j.query_id, j.doc_id): j.grade for j in graded}
    wrong = sum(true[j.query_id, j.doc_id] != j.grade for j in taught)
    assert 0.05 < wrong / len(taught) < 0.4
    lines = (sample.FOLDER / "teacher.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(taught) == len({(row["query_id"], row["doc_id"]) for row in map(json.loads, lines)})
