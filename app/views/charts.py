"""Charts that read in light and dark: colours with contrast to both, words and axes from Streamlit's theme.

Plotly reads its texts as a little HTML, so ids and names are escaped here.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from app.actions import plots
from app.actions.pictures import BLUE, GREY, ORANGE, escaped

HEIGHT = 300
_INK = {"light": "#31333f", "dark": "#e6e6e3"}
_QUIET = {"displayModeBar": False}


def lines(curves: Mapping[str, Sequence[tuple[int, float]]], *, key: str, y: str) -> None:
    """Figures over steps."""
    figure = go.Figure()
    for (name, points), colour in zip(curves.items(), (BLUE, ORANGE, GREY) * len(curves), strict=False):
        figure.add_scatter(
            x=[step for step, _ in points],
            y=[value for _, value in points],
            name=escaped(name),
            mode="lines+markers" if len(points) < 60 else "lines",
            line={"color": colour},
        )
    figure.update_layout(xaxis_title="Step", yaxis_title=y, showlegend=len(curves) > 1)
    draw(figure, key=key, alt=f"{y} over the steps of the training")


def bars(rows: Sequence[tuple[str, Mapping[int, int]]], names: Mapping[int, str], *, key: str) -> None:
    """Counts per grade, a colour per source."""
    figure = go.Figure()
    for (source, counts), colour in zip(rows, (BLUE, ORANGE, GREY) * len(rows), strict=False):
        figure.add_bar(
            x=[escaped(f"{grade} {name}") for grade, name in names.items()],
            y=[counts.get(grade, 0) for grade in names],
            name=escaped(source),
            marker_color=colour,
            text=[counts.get(grade, 0) or "" for grade in names],
        )
    figure.update_layout(barmode="stack", yaxis_title="Pairs", showlegend=True)
    draw(figure, key=key, alt="Pairs per grade and source", height=240)


def stacked(series: Mapping[str, Mapping[str, int]], *, key: str, x: str, y: str) -> None:
    """Counts over steps (name -> step -> count), one name on top of the other. Nine names are told apart, by colour and
    pattern."""
    figure = go.Figure()
    for number, (name, counts) in enumerate(series.items()):
        figure.add_bar(
            x=list(counts),
            y=list(counts.values()),
            name=escaped(name),
            marker={
                "color": (BLUE, ORANGE, GREY)[number % 3],
                "pattern": {"shape": ("", "/", "x")[number // 3 % 3]},
            },
            hovertemplate="%{x}: %{y}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="stack", xaxis_title=x, yaxis_title=y, showlegend=True)
    figure.update_xaxes(type="category", nticks=12)
    draw(figure, key=key, alt=f"{y} per {x.lower()}")


def differences(values: Sequence[tuple[str, str, float]], *, key: str, y: str) -> int | None:
    """(query_id, query text, difference) in falling order; the place of the bar that was clicked."""
    figure = _sized(plots.differences(values, y=y), HEIGHT)
    figure.update_layout(clickmode="event+select")
    chosen = st.plotly_chart(figure, key=key, config=_QUIET, alt=y, on_select="rerun", selection_mode="points")
    points = chosen["selection"]["points"]
    return int(points[0]["point_index"]) if points else None


def calibration(points: Sequence[tuple[float, float, int]], highest: int, *, key: str) -> None:
    """(expected grade, people's mean grade, documents) per bin against the diagonal."""
    draw(plots.calibration(points, highest), key=key, alt="Expected grade against people's mean grade")


def draw(figure: go.Figure, *, key: str, alt: str, height: int = HEIGHT) -> None:
    """Draw a figure in the page's theme."""
    st.plotly_chart(_sized(figure, height), key=key, config=_QUIET, alt=alt)


def ink() -> str:
    """For names that are to be read: Streamlit's own grey for a chart's words has too little contrast."""
    return _INK[st.context.theme.type or "light"]


def _sized(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 24, "b": 8}, legend={"orientation": "h", "y": 1.12}
    )
