"""How agreement looks: figures with their undefined cases in words, the confusion matrix, the disagreements."""

import html

import plotly.graph_objects as go
import streamlit as st

from app.actions.agreement import Comparison, Contrast, Side
from app.components import passage
from app.views import opinion
from app.views.plain import plain
from data.scales import Scale
from engine.agreement import Undefined

LINES = 3
_CELLS = [[0.0, "#e8eefc"], [1.0, "#1c46a6"]]
"""Light to dark blue: the figures in the cells stay readable on a light and on a dark page."""


def figure(value: float | Undefined, *, percent: bool = False) -> str:
    """A figure, or a dash where it has no value."""
    if isinstance(value, Undefined):
        return "–"
    return f"{value:.0%}" if percent else f"{value:.3f}"


def draw_figures(comparison: Comparison) -> None:
    """Draw the measures of agreement."""
    found, taus = comparison.agreement, comparison.correlation
    measures = (
        ("Pairs graded by both", f"{found.pairs:,}", None),
        ("Same grade", figure(found.same, percent=True), found.same),
        ("Weighted kappa", figure(found.kappa), found.kappa),
        ("Krippendorff's alpha", figure(found.alpha), found.alpha),
        ("Rank correlation", figure(taus.mean), taus.mean),
    )
    with st.container(horizontal=True):
        for name, shown, _ in measures:
            st.metric(name, shown, border=True)
    for name, _, value in measures:
        if isinstance(value, Undefined):
            st.caption(f"{name}: {value.reason}.")
    st.caption(
        "Kappa: Cohen's, quadratic weights. Alpha: ordinal. Rank correlation: Kendall's tau-b, mean over "
        f"{len(taus.per_query)} queries; not defined for {taus.undefined} where one side gave only one grade."
    )


def draw_warnings(comparison: Comparison, first: Side, second: Side) -> None:
    """Say what a reader of the figures must know."""
    for side, left_out in zip((first, second), comparison.conflicts, strict=True):
        if left_out:
            st.caption(f"{left_out} pairs on which {plain(side.name)} disagree among themselves are left out.")
    if comparison.shared:
        st.warning("An assessor stands on both sides: agreement with oneself is counted.", icon=":material/warning:")


def draw_confusion(comparison: Comparison, first: Side, second: Side, scale: Scale) -> None:
    """Draw the pairs by the two grades they got."""
    counts = comparison.agreement.confusion
    labels = [html.escape(opinion.grade_words(grade, scale)) for grade in scale.grades]
    drawn = go.Figure(
        go.Heatmap(
            z=counts,
            x=labels,
            y=labels,
            text=counts,
            texttemplate="%{text}",
            textfont={"size": 15},
            colorscale=_CELLS,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{z} pairs<extra></extra>",
        )
    )
    drawn.update_layout(
        height=340,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": short(second), "type": "category", "showgrid": False},
        yaxis={"title": short(first), "type": "category", "autorange": "reversed", "showgrid": False},
    )
    st.plotly_chart(
        drawn,
        key="agreement_confusion",
        config={"displayModeBar": False},
        alt="Confusion matrix: pairs by the first side's grade (rows) and the second's (columns)",
    )


def short(side: Side) -> str:
    """A side's name for an axis: Plotly reads a little HTML."""
    name = " ".join(side.name.split())
    return html.escape(name if len(name) <= 32 else name[:31] + "…")


def draw_contrast(contrast: Contrast, first: Side, second: Side, scale: Scale, *, key: str) -> bool:
    """Draw one disagreement with both reasons; True where the reader wants to judge it."""
    difference = contrast.difference
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{difference.first} against {difference.second}**", width="content")
            st.text(contrast.query.text)
        quotes = [e for o in (*contrast.first, *contrast.second) for e in o.judgment.evidence]
        passage.draw(contrast.document, quotes, key=f"passage:{key}", lines=LINES)
        left, right = st.columns(2)
        for column, given in ((left, contrast.first), (right, contrast.second)):
            with column:
                opinion.draw_all(given, scale)
                if not any(o.judgment.explanation for o in given):
                    st.caption("no explanation")
        return st.button("Judge this pair", key=f"judge:{key}", icon=":material/gavel:")
