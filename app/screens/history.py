"""History: every event of a pair, who said what when, and a list of all events to search and to take away."""

import streamlit as st

from app import resources, state
from app.actions import history
from app.actions.opinions import who
from app.views import frame, problem
from app.views import history as view
from app.views.plain import plain
from data.history import Wanted
from data.records import Status
from data.settling import Pair

WORDS, WHO, STATUSES = "history_words", "history_who", "history_statuses"

workbench = resources.workbench()
collection = frame.collection()


def show_all() -> None:
    """Leave the pair."""
    for key in ("query_id", "doc_id"):
        st.query_params.pop(key, None)


def wanted() -> Wanted:
    """What the person searches for."""
    assessors = workbench.store.assessors.by_id()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key=WORDS, placeholder="words of an id, a query, an explanation, a note")
        assessor_id = st.selectbox(
            "Who",
            sorted(assessors, key=lambda key: assessors[key].name),
            index=None,
            format_func=lambda key: who(assessors[key]),
            key=WHO,
            placeholder="everybody",
        )
        statuses = st.multiselect("What", list(Status), format_func=str, key=STATUSES, placeholder="everything")
    return Wanted(assessor_id=assessor_id, statuses=tuple(statuses), words=words)


def download(asked_for: Wanted, count: int, *, key: str) -> None:
    """Offer what is listed as a file."""
    st.download_button(
        f"{count:,} events as CSV",
        lambda: history.as_csv(workbench, collection, asked_for),
        "history.csv",
        "text/csv",
        key=key,
        icon=":material/download:",
        on_click="ignore",
    )


def of_pair(pair: Pair) -> None:
    """All that was ever said of one pair."""
    st.button("All events", key="history_all", icon=":material/arrow_back:", on_click=show_all)
    found = history.story(workbench, collection, pair)
    st.markdown(f"#### {plain(found.query.text, limit=2000)}")
    st.text(found.document.title or found.document.text[:200])
    st.caption(plain(found.document.doc_id))
    if not found.steps:
        st.info("Nobody has said anything of this pair yet.", icon=":material/history:")
    for step in found.steps:
        view.draw_step(step, collection.scale)
    address = {"query_id": pair[0], "doc_id": pair[1]}
    with st.container(horizontal=True):
        st.page_link("screens/judge.py", label="Judge it", icon=":material/gavel:", query_params=address)
        if found.steps:
            download(Wanted(pair=pair), len(found.steps), key="history_pair_csv")


def of_all() -> None:
    """The list."""
    asked_for = wanted()
    page = state.number(key := f"history_page:{hash(asked_for)}") or 1
    found = history.listing(workbench, collection, asked_for, page=page)
    if not found.count:
        nothing = "Nothing was ever judged here." if asked_for == Wanted() else "No event fits."
        st.info(nothing, icon=":material/history:")
        return
    st.caption(f"{found.count:,} events, the newest first. Select a row for the pair's whole history.")
    chosen = view.draw_lines(found, key=f"history_lines:{key}:{page}")
    if chosen is not None:
        st.query_params.update({"query_id": chosen[0], "doc_id": chosen[1]})
        st.rerun()
    pages = -(-found.count // history.PER_PAGE)
    if pages > 1:
        st.pagination(pages, key=key)
    download(asked_for, found.count, key="history_csv")


with problem.shown():
    pair = frame.asked_pair()
    if pair is None:
        of_all()
    else:
        of_pair(pair)
