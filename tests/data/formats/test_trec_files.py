import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ImportRefusedError, NotFoundError, SettingsError
from data.formats.rows import KEPT
from data.formats.trec import Qrel, ScoredDoc, read_qrels, read_run, write_qrels, write_run

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8).filter(
    lambda s: s == s.strip("\ufeff") and not any(c.isspace() for c in s)
)
GRADES = st.integers(-2, 9)


def file(tmp_path, text, name="labels.tsv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def q(query_id, doc_id, grade):
    return Qrel(query_id=query_id, doc_id=doc_id, grade=grade)


def refused(read, path):
    with pytest.raises(ImportRefusedError) as caught:
        read(path)
    assert caught.value.count == len(caught.value.rows)
    return {row.line: row.reason for row in caught.value.rows}


@pytest.mark.parametrize(
    "text",
    [
        "q1 0 d1 2\nq2 0 d2 0\n",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t0\n",
        "q1\td1\t2\r\n\r\nq2\td2\t0",
        "\ufeffq1 0 d1 2\nq2 Q0 d2 0\nq1 0 d1 2\n",
    ],
)
def test_qrels_of_trec_and_beir(tmp_path, text):
    assert read_qrels(file(tmp_path, text)) == [q("q1", "d1", 2), q("q2", "d2", 0)]


def test_bad_qrels_are_all_told(tmp_path):
    text = b"q1 0 d1 1\nq1 d1\nq1 0 d1 2\nq1 0 d2 high\nq1 0 d\xff 1\nq2 0 d1 1.5\nq3 0 d 1 1\n"
    reasons = refused(read_qrels, file(tmp_path, text))
    assert sorted(reasons) == [2, 3, 4, 5, 6, 7]
    assert "line 1 with the grade 1" in reasons[3]
    assert "UTF-8" in reasons[5]


def test_a_header_is_one_only_in_the_first_line(tmp_path):
    assert list(refused(read_qrels, file(tmp_path, "q1\td1\t1\nquery-id\tcorpus-id\tscore\n"))) == [2]


def test_the_first_bad_rows_are_kept_and_all_are_counted(tmp_path):
    with pytest.raises(ImportRefusedError, match="120 rows") as caught:
        read_qrels(file(tmp_path, "broken\n" * 120))
    assert (caught.value.count, len(caught.value.rows), caught.value.rows[-1].line) == (120, KEPT, KEPT)
    assert str(caught.value.rows[0]).startswith("labels.tsv:1: ")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="nowhere"):
        read_qrels(tmp_path / "nowhere")


@settings(max_examples=60, deadline=None)
@given(labels=st.dictionaries(st.tuples(IDS, IDS), GRADES, max_size=8))
def test_qrels_come_back_as_they_were_written(tmp_path_factory, labels):
    qrels = [q(query_id, doc_id, grade) for (query_id, doc_id), grade in labels.items()]
    path = file(tmp_path_factory.getbasetemp(), write_qrels(qrels))
    assert read_qrels(path) == qrels


@settings(max_examples=100, deadline=None)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace"))))
@pytest.mark.parametrize("read", [read_qrels, read_run])
def test_any_file_is_read_or_refused(tmp_path_factory, read, content):
    path = file(tmp_path_factory.getbasetemp(), content)
    try:
        read(path)
    except ImportRefusedError as error:
        lines = content.count(b"\n") + 1
        assert 1 <= error.count <= lines
        assert all(1 <= row.line <= lines and row.reason for row in error.rows)


def test_a_run_is_ordered_by_score_then_by_its_rank(tmp_path):
    text = "q1 Q0 a 3 1.5 t\nq1 Q0 b 2 1.5 t\nq1 Q0 c 1 -2 t\nq1 Q0 d 9 3e1 t\nq2 Q0 a 1 0 t\n"
    run = read_run(file(tmp_path, text))
    assert [(d.doc_id, d.rank, d.score) for d in run["q1"]] == [
        ("d", 1, 30.0),
        ("b", 2, 1.5),
        ("a", 3, 1.5),
        ("c", 4, -2.0),
    ]
    assert list(run) == ["q1", "q2"]


def test_bad_rows_of_a_run_are_all_told(tmp_path):
    text = "q1 Q0 a 1 1 t\nq1 Q0 a 2 0.5 t\nq1 Q0 b x 1 t\nq1 Q0 b 1 nan t\nq1 Q0 b 1 high t\nq1 Q0 b 1 1\n"
    assert sorted(refused(read_run, file(tmp_path, text))) == [2, 3, 4, 5, 6]


@settings(max_examples=60, deadline=None)
@given(
    run=st.dictionaries(
        IDS,
        st.lists(
            st.tuples(IDS, st.floats(-1e30, 1e30) | st.sampled_from([0.0, 1.0, 1.0000000001])),
            unique_by=lambda d: d[0],
            max_size=6,
        ),
        max_size=4,
    )
)
def test_a_written_run_keeps_the_order_in_single_precision(tmp_path_factory, run):
    rankings = {
        query_id: [ScoredDoc(doc_id=doc_id, score=score, rank=i) for i, (doc_id, score) in enumerate(documents, 1)]
        for query_id, documents in run.items()
    }
    path = file(tmp_path_factory.getbasetemp(), write_run(rankings, "tag"))
    found = read_run(path)
    for query_id, documents in rankings.items():
        again = found.get(query_id, [])
        assert [(d.doc_id, d.rank) for d in again] == [(d.doc_id, d.rank) for d in documents]
        scores = np.array([d.score for d in again], dtype=np.float32)
        assert (np.diff(scores) < 0).all()


def test_scores_that_fall_are_written_as_they_are():
    documents = [ScoredDoc(doc_id="a", score=2.5, rank=1), ScoredDoc(doc_id="b", score=0.1, rank=2)]
    assert write_run({"q": documents}, "bm25") == "q Q0 a 1 2.5 bm25\nq Q0 b 2 0.1 bm25\n"


@pytest.mark.parametrize("wrong", ["a b", "", "a\u00a0b"])
def test_ids_with_white_space_are_not_written(wrong):
    good = ScoredDoc(doc_id="a", score=1.0, rank=1)
    for write in (
        lambda: write_qrels([q(wrong, "d", 1)]),
        lambda: write_qrels([q("q", wrong, 1)]),
        lambda: write_run({wrong: [good]}, "tag"),
        lambda: write_run({"q": [good]}, wrong),
    ):
        with pytest.raises(SettingsError):
            write()


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_not_written(score):
    with pytest.raises(SettingsError):
        write_run({"q": [ScoredDoc(doc_id="a", score=score, rank=1)]}, "tag")
