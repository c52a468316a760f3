"""Judge: one pair after the other or a query's documents as a list, a key an answer; what models say stays hidden until
the person has decided."""

import streamlit as st

from app import resources, state, visitor
from app.actions import desk as desks
from app.actions import judge
from app.actions.desk import Desk
from app.actions.queue import Choice
from app.components import desk as component
from app.views import choosing, frame, problem

workbench = resources.workbench()
collection = frame.collection()
name = state.assessor_name()


def seated(choice: Choice, sent: judge.Sent | None) -> Desk:
    """The place of this person in this queue; a new one where the queue, the person or the collection is another, or
    where an address asks for a pair on the way in."""
    desk = state.desk()
    asked = None
    if sent is None:
        # Nothing was heard of the desk yet: the person has just come, perhaps by an address that names a pair.
        query_id, doc_id = st.query_params.get("query_id"), st.query_params.get("doc_id")
        asked = (query_id, doc_id) if query_id and doc_id else None
    wanted = (collection.collection_id, name, choice)
    if desk is not None and (desk.collection_id, desk.assessor_name, desk.choice) != wanted:
        desks.leave(workbench, desk)
        desk = None
    if desk is None or (asked is not None and asked != desk.asked):
        desk = desks.sit_down(workbench, collection, name, choice, asked)
        state.seat(desk)
    return desk


with problem.shown():
    choice, blind = choosing.draw(workbench.store.pools.list(collection.collection_id), name)
    message = state.message(component.KEY, component.SENT)
    sent = None if message is None else judge.read(message)
    desk = seated(choice, sent)
    answers = judge.take(workbench, collection, visitor.person(), desk, sent or judge.Sent(), state.answers())
    state.keep_answers(answers)
    component.draw(judge.data(workbench, collection, desk, sent or judge.Sent(), answers, blind=blind))
