"""People and roles, drawn."""

from collections.abc import Sequence

import streamlit as st

from app.actions.people import BY_SETTING
from app.views.entrance import ROLES
from app.views.moments import moment
from data.people import Person, Role, RoleChange

MEANINGS = {
    Role.ASSESSOR: "May search, rank, judge in their own name, and export.",
    Role.LEAD: "May also change collections and rules, settle conflicts, make pools, ask teachers, train, evaluate and "
    "promote.",
    Role.ADMIN: "May also give roles, take in files and data sets by the app's machine, and ask teachers anywhere.",
}


def called(person: Person) -> str:
    """Name and address, for a choice, which Streamlit draws as text."""
    return person.name + (f" ({person.email})" if person.email and person.email not in person.name else "")


def no_login() -> None:
    """Why there is nobody to see on one's own machine."""
    st.info(
        "There is no login: on your own machine a name is enough, and whoever reaches this address may do everything. "
        "To let a team in with roles, configure a login: `docs/team.md` says how under *Who is who*.",
        icon=":material/lock_open:",
    )


def table(people: Sequence[Person], by_setting: Sequence[bool]) -> None:
    """Who signed in."""
    rows = [
        {
            "Name": person.name,
            "Address": person.email or "not verified",
            "Role": ROLES[person.role],
            "Given by": BY_SETTING if fixed else person.changed_by,
            "First seen": moment(person.created_at),
        }
        for person, fixed in zip(people, by_setting, strict=True)
    ]
    st.dataframe(rows, hide_index=True, key="people_table")
    if any(by_setting):
        st.caption(f"Who is named in {BY_SETTING} stays an admin.")


def trail(changes: Sequence[RoleChange]) -> None:
    """Who gave which role to whom, newest first."""
    st.subheader("Roles given")
    rows = [
        {
            "When": moment(change.created_at),
            "Who": change.name,
            "Before": ROLES[change.previous] if change.previous else "",
            "Role": ROLES[change.role],
            "Given by": change.changed_by,
        }
        for change in changes
    ]
    st.dataframe(rows, hide_index=True, key="people_trail")
