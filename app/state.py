"""Session state by name and type; the only module that touches `st.session_state` keys."""

import streamlit as st

COLLECTION = "collection_name"
ASSESSOR = "assessor_name"
DEFAULT_ASSESSOR = "me"


def collection_name() -> str | None:
    """Name of the collection the person works on."""
    name = st.session_state.get(COLLECTION)
    return str(name) if name else None


def assessor_name() -> str:
    """Name under which this person's judgments are stored."""
    return str(st.session_state.get(ASSESSOR) or "").strip() or DEFAULT_ASSESSOR
