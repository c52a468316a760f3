"""Compare: two systems (versions, methods, BM25, graders) side by side, over a set of queries and on one of them."""

import streamlit as st

from app import resources, state, visitor
from app.actions import compare
from app.actions.beside import beside
from app.actions.systems import Making, System, stocked
from app.views import comparing, frame, problem
from app.views import jobs as job_view
from data.people import Role

PER_PAGE = 10

workbench = resources.workbench()
collection = frame.collection()
slot = collection.collection_id


def offer(found: compare.Overview) -> None:
    """Make the rankings that are missing."""
    if job_view.under_way(workbench, "Queries are being ranked", lambda: compare.newest_job(workbench, collection)):
        return
    if found.to_rank and st.button(
        "Rank the missing queries",
        key=f"compare_rank:{state.form_number()}",
        icon=":material/play_arrow:",
        **visitor.only(Role.LEAD, compare.DOING),
    ):
        jobs = compare.rank_missing(workbench, collection, found, visitor.person())
        state.again(f"{len(jobs)} ranking job(s) started; their logs are on the Train page.")


@st.fragment
def query_by_query(found: compare.Overview, making: Making | None, key: str) -> None:
    """The differences, and the query that is looked at: another one does not compute the figures again."""
    st.markdown("#### Query by query")
    query_id = comparing.queries(found, key)
    if query_id is not None:
        one(list(found.systems), query_id, making)


@st.fragment
def one(systems: list[System], query_id: str, making: Making | None) -> None:
    """One query: the slope chart, then every document."""
    key = f"compare_one:{slot}"
    with problem.shown():
        shown = beside(workbench, collection, systems, query_id, making)
        comparing.slope(shown, collection.scale, key)
        pages = -(-len(shown.rows) // PER_PAGE)
        page = st.pagination(pages, key=f"{key}:page:{query_id}") if pages > 1 else 1
        comparing.rows(shown, shown.rows[(page - 1) * PER_PAGE : page * PER_PAGE], collection.scale, key)


def draw(systems: list[System], over: compare.Over, making: Making | None) -> None:
    """Draw the comparison of the systems chosen."""
    if systems[0].system_id == systems[1].system_id:
        st.info("Choose two different systems.", icon=":material/compare_arrows:")
        return
    found = state.kept(
        "compare_overview",
        (collection, tuple(systems), over, making, workbench.store.stamp()),
        lambda: compare.overview(workbench, collection, systems, over, making),
    )
    comparing.warnings(found)
    comparing.missing(found)
    offer(found)
    key = f"compare:{slot}"
    if found.comparison is None:
        st.info(
            "There is no query that all of these have in this set. Rank the missing ones above, choose all queries, or "
            "rank some on Explore with each of them.",
            icon=":material/info:",
        )
        return
    comparing.figures(found, key)
    wanted = st.query_params.pop("query_id", None)
    if wanted in found.queries:
        state.put(f"{key}:query", wanted)
    query_by_query(found, making, key)


with problem.shown():
    found = stocked(workbench, collection)
    wanted = [st.query_params.pop("system", None), st.query_params.pop("against", None)]
    opening = compare.opening(found, wanted)
    if opening is None:
        st.info(
            "Comparing needs two systems. Rank queries on Explore or start an evaluation (BM25 comes with every "
            "ranking), judge some pairs, or import a teacher's judgments.",
            icon=":material/compare_arrows:",
        )
        st.page_link("screens/explore.py", label="Rank a query on Explore", icon=":material/search:")
        st.page_link("screens/evaluate.py", label="Evaluate a version", icon=":material/monitoring:")
    else:
        if all(wanted):
            for label, system in zip(("system", "held"), opening, strict=True):
                state.put(f"compare_{label}:{slot}", system.system_id)
        draw(comparing.choose(found, opening, slot), *comparing.way(found, slot))
