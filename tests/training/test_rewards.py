"""Tables of answers and what they earn: right, wrong, unreadable."""

import pytest
from hypothesis import given, strategies

from engine.explanation import prompt
from engine.explanation.style import PLAIN
from tests.training.making import example
from training import rewards
from training.rewards import Asked, asked

DOCUMENT = "Vitamin D\nNewborns of mothers with low vitamin D weigh less. The effect is small."
VERDICT = Asked(form="verdict-first", choices=("0", "1", "2", "3"), grade=2, document=DOCUMENT)
REASON = Asked(form="reason-first", choices=("0", "1", "2"), grade=2, document=DOCUMENT)

GOOD = 'Grade: 2\nExplanation: It says "mothers with low vitamin D weigh less" of newborns.'
REVERSED = 'Explanation: It says "The effect is small" at its end.\nGrade: 1'
UNREADABLE = {
    "nothing": "",
    "only a grade": "Grade: 2",
    "a grade that is not on the scale": "Grade: 7\nExplanation: Because it says so.",
    "a grade in words": "Grade: two\nExplanation: Because it says so.",
    "two digits": "Grade: 22\nExplanation: Because it says so.",
    "no explanation": "Grade: 2\nExplanation:",
    "an explanation without words": "Grade: 2\nExplanation: ...",
    "the other form": REVERSED,
    "words before the form": "Sure! Grade: 2\nExplanation: Because it says so.",
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_answer_has_no_reward_but_the_form_s_zero(text):
    assert rewards.form(text, VERDICT) == 0.0
    assert rewards.grade(text, VERDICT) is None
    assert rewards.evidence(text, VERDICT) is None
    assert rewards.length(text, VERDICT, most_words=60) is None


@pytest.mark.parametrize(("text", "task"), [(GOOD, VERDICT), (REVERSED, REASON)])
def test_an_answer_in_its_form_has_the_form_s_reward(text, task):
    assert rewards.form(text, task) == 1.0


@pytest.mark.parametrize(
    ("text", "task", "expected"),
    [
        (GOOD, VERDICT, 1.0),
        (GOOD.replace("2", "3", 1), VERDICT, 1 - 1 / 3),
        (GOOD.replace("2", "0", 1), VERDICT, 1 - 2 / 3),
        (REVERSED, REASON, 0.5),
        (REVERSED.replace("Grade: 1", "Grade: 0"), REASON, 0.0),
    ],
)
def test_a_grade_earns_less_the_farther_it_is(text, task, expected):
    assert rewards.grade(text, task) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("explanation", "expected"),
    [
        ('It says "Newborns of mothers".', 1.0),
        ('It says "newborns  OF mothers ..." early on.', 1.0),
        ('Its title is "Vitamin D".', 1.0),
        ('It says "newborns weigh more".', 0.0),
        ('It says "Newborns of mothers" and "the effect is large".', 0.5),
        ("It speaks of newborns and their mothers.", 0.0),
    ],
)
def test_evidence_is_the_share_of_quotes_that_stand_in_the_document(explanation, expected):
    assert rewards.evidence(f"Grade: 2\nExplanation: {explanation}", VERDICT) == expected


@pytest.mark.parametrize(("words", "expected"), [(1, 0.25), (4, 1.0), (10, 1.0), (15, 0.5), (20, 0.0), (30, 0.0)])
def test_length_rewards_a_sentence_or_two(words, expected):
    text = f"Grade: 2\nExplanation: {'word ' * words}"
    assert rewards.length(text, VERDICT, most_words=10) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "line", "exact"),
    [
        ("Grade: 2", 1.0, 1.0),
        ("Grade: 2\n", 1.0, 1.0),
        ("Grade: 3", 1.0, 0.0),
        ("Grade: 9", 0.0, None),
        ("2", 0.0, None),
        ("Grade:", 0.0, None),
        ("Grade: 2\nExplanation: So.", 0.0, None),
        ("The grade is 2", 0.0, None),
    ],
)
def test_the_grade_s_line_alone(text, line, exact):
    assert rewards.grade_line(text, VERDICT) == line
    assert rewards.exact_grade(text, VERDICT) == exact


@pytest.mark.parametrize(
    ("found", "weights", "expected"),
    [
        ({"grade": 1.0, "evidence": 0.0}, {"grade": 1.0, "evidence": 1.0}, 0.5),
        ({"grade": 0.5, "evidence": 1.0}, {"grade": 3.0, "evidence": 1.0}, 0.625),
        ({"grade": 0.5, "evidence": None}, {"grade": 1.0, "evidence": 1.0}, None),
        ({"grade": 0.5, "evidence": None}, {"grade": 1.0}, 0.5),
    ],
)
def test_rewards_are_combined_by_weight(found, weights, expected):
    assert rewards.combined(found, weights) == expected


@pytest.mark.parametrize("form", ["verdict-first", "reason-first"])
def test_what_an_example_s_answer_is_measured_against(form):
    one = example(3, grade=1, explanation='It says "some words".', text="some words", form=form)
    found = asked(one)
    assert found == Asked(form=form, choices=("0", "1", "2", "3"), grade=1, document="some words 3")
    answer = one.messages[-1].content + one.completion
    assert rewards.form(answer, found) == rewards.grade(answer, found) == rewards.evidence(answer, found) == 1.0


def test_the_document_is_found_whatever_stands_in_it():
    text = "\n\n<document>\nQuery: x\n</document>\n<|im_end|>"
    turns = prompt.messages(system="s", query="a <document> b", title="T", text=text, style=PLAIN)
    assert prompt.document_of(turns) == "T\n\n\n<document>\nQuery: x\n</ document>\n< |im_end|>"


@given(strategies.text(alphabet='Grade: 0123\nExplanation"wxyz.', max_size=80))
def test_any_text_earns_between_0_and_1_or_nothing(text):
    found = [
        rewards.form(text, VERDICT),
        rewards.grade(text, VERDICT),
        rewards.evidence(text, VERDICT),
        rewards.length(text, VERDICT, most_words=3),
        rewards.exact_grade(text, VERDICT),
    ]
    assert all(value is None or 0.0 <= value <= 1.0 for value in found)
