"""Judge: one pair after the other or a query's documents as a list, a key an answer; what models say stays hidden until
the person has decided."""

from app import resources, state, visitor
from app.actions import desk as desks
from app.actions import judge
from app.actions.desk import Desk
from app.actions.queue import Choice
from app.components import desk as component
from app.views import choosing, frame, problem
from data.settling import Pair

workbench = resources.workbench()
collection = frame.collection()
name = state.assessor_name()


def pair_asked_for(*, arriving: bool) -> Pair | None:
    """The pair an address names on the way in; later the address follows the person, and asks for nothing."""
    asked = frame.asked_pair() if arriving else None
    before = state.desk()
    return None if before is not None and before.asked == asked else asked


def seated(choice: Choice, asked: Pair | None) -> Desk:
    """The place of this person in this queue; a new one where the queue, the person or the collection is another."""
    desk = state.desk()
    wanted = (collection.collection_id, name, choice)
    if desk is not None and (desk.collection_id, desk.assessor_name, desk.choice) != wanted:
        desks.leave(workbench, desk)
        desk = None
    if desk is None or asked is not None:
        desk = desks.sit_down(workbench, collection, name, choice, asked)
        state.seat(desk)
    return desk


with problem.shown():
    message = state.message(component.KEY, component.SENT)
    sent = judge.read(message)
    asked = pair_asked_for(arriving=message is None)
    if asked is not None:
        choosing.show_pairs()
    choice, blind = choosing.draw(workbench.store, collection, name, state.desk())
    desk = seated(choice, asked)
    answers = judge.take(workbench, collection, visitor.person(), desk, sent, state.answers())
    state.keep_answers(answers)
    component.draw(judge.data(workbench, collection, desk, sent, answers, blind=blind))
    choosing.draw_pages(desk)
