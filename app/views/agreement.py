"""How agreement looks: figures with their undefined cases in words, the confusion matrix, the disagreements."""

import html
import math
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from app.actions.agreement import Block, Comparison, Contrast, Everybody, Side
from app.components import passage
from app.views import opinion
from app.views.plain import plain
from data.records import AssessorKind
from data.scales import Scale
from engine.agreement import Undefined
from engine.raters import Interval

LINES = 3
_CELLS = [[0.0, "#e8eefc"], [1.0, "#1c46a6"]]
"""Light to dark blue: the figures in the cells stay readable on a light and on a dark page."""

_PALE = [[0.0, "#eef2fd"], [1.0, "#8fb0f7"]]
_ON_PALE = "#10203a"
"""Pale enough for one dark colour of two lines of small figures, on either page."""


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
        for name, shown, value in measures:
            between = _interval(comparison.interval) if value is found.kappa else None
            st.metric(name, shown, between, delta_color="off", delta_arrow="off", border=True)
    undefined = [(name, value) for name, _, value in measures if isinstance(value, Undefined)]
    if isinstance(comparison.interval, Undefined):
        undefined.append(("The kappa's interval", comparison.interval))
    for name, why in undefined:
        st.caption(f"{name}: {why.reason}.")
    st.caption(
        "Kappa: Cohen's, quadratic weights; below it, the middle 95 % of it when the queries are drawn anew, 2,000 "
        "times. Alpha: ordinal. "
        "Rank correlation: Kendall's tau-b, mean over "
        f"{len(taus.per_query)} queries; not defined for {taus.undefined} where one side gave only one grade."
    )


def _interval(interval: Interval | Undefined) -> str | None:
    return None if isinstance(interval, Undefined) else f"{interval.low:.2f} to {interval.high:.2f}"


def draw_settled(settled: int) -> None:
    """Say that settlements are no independent grades."""
    if settled:
        st.caption(
            f"{settled:,} grades that settle a conflict are not counted as their assessor's here: they were given in "
            "view of the others'. A group of people counts them as what the group says."
        )


def draw_everybody(found: Everybody) -> None:
    """Draw each assessor against each, and how far those of a kind agree."""
    names = [short(side) for side in found.sides]
    drawn = go.Figure(
        go.Heatmap(
            z=_without_oneself(found.kappas),
            x=names,
            y=names,
            text=_cell_texts(found),
            texttemplate="%{text}",
            textfont={"size": 12, "color": _ON_PALE},
            colorscale=_PALE,
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y}, %{x}: %{text}<extra></extra>",
        )
    )
    drawn.update_layout(
        height=140 + 46 * len(names),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"type": "category", "showgrid": False},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
    )
    st.plotly_chart(
        drawn,
        key="agreement_everybody",
        config={"displayModeBar": False},
        alt="Weighted kappa of each assessor with each, and the number of pairs graded by both",
    )
    if found.left_out:
        st.caption(f"{found.left_out:,} who graded least are not in this table.")
    st.dataframe([_block(block) for block in found.blocks], hide_index=True, key="agreement_blocks")
    for block in found.blocks:
        if block.among is not None and isinstance(block.among.alpha, Undefined):
            st.caption(f"{block.name}: alpha {block.among.alpha.reason}.")
    st.caption(
        "Kappa: quadratic weights, of every two; empty where they graded no pair both, or nothing varies. Alpha: "
        "Krippendorff's, ordinal, over all of a kind at once; n: pairs graded by at least two of them."
    )


def _without_oneself(kappas: Sequence[Sequence[float]]) -> list[list[float]]:
    return [
        [math.nan if row == column else kappa for column, kappa in enumerate(given)] for row, given in enumerate(kappas)
    ]


def _cell_texts(found: Everybody) -> list[list[str]]:
    """Kappa and n; a dash where there is no kappa, nothing for oneself and where nothing was graded by both."""
    texts = []
    for row, (kappas, pairs) in enumerate(zip(found.kappas, found.pairs, strict=True)):
        cells = [
            f"{kappa:.2f}<br>n {n:,}" if math.isfinite(kappa) else f"–<br>n {n:,}"
            for kappa, n in zip(kappas, pairs, strict=True)
        ]
        texts.append(["" if column == row or not pairs[column] else cell for column, cell in enumerate(cells)])
    return texts


def _block(block: Block) -> dict[str, object]:
    middle = block.kappas[len(block.kappas) // 2] if block.kappas else None
    return {
        "Who": block.name,
        "Assessors": block.among.assessors if block.among else None,
        "n": block.among.pairs if block.among else None,
        "Alpha": figure(block.among.alpha) if block.among else "–",
        "Kappas": len(block.kappas),
        "Lowest": f"{block.kappas[0]:.3f}" if block.kappas else "–",
        "Median": "–" if middle is None else f"{(middle + block.kappas[(len(block.kappas) - 1) // 2]) / 2:.3f}",
        "Highest": f"{block.kappas[-1]:.3f}" if block.kappas else "–",
    }


def draw_warnings(comparison: Comparison, first: Side, second: Side) -> None:
    """Say what a reader of the figures must know."""
    for side, left_out in zip((first, second), comparison.conflicts, strict=True):
        if left_out:
            words = f"{left_out:,} pairs on which {plain(side.name)} disagree among themselves are left out"
            if side.kind is AssessorKind.HUMAN:
                st.page_link("screens/adjudication.py", label=f"{words}: settle them", icon=":material/balance:")
            else:
                st.caption(f"{words}.")
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
        with st.container(horizontal=True, vertical_alignment="center"):
            wanted = st.button("Judge this pair", key=f"judge:{key}", icon=":material/gavel:")
            address = {"query_id": difference.query_id, "doc_id": difference.doc_id}
            st.page_link("screens/history.py", label="History", icon=":material/history:", query_params=address)
            if first.kind is second.kind is AssessorKind.HUMAN:
                st.page_link("screens/adjudication.py", label="Settle", icon=":material/balance:", query_params=address)
        return wanted
