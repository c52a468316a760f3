"""Who is at this page: a name chosen on this machine, or the person who signed in, with the role they have now."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

import streamlit as st

from app import resources, state, trace
from app.actions import people
from app.components import keepsake
from data.errors import NotAllowedError
from data.people import Person, Role


def come_in() -> Person | None:
    """Before a page is drawn: who it is. None: they are still to say. Raises NotAllowedError for who may not come in,
    SettingsError where the way in is configured wrongly."""
    found = _known()
    if found is None or (found.login is None and state.asks_name()):
        return None
    state.keep_name(found.name)
    if found.login is None and st.query_params.get(state.ASSESSOR) != found.name:
        # In the address too: a bookmark, or a second tab, may be another person's.
        st.query_params[state.ASSESSOR] = found.name
    return found


def person() -> Person:
    """Who it is, as an action is told. Asked anew each time: a role may have been taken since the page was drawn."""
    trace.begin()
    found = _known()
    if found is None:
        raise NotAllowedError("Nobody has come in yet.", mend="Load the page anew.")
    return found


def refusal(needed: Role, doing: str) -> str | None:
    """Why this person may not do that, for a tooltip; None: they may."""
    return people.refusal(person(), needed, doing)


def only(needed: Role, doing: str, *, disabled: bool = False) -> dict[str, Any]:
    """What a button is given that only some may press: `st.button(..., **only(Role.LEAD, "promote a version"))`.
    `disabled`: nobody may, for another reason."""
    why = refusal(needed, doing)
    return {"disabled": disabled or why is not None, "help": why}


def leads_only(doing: str) -> Callable[..., dict[str, Any]]:
    """`only` for the many buttons of a page that are all for leads."""
    return partial(only, Role.LEAD, doing)


def is_signed_in() -> bool:
    """Did the browser bring an identity, whoever it is?"""
    return bool(st.user.get("is_logged_in"))


def _known() -> Person | None:
    bench = resources.workbench()
    if not resources.entrance().local:
        return people.sign_in(bench.store, bench.settings, st.user.to_dict()) if is_signed_in() else None
    kept = st.context.cookies.get(keepsake.COOKIE)
    for name in (
        state.kept_name(),
        st.query_params.get(state.ASSESSOR),
        unquote(kept) if isinstance(kept, str) else None,
    ):
        if name is not None and people.mended(name):
            return people.local(name)
    return None
