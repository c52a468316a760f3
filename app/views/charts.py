"""Charts that read in light and dark: colours with contrast to both, words and axes from Streamlit's theme.

Plotly reads its texts as a little HTML, so ids and names are escaped here.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from app.actions.pictures import BLUE, GREY, ORANGE, escaped

HEIGHT = 300
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


def differences(values: Sequence[tuple[str, str, float]], *, key: str, y: str) -> None:
    """(query_id, query text, difference), drawn in falling order: above zero the system is better."""
    ordered = sorted(values, key=lambda value: -value[2])
    figure = go.Figure(
        go.Bar(
            x=list(range(1, len(ordered) + 1)),
            y=[difference for *_, difference in ordered],
            marker_color=[BLUE if difference > 0 else ORANGE for *_, difference in ordered],
            customdata=[[escaped(query_id), escaped(text[:120])] for query_id, text, _ in ordered],
            hovertemplate="%{customdata[0]}: %{y:+.4f}<br>%{customdata[1]}<extra></extra>",
        )
    )
    figure.update_layout(xaxis_title="Queries, best for the system first", yaxis_title=y, showlegend=False)
    figure.update_xaxes(tickformat="d", dtick=max(1, len(ordered) // 20))
    draw(figure, key=key, alt=y)


def calibration(points: Sequence[tuple[float, float, int]], highest: int, *, key: str) -> None:
    """(expected grade, people's mean grade, documents) per bin against the diagonal."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, highest], y=[0, highest], mode="lines", name="perfect", line={"color": GREY, "dash": "dash"}
    )
    figure.add_scatter(
        x=[point[0] for point in points],
        y=[point[1] for point in points],
        mode="markers+lines",
        name="the system",
        marker={"color": BLUE, "size": [8 + min(24, point[2] ** 0.5 * 2) for point in points]},
        line={"color": BLUE},
        customdata=[point[2] for point in points],
        hovertemplate="expected %{x:.2f}, people %{y:.2f}: %{customdata} documents<extra></extra>",
    )
    figure.update_layout(xaxis_title="Expected grade (model)", yaxis_title="Mean grade (people)")
    figure.update_xaxes(range=[-0.1, highest + 0.1])
    figure.update_yaxes(range=[-0.1, highest + 0.1])
    draw(figure, key=key, alt="Expected grade against people's mean grade")


def draw(figure: go.Figure, *, key: str, alt: str, height: int = HEIGHT) -> None:
    """Draw a figure in the page's theme."""
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 24, "b": 8}, legend={"orientation": "h", "y": 1.12}
    )
    st.plotly_chart(figure, key=key, config=_QUIET, alt=alt)
