"""People: who signs in, what each may do, and who gave them which role."""

import streamlit as st

from app import resources, state, visitor
from app.actions import people as actions
from app.views import people as view
from app.views import problem
from app.views.entrance import ROLES
from data.people import Person, Role

PAGE = "people_page"

workbench = resources.workbench()
by = visitor.person()


def change(found: list[Person]) -> None:
    """Give somebody of the list another role."""
    by_login = {person.login or "": person for person in found}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        login = st.selectbox(
            "Person", list(by_login), format_func=lambda login: view.called(by_login[login]), key="people_login"
        )
        role = st.segmented_control(
            "Role",
            list(Role),
            default=by_login[login].role,
            format_func=lambda role: ROLES[role],
            key=f"people_role:{login}:{by_login[login].role}",
            required=True,
        )
        role = role or by_login[login].role
        given = st.button("Give this role", key="people_give", type="primary")
    st.caption(view.MEANINGS[role])
    if given:
        with problem.shown():
            person = actions.set_role(workbench.store, workbench.settings, by, login, role)
            state.announce(f"{person.name} has the role {ROLES[person.role]} now.")
            st.rerun()


st.title("People")
with problem.shown():
    roster = actions.roster(workbench.store, by, state.number(PAGE) or 1)
    if resources.entrance().local:
        view.no_login()
    if roster.people:
        view.table(roster.people, [actions.is_admin_by_setting(workbench.settings, who) for who in roster.people])
        if roster.pages > 1:
            st.pagination(roster.pages, key=PAGE)
        change(list(roster.people))
        view.trail(roster.changes)
    elif not resources.entrance().local:
        st.info("Nobody has signed in yet.", icon=":material/group:")
