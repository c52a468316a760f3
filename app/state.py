"""Session state by name and type; the only module that touches `st.session_state` keys."""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import NoReturn, TypeVar

import streamlit as st

from app.actions.desk import Desk
from app.actions.strokes import Answer
from app.actions.takeaway import Counted
from data.records import new_id

COLLECTION = "collection_name"
ASSESSOR = "assessor_name"
_ASKS_NAME = "asks_name"
_WANTED_COLLECTION = "wanted_collection"
_NEWS = "news"
_PAINTED = "painted"
_NOTES = "notes"
_DESK = "judge_desk"
_ANSWERS = "judge_answers"
_RANKING = "explore_ranking"
_FORMS = "forms"
_KEPT = "kept"
_COUNTED = "take_counted"
_SESSION = "session_id"
T = TypeVar("T")


def session_id() -> str:
    """An id of this session for the log. Not Streamlit's own, by which a browser comes back into its session."""
    return str(st.session_state.setdefault(_SESSION, new_id()))


def collection_name() -> str | None:
    """Name of the collection the person works on."""
    name = st.session_state.get(COLLECTION)
    return str(name) if name else None


def assessor_name() -> str:
    """Name under which this person's judgments are stored. No page is drawn before there is one."""
    return str(st.session_state[ASSESSOR])


def kept_name() -> str | None:
    """The name this session has; None: none yet."""
    name = st.session_state.get(ASSESSOR)
    return str(name) if name else None


def keep_name(name: str) -> None:
    """Go on under this name."""
    st.session_state[ASSESSOR] = name


def ask_name() -> None:
    """Ask for another name before the next page."""
    st.session_state[_ASKS_NAME] = True


def ask_no_name() -> None:
    """Go on under the name there is."""
    st.session_state[_ASKS_NAME] = False


def asks_name() -> bool:
    """Does the person want another name?"""
    return bool(st.session_state.get(_ASKS_NAME))


def want_collection(name: str) -> None:
    """Choose this collection at the next run: a widget's own value can't be set once it is drawn."""
    st.session_state[_WANTED_COLLECTION] = name


def settle_collection(names: list[str]) -> None:
    """Before the choice is drawn: take the wanted collection, else keep the one chosen, else the first."""
    wanted = st.session_state.pop(_WANTED_COLLECTION, None) or collection_name()
    st.session_state[COLLECTION] = wanted if wanted in names else names[0]


def announce(news: str) -> None:
    """Keep a sentence over the rerun that follows an action. It is shown as text."""
    st.session_state[_NEWS] = news


def take_news() -> str | None:
    """What the last action had to say, once."""
    news = st.session_state.pop(_NEWS, None)
    return str(news) if news else None


def form_number() -> int:
    """How many actions ended well in this session: a form with this number in its keys is a fresh one."""
    return int(st.session_state.get(_FORMS, 0))


def next_form() -> None:
    """Begin with empty forms."""
    st.session_state[_FORMS] = form_number() + 1


def again(news: str) -> NoReturn:
    """An action went well: begin with empty forms, and say it after the rerun."""
    next_form()
    announce(news)
    st.rerun()


def text(key: str) -> str:
    """What a text widget holds."""
    return str(st.session_state.get(key) or "")


def number(key: str) -> int | None:
    """What a choice of whole numbers holds; None: nothing chosen."""
    value = st.session_state.get(key)
    return value if isinstance(value, int) else None


def share(key: str) -> float:
    """What a slider from 0 to 1 holds."""
    return float(st.session_state.get(key) or 0.0)


def settle(**values: Hashable) -> None:
    """Give widgets that aren't drawn yet their first values."""
    for key, value in values.items():
        st.session_state.setdefault(key, value)


def put(key: str, value: Hashable) -> None:
    """Set a widget's value before it is drawn."""
    st.session_state[key] = value


def painted(slot: str) -> tuple[str, float]:
    """(event id, seconds since) of what a slot of the page shows: the same until `repaint`."""
    slots: dict[str, tuple[str, float]] = st.session_state.setdefault(_PAINTED, {})
    event_id, since = slots.setdefault(slot, (new_id(), time.monotonic()))
    return event_id, time.monotonic() - since


def repaint(slot: str) -> None:
    """The slot's event was sent: what is painted there next is another."""
    st.session_state.get(_PAINTED, {}).pop(slot, None)


def note(slot: str, words: str) -> None:
    """Keep a line to be shown in a slot of the page, until another takes its place."""
    st.session_state.setdefault(_NOTES, {})[slot] = words


def note_of(slot: str) -> str:
    """The line of a slot; empty where there is none."""
    return str(st.session_state.get(_NOTES, {}).get(slot, ""))


def desk() -> Desk | None:
    """Where this person is in the queue of the Judge page."""
    found = st.session_state.get(_DESK)
    return found if isinstance(found, Desk) else None


def seat(at: Desk | None) -> None:
    """Keep the person's place in a queue; None: lay it out anew."""
    st.session_state[_DESK] = at


def message(key: str, name: str) -> object:
    """What a component of our own sent last, before it is drawn again; None: nothing yet."""
    sent = st.session_state.get(key)
    return sent.get(name) if isinstance(sent, Mapping) else None


def answers() -> dict[str, Answer]:
    """event_id -> what this session was told of it, where nothing more can come of it."""
    found: dict[str, Answer] = st.session_state.get(_ANSWERS, {})
    return found


def keep_answers(given: Mapping[str, Answer]) -> None:
    """Keep the final answers to what the browser still sends."""
    st.session_state[_ANSWERS] = {event_id: answer for event_id, answer in given.items() if answer.final}


def keep_counted(about: Hashable, counted: Counted) -> None:
    """Keep what a count of an export came to, until another one is asked for."""
    st.session_state[_COUNTED] = (about, counted)


def counted(about: Hashable) -> Counted | None:
    """What the last count came to, if it was of this."""
    kept: tuple[Hashable, Counted] | None = st.session_state.get(_COUNTED)
    return kept[1] if kept is not None and kept[0] == about else None


def kept(slot: str, key: Hashable, make: Callable[[], T]) -> T:
    """What this session made last for that slot, made anew where the key is another. For what takes long over a whole
    collection and stays right until something is stored (`Store.stamp`): a click elsewhere on the page is no reason."""
    slots: dict[str, tuple[Hashable, T]] = st.session_state.setdefault(_KEPT, {})
    if slot not in slots or slots[slot][0] != key:
        slots[slot] = key, make()
    return slots[slot][1]


def ranking_id() -> str | None:
    """The ranking shown last in this session."""
    found = st.session_state.get(_RANKING)
    return str(found) if found else None


def keep_ranking(shown: str | None) -> None:
    """Remember which ranking is shown, so that it is there again after a visit to another page."""
    st.session_state[_RANKING] = shown
