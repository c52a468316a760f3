"""Figures of evaluations and comparisons, for pages and reports. Without Streamlit.

What names come from people and files is escaped: Plotly reads its texts as a little HTML.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from app.actions.pictures import BLUE, GREY, ORANGE, escaped, side_by_side
from engine.evaluation import PRIMARY

TITLE_LETTERS = 34


def differences(values: Sequence[tuple[str, str, float]], *, y: str) -> go.Figure:
    """(query_id, query text, difference) in falling order: above zero the system is better."""
    figure = go.Figure(
        go.Bar(
            x=list(range(1, len(values) + 1)),
            y=[difference for *_, difference in values],
            marker_color=[BLUE if difference > 0 else ORANGE for *_, difference in values],
            customdata=[[escaped(query_id), escaped(text[:120])] for query_id, text, _ in values],
            hovertemplate="%{customdata[0]}: %{y:+.4f}<br>%{customdata[1]}<extra></extra>",
        )
    )
    figure.update_layout(xaxis_title="Queries, best for the system first", yaxis_title=y, showlegend=False)
    figure.update_xaxes(tickformat="d", dtick=max(1, len(values) // 20))
    return figure


def calibration(points: Sequence[tuple[float, float, int]], highest: int) -> go.Figure:
    """(expected grade, people's mean grade, documents) per bin against the diagonal; the counts stand at the points."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, highest], y=[0, highest], mode="lines", name="perfect", line={"color": GREY, "dash": "dash"}
    )
    figure.add_scatter(
        x=[point[0] for point in points],
        y=[point[1] for point in points],
        mode="markers+lines+text",
        name="the system",
        marker={"color": BLUE, "size": [8 + min(24, point[2] ** 0.5 * 2) for point in points]},
        line={"color": BLUE},
        text=[str(point[2]) for point in points],
        textposition="top center",
        customdata=[point[2] for point in points],
        hovertemplate="expected %{x:.2f}, people %{y:.2f}: %{customdata} documents<extra></extra>",
    )
    figure.update_layout(xaxis_title="Expected grade (model)", yaxis_title="Mean grade (people)")
    figure.update_xaxes(range=[-0.1, highest + 0.1])
    figure.update_yaxes(range=[-0.1, highest + 0.45])
    return figure


def report(given: Mapping[str, Any], queries: Mapping[str, str], highest: int, title: str) -> go.Figure:
    """Both charts of an evaluation report side by side on white; `queries`: query_id -> text."""
    parts = (
        differences(gains(given, queries), y=f"Difference in {PRIMARY}"),
        calibration(bins(given), highest),
    )
    figure = side_by_side(*parts, title, left_share=0.6)
    figure.data[0].showlegend = False
    return figure.update_layout(legend={"x": 1, "xanchor": "right"})


def gains(given: Mapping[str, Any], queries: Mapping[str, str]) -> list[tuple[str, str, float]]:
    """(query_id, text, system minus what it was held against) of an evaluation report, the largest first."""
    against = given["measures"][PRIMARY]["against"]
    found = [
        (query_id, queries.get(query_id, ""), scores["system"] - scores[against])
        for query_id, scores in given["per_query"][PRIMARY].items()
    ]
    return sorted(found, key=lambda value: (-value[2], value[0]))


def bins(given: Mapping[str, Any]) -> list[tuple[float, float, int]]:
    """(expected grade, people's mean grade, documents) of an evaluation report's calibration."""
    return [(found["expected"], found["labelled"], found["documents"]) for found in given["calibration"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A document through the columns of a slope chart."""

    title: str
    ranks: tuple[int | None, ...]
    """Per column; None: not in that order."""
    words: tuple[str, ...]
    """Per column, for the hover: the grade."""
    symbol: str
    """Plotly's: what people say of it."""


def slope(columns: Sequence[str], threads: Sequence[Thread], *, top: int) -> go.Figure:
    """Orders as columns with each document's places joined by a line. A place below `top` is drawn beneath the last.

    Blue rises from the first column to the second, orange falls. A trace a colour and a trace a column of titles: with
    one for each document Plotly takes several times as long.
    """
    last = len(columns) - 1
    below = any(rank is not None and rank > top for thread in threads for rank in thread.ranks)
    hidden = {"showgrid": False, "zeroline": False, "fixedrange": True}
    return go.Figure(
        data=[
            *(_joined(of_colour, c, top) for c in (GREY, ORANGE, BLUE) if (of_colour := _coloured(threads, c))),
            _titles(threads, 0, "middle left", top),
            _titles(threads, last, "middle right", top),
        ],
        layout={
            "xaxis": {
                "tickvals": list(range(len(columns))),
                "ticktext": [_short(name, 44) for name in columns],
                "range": [-0.75, last + 0.75],
                "side": "top",
                **hidden,
            },
            "yaxis": {"range": [top + (1.6 if below else 0.6), 0.4], "visible": False, **hidden},
        },
    )


def _joined(threads: Sequence[Thread], colour: str, top: int) -> dict[str, Any]:
    """Lines of one colour as one trace: a gap parts a document from the next."""
    points: list[tuple[Any, ...]] = []
    for thread in threads:
        for x, rank in enumerate(thread.ranks):
            if rank is not None:
                words = [rank, escaped(thread.title), escaped(thread.words[x])]
                points.append((x, min(rank, top + 1), thread.symbol, words))
        points.append((None, None, thread.symbol, ["", "", ""]))
    return {
        "type": "scatter",
        "x": [x for x, *_ in points],
        "y": [y for _, y, *_ in points],
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {
            "color": colour,
            "size": 11,
            "symbol": [symbol for *_, symbol, _ in points],
            "line": {"width": 2, "color": colour},
        },
        "customdata": [words for *_, words in points],
        "hovertemplate": "rank %{customdata[0]}%{customdata[2]}<br>%{customdata[1]}<extra></extra>",
        "showlegend": False,
    }


def _titles(threads: Sequence[Thread], x: int, side: str, top: int) -> dict[str, Any]:
    """Rank and title beside the places of a column."""
    there = [(t.ranks[x], _short(t.title)) for t in threads if (t.ranks[x] or top + 1) <= top]
    left = side.endswith("left")
    gap = "\u00a0" * 3
    return {
        "type": "scatter",
        "x": [x] * len(there),
        "y": [rank for rank, _ in there],
        "mode": "text",
        "text": [f"{words}  <b>{rank}</b>{gap}" if left else f"{gap}<b>{rank}</b>  {words}" for rank, words in there],
        "textposition": side,
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _coloured(threads: Iterable[Thread], colour: str) -> list[Thread]:
    return [thread for thread in threads if _direction(thread.ranks[:2]) == colour]


def _direction(ranks: Sequence[int | None]) -> str:
    first, second = ranks
    if first is None or second is None or first == second:
        return GREY
    return BLUE if second < first else ORANGE


def _short(text: str, letters: int = TITLE_LETTERS) -> str:
    line = " ".join(text.split())
    return escaped(line if len(line) <= letters else f"{line[: letters - 1].rstrip()}…")
