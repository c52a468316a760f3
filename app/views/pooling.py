"""Evaluation queues: the form of a new one, what it lacks, and how far each is judged."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.actions.pools import DEPTH, NAME_LETTERS, Laid, Offer, Progress, Wanted
from app.actions.queue import Strategy
from app.views import choosing
from app.views.plain import plain
from data.pooling import Pool


def form(offer: Offer, *, number: int) -> Wanted | None:
    """Ask what to pool; None where there is nothing to pool from."""
    st.caption(
        "The first documents of several systems for held-out queries, mixed and shuffled. Whoever judges it sees "
        "neither what models say nor which system found a document, so the labels are fair to all of them."
    )
    if not offer.queries:
        st.info("This collection has no held-out query.", icon=":material/info:")
        return None
    names = {system.system_id: system.title for system in offer.systems}
    left, right = st.columns([2, 3])
    name = left.text_input("Name of the queue", key=f"pool_name_{number}", max_chars=NAME_LETTERS)
    chosen = right.multiselect(
        "Systems", list(names), list(offer.opening), format_func=names.__getitem__, key=f"pool_systems_{number}"
    )
    first, second, third = st.columns(3)
    queries = first.number_input(
        f"Held-out queries at most (of {offer.queries})",
        1,
        offer.queries,
        min(50, offer.queries),
        key=f"pool_queries_{number}",
    )
    depth = second.number_input("Documents of each system", 1, 100, DEPTH, key=f"pool_depth_{number}")
    seed = third.number_input("Seed of sample and shuffle", 0, 2**31 - 1, 0, key=f"pool_seed_{number}")
    return Wanted(name=name, system_ids=tuple(chosen), queries=int(queries), depth=int(depth), seed=int(seed))


def laid_out(laid: Laid) -> None:
    """How large the queue would be, and which rankings it lacks."""
    if not laid.missing:
        st.text(f"{len(laid.pairs)} pairs of {len(laid.queries)} queries.")
        return
    for system in laid.systems:
        absent = laid.missing.get(system.system_id, ())
        if absent:
            st.warning(
                f"{plain(system.title)} has not ranked {len(absent)} of {len(laid.queries)} queries to this depth.",
                icon=":material/warning:",
            )


def choose(pools: Sequence[Pool]) -> Pool:
    """The queue to look at."""
    titles = {
        pool.pool_id: f"{pool.name}: {len(pool.pairs)} pairs, {pool.created_at.astimezone():%Y-%m-%d %H:%M}"
        for pool in pools
    }
    chosen = st.selectbox("Queue", list(titles), format_func=titles.__getitem__, key=f"pool_{len(pools)}")
    return next(pool for pool in pools if pool.pool_id == chosen)


def open_on_judge(pool: Pool) -> None:
    """The Judge page is to show this queue when it is opened."""
    choosing.show_pairs()
    state.put(choosing.QUEUE, Strategy.POOL.value)
    state.put(choosing.POOL, pool.pool_id)


def progress(found: Progress) -> None:
    """How far a queue is judged, by whom, and what that brought."""
    total = len(found.pool.pairs)
    st.progress(found.decided / total if total else 1.0, text=f"{found.decided} of {total} pairs judged")
    left, right = st.columns([2, 3])
    with left:
        if found.people:
            rows = [{"Assessor": name, "Judged": judged, "Of": total} for name, judged in found.people]
            st.dataframe(rows, hide_index=True, key="pool_people")
        else:
            st.caption("Nobody has judged any of it yet.")
    with right:
        st.dataframe(
            [{"System": name, "Before": before, "Now": now} for name, before, now in found.judged],
            hide_index=True,
            key="pool_judged",
            column_config=dict.fromkeys(("Before", "Now"), st.column_config.NumberColumn(format="percent")),
        )
        st.caption("Judged@10 of each system, before the queue was made and now.")
    st.caption(
        f"Made by {plain(found.pool.created_by)} from the first {found.pool.depth} documents of "
        f"{plain(', '.join(found.pool.systems), limit=300)}."
    )
