"""Learning curve: what more and more corrections bring, from the judgments there are; points appear as they come."""

import streamlit as st

from app import resources, state, visitor
from app.actions import jobs as watching
from app.actions import learn as actions
from app.actions import pictures
from app.actions.train import log_path, recipes
from app.views import frame, problem
from app.views import jobs as job_view
from app.views import learning as view
from data.people import Role
from data.records import Collection


def choose(collection: Collection) -> watching.Watch | None:
    """The curve to look at; None where there is none."""
    watches = {each.job.job_id: each for each in watching.watches(workbench, collection, actions.KIND)}
    if not watches:
        view.empty()
        return None
    titles = {job_id: actions.title(each.job, actions.curve(workbench, each.job)) for job_id, each in watches.items()}
    key = f"curve_{collection.collection_id}_{state.form_number()}"
    return watches[st.selectbox("Curve", list(titles), format_func=titles.__getitem__, key=key)]


def look(job_id: str, collection: Collection, live: bool) -> None:
    """One curve as it is now. `live`: it is looked at again and again, until its job has ended."""
    now = job_view.now(workbench, job_id, live=live)
    job_view.failure(now)
    found = actions.curve(workbench, now.job)
    if found is None:
        st.caption("The curve appears with its first point, which is the champion's.")
    else:
        view.conclusion(*actions.conclusion(found))
        view.curve(found, actions.rows(found), key=f"learn_{job_id}")
        view.facts(found)
        view.warnings(found["warnings"])
        view.points(actions.points(found), key=f"learn_{job_id}")
        if not live:
            take_away(found, collection)
    job_view.log(watching.log_tail(log_path(workbench, job_id)))
    job_view.settings(now.job.config)


def take_away(found: actions.Curve, collection: Collection) -> None:
    """The points as CSV, the charts as a PNG."""
    with st.container(horizontal=True):
        st.download_button(
            "CSV", actions.as_csv(found), "learning-curve.csv", "text/csv", key="learn_csv", on_click="ignore"
        )
        wanted = st.button("Make a PNG", key="learn_png", icon=":material/image:")
    if wanted:
        with problem.shown():
            drawn = pictures.both(found["levels"], found["bm25"], f"Learning curve of {collection.name}")
            st.download_button(
                "PNG", pictures.png(drawn), "learning-curve.png", "image/png", key="learn_png_file", on_click="ignore"
            )


def prepare(collection: Collection) -> None:
    """Ask for a curve, show what it would be made from, start it."""
    st.subheader("New curve")
    recipe = view.recipe(recipes(), actions.RECIPE)
    typed = view.form(recipe, list(actions.train_options(recipe).values()))
    typed["counts"] = actions.numbers(str(typed["counts"]), "Numbers of corrections")
    typed["seeds"] = actions.numbers(str(typed["seeds"]), "Seeds")
    wanted = actions.config({"recipe": recipe, **typed})
    found = actions.preview(workbench, collection, wanted)
    view.preview(found)
    if found.problem is not None:
        problem.show(found.problem)
        view.where_to_judge()
    if st.button(
        "Draw the curve",
        key="learn_start",
        type="primary",
        icon=":material/play_arrow:",
        **visitor.only(Role.LEAD, actions.DOING, disabled=found.problem is not None),
    ):
        job = actions.start(workbench, collection, wanted, visitor.person())
        state.again(f"Job {job.job_id[:8]} is started; the worker takes it from there.")


workbench = resources.workbench()
st.title("Learning curve")
with problem.shown():
    collection = frame.collection()
    chosen = choose(collection)
    if chosen is not None:
        live = not chosen.job.state.ended
        st.fragment(look, run_every=job_view.EVERY if live else None)(chosen.job.job_id, collection, live)
    prepare(collection)
