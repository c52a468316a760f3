"""Data sets of ir_datasets: a small one of our own, registered as that library registers its own."""

import sys
from pathlib import Path

import pytest

from data.errors import NotFoundError, SettingsError
from data.formats import ir_dataset
from data.importing import import_collection
from data.records import AssessorKind, Split
from data.scales import TREC_DL
from data.sources import source_of

ABSENT = "the library ir_datasets is not installed (extra ir-datasets)"


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "home"))
    return pytest.importorskip("ir_datasets", reason=ABSENT)


@pytest.fixture
def tiny(library, tmp_path):
    """Registers four documents, three queries and labels under a new name, and returns the name."""
    files = {name: tmp_path / name for name in ("docs.tsv", "queries.tsv", "qrels.txt")}
    files["docs.tsv"].write_text("".join(f"d{i}\tWhy beans {i} stay hard\n" for i in range(4)))
    files["queries.tsv"].write_text("q1\twhy hard\nq2\thow long\nq3\tnobody judged this\n")
    files["qrels.txt"].write_text("q1 0 d0 3\nq1 0 d1 0\nq2 0 d3 2\n")
    name = f"whyrank-{tmp_path.name}/train"
    made = library.create_dataset(*(str(path) for path in files.values()))
    library.registry.register(name, made)
    return name


def imported(store, name, **values):
    source = source_of(Path(ir_dataset.PREFIX + name), **values)
    return import_collection(store, name="tiny", path=source, assessor="NIST", kind=AssessorKind.HUMAN, scale=TREC_DL)


def test_documents_labelled_queries_and_graded_labels_come_in(store, tiny):
    made = imported(store, tiny)
    assert (made.documents, made.source) == (4, f"ir_datasets {tiny}")
    queries = store.collections.queries(made.collection_id)
    assert [(q.query_id, q.text, q.split) for q in queries] == [
        ("q1", "why hard", Split.TRAIN),
        ("q2", "how long", Split.TRAIN),
    ]
    said = store.judgments.current(made.collection_id)
    assert {(j.query_id, j.doc_id, j.grade) for j in said} == {("q1", "d0", 3), ("q1", "d1", 0), ("q2", "d3", 2)}
    (document,) = store.collections.documents_by_id(made.collection_id, ["d2"]).values()
    assert document.text == "Why beans 2 stay hard"


def test_only_so_many_documents_with_their_labels(store, tiny):
    made = imported(store, tiny, documents=2)
    assert made.documents == 2
    assert {j.doc_id for j in store.judgments.current(made.collection_id)} == {"d0", "d1"}
    assert [q.query_id for q in store.collections.queries(made.collection_id)] == ["q1"]


def test_a_large_one_is_refused_before_anything_is_fetched(library, tmp_path):
    with pytest.raises(SettingsError, match=r"8,841,823 documents.*--documents"):
        ir_dataset.ir_dataset("msmarco-passage/trec-dl-2019")
    assert ir_dataset.ir_dataset("msmarco-passage/trec-dl-2019", 10).limit == 10
    assert not list((tmp_path / "home").rglob("*.tsv*"))


def test_unknown_ids_and_what_can_t_be_read_are_said_with_the_mend(library, store, tmp_path):
    with pytest.raises(NotFoundError, match=r"no data set 'nowhere'.*ir-datasets\.com"):
        source_of(Path("ir_datasets:nowhere"))
    name = f"whyrank-{tmp_path.name}/broken"
    library.registry.register(name, library.create_dataset(docs_tsv=str(tmp_path / "absent.tsv")))
    with pytest.raises(NotFoundError, match=r"can't read .*broken.*network"):
        import_collection(store, name="broken", path=source_of(Path(ir_dataset.PREFIX + name)))
    assert store.collections.list() == []


def test_without_the_library_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(SettingsError, match=r"not installed.*pip install 'whyrank\[ir-datasets\]'"):
        source_of(Path("ir_datasets:beir/scifact/test"))


def test_options_of_other_forms_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="the id names the split"):
        source_of(Path("ir_datasets:beir/scifact"), split="test")
    (tmp_path / "a.jsonl").write_text("{}")
    with pytest.raises(SettingsError, match="only for what ir_datasets fetches"):
        source_of(tmp_path / "a.jsonl", documents=3)
