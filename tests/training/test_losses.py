import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import losses

FOUR = torch.tensor([[5.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5.0]])
logits = st.lists(st.lists(st.floats(-200, 200), min_size=3, max_size=3), min_size=2, max_size=5).map(torch.tensor)


@given(logits)
def test_the_shares_are_those_of_the_expected_grade(given_logits):
    reached, missing = losses.shares(given_logits)
    expected = (torch.softmax(given_logits.double(), -1) * torch.tensor([0, 0.5, 1.0])).sum(-1)
    torch.testing.assert_close(reached.double().exp(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(missing.double().exp(), 1 - expected, atol=1e-5, rtol=1e-5)


@given(logits)
def test_scores_are_finite_and_order_as_expected_grades(given_logits):
    found = losses.score(given_logits)
    assert torch.isfinite(found).all()
    expected = losses.shares(given_logits)[0].exp()
    for i in range(len(found)):
        for j in range(len(found)):
            if expected[i] > expected[j] + 1e-4:
                assert found[i] > found[j]


def test_two_grades_score_as_the_difference_of_their_logits():
    two = torch.tensor([[0.3, 1.5], [2.0, -1.0]])
    torch.testing.assert_close(losses.score(two), two[:, 1] - two[:, 0])


def test_the_cross_entropy_is_least_at_the_target():
    even = torch.tensor([[0.0, 0.0]], requires_grad=True)
    loss = losses.cross_entropy_of_share(even, torch.tensor([0.5]))
    assert loss.item() == pytest.approx(math.log(2))
    loss.sum().backward()
    assert even.grad.abs().max() < 1e-6


def test_ranknet_falls_as_the_order_gets_right_and_needs_a_pair():
    targets = torch.tensor([0.0, 1 / 3, 1.0])
    right, wrong = losses.score(FOUR), losses.score(FOUR.flip(0))
    assert losses.ranknet(right, targets) < math.log(2) < losses.ranknet(wrong, targets)
    assert losses.ranknet(right, torch.zeros(3)) == 0
    assert losses.ordered(right, targets) == (3, 3)
    assert losses.ordered(wrong, targets) == (0, 3)


def test_margin_mse_is_nothing_where_differences_are_as_wanted():
    targets = losses.shares(FOUR)[0].exp()
    assert losses.margin_mse(FOUR, targets) < 1e-10
    assert losses.margin_mse(FOUR, targets * 0.5 + 0.2) > 1e-3
