"""Order out of opinions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import SettingsError
from engine.ranking.base import Candidate, Opinion
from engine.ranking.fusion import fuse, order, z_scores


def made(scores, first_stage=None):
    first_stage = first_stage or [float(len(scores) - i) for i in range(len(scores))]
    candidates = [
        Candidate(doc_id=str(i), title="", text="t", cut=False, rank=i + 1, score=s) for i, s in enumerate(first_stage)
    ]
    opinions = [
        Opinion(
            doc_id=str(i),
            score=s,
            grade=None if s is None else 1,
            probabilities=None,
            unreadable="why" if s is None else None,
        )
        for i, s in enumerate(scores)
    ]
    return candidates, opinions


def ids(ranked):
    return [d.doc_id for d in ranked]


def test_weight_zero_is_the_model_alone_and_one_is_the_first_stage():
    candidates, opinions = made([0.1, 2.0, 1.0])
    assert ids(order(candidates, opinions, weight=0.0)) == ["1", "2", "0"]
    assert ids(order(candidates, opinions, weight=1.0)) == ["0", "1", "2"]


def test_fusion_by_hand():
    # z([0, 2]) = [-1, 1]; z([3, 1]) = [1, -1]
    assert fuse([0.0, 2.0], [3.0, 1.0], weight=0.25) == pytest.approx([-0.5, 0.5])
    assert z_scores([5.0, 5.0, 5.0]) == [0.0, 0.0, 0.0]


def test_ties_go_to_the_better_first_stage_rank():
    candidates, opinions = made([1.0, 1.0, 1.0])
    assert ids(order(candidates, opinions, weight=0.0)) == ["0", "1", "2"]


def test_an_unreadable_answer_keeps_its_first_stage_place():
    candidates, opinions = made([0.0, None, 3.0, None, 1.0])
    ranked = order(candidates, opinions, weight=0.2)
    assert ids(ranked)[1] == "1"
    assert ids(ranked)[3] == "3"
    assert ranked[1].raw_score is None
    assert ranked[1].grade is None


def test_a_weight_outside_its_range_is_refused():
    with pytest.raises(SettingsError, match="between 0 and 1"):
        order([], [], weight=1.2)


@given(st.lists(st.one_of(st.none(), st.floats(0, 3)), max_size=12), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_scores_never_rise_with_rank_and_nothing_is_lost(scores, weight):
    candidates, opinions = made(scores)
    ranked = order(candidates, opinions, weight=weight)
    assert sorted(ids(ranked)) == sorted(str(i) for i in range(len(scores)))
    assert all(a.score >= b.score - 1e-9 for a, b in zip(ranked, ranked[1:], strict=False))
    for place, score in enumerate(scores):
        if score is None:
            assert ranked[place].doc_id == str(place)
