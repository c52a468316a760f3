"""The form of a learning curve, what it would be made from, and the curve: charts, table and words."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.actions import pictures
from app.actions.options import Option
from app.views import charts, training
from app.views.plain import plain
from engine.evaluation import PRIMARY
from training.learning import COUNTS, LearnConfig, Preview
from training.recipes import Recipe

CHART_HEIGHT = 380
_FIGURE = st.column_config.NumberColumn(format="%.4f")


def recipe(recipes: Sequence[Recipe], default: str) -> str:
    """How every point is trained."""
    names = [recipe.name for recipe in recipes]
    return st.radio(
        "Recipe",
        names,
        index=names.index(default),
        captions=[plain(f"{recipe.summary} Source: {recipe.source}.", limit=300) for recipe in recipes],
        key="learn_recipe",
    )


def form(recipe: str, options: Sequence[Option]) -> dict[str, object]:
    """Ask for everything but the recipe; counts and seeds come as typed, under their own names."""
    left, middle, right = st.columns(3)
    values: dict[str, object] = {
        "counts": left.text_input(
            "Numbers of corrections",
            ", ".join(map(str, COUNTS)),
            key="learn_counts",
            help=_help("counts"),
            max_chars=200,
        ),
        "seeds": middle.text_input("Seeds", "0", key="learn_seeds", help=_help("seeds"), max_chars=200),
        "heldout": right.number_input(
            "Labelled queries to hold out",
            min_value=1,
            value=None,
            step=1,
            key="learn_heldout",
            placeholder="the collection's own split",
            help=_help("heldout"),
        ),
        "once_from": left.number_input(
            "First seed only, from",
            min_value=1,
            value=None,
            step=1,
            key="learn_once_from",
            placeholder="every seed",
            help=_help("once_from"),
        ),
        "pool_depth": middle.number_input(
            "Documents ranked for people", 1, 1000, _default("pool_depth"), key="learn_pool", help=_help("pool_depth")
        ),
        "per_visit": right.number_input(
            "Corrections per visit to a query",
            1,
            1000,
            _default("per_visit"),
            key="learn_visit",
            help=_help("per_visit"),
        ),
        "fusion_weight": left.slider(
            "Weight of BM25 in the order",
            0.0,
            1.0,
            _default("fusion_weight"),
            0.05,
            key="learn_fusion",
            help=_help("fusion_weight"),
        ),
        "assume_unlabelled_zero": middle.toggle(
            "Unlabelled: lowest grade",
            key="learn_assume",
            help=_help("assume_unlabelled_zero"),
        ),
    }
    return values | training.options(options, f"learn_{recipe}")


def preview(found: Preview) -> None:
    """What the curve would be made from."""
    with st.container(horizontal=True):
        st.metric("Corrections there are", found.corrections, border=True, width=210)
        st.metric("Of queries", found.queries, border=True, width=150)
        st.metric("Held-out queries", found.heldout_queries, border=True, width=190)
    st.text(f"Retrained from the champion, {found.champion}; measured with {found.labels}.")
    warnings(found.warnings)


def warnings(said: Sequence[str]) -> None:
    """What a reader must know."""
    for warning in said:
        st.warning(plain(warning, limit=400), icon=":material/warning:")


def where_to_judge() -> None:
    """The ways out of having nothing to correct or to measure with."""
    st.page_link("screens/judge.py", label="Judge documents", icon=":material/gavel:")
    st.page_link("screens/collections.py", label="Import labels on Collections", icon=":material/library_books:")


def empty() -> None:
    """No curve yet."""
    st.info(
        "No curve yet. A curve takes people's judgments as if they were given one by one, retrains the champion with "
        "more and more of them, and measures every time on queries it never learns from. Start one below.",
        icon=":material/show_chart:",
    )


def conclusion(state: str, words: str) -> None:
    """What the curve says, in a sentence."""
    if state == "worse":
        st.warning(plain(words, limit=800), icon=":material/trending_down:")
    elif state == "better":
        st.success(plain(words, limit=800), icon=":material/trending_up:")
    else:
        st.info(plain(words, limit=800), icon=":material/trending_flat:")


def curve(found: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, key: str) -> None:
    """Both charts, and the table they are drawn from."""
    left, right = st.columns([3, 2])
    with left:
        st.markdown(f"**{PRIMARY} on held-out queries**")
        charts.draw(
            pictures.ndcg(found["levels"], found["bm25"]),
            key=f"{key}_ndcg",
            alt=f"{PRIMARY} over the number of corrections",
            height=CHART_HEIGHT,
        )
    with right:
        st.markdown("**Kappa with people's grades**")
        if any(level["kappa"] is not None for level in found["levels"]):
            charts.draw(
                pictures.kappa(found["levels"]),
                key=f"{key}_kappa",
                alt="Grade kappa over the number of corrections",
                height=CHART_HEIGHT,
            )
        else:
            st.info("Kappa is not defined for any point.")
            st.text(found["levels"][0]["kappa_note"])
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="-",
        key=f"{key}_table",
        column_config={
            PRIMARY: _FIGURE,
            "vs champion": st.column_config.NumberColumn(format="%+.4f"),
            "p": st.column_config.NumberColumn(format="%.3f"),
            "Kappa": st.column_config.NumberColumn(format="%.3f"),
            "Unreadable": st.column_config.NumberColumn(format="percent"),
            "Assumed": st.column_config.NumberColumn(
                format="%g", help="Corrections nobody gave: candidates without a label, taken as the lowest grade."
            ),
        },
    )


def facts(found: Mapping[str, Any]) -> None:
    """What was measured with what."""
    st.text(
        f"Champion: {found['champion']}. Measured on {found['heldout_queries']} held-out queries with "
        f"{found['labels']}. BM25: {found['bm25']:.4f}."
    )
    looks = "once" if found["looks"] == 1 else f"{found['looks']} times"
    st.caption(
        f"{found['correctable']} pairs of {found['correctable_queries']} queries could be corrected. Intervals and p "
        "are over the held-out queries (bootstrap; paired randomization test). Learning curves looked at these "
        f"queries {looks}: each look wears them out."
    )


def points(rows: Sequence[Mapping[str, Any]], *, key: str) -> None:
    """Every training, with its seed."""
    with st.expander("Every point", key=f"{key}_points"):
        st.dataframe(rows, hide_index=True, key=f"{key}_points_table", column_config={PRIMARY: _FIGURE})


def _help(name: str) -> str:
    return LearnConfig.model_fields[name].description or ""


def _default(name: str) -> Any:  # a whole number or a fraction, as the field has it
    return LearnConfig.model_fields[name].default
