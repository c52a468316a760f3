"""Agreement between assessors, and what several people say together."""

from dataclasses import replace

import pytest

from data.records import Judgment, Status, new_id
from engine.agreement import Undefined, agreement, conflicts, grades, qrels

LEVELS = (0, 1, 2, 3)


def judged(query_id, doc_id, grade, assessor="a", status=Status.JUDGED):
    return Judgment(
        event_id=new_id(),
        collection_id="c",
        query_id=query_id,
        doc_id=doc_id,
        assessor_id=assessor,
        grade=grade,
        status=status,
    )


def test_confusion_kappa_and_alpha_by_hand():
    first = {("q", str(i)): g for i, g in enumerate([0, 0, 3, 3])}
    second = {("q", str(i)): g for i, g in enumerate([0, 3, 3, 3])}
    result = agreement(first, second, LEVELS)
    assert result.pairs == 4
    assert result.same == 0.75
    assert result.confusion[0][0] == 1
    assert result.confusion[0][3] == 1
    assert result.confusion[3][3] == 2
    # With two grades in use quadratic kappa is Cohen's: po = .75, pe = .5 * .25 + .5 * .75 = .5
    assert result.kappa == pytest.approx(0.5)
    assert 0 < result.alpha < 1


def test_only_pairs_graded_by_both_count():
    result = agreement({("q", "1"): 2}, {("q", "2"): 2}, LEVELS)
    assert result.pairs == 0
    assert isinstance(result.kappa, Undefined)
    assert "no pair" in result.same.reason


def test_no_variation_is_said_in_words():
    same = {("q", str(i)): 2 for i in range(5)}
    result = agreement(same, same, LEVELS)
    assert result.same == 1.0
    assert isinstance(result.kappa, Undefined)
    assert isinstance(result.alpha, Undefined)
    assert "same one grade" in result.kappa.reason


def test_pairs_people_disagree_on_are_conflicts_and_no_labels():
    judgments = [
        judged("q", "1", 3, "a"),
        judged("q", "1", 3, "b"),
        judged("q", "2", 0, "a"),
        judged("q", "2", 2, "b"),
        judged("q", "3", None, "a", Status.CANT_JUDGE),
    ]
    assert grades(judgments) == {("q", "1"): 3}
    assert conflicts(judgments) == {("q", "2"): (0, 2)}
    assert qrels(judgments) == {"q": {"1": 3}}


def test_a_settled_conflict_is_a_label():
    first, second = judged("q", "1", 0, "a"), judged("q", "1", 3, "b")
    lead = replace(judged("q", "1", 2, "lead"), settles=(first.event_id, second.event_id))
    assert qrels([first, second, lead]) == {"q": {"1": 2}} and conflicts([first, second, lead]) == {}
    again = judged("q", "1", 1, "b")
    assert qrels([first, lead, again]) == {} and conflicts([first, lead, again]) == {("q", "1"): (0, 1, 2)}
