"""The learning curve as figures that read in light and dark, and as a PNG for reports. Without Streamlit.

What names come from people is escaped: Plotly reads its texts as a little HTML.
"""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from data.errors import SettingsError
from engine.evaluation import PRIMARY

BLUE, ORANGE, GREY = "#4c8dff", "#e07b39", "#8a8f98"
"""Colours with contrast to light and dark."""
BAND = "rgba(76, 141, 255, 0.18)"
WIDTH, HEIGHT, SCALE = 1200, 480, 2
"""Of a PNG, in pixels before the scale."""
TIMEOUT_SECONDS = 60.0
_BROWSER_MEND = (
    "Install Chromium or Chrome (Debian: apt-get install chromium), or name one: BROWSER_PATH=/path/to/chromium. "
    "The chart itself is on the Learning curve page."
)

Levels = Sequence[Mapping[str, Any]]
"""The JSON of `training.curve.Level`, by rising count."""


def escaped(text: str) -> str:
    """Foreign words as Plotly shows them unread."""
    return html.escape(" ".join(text.split()), quote=False)


def ndcg(levels: Levels, bm25: float) -> go.Figure:
    """nDCG@10 over the corrections: the mean with its interval, every seed, the champion, and BM25 as a line."""
    counts = [level["count"] for level in levels]
    figure = go.Figure()
    figure.add_scatter(
        x=[*counts, *reversed(counts)],
        y=[*(level["high"] for level in levels), *(level["low"] for level in reversed(levels))],
        fill="toself",
        fillcolor=BAND,
        line={"width": 0},
        mode="lines",
        name="95 % interval over queries",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[0, max(counts)],
        y=[bm25, bm25],
        mode="lines",
        name="BM25",
        line={"color": GREY, "dash": "dash"},
        hovertemplate="BM25 %{y:.4f}<extra></extra>",
    )
    seeds = [(level["count"], seed, value) for level in levels for seed, value in level["seeds"].items()]
    if any(len(level["seeds"]) > 1 for level in levels):
        figure.add_scatter(
            x=[count for count, *_ in seeds],
            y=[value for *_, value in seeds],
            mode="markers",
            name="one seed",
            marker={"color": BLUE, "symbol": "circle-open", "size": 7},
            customdata=[seed for _, seed, _ in seeds],
            hovertemplate="seed %{customdata}: %{y:.4f}<extra></extra>",
        )
    figure.add_scatter(
        x=counts,
        y=[level["ndcg"] for level in levels],
        mode="lines+markers",
        name="retrained with so many corrections",
        line={"color": BLUE},
        marker={"color": BLUE, "size": 9},
        customdata=[[_against(level), level["low"], level["high"]] for level in levels],
        hovertemplate="%{x} corrections: %{y:.4f} (%{customdata[1]:.4f} to %{customdata[2]:.4f})<br>%{customdata[0]}"
        "<extra></extra>",
    )
    _mark(figure, [level for level in levels if level["verdict"] == "champion"], "the champion", "diamond")
    _mark(figure, [level for level in levels if level["verdict"] == "worse"], "worse than the champion", "x")
    figure.update_layout(
        xaxis_title="Corrections",
        yaxis_title=f"{PRIMARY} on held-out queries",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    _at_counts(figure, counts)
    return figure


def kappa(levels: Levels) -> go.Figure:
    """How far the model's grades agree with people's, over the corrections; the seeds' spread as bars."""
    defined = [level for level in levels if level["kappa"] is not None]
    figure = go.Figure()
    figure.add_scatter(
        x=[level["count"] for level in defined],
        y=[level["kappa"] for level in defined],
        mode="lines+markers",
        name="kappa",
        line={"color": BLUE},
        marker={"size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [level["kappa_high"] - level["kappa"] for level in defined],
            "arrayminus": [level["kappa"] - level["kappa_low"] for level in defined],
            "color": GREY,
            "visible": any(len(level["seeds"]) > 1 for level in defined),
        },
        hovertemplate="%{x} corrections: kappa %{y:.3f}<extra></extra>",
    )
    figure.update_layout(xaxis_title="Corrections", yaxis_title="Kappa with people's grades", showlegend=False)
    _at_counts(figure, [level["count"] for level in levels])
    return figure


def both(levels: Levels, bm25: float, title: str) -> go.Figure:
    """Both charts side by side on white, as a report shows them."""
    figure = side_by_side(ndcg(levels, bm25), kappa(levels), title, left_share=0.62)
    figure.data[-1].showlegend = False
    return figure


def side_by_side(left: go.Figure, right: go.Figure, title: str, *, left_share: float) -> go.Figure:
    """Two charts on white under one title, which is escaped, with one legend below."""
    figure = make_subplots(rows=1, cols=2, column_widths=[left_share, 1 - left_share], horizontal_spacing=0.1)
    for column, part in enumerate((left, right), start=1):
        figure.add_traces(part.data, rows=1, cols=column)
        figure.update_xaxes(part.layout.xaxis, row=1, col=column)
        figure.update_yaxes(title_text=part.layout.yaxis.title.text, row=1, col=column)
    return figure.update_layout(
        template="plotly_white",
        title={"text": escaped(title), "x": 0.02},
        legend={"orientation": "h", "y": -0.2},
        margin={"l": 70, "r": 30, "t": 60, "b": 90},
    )


def require_browser() -> None:
    """Raise SettingsError, with the mend, where there is no browser to draw a PNG with."""
    from choreographer.browsers.chromium import Chromium

    found = Chromium.find_browser(skip_local=False)
    if not found or not Path(found).is_file():
        raise SettingsError("A PNG is drawn by a Chromium, and none was found.", mend=_BROWSER_MEND)


def png(figure: go.Figure) -> bytes:
    """The figure as a PNG, drawn by a Chromium without a window; nothing is fetched for it.

    Raises SettingsError with the mend where there is none, or it can't draw.
    """
    import kaleido

    require_browser()
    options = {"format": "png", "width": WIDTH, "height": HEIGHT, "scale": SCALE}
    start = {"mathjax": False, "timeout": TIMEOUT_SECONDS}
    try:
        drawn: bytes = kaleido.calc_fig_sync(figure.to_dict(), opts=options, kopts=start)
    except (RuntimeError, OSError, ValueError) as error:
        reason = str(error.args[0]).partition("\n")[0] if error.args else type(error).__name__
        raise SettingsError(f"The browser could not draw the PNG: {reason}", mend=_BROWSER_MEND) from error
    return drawn


def _mark(figure: go.Figure, levels: Levels, name: str, symbol: str) -> None:
    """Put a sign over the points that are to be seen first."""
    if levels:
        figure.add_scatter(
            x=[level["count"] for level in levels],
            y=[level["ndcg"] for level in levels],
            mode="markers",
            name=name,
            marker={"color": ORANGE, "symbol": symbol, "size": 12},
            hoverinfo="skip",
        )


def _against(level: Mapping[str, Any]) -> str:
    if level["verdict"] == "champion":
        return "the champion as it is"
    return f"{level['verdict']}: {level['difference']:+.4f} to the champion"


def _at_counts(figure: go.Figure, counts: Sequence[int]) -> None:
    """A tick at every number of corrections that was measured, and nowhere else."""
    room = max(counts) * 0.04 or 1
    figure.update_xaxes(
        tickvals=list(counts), ticktext=[str(count) for count in counts], range=[-room, max(counts) + room]
    )
