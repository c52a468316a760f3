"""Progress: who judged how much, when and how fast, and what is left."""

import streamlit as st

from app import resources, state
from app.actions import progress
from app.views import frame, pace, problem
from app.views.moments import zone
from data.records import utc_now

PER, DAY, HOUR = "progress_per", "Per day", "Per hour"

workbench = resources.workbench()
collection = frame.collection()


def draw(report: progress.Report) -> None:
    """Draw a report."""
    pace.draw_figures(report)
    if report.conflicts:
        st.page_link("screens/adjudication.py", label="Settle the conflicts", icon=":material/balance:")
    pace.draw_queues(report.queues)
    if not report.rows:
        st.info("Nothing was judged here yet.", icon=":material/inbox:")
        st.page_link("screens/judge.py", label="Judge pairs", icon=":material/gavel:")
        return
    pace.draw_assessors(report.rows)
    state.settle(**{PER: DAY})
    st.segmented_control("Judged by people", [DAY, HOUR], key=PER, required=True)
    if state.text(PER) == DAY:
        pace.draw_days(report.days)
    else:
        pace.draw_hours(report.hours)


with problem.shown():
    now, pools = utc_now(), workbench.store.pools.list(collection.collection_id)
    draw(
        state.kept(
            "progress_report",
            (collection, workbench.store.stamp(), tuple(p.pool_id for p in pools), zone(), f"{now:%Y-%m-%d %H:%M}"),
            lambda: progress.report(workbench, collection, zone(), now),
        )
    )
