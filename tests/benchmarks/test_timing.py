import json

import pytest

from benchmarks import timing
from benchmarks.timing import Times


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 99, 5.0), ([3.0, 1.0, 2.0], 50, 2.0), ([1.0, 2.0], 50, 1.0), (list(range(1, 101)), 95, 95)],
)
def test_percentiles_are_values_that_were_measured(values, share, expected):
    assert timing.percentile(values, share) == expected


def test_a_figure_says_p50_p95_and_what_the_machine_did(capsys):
    Times(wall=(0.010, 0.020, 0.300), cpu=(0.001, 0.002, 0.004)).give("next_item", "10 documents", goal="< 150 ms")
    figure = json.loads(capsys.readouterr().out)
    assert (figure["name"], figure["unit"], figure["goal"]) == ("next_item", "milliseconds, p95", "< 150 ms")
    assert figure["figure"] == pytest.approx(300)
    assert "p50 20 ms, p95 300 ms (computing 4 ms) of 3" in figure["note"]
    assert "cores" in figure["note"]


def test_every_time_is_counted():
    calls = []
    times = timing.repeated(lambda: calls.append(1), 4)
    assert len(times.wall) == len(times.cpu) == len(calls) == 4
