"""What the Judge page is asked to show: which queue, how many people a pair, and whether models are hidden at first."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import state
from app.actions.desk import PER_PAGE, Desk
from app.actions.queue import Choice, Strategy
from app.views.plain import plain
from data.pooling import Pool
from data.records import Collection
from data.store import Store

QUEUE, BLIND, PEOPLE, POOL = "judge_queue", "judge_blind", "judge_people", "judge_pool"
VIEW, QUERY = "judge_view", "judge_query"
PAIRS, LIST = "Pairs", "List"
WORDS = 120
"""Characters of a query in the list to choose from; a selectbox draws them as text."""
MANY = 1000
"""Queries that a list to choose from can hold; beyond, the id is typed."""
ON, OFF = "On", "Off"
NAMES = {
    Strategy.USEFUL: "Useful",
    Strategy.TEACHER: "≠ Teacher",
    Strategy.PEOPLE: "≠ People",
    Strategy.UNSURE: "Unsure",
    Strategy.NEVER: "Unjudged",
    Strategy.RANDOM: "Random",
    Strategy.OVERLAP: "Overlap",
    Strategy.LATER: "Put off",
    Strategy.POOL: "Evaluation",
}
MEANINGS = {
    Strategy.USEFUL: "student against teacher first, then where the student is unsure, then what stands high",
    Strategy.TEACHER: "student and teacher differ, and nobody judged it",
    Strategy.PEOPLE: "student and people differ: a second opinion",
    Strategy.UNSURE: "the student's grade probabilities are spread most evenly",
    Strategy.NEVER: "high in a ranking, judged by nobody",
    Strategy.RANDOM: "drawn at random, the same order for you every time",
    Strategy.OVERLAP: "until several people have judged each pair",
    Strategy.LATER: "what you put off",
    Strategy.POOL: "a pool of pairs, shuffled; models are always hidden",
}


def show_pairs() -> None:
    """Show one pair at a time: an address asks for one."""
    state.put(VIEW, PAIRS)


def draw(store: Store, collection: Collection, name: str, now: Desk | None) -> tuple[Choice, bool]:
    """Draw the choices; what is to be judged, and whether the person decides before models are shown."""
    # Streamlit forgets a page's widgets when it is left; whoever comes back finds the queue they were in.
    was = now.choice if now is not None else Choice()
    view, queue = (LIST, Strategy.USEFUL) if was.strategy is Strategy.LIST else (PAIRS, was.strategy)
    state.settle(**{VIEW: view, QUEUE: queue.value, BLIND: ON, PEOPLE: was.assessors})
    if was.pool_id is not None:
        state.settle(**{POOL: was.pool_id})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("View", [PAIRS, LIST], key=VIEW, required=True)
        if state.text(VIEW) == LIST:
            choice = _list(store, collection, now)
        else:
            choice = _queue(store.pools.list(collection.collection_id), name)
        if choice.strategy is not Strategy.POOL:
            st.segmented_control("Blind first", [ON, OFF], key=BLIND, required=True)
        st.button("Refresh", key="judge_refresh", icon=":material/refresh:", on_click=state.seat, args=(None,))
    blind = choice.strategy is Strategy.POOL or state.text(BLIND) == ON
    if choice.strategy is Strategy.LIST and blind:
        choice = replace(choice, seed=name)
    return choice, blind


def _queue(pools: Sequence[Pool], name: str) -> Choice:
    """Which queue, with what belongs to it."""
    strategies = [strategy.value for strategy in NAMES if pools or strategy is not Strategy.POOL]
    if state.text(QUEUE) not in strategies:
        state.put(QUEUE, Strategy.USEFUL.value)
    st.pills(
        "Queue",
        strategies,
        format_func=lambda value: NAMES[Strategy(value)],
        key=QUEUE,
        required=True,
        help="\n".join(f"- **{NAMES[strategy]}**: {words}" for strategy, words in MEANINGS.items()),
    )
    strategy = Strategy(state.text(QUEUE))
    pool = _pool(pools) if strategy is Strategy.POOL else None
    if strategy is Strategy.OVERLAP:
        st.segmented_control("People a pair", [2, 3, 4, 5], key=PEOPLE, required=True)
    return Choice(
        strategy=strategy,
        assessors=(state.number(PEOPLE) or 2) if strategy is Strategy.OVERLAP else 2,
        seed=name if strategy is Strategy.RANDOM else "",
        pool_id=pool.pool_id if pool else None,
    )


def _list(store: Store, collection: Collection, now: Desk | None) -> Choice:
    """Which query's documents, and which page of them. It begins with the query the person was at."""
    here = now.here if now is not None and now.collection_id == collection.collection_id else None
    key = f"{QUERY}:{collection.collection_id}"
    if collection.queries > MANY:
        state.settle(**{key: here[0] if here else ""})
        query_id = st.text_input("Query id", key=key)
    else:
        queries = {query.query_id: query.text for query in store.collections.queries(collection.collection_id)}
        state.settle(**{key: here[0] if here else next(iter(queries), "")})
        query_id = st.selectbox("Query", list(queries), format_func=lambda found: queries[found][:WORDS], key=key)
    if not query_id:
        return Choice(strategy=Strategy.LIST)
    page = state.number(_page_key(query_id)) or 1
    return Choice(strategy=Strategy.LIST, query_id=query_id, page=page)


def draw_pages(desk: Desk) -> None:
    """Draw the way to the other pages of a list."""
    pages = -(-desk.waiting // PER_PAGE)
    if desk.choice.query_id is not None and pages > 1:
        st.pagination(pages, key=_page_key(desk.choice.query_id))


def _page_key(query_id: str) -> str:
    return f"{QUERY}:page:{query_id}"


def _pool(pools: Sequence[Pool]) -> Pool:
    """The evaluation whose pool is judged; models are always hidden there."""
    by_id = {pool.pool_id: pool for pool in pools}
    if state.text(POOL) not in by_id:
        state.put(POOL, pools[0].pool_id)
    st.segmented_control(
        "Evaluation",
        list(by_id),
        format_func=lambda pool_id: plain(by_id[pool_id].name, limit=40),
        key=POOL,
        required=True,
    )
    return by_id[state.text(POOL)]
