"""What a training job is told and what it would learn from."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.actions.options import Option
from app.views import charts
from app.views.plain import plain
from data.records import Split
from data.scales import Scale
from training.preview import Preview
from training.recipes import DEFAULT_RECIPE, Recipe

COLUMNS = 3


def recipe(recipes: Sequence[Recipe]) -> str:
    """Choose one of all recipes, each with its line and source."""
    names = [recipe.name for recipe in recipes]
    return st.radio(
        "Recipe",
        names,
        index=names.index(DEFAULT_RECIPE),
        captions=[plain(f"{recipe.summary} Source: {recipe.source}.", limit=300) for recipe in recipes],
        key="recipe",
    )


def options(found: Sequence[Option], recipe: str) -> dict[str, object]:
    """A widget per option; returns their values. Each recipe has widgets of its own, which keep what was set there."""
    values: dict[str, object] = {}
    with st.expander("Options", icon=":material/tune:", key="train_options"):
        columns = st.columns(COLUMNS)
        for position, option in enumerate(found):
            with columns[position % COLUMNS]:
                values[option.name] = _widget(option, recipe)
    return values


def _widget(option: Option, recipe: str) -> object:
    key = f"option_{recipe}_{option.name}"
    if isinstance(option.default, bool):
        return st.toggle(option.label, value=option.default, key=key, help=option.help)
    if option.choices:
        return st.selectbox(
            option.label, option.choices, index=option.choices.index(option.default), key=key, help=option.help
        )
    if isinstance(option.default, str):
        return st.text_input(option.label, value=option.default, key=key, help=option.help)
    if isinstance(option.default, int):
        return st.number_input(
            option.label,
            min_value=int(option.low or 0),
            max_value=None if option.high is None else int(option.high),
            value=option.default,
            step=1,
            key=key,
            help=option.help,
        )
    return st.number_input(
        option.label,
        min_value=float(option.low or 0),
        max_value=None if option.high is None else float(option.high),
        value=float(option.default),
        step=option.default / 10 or 0.1,
        format="%g",
        key=key,
        help=option.help,
    )


def preview(
    found: Preview, counts: Sequence[tuple[str, Mapping[int, int]]], uses: Mapping[Split, str], scale: Scale
) -> None:
    """What the job would learn from and be measured on."""
    with st.container(horizontal=True):
        st.metric("Pairs to learn from", len(found.chosen.rows), border=True, width=190)
        st.metric("Of queries", found.chosen.queries, border=True, width=150)
        st.metric(
            "Held-out queries with labels",
            found.heldout_queries,
            border=True,
            width=240,
            help="Queries nobody trains on, with people's labels and at least one relevant document; "
            "at most as many as the option says.",
        )
    for warning in found.warnings:
        st.warning(plain(warning, limit=400), icon=":material/warning:")
    left, right = st.columns([3, 2])
    with left:
        st.markdown("**Pairs by grade and source**")
        if counts:
            charts.bars(counts, {level.grade: level.name for level in scale.levels}, key="preview_chart")
        else:
            st.info("No pair to learn from yet. Judge documents of training queries on the Judge page.")
    with right:
        st.markdown("**Queries by use**")
        st.dataframe(
            [{"Use": uses[split], "Queries": count} for split, count in found.queries.items()],
            hide_index=True,
            key="uses_table",
        )
        st.text(f"Measured with {found.labels}.")
        st.markdown("**Left out, and why**")
        if found.chosen.dropped:
            rows = [{"Reason": reason, "Pairs": count} for reason, count in found.chosen.dropped.items()]
            st.dataframe(rows, hide_index=True, key="dropped_table")
        else:
            st.caption("Nothing is left out.")
