"""What surrounds every page: who is at it, and which collection."""

import streamlit as st

from app import resources, state, visitor
from app.actions import people
from app.actions.entrance import is_loopback
from app.views import entrance, problem
from app.views.plain import plain
from data.errors import NotAllowedError, WhyRankError
from data.people import Person
from data.records import Collection
from data.settling import Pair


def visit() -> tuple[Person | None, WhyRankError | None]:
    """Who is at the page, or why nobody can be."""
    try:
        return visitor.come_in(), None
    except WhyRankError as error:
        return None, error


def draw_entrance(why: WhyRankError | None) -> None:
    """Draw the way in, or why it is closed."""
    if isinstance(why, NotAllowedError):
        entrance.refused(why)
    elif why is not None:
        problem.show(why)
    elif not resources.entrance().local:
        entrance.login(resources.entrance().providers)
    else:
        kept = state.kept_name()
        typed = entrance.ask_name(kept, open_to_others=_open_to_others(), on_keep=state.ask_no_name)
        if typed is not None:
            with problem.shown():
                person, words = people.introduce(resources.workbench().store, typed)
                state.keep_name(person.name)
                state.ask_no_name()
                state.announce(words)
                st.rerun()


def draw(person: Person, *, needs_collection: bool) -> bool:
    """Draw the sidebar; False where the page can't be shown (the reason stands on the screen instead)."""
    try:
        collections = resources.workbench().store.collections.list()
    except WhyRankError as error:
        problem.show(error)
        return False
    with st.sidebar:
        st.markdown("### WhyRank")
        names = [collection.name for collection in collections]
        if names:
            state.settle_collection(names)
            st.selectbox("Collection", names, key=state.COLLECTION, bind="query-params")
        entrance.who(person, open_to_others=_open_to_others(), on_change=state.ask_name)
    if news := state.take_news():
        st.success(plain(news, limit=400), icon=":material/check:")
    if needs_collection and not names:
        st.info("There is no collection yet. Import one, or install the sample, on the Collections page.")
        st.page_link("screens/collections.py", label="Go to Collections", icon=":material/library_books:")
        return False
    return True


def collection() -> Collection:
    """The collection chosen in the sidebar."""
    return resources.workbench().store.collections.get(state.collection_name() or "")


def asked_pair() -> Pair | None:
    """The pair that the address names."""
    query_id, doc_id = st.query_params.get("query_id"), st.query_params.get("doc_id")
    return (query_id, doc_id) if query_id and doc_id else None


def _open_to_others() -> bool:
    return not is_loopback(resources.workbench().settings.address)
