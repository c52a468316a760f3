import struct
from dataclasses import asdict

import plotly.graph_objects as go
import pytest
from choreographer.browsers.chromium import Chromium

from app.actions import pictures
from data.errors import SettingsError
from tests.training.curves import point, varied
from training.curve import levels

POINTS = [
    point(0, values=varied(0.0)),
    *(point(25, seed, values=varied(-0.2 + 0.01 * seed), kappa=0.1 * seed) for seed in range(3)),
    point(100, 0, values=varied(0.2), kappa=None, kappa_note="no pair was graded by both"),
]
LEVELS = [asdict(level) for level in levels(POINTS)]


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_the_curve_shows_champion_interval_seeds_bm25_and_what_is_worse():
    found = traces(pictures.ndcg(LEVELS, 0.4))
    assert list(found["retrained with so many corrections"].x) == [0, 25, 100]
    assert list(found["BM25"].y) == [0.4, 0.4] and found["BM25"].line.dash == "dash"
    assert list(found["the champion"].x) == [0]
    assert list(found["worse than the champion"].x) == [25]
    assert list(found["one seed"].x) == [25, 25, 25, 100]
    band = found["95 % interval over queries"]
    assert list(band.y) == [level["high"] for level in LEVELS] + [level["low"] for level in reversed(LEVELS)]


def test_one_seed_and_a_champion_alone_are_drawn_as_well():
    alone = [asdict(level) for level in levels(POINTS[:1])]
    assert "one seed" not in traces(pictures.ndcg(alone, 0.4))
    assert list(traces(pictures.kappa(alone))["kappa"].y) == [0.2]


def test_an_undefined_kappa_has_no_point():
    (trace,) = pictures.kappa(LEVELS).data
    assert list(trace.x) == [0, 25]
    assert list(trace.error_y.array) == pytest.approx([0.0, 0.1])


def test_names_are_text():
    figure = pictures.both(LEVELS, 0.4, "Curve of <b>me</b>")
    assert figure.layout.title.text == "Curve of &lt;b&gt;me&lt;/b&gt;"


@pytest.mark.skipif(Chromium.find_browser(skip_local=False) is None, reason="there is no Chromium")
def test_a_png_is_a_picture_of_its_size():
    drawn = pictures.png(pictures.both(LEVELS, 0.4, "Curve"))
    assert drawn.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", drawn[16:24])
    assert (width, height) == (pictures.WIDTH * pictures.SCALE, pictures.HEIGHT * pictures.SCALE)


def test_no_browser_is_said_with_the_mend(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="none was found") as caught:
        pictures.png(go.Figure())
    assert "apt-get install chromium" in caught.value.mend
