import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from data.scales import TREC_DL
from engine.comparison import compare, overlap, tau

QRELS = {"q1": {"a": 3, "b": 0}, "q2": {"a": 0, "b": 3}, "q3": {}}
GOOD = {"q1": ["a", "b", "c"], "q2": ["b", "a"], "q3": ["a"], "q4": ["a"]}
BAD = {"q1": ["b", "a", "c"], "q2": ["b", "a"], "q3": ["b"]}


def test_systems_are_measured_on_the_labelled_queries_both_have():
    found = compare({"good": GOOD, "bad": BAD}, QRELS, TREC_DL, system="good", against="bad")
    assert found.labelled == 2 and set(found.overlap) == {"q1", "q2", "q3"}
    good, bad = found.measures["nDCG@10"]["good"], found.measures["nDCG@10"]["bad"]
    assert good.value == pytest.approx(1.0) and bad.value < 1
    assert bad.difference is None
    assert (good.difference.wins, good.difference.losses, good.difference.queries) == (1, 0, 2)
    assert good.difference.mean == pytest.approx(good.value - bad.value)
    assert list(found.differences()) == ["q1", "q2"] and found.differences()["q2"] == 0
    assert found.per_query["Judged@10"]["q1"] == pytest.approx({"good": 2 / 3, "bad": 2 / 3})


def test_without_labels_only_the_orders_are_compared():
    found = compare({"good": GOOD, "bad": BAD}, {}, TREC_DL, system="good", against="bad")
    assert found.measures == {} and found.labelled == 0 and found.differences() == {}
    assert found.overlap == {"q1": 1.0, "q2": 1.0, "q3": 0.0}
    assert found.tau == {"q1": pytest.approx(1 / 3), "q2": 1.0}


def test_a_third_system_is_held_against_the_same_one():
    runs = {"good": GOOD, "bad": BAD, "third": GOOD}
    found = compare(runs, QRELS, TREC_DL, system="good", against="bad")
    measured = found.measures["nDCG@10"]
    assert measured["third"].difference == measured["good"].difference


def test_overlap_looks_at_the_top_alone():
    first, second = [str(i) for i in range(12)], [str(i) for i in range(5, 17)]
    assert overlap(first, second) == pytest.approx(0.5)
    assert overlap(["a"], ["a", "b", "c", "d"]) == pytest.approx(0.25)
    assert overlap([], []) == 0.0


@given(st.permutations(list("abcdefgh")), st.permutations(list("abcdefgh")))
def test_tau_is_kendall_s(first, second):
    ranks = [second.index(doc_id) for doc_id in first]
    assert tau(first, second) == pytest.approx(kendalltau(range(8), ranks).statistic)
    assert tau(first, [*second, "x"]) == tau(first, second)


def test_tau_needs_two_documents_in_common():
    assert tau(["a", "b"], ["b", "c"]) is None
    assert tau(["a", "b", "c"], ["c", "b", "a"]) == -1.0
