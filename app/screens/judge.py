"""Judge: one pair at a time, a key a grade; models stay hidden until the person has decided."""

import streamlit as st

from app import resources, state
from app.actions import judge, judging
from app.views import frame, problem, sheet
from data.errors import ConflictError, WhyRankError
from data.records import Judgment, Status

ORDER, BLIND = "judge_order", "judge_blind"
SLOT, NOTE = "judge", "judge_note"
ON, OFF = "On", "Off"
ORDERS = {
    judge.Order.USEFUL: "Most useful",
    judge.Order.DISAGREEMENT: "Disagreement",
    judge.Order.NEVER: "Never judged",
    judge.Order.LATER: "Put off",
}

workbench = resources.workbench()
collection = frame.collection()
name = state.assessor_name()


def seated() -> judge.Desk:
    """The queue of this person and collection, laid out anew where one of the choices changed."""
    order = judge.Order(state.text(ORDER) or judge.Order.USEFUL)
    desk = state.desk()
    if desk is None or (desk.collection_id, desk.assessor_name, desk.order) != (collection.collection_id, name, order):
        desk = judge.sit_down(workbench, collection, name, order)
        state.seat(desk)
        state.repaint(SLOT)
    asked = st.query_params.get("query_id"), st.query_params.get("doc_id")
    if asked[0] and asked[1]:
        desk.open((asked[0], asked[1]))
        for name_of_id in ("query_id", "doc_id"):
            del st.query_params[name_of_id]
        state.repaint(SLOT)
    return desk


def move(desk: judge.Desk, on: bool) -> None:
    """Put the next or the previous pair on top."""
    if on:
        desk.next()
    else:
        desk.previous()
    state.repaint(SLOT)


def answer(desk: judge.Desk, painting: judge.Painting, status: Status, grade: int | None, *, stay: bool) -> None:
    """Store an answer to the pair that was painted, then show the next one, or what is to be shown of this one."""
    draft = judging.Draft(
        event_id=painting.event_id,
        query_id=painting.pair[0],
        doc_id=painting.pair[1],
        status=status,
        grade=grade,
        text=state.text(painting.text_key) if status is Status.JUDGED else "",
        started_from=painting.started_from,
        model_visible=painting.model_visible,
        seconds_spent=state.painted(SLOT)[1],
    )
    try:
        saved = judging.save(workbench, collection, name, draft)
    except ConflictError:
        state.note(NOTE, "a key pressed before the page had answered was ignored")
        return
    except WhyRankError as error:
        state.note(NOTE, str(error))
        return
    state.note(NOTE, saved.words)
    if not stay and desk.item is not None and desk.item.pair == painting.pair:
        desk.next()
    state.repaint(SLOT)


def undo(desk: judge.Desk) -> None:
    """Take the newest answer back, and show its pair."""
    try:
        undone = judging.undo(workbench, collection, name)
    except WhyRankError as error:
        state.note(NOTE, str(error))
        return
    if undone is not None:
        desk.open((undone.query_id, undone.doc_id))
    state.note(NOTE, judging.undone_words(undone, undone.doc_id if undone else ""))
    state.repaint(SLOT)


def buttons(desk: judge.Desk, painting: judge.Painting, mine: Judgment | None) -> sheet.Answers:
    """What the keys of one painting do."""
    return sheet.Answers(
        on_grade=lambda grade: answer(desk, painting, Status.JUDGED, grade, stay=not painting.goes_on(Status.JUDGED)),
        on_status=lambda status: answer(desk, painting, status, None, stay=not painting.goes_on(status)),
        on_explain=lambda: answer(desk, painting, Status.JUDGED, mine.grade if mine else None, stay=True),
    )


def draw(desk: judge.Desk, item: judge.Item, *, blind: bool) -> None:
    """Draw the pair on top."""
    found = judge.sheet(workbench, collection, name, item.pair)
    painting = judge.paint(found, blind=blind, event_id=state.painted(SLOT)[0])
    state.settle(**{painting.text_key: painting.text})
    does = buttons(desk, painting, found.mine)
    left, right = st.columns([3, 2], gap="large")
    with left:
        sheet.draw_pair(found, revealed=painting.revealed, key=f"judge-passage:{painting.event_id}")
    with right:
        sheet.draw_grades(collection.scale, found, does, painting=painting.event_id)
        sheet.draw_other_answers(does, painting=painting.event_id)
        sheet.draw_editor(found, does, text_key=painting.text_key, painting=painting.event_id)
        if painting.revealed:
            sheet.draw_others(found, collection.scale)
        else:
            st.caption("What models and other people say is shown once you have decided.")
        sheet.draw_rules(collection)


state.settle(**{ORDER: judge.Order.USEFUL, BLIND: ON})
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.segmented_control("Queue", list(ORDERS), format_func=lambda order: ORDERS[order], key=ORDER, required=True)
    st.segmented_control("Blind first", [ON, OFF], key=BLIND, required=True)
    st.button("Refresh the queue", key="judge_refresh", icon=":material/refresh:", on_click=state.seat, args=(None,))
with problem.shown():
    desk = seated()
    sheet.draw_progress(judge.progress(workbench, collection, name, desk))
    sheet.draw_ways(
        desk,
        state.note_of(NOTE),
        sheet.Ways(
            on_undo=lambda: undo(desk), on_previous=lambda: move(desk, on=False), on_next=lambda: move(desk, on=True)
        ),
    )
    if desk.item is None:
        sheet.draw_end(desk)
    else:
        draw(desk, desk.item, blind=state.text(BLIND) == ON)
