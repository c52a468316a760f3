"""What the Judge page is asked to show: which queue, how many people a pair, and whether models are hidden at first."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.actions.queue import Choice, Strategy
from app.views.plain import plain
from data.pooling import Pool

QUEUE, BLIND, PEOPLE, POOL = "judge_queue", "judge_blind", "judge_people", "judge_pool"
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


def draw(pools: Sequence[Pool], name: str) -> tuple[Choice, bool]:
    """Draw the choices; the queue wanted, and whether the person decides before models are shown."""
    state.settle(**{QUEUE: Strategy.USEFUL.value, BLIND: ON, PEOPLE: 2})
    strategies = [strategy.value for strategy in NAMES if pools or strategy is not Strategy.POOL]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
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
        if strategy is not Strategy.POOL:
            st.segmented_control("Blind first", [ON, OFF], key=BLIND, required=True)
        st.button("Refresh", key="judge_refresh", icon=":material/refresh:", on_click=state.seat, args=(None,))
    choice = Choice(
        strategy=strategy,
        assessors=(state.number(PEOPLE) or 2) if strategy is Strategy.OVERLAP else 2,
        seed=name if strategy is Strategy.RANDOM else "",
        pool_id=pool.pool_id if pool else None,
    )
    return choice, strategy is Strategy.POOL or state.text(BLIND) == ON


def _pool(pools: Sequence[Pool]) -> Pool:
    """The evaluation whose pool is judged; models are always hidden there."""
    by_id = {pool.pool_id: pool for pool in pools}
    state.settle(**{POOL: pools[0].pool_id})
    st.segmented_control(
        "Evaluation",
        list(by_id),
        format_func=lambda pool_id: plain(by_id[pool_id].name, limit=40),
        key=POOL,
        required=True,
    )
    return by_id.get(state.text(POOL), pools[0])
