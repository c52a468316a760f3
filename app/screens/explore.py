"""Explore: a query, its documents at once, then the model's order with reasons, and corrections in place."""

import streamlit as st

from app import resources, state, visitor
from app.actions import explore, judging
from app.views import asking, frame, problem, result
from app.views.live import Live
from data.errors import WhyRankError

# A correction's seconds run from when the ranking was shown, or from the correction before it.
CLOCK = "explore_clock"

workbench = resources.workbench()
collection = frame.collection()
name = state.assessor_name()


def forget() -> None:
    """Show no ranking."""
    state.keep_ranking(None)
    st.query_params.pop("ranking", None)


def shown() -> explore.Result | None:
    """The ranking the address names, else the one shown before another page was visited.

    One of another collection chooses that collection, once: then the person chose another on purpose.
    """
    ranking_id = st.query_params.get("ranking") or state.ranking_id()
    if ranking_id is None:
        return None
    try:
        found = explore.stored(workbench, ranking_id)
    except WhyRankError as error:
        forget()
        problem.show(error)
        return None
    if found.collection.collection_id != collection.collection_id:
        if state.ranking_id() == ranking_id:
            forget()
            return None
        state.keep_ranking(ranking_id)
        state.want_collection(found.collection.name)
        st.rerun()
    state.keep_ranking(ranking_id)
    st.query_params["ranking"] = ranking_id
    return found


def rank(asked: asking.Asked) -> None:
    """Draw the first stage at once and the model's answers as they come; then show the stored ranking."""
    query = explore.ask(workbench, collection, asked.text)
    found = explore.first_stage(workbench, collection, query, asked.depth)
    if not found:
        forget()
        st.info("BM25 found no document with a word of this query. Try other words.", icon=":material/search_off:")
        return
    live = Live(found, collection.scale)
    plan = explore.plan_of(
        workbench,
        method=asked.method,
        depth=asked.depth,
        fusion_weight=asked.fusion_weight,
        explain_top=asked.explain_top,
    )
    ranking = explore.rank(workbench, collection, query, asked.version, plan, live.listener)
    state.repaint(CLOCK)
    state.keep_ranking(ranking.ranking_id)
    st.query_params["ranking"] = ranking.ranking_id
    st.rerun()


def correction(found: explore.Result) -> result.Correction:
    """What the buttons of a document's correction do."""
    slot = f"explore:{found.ranking.ranking_id}"

    def save(doc_id: str) -> None:
        event_id, _ = state.painted(f"{slot}:{doc_id}")
        _, seconds = state.painted(CLOCK)
        draft = judging.Draft(
            event_id=event_id,
            query_id=found.ranking.query_id,
            doc_id=doc_id,
            grade=state.number(keys.grade_key(doc_id)),
            text=state.text(keys.text_key(doc_id)),
            started_from=explore.said_in(workbench, found.ranking, doc_id),
            model_visible=True,
            seconds_spent=seconds,
            ranking_id=found.ranking.ranking_id,
        )
        try:
            saved = explore.correct(workbench, found, visitor.person(), draft)
        except WhyRankError as error:
            state.note(keys.note_key(doc_id), str(error))
            return
        state.note(keys.note_key(doc_id), saved.words)
        state.repaint(f"{slot}:{doc_id}")
        state.repaint(CLOCK)

    def undo(doc_id: str) -> None:
        try:
            undone = judging.undo(workbench, found.collection, name)
        except WhyRankError as error:
            state.note(keys.note_key(doc_id), str(error))
            return
        state.note(keys.note_key(doc_id), judging.undone_words(undone, doc_id))
        mine = judging.mine(workbench, found.collection, name, found.ranking.query_id, doc_id)
        state.put(keys.grade_key(doc_id), mine.grade if mine else None)
        state.put(keys.text_key(doc_id), explore.starting_text(found, doc_id, mine))

    keys = result.Correction(slot=slot, on_save=save, on_undo=undo)
    return keys


found = shown()
made = found.ranking if found else None
asked = asking.draw(
    explore.versions(workbench, collection),
    explore.version_to_rank_with(workbench, collection, made),
    explore.examples(workbench, collection),
    made,
)
area = st.empty()
with area.container(), problem.shown():
    if asked is not None:
        rank(asked)
    elif found is not None:
        state.painted(CLOCK)
        result.draw(found, judging.person(workbench, name).assessor_id, correction(found))
    else:
        st.info(
            "Ask something above. BM25's documents appear at once; the model then grades and explains each of them.",
            icon=":material/search:",
        )
