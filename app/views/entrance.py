"""What stands where nobody has come in yet: the question for a name, the login, or the refusal; and, once somebody has,
who they are."""

from collections.abc import Callable, Sequence

import streamlit as st

from app.actions.entrance import DEFAULT_PROVIDER
from app.actions.people import NAME_LENGTH
from app.components import keepsake
from app.views.plain import plain
from data.errors import NotAllowedError
from data.people import Person, Role

WIDTH = 560
ROLES = {Role.ASSESSOR: "assessor", Role.LEAD: "lead", Role.ADMIN: "admin"}


def ask_name(kept: str | None, *, open_to_others: bool, on_keep: Callable[[], None]) -> str | None:
    """Ask for a name; what was typed, when it is sent."""
    st.markdown("### WhyRank")
    with st.container(border=True, width=WIDTH, key="who"):
        st.markdown("#### What is your name?" if kept is None else "#### Another name")
        st.text("What you judge is kept under it, for others to see. It is asked once and kept in this browser.")
        with st.form("who_form", border=False):
            typed = st.text_input("Your name", value=kept or "", max_chars=NAME_LENGTH, key="who_name")
            sent = st.form_submit_button("Go on", type="primary", icon=":material/arrow_forward:")
        if kept is not None:
            st.button(f"Stay {plain(kept, limit=NAME_LENGTH)}", key="who_keep", on_click=on_keep)
        where = "others can reach this address" if open_to_others else "this app listens on this machine only"
        st.caption(
            "Everybody who uses the same name here is the same assessor. There is no password: "
            f"{where}, and whoever uses it may do everything."
        )
    return typed if sent else None


def login(providers: Sequence[str]) -> None:
    """The way to the identity providers."""
    st.markdown("### WhyRank")
    with st.container(border=True, width=WIDTH, key="login"):
        st.text("Sign in to search, judge and compare.")
        for provider in providers:
            own = provider == DEFAULT_PROVIDER
            label = "Sign in" if own else f"Sign in with {plain(provider)}"
            if st.button(label, key=f"login_{provider}", type="primary", icon=":material/login:"):
                st.login(None if own else provider)


def refused(error: NotAllowedError) -> None:
    """Signed in, but not let in."""
    st.markdown("### WhyRank")
    with st.container(border=True, width=WIDTH, key="refused"):
        st.markdown("#### You can't come in")
        st.text(error.what)
        st.text(error.mend)
        st.button("Sign out", key="logout", icon=":material/logout:", on_click=st.logout)


def who(person: Person, *, open_to_others: bool, on_change: Callable[[], None]) -> None:
    """Who is at the page, in the sidebar."""
    with st.container(horizontal=True, vertical_alignment="center", key="who_is_it"):
        st.markdown(f":material/person: {plain(person.name, limit=NAME_LENGTH)}")
        if person.login is None:
            st.button("Change", key="who_change", on_click=on_change, type="tertiary")
            keepsake.draw(person.name)
        else:
            # Before the run, not in it: the rest of the page would be drawn for nobody.
            st.button("Sign out", key="logout", type="tertiary", on_click=st.logout)
    if person.login is not None:
        st.caption(f"Signed in, as {ROLES[person.role]}. What you judge is kept under your name.")
    elif open_to_others:
        st.warning(
            "Not authenticated: everybody who reaches this address may do everything.", icon=":material/lock_open:"
        )
    else:
        st.caption("What you judge is kept under this name. Not authenticated: this app listens on this machine only.")
