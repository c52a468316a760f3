"""Agreement: two assessors or groups, how far they agree, and the pairs on which they don't."""

import streamlit as st

from app import resources, state
from app.actions import agreement as agreeing
from app.views import agreement, frame, problem

PER_PAGE = 10
VIEW, TWO, ALL = "agreement_view", "Two sides", "Everybody"

workbench = resources.workbench()
collection = frame.collection()


def choose(found: list[agreeing.Side]) -> tuple[agreeing.Side, agreeing.Side]:
    """The two sides the person compares."""
    by_id = {side.side_id: side for side in found}
    chosen = []
    for column, label, start in zip(st.columns(2), ("First", "Second"), agreeing.opening(found), strict=True):
        side_id = column.selectbox(
            label,
            list(by_id),
            index=list(by_id).index(start.side_id),
            format_func=lambda side_id: by_id[side_id].name,
            key=f"agreement_{label.lower()}:{collection.collection_id}",
        )
        column.caption(f"{by_id[side_id].graded:,} graded")
        chosen.append(by_id[side_id])
    return chosen[0], chosen[1]


@st.fragment
def disagreements(comparison: agreeing.Comparison, first: agreeing.Side, second: agreeing.Side) -> None:
    """The pairs they disagree on, a page at a time: turning it does not compute the figures again."""
    differences = comparison.differences
    if not differences:
        st.info("They gave the same grade to every pair both graded.", icon=":material/check:")
        return
    pages = -(-len(differences) // PER_PAGE)
    page = st.pagination(pages, key=f"agreement_page:{first.side_id}:{second.side_id}") if pages > 1 else 1
    with problem.shown():
        shown = differences[(page - 1) * PER_PAGE : page * PER_PAGE]
        for contrast in agreeing.contrasts(workbench, collection, first, second, shown):
            pair = {"query_id": contrast.difference.query_id, "doc_id": contrast.difference.doc_id}
            if agreement.draw_contrast(contrast, first, second, collection.scale, key=":".join(pair.values())):
                st.switch_page("screens/judge.py", query_params=pair)


def draw(found: list[agreeing.Side]) -> None:
    """Draw the comparison of the two sides chosen."""
    first, second = choose(found)
    if first.side_id == second.side_id:
        st.info("Choose two different sides.", icon=":material/compare_arrows:")
        return
    comparison = state.kept(
        "agreement_comparison",
        (collection, first, second, workbench.store.stamp()),
        lambda: agreeing.compare(workbench, collection, first, second),
    )
    agreement.draw_warnings(comparison, first, second)
    agreement.draw_figures(comparison)
    if not comparison.agreement.pairs:
        return
    st.markdown("#### Who gave which grade")
    agreement.draw_confusion(comparison, first, second, collection.scale)
    st.markdown(f"#### Disagreements: {len(comparison.differences):,}")
    disagreements(comparison, first, second)


with problem.shown():
    found = agreeing.sides(workbench, collection)
    if len(found) < 2:
        st.info(
            "Agreement needs two who graded. Rank a query on Explore (the model's grades count as the student's), "
            "judge some pairs, or import a teacher's judgments.",
            icon=":material/group:",
        )
        st.page_link("screens/explore.py", label="Rank a query on Explore", icon=":material/search:")
        st.page_link("screens/judge.py", label="Judge pairs", icon=":material/gavel:")
    else:
        state.settle(**{VIEW: TWO})
        st.segmented_control("Show", [TWO, ALL], key=VIEW, required=True, label_visibility="collapsed")
        agreement.draw_settled(workbench.store.gradings.settlement_count(collection.collection_id))
        if state.text(VIEW) == ALL:
            everybody = state.kept(
                "agreement_everybody",
                (collection, tuple(found), workbench.store.stamp()),
                lambda: agreeing.everybody(workbench, collection, found),
            )
            agreement.draw_everybody(everybody)
        else:
            draw(found)
