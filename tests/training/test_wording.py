import pytest

from data.scales import INTERANK, PRORANK, SCALES, TREC_DL
from tests import synthetic
from training import wording


@pytest.fixture
def collection(store):
    return synthetic.install(store, synthetic.synthetic(train=2, heldout=2, per_query=4))


def test_a_collection_s_own_wording_is_every_query_s(collection):
    asked = wording.own(collection)
    assert asked("a") == asked("b")
    assert (asked("a").scale, asked("a").guidelines) == (collection.scale, collection.guidelines)


def test_a_general_version_is_asked_on_every_scale_there_is_and_always_the_same_for_a_query(collection):
    asked = wording.drawn(collection, seed=0)
    assert {asked(str(i)).scale.name for i in range(100)} == set(SCALES)
    assert [asked(str(i)) for i in range(20)] == [wording.drawn(collection, seed=0)(str(i)) for i in range(20)]
    other = wording.drawn(collection, seed=1)
    assert any(asked(str(i)) != other(str(i)) for i in range(20))


@pytest.mark.parametrize(
    ("grade", "scale", "other", "expected"),
    [(3, TREC_DL, INTERANK, 2), (1, INTERANK, PRORANK, 1), (1, INTERANK, TREC_DL, 2), (1, TREC_DL, PRORANK, 0)],
)
def test_grades_keep_their_share_of_the_best_one(grade, scale, other, expected):
    assert wording.regraded(grade, scale, other) == expected


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_a_scale_s_own_grades_stay(scale):
    assert [wording.regraded(grade, scale, scale) for grade in scale.grades] == list(scale.grades)
