"""How progress looks: the figures, a table of assessors, and how much was judged when."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.actions.opinions import who
from app.actions.progress import DAYS, HOURS, Queue, Report, Row
from app.views import charts
from app.views.plain import plain
from data.records import Status

_STATUSES = {
    Status.JUDGED: "Graded",
    Status.CANT_JUDGE: "Can't judge",
    Status.SKIPPED: "Skipped",
    Status.LATER: "Later",
    Status.UNREADABLE: "Unreadable",
}


def draw_figures(report: Report) -> None:
    """Draw the figures of the whole collection."""
    blind = "–" if report.blind is None else f"{report.blind:.0%}"
    with st.container(horizontal=True):
        st.metric("Decided by people", f"{report.decided:,}", border=True)
        st.metric("Left", f"{report.left:,}", border=True, help="Pairs a model spoke of, and no person has decided.")
        st.metric("Conflicts open", f"{report.conflicts:,}", border=True)
        st.metric("Graded blind", blind, border=True, help="Share of people's grades given with no model in sight.")


def draw_assessors(rows: Sequence[Row]) -> None:
    """Draw a row an assessor."""
    shown = [status for status in _STATUSES if any(status in row.by_status for row in rows)]
    st.dataframe(
        [_row(row, shown) for row in rows],
        hide_index=True,
        key="progress_assessors",
        placeholder="–",
        column_config={
            "Blind": st.column_config.NumberColumn(format="%.0f %%"),
            "Median seconds": st.column_config.NumberColumn(format="%.1f"),
            "Per hour of work": st.column_config.NumberColumn(format="%.0f"),
        }
        | {_STATUSES[status]: st.column_config.NumberColumn(format="localized") for status in shown},
    )
    st.caption(
        f"Median seconds: over all judgments whose time is known. Per hour of work: in the last {DAYS} days, where a "
        "quarter of an hour in which they judged anything is one of work; not of imported judgments. "
        "Blind: share of their grades."
    )


def _row(row: Row, shown: Sequence[Status]) -> dict[str, object]:
    return {
        "Who": who(row.assessor),
        "Kind": row.assessor.kind.value,
        **{_STATUSES[status]: row.by_status.get(status, 0) for status in shown},
        "Today": row.today,
        "Blind": None if row.blind is None else 100 * row.blind,
        "Median seconds": row.median_seconds,
        "Per hour of work": row.per_hour,
    }


def draw_queues(queues: Sequence[Queue]) -> None:
    """Draw how much is left of each evaluation queue."""
    for queue in queues:
        done = queue.pairs - queue.left
        st.progress(
            done / queue.pairs if queue.pairs else 1.0,
            text=f"{plain(queue.name)}: {done:,} of {queue.pairs:,} decided, {queue.left:,} left",
        )


def draw_days(series: Mapping[str, Mapping[str, int]]) -> None:
    """Draw what was judged per day."""
    _draw(series, f"Nobody judged in the last {DAYS} days.", key="progress_days", x="Day")


def draw_hours(series: Mapping[str, Mapping[str, int]]) -> None:
    """Draw what was judged per hour."""
    _draw(series, f"Nobody judged in the last {HOURS} hours.", key="progress_hours", x="Hour")


def _draw(series: Mapping[str, Mapping[str, int]], nothing: str, *, key: str, x: str) -> None:
    if series:
        charts.stacked(series, key=key, x=x, y="Judged")
    else:
        st.info(nothing, icon=":material/bedtime:")
