import pytest
from transformers import AutoTokenizer

from data.errors import TrainingError
from engine.explanation import prompt
from engine.lm.base import Choose
from engine.lm.tokens import Tokens
from tests.training.making import example
from training.tokens import tokenise


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture
def tokens(tokenizer):
    return Tokens(tokenizer)


def test_prompt_and_completion_are_what_ranking_reads_and_writes(tokens, tokenizer):
    made = example(1, grade=2, explanation='It says "some words 1".')
    ids = tokenise(tokens, made, end_id=tokenizer.eos_token_id)
    turns = made.messages[:-1]
    # What `choose` is asked with, and what `generate` continues.
    assert list(ids.prompt_ids) == tokens.prompt(prompt.answered(turns, "Grade: "))
    explaining = tokens.prompt(prompt.answered(turns, "Grade: 2\nExplanation:"))
    whole = list(ids.prompt_ids + ids.completion_ids)
    assert whole[: len(explaining)] == explaining
    assert tokens.decode(whole[len(explaining) :]) == ' It says "some words 1".'
    assert whole[-1] == tokenizer.eos_token_id


def test_the_grade_is_the_token_choose_looks_at(tokens, tokenizer):
    made = example(1, grade=3, explanation="Because.")
    ids = tokenise(tokens, made, end_id=tokenizer.eos_token_id)
    choices = tokens.choices(Choose(messages=made.messages, choices=("0", "1", "2", "3")))
    assert ids.grade_at == 0
    assert ids.completion_ids[0] == choices["3"]


def test_reason_first_ends_with_the_grade(tokens, tokenizer):
    made = example(1, grade=3, explanation="Because.", form="reason-first")
    ids = tokenise(tokens, made, end_id=tokenizer.eos_token_id)
    asked = tokens.prompt(prompt.answered(made.messages[:-1], "Explanation: Because.\nGrade: "))
    whole = list(ids.prompt_ids + ids.completion_ids)
    assert whole[: len(asked)] == asked
    assert len(ids.prompt_ids) + ids.grade_at == len(asked)
    assert tokens.decode([whole[len(asked)]]) == "3"
    assert whole[len(asked) + 1 :] == [tokenizer.eos_token_id]


def test_a_grade_alone_does_not_end_the_turn(tokens, tokenizer):
    ids = tokenise(tokens, example(1, grade=1), end_id=tokenizer.eos_token_id)
    assert tokens.decode(ids.completion_ids) == "1"
    assert len(ids.completion_ids) == 1


def test_a_tokenizer_that_joins_the_grade_is_refused(tokens, tokenizer):
    # "Explanation:" cut in the middle: the continuation starts inside a word.
    made = example(1, grade=2)
    joined = type(made)(
        **{name: getattr(made, name) for name in made.__dataclass_fields__ if name != "completion"}, completion="x2"
    )
    with pytest.raises(TrainingError, match="joins the grade"):
        tokenise(tokens, joined, end_id=tokenizer.eos_token_id)
