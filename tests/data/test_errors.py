"""Errors cross from process to process whole."""

import pickle

import pytest

from data.errors import BadRow, ImportRefusedError, LMError, PromotionRefusedError
from training.budget import OverBudgetError


@pytest.mark.parametrize(
    "error",
    [
        LMError("No answer.", mend="Try again."),
        ImportRefusedError("Bad.", mend="Correct it.", rows=[BadRow(file="f", line=1, reason="r")], count=3),
        PromotionRefusedError("No.", mend="Train.", reasons=["worse"]),
        OverBudgetError("Used up."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_after_a_journey(error):
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is type(error) and str(there) == str(error) and there.args == error.args
    assert vars(there) == vars(error)
