import copy

from training.gate import GateOptions, verdict

REPORT = {
    "version_id": "v1",
    "queries": 12,
    "measures": {
        "nDCG@10": {
            "bm25": 0.5,
            "champion": 0.52,
            "system": 0.7,
            "against": "champion",
            "difference": 0.18,
            "p_value": 0.004,
            "interval": [0.08, 0.29],
        }
    },
}


def report(queries=12, **primary):
    changed = copy.deepcopy(REPORT)
    changed["queries"] = queries
    changed["measures"]["nDCG@10"].update(primary)
    return changed


def failed(given, options=None):
    return [condition.name for condition in verdict(given, options=options).conditions if not condition.passed]


def test_a_clear_gain_passes_with_its_figures():
    given = verdict(REPORT)
    assert given.promote
    assert given.refusals == ()
    words = " ".join(condition.words for condition in given.conditions)
    for figure in ("0.7000", "0.5200", "+0.1800", "+0.0800", "+0.2900", "0.004", "0.5000", "12"):
        assert figure in words


def test_a_gain_that_may_be_luck_is_refused():
    given = verdict(report(interval=[0.0, 0.3]))
    assert not given.promote
    (words,) = given.refusals
    assert "the lower end is not above 0" in words


def test_worse_than_bm25_is_refused_though_better_than_the_champion():
    assert failed(report(bm25=0.71)) == ["not worse than BM25"]
    assert failed(report(bm25=0.7)) == []


def test_few_queries_are_refused():
    assert failed(report(queries=9)) == ["enough held-out queries"]
    assert failed(report(queries=10)) == []
    assert failed(report(queries=9), GateOptions(minimum_queries=5)) == []


def test_the_margin_is_an_option_with_a_name():
    options = GateOptions(not_worse_margin=0.02)
    assert failed(report(interval=[-0.02, 0.1]), options) == []
    assert failed(report(interval=[-0.021, 0.1]), options) == ["not worse than the champion by more than 0.02"]


def test_without_a_champion_there_is_nothing_to_be_better_than():
    assert failed(report(champion=None)) == ["better than the champion"]


def test_every_failed_condition_is_said():
    assert len(verdict(report(queries=3, interval=[-0.1, 0.1], bm25=0.9)).refusals) == 3
