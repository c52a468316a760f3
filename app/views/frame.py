"""What surrounds every page: which collection, and who is judging."""

import streamlit as st

from app import resources, state
from app.views import problem
from app.views.plain import plain
from data.errors import WhyRankError
from data.records import Collection


def draw(*, needs_collection: bool) -> bool:
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
        # In the address, so that a reload or a bookmark keeps who is judging what.
        st.text_input(
            "Your name",
            key=state.ASSESSOR,
            placeholder=state.DEFAULT_ASSESSOR,
            max_chars=60,
            bind="query-params",
        )
        st.caption("Judgments are stored under this name. This app is not authenticated and listens on 127.0.0.1.")
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
