"""Evaluate: what was measured, what the gate says, promote and roll back, measure again."""

import streamlit as st

from app import resources, state, visitor
from app.actions import evaluate as actions
from app.actions.train import worker_alive
from app.views import evaluating, frame, measures, problem
from app.views import jobs as job_view
from data.people import Role
from data.records import Collection, JobState


def choose(collection: Collection) -> actions.Shown | None:
    """The evaluation to look at; None where there is none."""
    records = actions.stored(workbench, collection)
    if not records:
        st.info(
            "Nothing was evaluated yet. A training job ends with an evaluation; or start one above for the base model."
        )
        return None
    titles = actions.titles(workbench, records)
    key = f"evaluation_{collection.collection_id}_{len(records)}"
    chosen = st.selectbox("Evaluation", list(titles), format_func=titles.__getitem__, key=key)
    return actions.shown(workbench, collection, next(r for r in records if r.evaluation_id == chosen))


def follow(collection: Collection) -> None:
    """The evaluation job started last, redrawn by itself while it runs."""
    watch = actions.newest_job(workbench, collection)
    if watch is None or watch.job.state.ended:
        st.rerun()
    if not worker_alive(workbench):
        job_view.no_worker()
    st.markdown("**An evaluation is under way**")
    job_view.progress(watch)


def decide(collection: Collection, shown: actions.Shown) -> None:
    """The gate's word, and a person's."""
    st.subheader("The gate")
    if shown.champion_then is not None:
        measures.verdict(shown.verdict)
    else:
        st.info("Measured as the champion itself: the gate only judges what is to take its place.")
    if shown.is_champion:
        st.info("This version is the champion now.")
        return
    if not shown.newest:
        st.warning(
            "Promotion is decided by this version's newest evaluation against the present champion, "
            "which is not the one shown here. Where there is none, evaluate it again."
        )
    by, only_leads = visitor.person(), visitor.only(Role.LEAD, actions.PROMOTING)
    with st.container(horizontal=True):
        with st.popover("Promote", icon=":material/arrow_upward:", key="promote_popover", **only_leads):
            st.text(f"{shown.version.name} will rank for {collection.name} from now on.")
            if st.button("Yes, promote it", key="promote", type="primary"):
                with problem.shown():
                    actions.promote(workbench, collection, shown.version, by)
                    again(f"{shown.version.name} is the champion of {collection.name}.")
        if not (shown.verdict.promote and shown.newest):
            with st.popover("Promote against the gate", icon=":material/gavel:", key="override_popover", **only_leads):
                reason = st.text_area("Reason, stored for good with your name", key="override_reason", max_chars=500)
                if st.button("Promote all the same", key="override"):
                    with problem.shown():
                        actions.override(workbench, collection, shown.version, by, reason)
                        again(f"{shown.version.name} is the champion of {collection.name}, against the gate.")


def past(collection: Collection) -> None:
    """Who was champion when and why, and the way back."""
    st.subheader("Promotions")
    moves = actions.history(workbench, collection)
    st.text(f"Champion now: {actions.champion(workbench, collection).name}")
    if not moves:
        st.caption("No version was promoted yet: the base model ranks.")
        return
    evaluating.history(moves)
    with st.popover("Roll back", icon=":material/undo:", key=f"rollback_popover_{state.form_number()}"):
        st.text("The champion before this one ranks again. Nothing is deleted.")
        if st.button("Yes, roll back", key="rollback", **visitor.only(Role.LEAD, actions.ROLLING_BACK)):
            with problem.shown():
                version = actions.rollback(workbench, collection, visitor.person())
                again(f"Rolled back: {version.name} is the champion again.")


def again(news: str) -> None:
    """Say it after the rerun."""
    state.next_form()
    state.announce(news)
    st.rerun()


workbench = resources.workbench()
st.title("Evaluate")
with problem.shown():
    collection = frame.collection()
    with st.expander("New evaluation", icon=":material/add:", key=f"new_{state.form_number()}"):
        wanted = evaluating.form(actions.offer(workbench, collection))
        only_leads = visitor.only(Role.LEAD, actions.DOING)
        if wanted and st.button("Evaluate", key="evaluate", type="primary", icon=":material/play_arrow:", **only_leads):
            job = actions.start(workbench, collection, wanted, visitor.person())
            again(f"Job {job.job_id[:8]} is started; its log is on the Train page.")
    newest = actions.newest_job(workbench, collection)
    if newest is not None and not newest.job.state.ended:
        st.fragment(follow, run_every="2s")(collection)
    elif newest is not None and newest.job.state is JobState.FAILED:
        job_view.failure(newest)
    shown = choose(collection)
    if shown is not None:
        measures.heading(shown.report, shown.version.name, shown.champion_then)
        measures.figures(shown.report, shown.looks)
        measures.table(shown.report)
        measures.charts_of(shown.report, shown.queries, collection.scale.highest)
        with st.expander("nDCG@10 of every query", key="per_query"):
            measures.per_query(shown.report, shown.queries)
        decide(collection, shown)
    past(collection)
