"""Several assessors at once, against figures known from elsewhere."""

import random

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from engine.agreement import Undefined, agreement
from engine.raters import Interval, grades_table, kappa_interval, weighted_kappa

LEVELS = (0, 1, 2, 3)


def graded(grades, per_query=1):
    return {(f"q{i // per_query}", f"d{i}"): grade for i, grade in enumerate(grades) if grade is not None}


def noisy(seed, number, per_query=1):
    rng = random.Random(seed)
    first = [rng.randrange(4) for _ in range(number)]
    second = [min(3, max(0, grade + rng.choice((0, 0, 0, 1, -1)))) for grade in first]
    return graded(first, per_query), graded(second, per_query)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learn_s(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4, size=(2, 60))
    counts = np.zeros((4, 4))
    np.add.at(counts, (a, b), 1)
    expected = cohen_kappa_score(a, b, weights="quadratic", labels=LEVELS)
    assert weighted_kappa(counts) == pytest.approx(expected)
    assert weighted_kappa(np.stack([counts, counts]))[1] == pytest.approx(expected)


def test_kappa_of_one_grade_everywhere_is_not_a_number():
    assert np.isnan(weighted_kappa(np.array([[5, 0], [0, 0]]))) and np.isnan(weighted_kappa(np.zeros((2, 2))))


def test_krippendorff_s_own_example_with_missing_values():
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section E: ordinal alpha .815.
    given = (
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    )
    table = grades_table([graded(grades) for grades in given], range(6))
    found = table.among([0, 1, 2, 3])
    assert (found.assessors, found.pairs) == (4, 11)
    assert found.alpha == pytest.approx(0.815, abs=0.0005)


def test_two_rows_of_the_table_are_as_the_two_alone():
    first, second = noisy(1, 50)
    third = {("q99", "d99"): 1}
    table = grades_table([first, third, second], LEVELS)
    alone = agreement(first, second, LEVELS)
    assert table.both(0, 2) == (50, pytest.approx(alone.kappa))
    assert table.among([0, 2]).alpha == pytest.approx(alone.alpha)
    assert table.both(0, 1)[0] == 0 and np.isnan(table.both(0, 1)[1])
    assert "no pair" in table.among([0, 1]).alpha.reason


def test_undefined_alpha_is_said_in_words():
    same = graded([2] * 6)
    assert "no variation" in grades_table([same, same], LEVELS).among([0, 1]).alpha.reason
    assert "no pair" in grades_table([], LEVELS).among([]).alpha.reason


def test_the_interval_is_near_the_one_for_large_samples():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: kappa .4, standard error sqrt(.7 * .3 / 50) / (1 - .5) = .1296.
    first = graded([1] * 25 + [0] * 25)
    second = graded([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    found = kappa_interval(first, second, (0, 1))
    assert found.low == pytest.approx(0.4 - 1.96 * 0.1296, abs=0.03)
    assert found.high == pytest.approx(0.4 + 1.96 * 0.1296, abs=0.03)
    assert found.queries == 50


def test_queries_are_drawn_whole():
    # Every query has the same grades: whichever are drawn, kappa is the same.
    first, second = graded([0, 1, 2, 3] * 6, per_query=4), graded([0, 1, 3, 3] * 6, per_query=4)
    kappa = agreement(first, second, LEVELS).kappa
    assert kappa_interval(first, second, LEVELS) == Interval(
        low=pytest.approx(kappa), high=pytest.approx(kappa), queries=6
    )
    wide = kappa_interval(*noisy(2, 60, per_query=10), LEVELS)
    narrow = kappa_interval(*noisy(2, 600, per_query=10), LEVELS)
    assert narrow.high - narrow.low < wide.high - wide.low


def test_the_order_of_the_grades_does_not_move_it():
    first, second = noisy(3, 80, per_query=4)
    turned = dict(reversed(first.items())), dict(reversed(second.items()))
    assert kappa_interval(first, second, LEVELS) == kappa_interval(*turned, LEVELS)


def test_too_little_for_an_interval_is_said_in_words():
    few = graded([0, 1, 2, 3])
    assert "below 5" in kappa_interval(few, few, LEVELS).reason
    same = graded([1] * 20)
    found = kappa_interval(same, same, LEVELS)
    assert isinstance(found, Undefined) and "nothing varies" in found.reason
