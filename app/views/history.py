"""How history looks: one pair's events with what changed in their words, and the list of all events."""

import streamlit as st

from app.actions.history import Listing, Step, answer
from app.actions.opinions import who
from app.views import opinion
from app.views.moments import moment
from app.views.plain import plain
from data.history import Line
from data.records import Assessor, AssessorKind, Status
from data.scales import Scale
from data.settling import Pair
from engine.explanation.changes import Change

_LONG = 20_000
_SHOWN = {"kept": "{}", "added": ":green-background[**{}**]", "removed": ":red-background[~~{}~~]"}
"""Not by colour alone: what is new is bold, what is gone is struck out."""


def draw_step(step: Step, scale: Scale) -> None:
    """Draw one event of a pair."""
    said, before = step.judgment, step.before
    with st.container(border=True, gap="xxsmall"):
        then = plain(opinion.answer(before, scale)) if before is not None else "nothing"
        now = plain(opinion.answer(said, scale))
        st.markdown(f"{opinion.ICONS[step.assessor.kind]} **{plain(who(step.assessor))}** · {then} → **{now}**")
        st.caption(" · ".join(_circumstances(step)))
        if step.settled:
            st.caption(f":material/balance: settles what {plain(', '.join(step.settled), limit=300)} said")
        if said.note:
            st.text(said.note)
        fates = {change.fate for change in step.changes}
        if {"kept", "removed"} & fates and fates != {"kept"}:
            origin = f" (from {plain(step.started_from)}'s)" if step.started_from else ""
            st.caption(f"Explanation{origin}")
            st.markdown(" ".join(map(_shown, step.changes)))
        elif said.explanation:
            st.text(said.explanation)
        quotes = [evidence.quote for evidence in said.evidence]
        if quotes and (before is None or before.evidence != said.evidence):
            st.caption("Evidence: " + "; ".join(plain(quote, limit=200) for quote in quotes))


def _shown(change: Change) -> str:
    return _SHOWN[change.fate].format(plain(change.text, limit=_LONG))


def _circumstances(step: Step) -> list[str]:
    said = step.judgment
    marks = [word for word, holds in (("undo", step.is_undo), ("taken back later", step.undone)) if holds]
    pace = [] if said.seconds_spent is None else [f"{said.seconds_spent:.0f} s"]
    return opinion.circumstances(said, marks, pace, of_person=step.assessor.kind is AssessorKind.HUMAN)


def draw_lines(listing: Listing, *, key: str) -> Pair | None:
    """Draw a page of events; the pair whose row is selected."""
    chosen = st.dataframe(
        [_row(line, listing) for line in listing.lines],
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_config={"Seconds": st.column_config.NumberColumn(format="%.0f")},
    )
    for number in chosen["selection"]["rows"]:
        return listing.lines[number].query_id, listing.lines[number].doc_id
    return None


def _row(line: Line, listing: Listing) -> dict[str, object]:
    return {
        "When": moment(line.created_at),
        "Who": who(listing.assessors[line.assessor_id]),
        "Query": line.query_id,
        "Document": line.doc_id,
        "Before": answer(line.status_before, line.grade_before),
        "After": "taken back" if line.status is Status.WITHDRAWN else answer(line.status, line.grade),
        "Mark": "undo" if line.undoes else "taken back later" if line.undone else "settles" if line.settles else "",
        "Explanation": line.explanation or "",
        "Note": line.note or "",
        "Blind": _blind(line, listing.assessors[line.assessor_id]),
        "Seconds": line.seconds_spent,
        "Guidelines": line.guideline_version,
    }


def _blind(line: Line, assessor: Assessor) -> str:
    if assessor.kind is not AssessorKind.HUMAN:
        return ""
    return "no" if line.model_visible else "yes"
