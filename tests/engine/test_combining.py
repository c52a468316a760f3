"""Several grades as one."""

import pytest

from data.errors import SettingsError
from engine.combining import combined


@pytest.mark.parametrize(
    ("grades", "majority", "mean"),
    [
        ((2, 2, 0), 2, 1),
        ((3, 3, 3), 3, 3),
        ((0, 1, 2), None, 1),  # each once: a tie
        ((0, 0, 3, 3), None, 1),  # two and two; 1.5 goes down
        ((1, 2), None, 1),
        ((2, 3, 3), 3, 3),  # 2.67
        ((0, 0, 1), 0, 0),  # 0.33
        ((0, 3), None, 1),
        ((2, None, 2), 2, 2),  # one is missing
        ((2, None, 3), None, 2),
        ((2, None, None), None, None),  # one grade alone is no combination
        ((None, None), None, None),
        ((), None, None),
    ],
)
def test_majority_and_mean(grades, majority, mean):
    assert combined(grades, "majority") == majority
    assert combined(grades, "mean") == mean
    assert combined(tuple(reversed(grades)), "majority") == majority


def test_another_way_is_refused_with_those_there_are():
    with pytest.raises(SettingsError, match="majority, mean"):
        combined((1, 1), "median")
