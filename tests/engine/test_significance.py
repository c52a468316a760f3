"""The paired test and its interval."""

import pytest

from engine.significance import mean_interval, paired


def test_no_difference_is_p_one_and_an_empty_interval():
    d = paired([0.5, 0.2, 0.9], [0.5, 0.2, 0.9])
    assert (d.mean, d.p_value, d.low, d.high, d.wins, d.losses) == (0.0, 1.0, 0.0, 0.0, 0, 0)


def test_few_queries_are_tested_exactly():
    # All four differences are +1: only the two assignments with equal signs reach the mean.
    assert paired([1.0] * 4, [0.0] * 4).p_value == pytest.approx(2 / 16)


def test_many_queries_are_sampled_and_repeatable():
    system = [0.6 + 0.01 * (i % 5) for i in range(30)]
    baseline = [0.5 + 0.02 * (i % 3) for i in range(30)]
    first, second = paired(system, baseline, seed=3), paired(system, baseline, seed=3)
    assert first == second
    assert first.p_value < 0.001
    assert 0 < first.low < first.mean < first.high


def test_the_direction_does_not_change_the_p_value():
    a, b = [0.1, 0.9, 0.4, 0.7, 0.8], [0.2, 0.3, 0.5, 0.1, 0.6]
    assert paired(a, b).p_value == pytest.approx(paired(b, a).p_value)
    assert paired(a, b).mean == pytest.approx(-paired(b, a).mean)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 2.0])])
def test_lists_that_do_not_pair_are_refused(a, b):
    with pytest.raises(ValueError):
        paired(a, b)


def test_the_interval_of_a_mean_holds_the_mean_and_narrows_with_more_values():
    few, many = mean_interval([0.0, 1.0] * 4), mean_interval([0.0, 1.0] * 40)
    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    assert mean_interval([0.3, 0.3]) == pytest.approx((0.3, 0.3))
