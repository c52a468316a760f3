"""Real test collections, where they are at hand."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from data import exporting
from data.bundle import write_folder
from data.errors import ImportRefusedError
from data.exporting import Whose
from data.formats.trec import read_run
from data.importing import import_collection, import_judgments
from data.records import AssessorKind, Split, Status
from data.runs import Runs
from data.scales import INTERANK, PRORANK

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


def test_a_whole_data_set_goes_out_and_comes_back(store, tmp_path):
    path = data_set("trec-dl19")
    made = import_collection(store, name="dl19", path=path, assessor="NIST", kind=AssessorKind.HUMAN)
    binary = {"assessor": "binary-gpt4", "kind": AssessorKind.TEACHER, "grades": {0: 0, 1: 3}}
    assert import_judgments(store, made, path / "teacher.binary-gpt4.tsv", **binary) == 9258
    people = Whose(kinds=(AssessorKind.HUMAN,))
    queries = [replace(query, split=Split.HELDOUT) for query in store.collections.queries(made.collection_id)]
    manifest = write_folder(exporting.beir_bundle(store, made, people, "refuse", queries), tmp_path / "beir")
    assert manifest["counts"] | {"labels": 9260, "documents": 11179, "queries": 43} == manifest["counts"]
    back = import_collection(store, name="back", path=tmp_path / "beir", assessor="NIST", kind=AssessorKind.HUMAN)
    assert list(store.collections.documents(back.collection_id)) == list(
        store.collections.documents(made.collection_id)
    )
    labels = [
        {(j.query_id, j.doc_id): j.grade for j in store.judgments.current(c.collection_id, kinds=[AssessorKind.HUMAN])}
        for c in (made, back)
    ]
    assert labels[0] == labels[1]


def test_a_real_run_is_kept_and_read(store, tmp_path):
    path = data_set("noveleval-2306")
    made = import_collection(store, name="novel", path=path, scale=INTERANK)
    run = Runs(tmp_path / "runs").add(store, made, path / "run.original-order.trec")
    assert (run.name, run.queries, run.documents) == ("run.original-order", 21, 420)
    with pytest.raises(ImportRefusedError):
        Runs(tmp_path / "runs").add(store, made, data_set("scifact") / "run.bm25.trec")


def test_bright_where_it_is_at_hand(store):
    path = data_set("bright")
    made = import_collection(
        store, name="b", path=path, split="biology", scale=PRORANK, assessor="B", kind=AssessorKind.HUMAN
    )
    assert made.documents > 1000 and made.queries > 50
