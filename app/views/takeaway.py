"""The form of an export, and what would be in it."""

from collections.abc import Callable, Sequence

import streamlit as st

from app.actions.takeaway import CONFLICTS, FORMATS, ONE_GRADE, Counted, Wanted
from data.orders import Stock
from data.records import AssessorKind

EVERYBODY = "everybody's, of the kinds below"
_KINDS = {AssessorKind.HUMAN: "people", AssessorKind.TEACHER: "teachers", AssessorKind.STUDENT: "students"}


def wanted(assessors: Sequence[str], systems: Sequence[tuple[Stock, str]]) -> Wanted:
    """Ask what to take away."""
    format = st.selectbox("Format", list(FORMATS), format_func=FORMATS.__getitem__, key="take_format", width=620)
    if format == "trec-run":
        return Wanted(format=format, system=_system(systems))
    name = st.selectbox("Whose judgments", [EVERYBODY, *assessors], key="take_whose", width=420)
    one = None if name == EVERYBODY else name
    kinds: Sequence[AssessorKind] = ()
    if one is None:
        kinds = st.pills(
            "Only of", list(_KINDS), format_func=_KINDS.__getitem__, selection_mode="multi", key="take_kinds"
        )
        st.caption("Without a choice: people for labels, people and teachers for TRL, everybody for judgments.")
    if format not in ONE_GRADE:
        return Wanted(format=format, assessor=one, kinds=tuple(kinds))
    rule = st.selectbox(
        "Pairs with different grades",
        list(CONFLICTS),
        format_func=lambda name: f"{name}: {CONFLICTS[name]}",
        key="take_conflicts",
        help="What was settled by adjudication is no conflict.",
        width=420,
    )
    return Wanted(format=format, assessor=one, kinds=tuple(kinds), conflicts=rule)


def _system(systems: Sequence[tuple[Stock, str]]) -> Stock | None:
    if not systems:
        return None
    words = {number: text for number, (_, text) in enumerate(systems)}
    number = st.selectbox("System", list(words), format_func=words.__getitem__, key="take_system")
    return systems[number][0]


def download(counted: Counted, file_name: str, make: Callable[[], bytes]) -> None:
    """What is in the files, and the button that makes them."""
    st.dataframe(
        [{"What": name.replace("_", " "), "How many": count} for name, count in counted.counts.items()],
        hide_index=True,
        key="take_counts",
        width="content",
        column_config={"How many": st.column_config.NumberColumn(format="localized")},
    )
    st.text(f"Files: {', '.join(counted.files)}, manifest.json")
    st.download_button(
        "Download",
        data=make,
        file_name=file_name,
        mime="application/zip",
        key="download",
        icon=":material/download:",
        on_click="ignore",
        type="primary",
    )
