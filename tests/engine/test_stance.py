import pytest

from data import sample
from data.scales import DEFAULT_SCALE, INTERANK, TREC_DL
from engine.explanation.stance import Stance, contradicts, stance


@pytest.mark.parametrize(
    ("explanation", "strongly_for", "against"),
    [
        ('It directly answers the question: "hard water keeps beans hard".', True, False),
        ("The document gives the exact dose the query asks for.", True, False),
        ("It does not mention beans at all.", False, True),
        ("It doesn't explain why.", False, True),
        ("The page is about trains, unrelated to the query.", False, True),
        ("It says nothing about hard water.", False, True),
        ("It clearly explains the cause, but does not say how to mend it.", True, True),
        ('It only says "this does not answer anything".', False, False),
        ("It mentions the topic.", False, False),
        ("", False, False),
    ],
)
def test_what_an_explanation_says(explanation, strongly_for, against):
    assert stance(explanation) == Stance(strongly_for=strongly_for, against=against)


@pytest.mark.parametrize(
    ("explanation", "grade", "expected"),
    [
        ("It directly answers the query.", 0, True),
        ("It directly answers the query.", 3, False),
        ("It does not mention the query's topic.", 3, True),
        ("It does not mention the query's topic.", 2, True),
        ("It does not mention the query's topic.", 1, False),
        ("It does not mention the query's topic.", 0, False),
        ("It answers directly, but does not mention the dose.", 3, False),
    ],
)
def test_a_reason_for_another_grade_contradicts(explanation, grade, expected):
    assert contradicts(explanation, grade, TREC_DL) is expected


def test_the_upper_third_depends_on_the_scale():
    assert not contradicts("It is unrelated.", 1, INTERANK)
    assert contradicts("It is unrelated.", 2, INTERANK)


def test_reasons_written_for_their_grades_hardly_ever_contradict_them():
    explained = [pair for pair in sample.pairs() if pair.explanation]
    found = [pair for pair in explained if contradicts(pair.explanation, pair.grade, DEFAULT_SCALE)]
    assert len(found) / len(explained) < 0.05, [pair.explanation for pair in found]


def test_about_half_of_the_reasons_put_under_the_opposite_grade_are_found():
    low = [pair for pair in sample.pairs() if pair.explanation and pair.grade == 0]
    assert sum(contradicts(pair.explanation, 3, DEFAULT_SCALE) for pair in low) / len(low) > 0.45
