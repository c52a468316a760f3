"""Teacher: have a larger model judge and explain, or make queries of documents, live; several of them as one more."""

import streamlit as st

from app import resources, state, visitor
from app.actions import combining, making
from app.actions import jobs as watching
from app.actions import teach as actions
from app.actions.train import MAKE, log_path
from app.views import frame, problem
from app.views import jobs as job_view
from app.views import making as making_view
from app.views import teaching as view
from data.people import Role
from data.records import Collection, Job
from training.teaching import Preview, TeachConfig

KEPT = "Every answer is kept, whatever became of the job: what was asked once is not asked again."


def choose(collection: Collection) -> watching.Watch | None:
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
    now = job_view.now(workbench, job_id, live=live)
    job_view.failure(now)
    if now.job.kind == MAKE:
        look_at_queries(now.job, live)
    elif (found := actions.told(workbench, now.job)) is not None:
        view.told(found, money=view.has_prices(now.job))
        st.caption(KEPT)
    job_view.log(watching.log_tail(log_path(workbench, job_id)))
    job_view.settings(now.job.config)


def look_at_queries(job: Job, live: bool) -> None:
    """What a job that makes queries has done and, at its end, what it made."""
    found = making.told(workbench, job)
    if found is None:
        return
    making_view.told(found, money=view.has_prices(job))
    st.caption(KEPT)
    if live:
        return
    if made := making.made(workbench, job):
        making_view.made(made)
    path = making.manifest(workbench, job)
    if path.is_file():
        making_view.manifest(f"queries-{job.job_id[:8]}.json", path.read_bytes)


def prepare(collection: Collection) -> None:
    """Ask for a job, show what it would ask, start it."""
    st.subheader("Ask a teacher")
    settings, task = workbench.settings, view.task()
    typed = view.form(
        settings.teacher_url,
        settings.teacher_model,
        has_key=settings.teacher_api_key is not None,
        about=making_view.about if task == view.MAKE else view.about,
    )
    if not (str(typed["url"]).strip() and str(typed["model"]).strip()):
        st.info("Name the server and its model, here or by WHYRANK\\_TEACHER\\_URL and WHYRANK\\_TEACHER\\_MODEL.")
    elif task == view.MAKE:
        prepare_queries(collection, typed)
    else:
        prepare_judgments(collection, typed)


def prepare_judgments(collection: Collection, typed: dict[str, object]) -> None:
    """Have it judge and explain."""
    most = typed.pop("pairs_of_queue", 0)
    pairs = actions.disagreeing(workbench, collection, int(str(most))) if most else ()
    if most and not pairs:
        st.info("The disagreement queue is empty: people have judged every pair, or nothing was ranked yet.")
        return
    wanted = actions.config({**typed, "pairs": pairs})
    if asked(actions.preview(workbench, collection, wanted), "queries", wanted, "Ask the teacher", "teach_start"):
        started(actions.start(workbench, collection, wanted, visitor.person()))


def prepare_queries(collection: Collection, typed: dict[str, object]) -> None:
    """Have it make queries of documents."""
    wanted = making.config(typed)
    found = making.preview(workbench, collection, wanted)
    if asked(found, "documents", wanted.teaching, "Make queries", "make_start"):
        started(making.start(workbench, collection, wanted, visitor.person()))


def asked(found: Preview, things: str, teaching: TeachConfig, label: str, key: str) -> bool:
    """What would be asked, and what stands against it; was the button pressed?"""
    view.preview(found, things)
    if found.problem is not None:
        problem.show(found.problem)
    may = visitor.only(*actions.needed(workbench, teaching), disabled=found.problem is not None)
    return st.button(label, key=key, type="primary", icon=":material/school:", **may)


def started(job: Job) -> None:
    """Go on with the job."""
    state.again(f"Job {job.job_id[:8]} is started; the worker takes it from there.")


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
            state.again(f"{made.name}: {made.graded:,} of {made.pairs:,} pairs graded, {made.tied:,} tied.")


workbench = resources.workbench()
st.title("Teacher")
with problem.shown():
    collection = frame.collection()
    chosen_job = choose(collection)
    if chosen_job is not None:
        live = not chosen_job.job.state.ended
        st.fragment(look, run_every=job_view.EVERY if live else None)(chosen_job.job.job_id, live)
    with problem.shown():
        prepare(collection)
    combine(collection)
