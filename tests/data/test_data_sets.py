"""Real test collections, where they are at hand."""

import time
from collections import Counter
from pathlib import Path

import pytest

from data.formats.trec import read_run
from data.importing import import_collection, import_judgments
from data.records import AssessorKind, Split, Status
from data.scales import INTERANK

DATA_SETS = Path(__file__).parents[3] / "shared" / "datasets"

pytestmark = pytest.mark.dataset


def data_set(name):
    path = DATA_SETS / name
    if not path.is_dir():
        pytest.skip(f"the data set {name} is not at hand")
    return path


def test_scifact(store):
    path = data_set("scifact")
    start = time.monotonic()
    made = import_collection(
        store,
        name="scifact",
        path=path,
        qrels=path / "qrels.train.graded.tsv",
        split="train",
        assessor="experts",
        kind=AssessorKind.HUMAN,
        scale=INTERANK,
    )
    assert time.monotonic() - start < 20
    assert (made.documents, made.queries) == (5183, 1409)
    (counts,) = store.judgments.counts(made.collection_id).values()
    assert counts == {Status.JUDGED: 919}
    splits = Counter(query.split for query in store.collections.queries(made.collection_id))
    assert splits == {Split.TRAIN: 809, Split.HELDOUT: 600}
    dev = import_judgments(
        store, made, path / "qrels.graded.tsv", format="trec", assessor="experts", kind=AssessorKind.HUMAN
    )
    assert dev == 339
    run = read_run(path / "run.bm25.trec")
    assert all([d.rank for d in documents] == list(range(1, len(documents) + 1)) for documents in run.values())


def test_trec_dl19_with_people_and_a_teacher(store):
    path = data_set("trec-dl19")
    made = import_collection(store, name="dl19", path=path, assessor="NIST", kind=AssessorKind.HUMAN)
    assert (made.documents, made.queries) == (11179, 43)
    labels = path / "teacher.umbrela-gpt4.tsv"
    teacher = {"format": "trec", "assessor": "umbrela-gpt4", "kind": AssessorKind.TEACHER}
    assert import_judgments(store, made, labels, **teacher) == 9260
    assert import_judgments(store, made, labels, **teacher) == 0
    people = store.judgments.current(made.collection_id, kinds=[AssessorKind.HUMAN])
    assert Counter(j.grade for j in people) == {0: 5158, 1: 1601, 2: 1804, 3: 697}
