"""Bookkeeping of what a teacher costs."""

import pytest

from engine.lm.base import Generate, Message
from training.budget import Budget, Ledger, OverBudgetError, Spent, most


def ask(tag="a", text="x" * 100, answer=50):
    return Generate(messages=(Message(role="user", content=text),), max_tokens=answer, tag=tag)


def test_the_most_a_request_can_cost_is_a_token_a_byte_and_the_whole_answer():
    assert most(ask()) == (132, 50)
    assert most(ask(text="ä" * 10)) == (52, 50)


@pytest.mark.parametrize(
    ("budget", "spent", "fits"),
    [
        (Budget(requests=None), Spent(requests=10**6), True),
        (Budget(requests=3), Spent(requests=2), True),
        (Budget(requests=3), Spent(requests=3), False),
        (Budget(tokens=182), Spent(), True),
        (Budget(tokens=181), Spent(), False),
        (Budget(tokens=282), Spent(prompt_tokens=60, completion_tokens=41), False),
        (Budget(money=1.0, prompt_price=1.0), Spent(prompt_tokens=999_868), True),
        (Budget(money=1.0, prompt_price=1.0), Spent(prompt_tokens=999_869), False),
        (Budget(money=1.0, completion_price=1e4), Spent(completion_tokens=51), False),
    ],
)
def test_a_request_fits_if_the_most_it_can_cost_does(budget, spent, fits):
    assert (Ledger(budget=budget, spent=spent).refusal(ask()) is None) == fits


def test_what_is_under_way_counts_as_the_most_it_can_cost_until_it_ends():
    ledger = Ledger(budget=Budget(tokens=300))
    ledger.begin(ask("a"))
    assert not ledger.idle and "300 tokens" in ledger.refusal(ask("b"))
    ledger.end(ask("a"), prompt_tokens=20, completion_tokens=5, text="fine")
    assert ledger.idle and ledger.refusal(ask("b")) is None
    assert (ledger.spent.tokens, ledger.spent.estimated) == (25, 0)


def test_an_attempt_beyond_the_budget_is_refused():
    ledger = Ledger(budget=Budget(requests=1))
    ledger.attempt()
    with pytest.raises(OverBudgetError, match="1 requests is used up"):
        ledger.attempt()
    assert ledger.spent.requests == 1


def test_tokens_nobody_counted_are_estimated_at_four_characters():
    ledger = Ledger(budget=Budget(prompt_price=1e6, completion_price=1e6))
    ledger.end(ask(), text="12345")
    assert (ledger.spent.prompt_tokens, ledger.spent.completion_tokens, ledger.spent.estimated) == (25, 2, 1)
    assert ledger.cost == 27


def test_a_request_without_an_answer_costs_no_tokens():
    ledger = Ledger(budget=Budget())
    ledger.begin(ask())
    ledger.end(ask())
    assert ledger.idle and ledger.spent == Spent()


@pytest.mark.parametrize("wrong", [{"money": 1.0}, {"requests": 0}, {"tokens": 0}, {"money": 0}, {"prompt_price": -1}])
def test_a_budget_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="prices|greater"):
        Budget(**wrong)
