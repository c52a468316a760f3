"""Adjudication: the pairs on which people conflict, one at a time; a lead gives the grade that counts, and why."""

import streamlit as st

from app import resources, state, visitor
from app.actions import adjudication
from app.views import adjudication as view
from app.views import frame, problem
from data.errors import WhyRankError
from data.people import Role
from data.settling import Pair

SLOT, NOTE, SHOWN = "adjudication", "adjudication_note", "adjudication_view"
WAITING, SETTLED = "To settle", "Settled"
PER_PAGE = 20

workbench = resources.workbench()
collection = frame.collection()


def address(pair: Pair) -> dict[str, str]:
    """What a link to it carries."""
    return {"query_id": pair[0], "doc_id": pair[1]}


def show(pair: Pair | None) -> None:
    """Put this pair on top, in the address too: a reload shows it again."""
    for key in ("query_id", "doc_id"):
        st.query_params.pop(key, None)
    if pair is not None:
        st.query_params.update(address(pair))
    state.repaint(SLOT)


def settle(case: adjudication.Case, following: Pair | None, keys: view.Keys, *, model_visible: bool) -> None:
    """Store the decision, then show the next pair."""
    event_id, seconds = state.painted(SLOT)
    grade = state.number(keys.grade)
    if grade is None:
        state.note(NOTE, "Choose the final grade first.")
        return
    decision = adjudication.Decision(
        event_id=event_id,
        query_id=case.query.query_id,
        doc_id=case.document.doc_id,
        grade=None if grade == view.CANT_JUDGE else grade,
        reason=state.text(keys.reason),
        explanation=state.text(keys.explanation),
        seen=case.seen,
        model_visible=model_visible,
        seconds_spent=seconds,
    )
    try:
        saved = adjudication.settle(workbench, collection, visitor.person(), decision)
    except WhyRankError as error:
        state.note(NOTE, str(error))
        return
    state.note(NOTE, saved.words)
    show(following)


def undo() -> None:
    """Take this person's newest settlement back, and show its pair."""
    try:
        undone = adjudication.undo(workbench, collection, visitor.person())
    except WhyRankError as error:
        state.note(NOTE, str(error))
        return
    if undone is None:
        state.note(NOTE, "You have settled nothing that could be taken back.")
        return
    state.note(NOTE, f"taken back: {undone.doc_id} waits again")
    show((undone.query_id, undone.doc_id))


def ways(waiting: list[adjudication.Conflict], pair: Pair | None) -> None:
    """Draw how many wait, where one is, and the ways on."""
    places = [conflict.pair for conflict in waiting]
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, step in (("Previous", -1), ("Next", 1)):
            there = adjudication.beside(waiting, pair, step)
            key = f"adjudication_{label.lower()}"
            st.button(label, key=key, on_click=show, args=(there,), disabled=there is None)
        st.button("Undo", key="adjudication_undo", icon=":material/undo:", on_click=undo)
        view.draw_place(len(waiting), places.index(pair) + 1 if pair in places else None, state.note_of(NOTE))


def draw(waiting: list[adjudication.Conflict], pair: Pair) -> None:
    """Draw one pair."""
    event_id, _ = state.painted(SLOT)
    models, keys = f"models:{event_id}", view.Keys(event_id)
    case = adjudication.case(workbench, collection, pair)
    with_models = state.number(models) == 1
    following = adjudication.following(waiting, pair)
    left, right = st.columns(2, gap="large")
    with left:
        view.draw_pair(case, with_models=with_models, key=f"adjudication-passage:{event_id}")
        view.draw_links(address(pair))
    with right:
        view.draw_standing(case, collection.scale)
        view.draw_people(case, collection.scale, guideline_version=collection.guideline_version)
        view.draw_decision(
            case,
            collection,
            refusal=visitor.refusal(Role.LEAD, adjudication.DOING),
            keys=keys,
            on_settle=lambda: settle(case, following, keys, model_visible=with_models and bool(case.models)),
        )
        view.draw_models(case, collection.scale, shown=with_models, on_show=lambda: state.put(models, 1))


def walk() -> None:
    """The conflicts that wait, one at a time."""
    now = collection, workbench.store.stamp()
    waiting = state.kept("adjudication_waiting", now, lambda: adjudication.conflicts(workbench, collection))
    pair = frame.asked_pair()
    if pair is None and waiting:
        pair = waiting[0].pair
        # In the address before anything is chosen: a rerun must not lay another pair under what was entered.
        st.query_params.update(address(pair))
    ways(waiting, pair)
    if pair is None:
        view.draw_none()
    else:
        draw(waiting, pair)


def settled() -> None:
    """Who settled what, a page at a time."""
    count = workbench.store.gradings.settlement_count(collection.collection_id)
    if not count:
        st.info("Nothing has been settled yet.", icon=":material/balance:")
        return
    pages = -(-count // PER_PAGE)
    page = st.pagination(pages, key="adjudication_page") if pages > 1 else 1
    found = adjudication.settlements(workbench, collection, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    view.draw_settlements(found, collection.scale, key=f"adjudication_settled:{page}")
    st.download_button(
        f"All {count:,} as CSV",
        lambda: adjudication.as_csv(adjudication.settlements(workbench, collection)),
        "settlements.csv",
        "text/csv",
        key="adjudication_csv",
        icon=":material/download:",
        on_click="ignore",
    )


with problem.shown():
    state.settle(**{SHOWN: WAITING})
    st.segmented_control("Show", [WAITING, SETTLED], key=SHOWN, required=True, label_visibility="collapsed")
    (settled if state.text(SHOWN) == SETTLED else walk)()
