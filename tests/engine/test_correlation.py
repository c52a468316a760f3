import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from engine.agreement import Undefined
from engine.correlation import correlation, tau_b

GRADES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=25)


@settings(deadline=None, max_examples=60)
@given(GRADES)
def test_tau_b_equals_scipys(grades):
    varied = all(len({pair[side] for pair in grades}) > 1 for side in (0, 1))
    if not varied:
        assert tau_b(grades) is None
    else:
        assert tau_b(grades) == pytest.approx(kendalltau(*zip(*grades, strict=True)).statistic)


def test_the_mean_is_over_queries_where_it_is_defined():
    first = {("q1", "a"): 0, ("q1", "b"): 3, ("q2", "a"): 1, ("q2", "b"): 1, ("q3", "a"): 3, ("q3", "b"): 0}
    second = {("q1", "a"): 1, ("q1", "b"): 2, ("q2", "a"): 0, ("q2", "b"): 3, ("q3", "a"): 0, ("q3", "b"): 1}
    found = correlation(first, second)
    assert found.per_query == {"q1": 1.0, "q3": -1.0}
    assert found.mean == 0.0
    assert found.undefined == 1


def test_nothing_in_common_is_said_in_words():
    found = correlation({("q", "a"): 1}, {("q", "b"): 1})
    assert isinstance(found.mean, Undefined) and found.per_query == {} and found.undefined == 0
