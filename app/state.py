"""Session state by name and type; the only module that touches `st.session_state` keys."""

import streamlit as st

COLLECTION = "collection_name"
ASSESSOR = "assessor_name"
DEFAULT_ASSESSOR = "me"
_WANTED_COLLECTION = "wanted_collection"
_NEWS = "news"


def collection_name() -> str | None:
    """Name of the collection the person works on."""
    name = st.session_state.get(COLLECTION)
    return str(name) if name else None


def assessor_name() -> str:
    """Name under which this person's judgments are stored."""
    return str(st.session_state.get(ASSESSOR) or "").strip() or DEFAULT_ASSESSOR


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
