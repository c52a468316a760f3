"""The query box of Explore with its examples and settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import state
from app.actions.explore import DEFAULT_DEPTH
from data.records import Query, Ranking, Version
from engine.pipeline import Plan
from engine.ranking import DEFAULT_METHOD, METHODS
from engine.ranking.fusion import DEFAULT_WEIGHT

QUERY, EXAMPLE, RANK = "explore_query", "explore_example", "explore_rank"
METHOD, VERSION, DEPTH = "explore_method", "explore_version", "explore_depth"
FUSION, EXPLAIN = "explore_fusion", "explore_explain"
MOST = 100
"""Documents a person waits for at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person wants ranked, and how."""

    text: str
    version: Version
    method: str
    depth: int
    fusion_weight: float
    explain_top: int


def draw(versions: Sequence[Version], start: str, examples: Sequence[Query], made: Ranking | None) -> Asked | None:
    """Draw box and settings, which begin with those of the ranking shown and the version `start`; what was asked where
    Rank was pressed."""
    _settle(versions, start, made)
    if examples:
        st.selectbox(
            "Examples",
            [query.text for query in examples],
            index=None,
            placeholder="Pick a query of this collection, or type your own below",
            key=EXAMPLE,
            on_change=_take_example,
        )
    with st.form("explore_form", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Query", key=QUERY, placeholder="A question, a claim or some words", max_chars=2000)
            pressed = st.form_submit_button("Rank", key=RANK, type="primary", icon=":material/sort:")
        _settings(versions)
    return _asked(versions) if pressed else None


def _take_example() -> None:
    if picked := state.text(EXAMPLE):
        state.put(QUERY, picked)


def _settle(versions: Sequence[Version], start: str, made: Ranking | None) -> None:
    known = {version.version_id for version in versions}
    first = start if start in known else versions[0].version_id
    plan = Plan(depth=DEFAULT_DEPTH)
    state.settle(
        **{
            QUERY: made.query_text if made else "",
            METHOD: made.method if made and made.method in METHODS else DEFAULT_METHOD,
            VERSION: first,
            DEPTH: min(made.depth, MOST) if made else plan.depth,
            FUSION: made.fusion_weight if made else DEFAULT_WEIGHT,
            EXPLAIN: min(int(made.parameters.get("explain_top", plan.explain_top)), MOST) if made else plan.explain_top,
        }
    )
    if state.text(VERSION) not in known:
        state.put(VERSION, first)


def _settings(versions: Sequence[Version]) -> None:
    names = {version.version_id: version.name for version in versions}
    with st.expander("Settings", icon=":material/tune:"):
        left, right = st.columns(2)
        left.selectbox("Method", list(METHODS), key=METHOD)
        right.selectbox("Model version", list(names), format_func=lambda version_id: names[version_id], key=VERSION)
        left.number_input("Depth: documents taken from BM25", 1, MOST, key=DEPTH)
        right.number_input("Explain how many of the best", 0, MOST, key=EXPLAIN)
        left.slider("Weight of BM25 in the order", 0.0, 1.0, step=0.05, key=FUSION)
        for method in METHODS.values():
            st.caption(f"**{method.name}**: {method.summary} ({method.source})")


def _asked(versions: Sequence[Version]) -> Asked:
    chosen = {version.version_id: version for version in versions}
    return Asked(
        text=state.text(QUERY),
        version=chosen[state.text(VERSION)],
        method=state.text(METHOD),
        depth=state.number(DEPTH) or DEFAULT_DEPTH,
        fusion_weight=state.share(FUSION),
        explain_top=state.number(EXPLAIN) or 0,
    )
