"""Collections: what there is, what comes in, browse, edit, take away, rebuild, delete."""

import streamlit as st

from app import resources, state, visitor
from app.actions import collections as actions
from app.actions import intake, rules, takeaway
from app.views import collections as view
from app.views import frame, importing, problem
from app.views import rules as rules_view
from app.views import takeaway as takeaway_view
from app.views.plain import plain
from app.views.progress import bar
from data import logs
from data.records import Collection

TABS = "collection_tabs"


def add(found: list[actions.Overview]) -> None:
    """The two ways a collection comes in."""
    with st.expander("Add a collection", expanded=not found, icon=":material/add:", key=f"add_{state.form_number()}"):
        if not actions.has_sample(found):
            st.markdown("**Look around first:** a small collection with questions, labels and a teacher's judgments.")
            if st.button("Install the sample", key="install_sample", icon=":material/school:", **leads()):
                with problem.shown(), bar() as progress:
                    done(actions.install_sample(workbench, by, progress), "The sample is installed.")
            st.divider()
        request, waiting = importing.wanted(state.form_number(), lambda asked: actions.look(workbench, by, asked))
        # Pressed before the server has the whole file, it would import nothing.
        if st.button("Import", key="import", type="primary", icon=":material/upload:", **leads(disabled=waiting)):
            with problem.shown(), bar() as progress:
                collection = actions.add(workbench, by, request, progress)
                done(collection, f"{collection.name} is imported: {collection.documents:,} documents.")
        if waiting:
            st.caption("Choose a file above; once all of it is here, it can be imported.")


def done(collection: Collection, news: str) -> None:
    """Say it, and go on with this collection."""
    state.want_collection(collection.name)
    state.again(news)


def browse(collection: Collection) -> None:
    """Documents, page by page, or one by its id."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        doc_id = st.text_input("Open a document by its id", key="doc_id", placeholder="id").strip()
        page = st.pagination(actions.pages(collection), key=f"page_{collection.collection_id}")
    if doc_id:
        found = actions.document(workbench, collection, doc_id)
        if found:
            view.document(found)
        else:
            st.text(f"There is no document {doc_id!r} here.")
    selected = view.documents(actions.documents(workbench, collection, page))
    if selected:
        view.document(selected)
    else:
        st.caption("Select a row to read the whole document.")


def guidelines(collection: Collection) -> None:
    """The words people and the model judge by."""
    view.guidelines_warning(actions.trained_versions(workbench, collection))
    text, scale = rules_view.form(collection, rules.presets(workbench, collection))
    if st.button("Save the guidelines and the scale", key="save_guidelines", **leads()):
        saved = rules.save(workbench, collection, guidelines=text, scale=scale, by=by)
        changed = saved.guideline_version != collection.guideline_version
        done(saved, f"Saved as version {saved.guideline_version}." if changed else "Nothing was changed.")
    rules_view.versions(rules.changes(workbench, collection))


def take_in(collection: Collection) -> None:
    """Judgments and runs for this collection."""
    number = state.form_number()
    st.markdown("**Judgments**")
    incoming, there = importing.judgments(number, lambda file: intake.words(workbench, by, file))
    if st.button("Import the judgments", key="import_judgments", icon=":material/upload:", **leads(disabled=not there)):
        with problem.shown():
            count = intake.add_judgments(workbench, collection, by, incoming)
            done(collection, f"{count:,} judgments are new.")
    st.divider()
    st.markdown("**Runs of other systems**")
    importing.runs(kept := intake.runs(workbench, collection))
    file, name = importing.run(number)
    if st.button("Keep the run", key="import_run", icon=":material/upload:", **leads(disabled=not file)):
        with problem.shown():
            made = intake.add_run(workbench, collection, by, file, name)
            done(collection, f"The run {made.name} is kept.")
    if kept:
        gone = st.selectbox("A run to delete", [run.name for run in kept], key="run_to_delete", width=420)
        if st.button("Delete the run", key="delete_run", icon=":material/delete:", **leads()):
            intake.delete_run(workbench, collection, by, gone)
            done(collection, f"The run {gone} is deleted.")


def take_away(collection: Collection) -> None:
    """A download with its manifest, counted before it is made."""
    asked = takeaway_view.wanted(takeaway.assessors(workbench, collection), takeaway.systems(workbench, collection))
    about = (collection.collection_id, asked)
    if st.button("Count what will be in it", key="take_count", icon=":material/functions:"):
        state.keep_counted(about, takeaway.count(workbench, collection, asked))
    counted = state.counted(about)
    if counted is not None:
        name = takeaway.file_name(collection, asked)
        takeaway_view.download(counted, name, logs.carried(lambda: takeaway.download(workbench, collection, asked)))


def upkeep(collection: Collection) -> None:
    """Name, index, and the end."""
    name = st.text_input("Name", collection.name, key=f"name_{collection.name}", max_chars=80)
    if st.button("Rename", key="rename", **leads()):
        done(actions.rename(workbench, collection, by, name), "The collection is renamed.")
    st.divider()
    st.text(f"Index: {actions.index_words(collection)}. Searches go on with the old one while a new one is built.")
    if st.button("Rebuild the index", key="rebuild", icon=":material/refresh:", **leads()):
        with bar() as progress:
            done(actions.build_index(workbench, collection, by, progress), "The index is rebuilt.")
    st.divider()
    view.hanging(collection, actions.hanging(workbench, collection))
    typed = st.text_input("Type the collection's name to delete it", key=f"delete_name_{collection.collection_id}")
    if st.button("Delete for good", key="delete", icon=":material/delete:", **leads()):
        actions.delete(workbench, collection, by, typed)
        state.announce(f"{collection.name} is deleted.")
        st.rerun()


workbench, by = resources.workbench(), visitor.person()
leads = visitor.leads_only(actions.DOING)
st.title("Collections")
with problem.shown():
    listed = actions.overviews(workbench)
    if listed:
        view.table(listed)
    else:
        st.info("There is no collection yet. Install the sample to look around, or import your own documents.")
    add(listed)
    if listed:
        chosen = frame.collection()
        st.subheader(plain(chosen.name))
        st.caption("The collection chosen in the sidebar.")
        sections = {
            "Documents": browse,
            "Queries": lambda collection: view.queries(actions.queries(workbench, collection)),
            "Guidelines and scale": guidelines,
            "Take in": take_in,
            "Take away": take_away,
            "Name, index, delete": upkeep,
        }
        for tab, draw in zip(st.tabs(list(sections), key=TABS, on_change="rerun"), sections.values(), strict=True):
            if tab.open:
                with tab, problem.shown():
                    draw(chosen)
