import json

import pytest

from tests.training.curves import QUERIES, point, varied
from training.curve import Point, levels, words


def test_the_champion_is_the_first_level_and_what_others_are_compared_with():
    champion, better, worse = levels([point(25, 0, values=varied(0.2)), point(100, 0, values=varied(-0.2)), point(0)])
    assert (champion.count, champion.verdict, champion.difference, champion.seeds) == (0, "champion", 0.0, {})
    assert (better.count, better.verdict) == (25, "better")
    assert better.difference == pytest.approx(0.21) and better.difference_low > 0 and better.p_value < 0.01
    assert (worse.count, worse.verdict) == (100, "worse")
    assert worse.difference_high < 0 and worse.low < worse.ndcg < worse.high


def test_a_level_is_the_mean_of_its_seeds_query_by_query():
    shifted = [point(25, seed, values=varied(0.1 * seed), kappa=0.1 * seed) for seed in (0, 1, 2)]
    _, level = levels([point(0), *shifted])
    assert level.ndcg == pytest.approx(shifted[1].ndcg)
    assert level.seeds == {str(p.seed): p.ndcg for p in shifted}
    assert (level.kappa, level.kappa_low, level.kappa_high) == pytest.approx((0.1, 0.0, 0.2))


def test_a_difference_that_changes_sides_is_none():
    _, level = levels([point(0), point(25, 0, values=[0.9, 0.1] * 6)])
    assert level.verdict == "no difference"
    assert "no difference to the champion beyond chance (+0.0000" in words(level)


def test_few_queries_never_say_better():
    few = {query_id: 0.5 for query_id in QUERIES[:9]}
    _, level = levels([point(0, per_query=few), point(25, 0, per_query=dict.fromkeys(few, 0.9))])
    assert level.verdict == "too few queries"
    assert words(level).startswith("25 corrections: too few held-out queries to tell (+0.4000")


def test_a_kappa_that_is_not_defined_is_left_out_and_said():
    none = point(25, 1, kappa=None, kappa_note="no pair was graded by both")
    _, level = levels([point(0), point(25, 0, kappa=0.4), none])
    assert (level.kappa, level.kappa_note) == (0.4, "no pair was graded by both")
    _, level = levels([point(0), none])
    assert level.kappa is None and level.kappa_low is None


def test_a_point_survives_json():
    made = point(25, 3, by_grade={"0": 20, "3": 5}, assumed=4, snapshot_sha256="abc")
    assert Point.from_json(json.loads(json.dumps(made.to_json()))) == made
