"""Evaluate: what was measured, what the gate says, promote and roll back, measure again."""

import streamlit as st

from app import resources, state, visitor
from app.actions import compare, pools, report
from app.actions import evaluate as actions
from app.views import evaluating, frame, measures, pooling, problem
from app.views import jobs as job_view
from data.people import Role
from data.records import Collection


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
                    state.again(f"{shown.version.name} is the champion of {collection.name}.")
        if not (shown.verdict.promote and shown.newest):
            with st.popover("Promote against the gate", icon=":material/gavel:", key="override_popover", **only_leads):
                reason = st.text_area("Reason, stored for good with your name", key="override_reason", max_chars=500)
                if st.button("Promote all the same", key="override"):
                    with problem.shown():
                        actions.override(workbench, collection, shown.version, by, reason)
                        state.again(f"{shown.version.name} is the champion of {collection.name}, against the gate.")


def queues(collection: Collection) -> None:
    """Evaluation queues: make one, and how far each is judged."""
    st.subheader("Evaluation queues")
    job_view.under_way(workbench, "Queries are being ranked", lambda: compare.newest_job(workbench, collection))
    stored = workbench.store.pools.list(collection.collection_id)
    if stored:
        pool = pooling.choose(stored)
        pooling.progress(pools.progress(workbench, collection, pool))
        if st.button("Judge this queue", key="pool_judge", icon=":material/gavel:"):
            pooling.open_on_judge(pool)
            st.switch_page("screens/judge.py")
    number = state.form_number()
    with st.expander("Make an evaluation queue", icon=":material/add:", key=f"pool_new_{number}"), problem.shown():
        wanted = pooling.form(pools.offer(workbench, collection), number=number)
        if wanted is None:
            return
        laid = pools.lay(workbench, collection, wanted)
        pooling.laid_out(laid)
        only_leads = visitor.only(Role.LEAD, pools.DOING)
        if laid.missing and st.button("Rank the missing queries", key="pool_rank", **only_leads):
            job = pools.rank_missing(workbench, collection, wanted, visitor.person())
            news = f"Job {job.job_id[:8]} is started; its log is on the Train page." if job else "Nothing is missing."
            state.again(news)
        if not laid.missing and st.button("Make the queue", key="pool_make", type="primary", **only_leads):
            made = pools.make(workbench, collection, wanted, visitor.person())
            state.again(f"The queue {made.name} is made: {len(made.pairs)} pairs.")


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
                state.again(f"Rolled back: {version.name} is the champion again.")


workbench = resources.workbench()
st.title("Evaluate")
with problem.shown():
    collection = frame.collection()
    with st.expander("New evaluation", icon=":material/add:", key=f"new_{state.form_number()}"):
        wanted = evaluating.form(actions.offer(workbench, collection))
        only_leads = visitor.only(Role.LEAD, actions.DOING)
        if wanted and st.button("Evaluate", key="evaluate", type="primary", icon=":material/play_arrow:", **only_leads):
            job = actions.start(workbench, collection, wanted, visitor.person())
            state.again(f"Job {job.job_id[:8]} is started; its log is on the Train page.")
    job_view.under_way(workbench, "An evaluation is under way", lambda: actions.newest_job(workbench, collection))
    shown = choose(collection)
    if shown is not None:
        measures.heading(shown.report, shown.version.name, shown.champion_then)
        measures.figures(shown.report, shown.looks)
        measures.table(shown.report)
        measures.charts_of(shown.report, shown.queries, collection.scale.highest)
        with st.expander("Every query", icon=":material/table_rows:", key="per_query"):
            if query_id := measures.per_query(shown.report, shown.queries, key="per_query"):
                doc_id = actions.to_judge(workbench, collection, shown, query_id)
                evaluating.ways(query_id, doc_id, *actions.system_ids(shown))
        evaluating.keep(report.files(workbench.store, collection, shown))
        decide(collection, shown)
    past(collection)
    queues(collection)
