"""Train: what would be learnt, the button, and the jobs, the chosen one live."""

from pathlib import Path

import streamlit as st

from app import resources, state, visitor
from app.actions import jobs as watching
from app.actions import train as actions
from app.actions.options import options
from app.views import frame, problem
from app.views import jobs as job_view
from app.views import training as view
from data.people import Role
from data.records import Collection, JobState


def prepare(collection: Collection) -> None:
    """Choose recipe and options, see what they would train on, start."""
    recipe = view.recipe(actions.recipes())
    wanted = actions.config({"recipe": recipe, **view.options(options(recipe), recipe)})
    found = actions.preview(workbench, collection, wanted)
    st.subheader("What would be trained")
    view.preview(found, actions.by_source_and_grade(found), actions.USES, collection.scale)
    if found.problem is not None:
        problem.show(found.problem)
    if st.button(
        "Start training",
        key="start",
        type="primary",
        icon=":material/play_arrow:",
        **visitor.only(Role.LEAD, actions.DOING, disabled=found.problem is not None),
    ):
        with problem.shown():
            job = actions.start(workbench, collection, wanted, visitor.person())
            state.again(f"Job {job.job_id[:8]} is in the list; the worker takes it from there.")


def listed(collection: Collection) -> str | None:
    """The list of jobs; returns the id of the one to look at."""
    st.subheader("Jobs")
    watches = watching.watches(workbench, collection)
    if not watches:
        st.info("No job yet. What you start appears here, with its progress, curve and log.")
        return None
    live = any(not watch.job.state.ended for watch in watches)
    st.fragment(table, run_every=job_view.EVERY if live else None)(collection)
    titles = {watch.job.job_id: job_view.title(watch.job) for watch in watches}
    key = f"job_{collection.collection_id}_{state.form_number()}"
    return st.selectbox("Look at", list(titles), format_func=titles.__getitem__, key=key)


def table(collection: Collection) -> None:
    """All jobs as they are now."""
    job_view.table(watching.watches(workbench, collection))


def worker() -> None:
    """Says it where no worker runs, or the disk is full, until that is over."""
    job_view.hindrances(workbench)


def look(job_id: str, log: Path, live: bool) -> None:
    """One job as it is now. `live`: it is looked at again and again, until it has ended."""
    watch = watching.watched(workbench, job_id)
    if live and watch.job.state.ended:
        st.rerun()
    job_view.progress(watch)
    job_view.failure(watch)
    if watch.job.kind == actions.LEARN:
        st.page_link("screens/learn.py", label="See its curve", icon=":material/show_chart:")
    elif watch.job.kind in (actions.TEACH, actions.MAKE):
        st.page_link("screens/teach.py", label="See what it asked", icon=":material/school:")
    elif watch.job.state is JobState.DONE:
        job_view.result(watch.job.result or {})
        st.page_link("screens/evaluate.py", label="See its evaluation and decide", icon=":material/monitoring:")
    job_view.cancelling(workbench, watch)
    job_view.curves(actions.curves(workbench, job_id), key=f"curve_{job_id}")
    job_view.log(watching.log_tail(log))
    job_view.settings(watch.job.config)


workbench = resources.workbench()
st.title("Train")
with problem.shown():
    chosen = frame.collection()
    st.fragment(worker, run_every=job_view.EVERY)()
    prepare(chosen)
    shown = listed(chosen)
    if shown is not None:
        live = not watching.watched(workbench, shown).job.state.ended
        st.fragment(look, run_every=job_view.EVERY if live else None)(shown, actions.log_path(workbench, shown), live)
