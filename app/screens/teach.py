"""Teacher: have a larger model judge and explain, live; several of them as one more."""

import streamlit as st

from app import resources, state, visitor
from app.actions import combining
from app.actions import teach as actions
from app.actions.jobs import Watch, log_tail, watch
from app.actions.train import CANCELLING, cancel, log_path
from app.views import frame, problem
from app.views import jobs as job_view
from app.views import teaching as view
from data.people import Role
from data.records import Collection, utc_now

# How often a running job is looked at; each look only reads.
EVERY = "2s"


def choose(collection: Collection) -> Watch | None:
    """The job to look at; None where there is none."""
    watches = {each.job.job_id: each for each in actions.watches(workbench, collection)}
    if not watches:
        view.empty()
        return None
    titles = {job_id: actions.title(each.job) for job_id, each in watches.items()}
    key = f"teach_job_{collection.collection_id}_{state.form_number()}"
    return watches[st.selectbox("Job", list(titles), format_func=titles.__getitem__, key=key)]


def look(job_id: str, live: bool) -> None:
    """One job as it is now. `live`: it is looked at again and again, until it has ended."""
    now = watch(workbench.store.jobs.get(job_id), utc_now())
    if live and now.job.state.ended:
        st.rerun()
    if live:
        job_view.hindrances(workbench)
        job_view.progress(now)
        may = visitor.only(Role.LEAD, CANCELLING)
        stoppable = not now.job.cancel_requested
        if stoppable and st.button("Cancel this job", key="cancel", icon=":material/stop_circle:", **may):
            cancel(workbench, job_id, visitor.person())
            st.rerun()
    if not live:
        job_view.failure(now)
    found = actions.told(workbench, now.job)
    if found is not None:
        view.told(found, money=view.has_prices(now.job.config))
        st.caption("Every answer is kept, whatever became of the job: what was asked once is not asked again.")
    job_view.log(log_tail(log_path(workbench, job_id)))
    job_view.settings(now.job.config)


def prepare(collection: Collection) -> None:
    """Ask for a job, show what it would ask, start it."""
    st.subheader("Ask a teacher")
    settings = workbench.settings
    typed = view.form(settings.teacher_url, settings.teacher_model, has_key=settings.teacher_api_key is not None)
    if not (str(typed["url"]).strip() and str(typed["model"]).strip()):
        st.info("Name the server and its model, here or by WHYRANK\\_TEACHER\\_URL and WHYRANK\\_TEACHER\\_MODEL.")
        return
    most = typed.pop("pairs_of_queue", 0)
    pairs = actions.disagreeing(workbench, collection, int(str(most))) if most else ()
    if most and not pairs:
        st.info("The disagreement queue is empty: people have judged every pair, or nothing was ranked yet.")
        return
    wanted = actions.config({**typed, "pairs": pairs})
    found = actions.preview(workbench, collection, wanted)
    view.preview(found)
    if found.problem is not None:
        problem.show(found.problem)
    may = visitor.only(*actions.needed(workbench, wanted), disabled=found.problem is not None)
    if st.button("Ask the teacher", key="teach_start", type="primary", icon=":material/school:", **may):
        job = actions.start(workbench, collection, wanted, visitor.person())
        again(f"Job {job.job_id[:8]} is started; the worker takes it from there.")


def combine(collection: Collection) -> None:
    """Several teachers as one more."""
    st.subheader("Combine teachers")
    teachers = combining.teachers(workbench, collection)
    if len(teachers) < combining.FEWEST:
        st.caption("With judgments of two teachers, a third one can be made of them: their majority or their mean.")
        return
    name, chosen, how = view.combination(teachers, state.form_number())
    ready = bool(name.strip()) and len(chosen) >= combining.FEWEST
    may = visitor.only(Role.LEAD, combining.DOING, disabled=not ready)
    if st.button("Combine", key="combine", icon=":material/merge:", **may):
        with problem.shown():
            made = combining.combine(workbench, collection, name, chosen, how, visitor.person())
            again(f"{made.name}: {made.graded:,} of {made.pairs:,} pairs graded, {made.tied:,} tied.")


def again(news: str) -> None:
    """Say it after the rerun."""
    state.next_form()
    state.announce(news)
    st.rerun()


workbench = resources.workbench()
st.title("Teacher")
with problem.shown():
    collection = frame.collection()
    chosen_job = choose(collection)
    if chosen_job is not None:
        live = not chosen_job.job.state.ended
        st.fragment(look, run_every=EVERY if live else None)(chosen_job.job.job_id, live)
    with problem.shown():
        prepare(collection)
    combine(collection)
