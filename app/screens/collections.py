"""Collections: what there is, import, install the sample, browse, edit, rebuild, delete."""

import streamlit as st

from app import resources, state
from app.actions import collections as actions
from app.views import collections as view
from app.views import frame, problem
from app.views.importing import wanted
from app.views.plain import plain
from app.views.progress import bar
from data.records import Collection


def add(found: list[actions.Overview]) -> None:
    """The two ways a collection comes in."""
    with st.expander("Add a collection", expanded=not found, icon=":material/add:", key=f"add_{state.form_number()}"):
        if not actions.has_sample(found):
            st.markdown("**Look around first:** a small collection with questions, labels and a teacher's judgments.")
            if st.button("Install the sample", key="install_sample", icon=":material/school:"):
                with problem.shown(), bar() as progress:
                    done(actions.install_sample(workbench, progress), "The sample is installed.")
            st.divider()
        request, waiting = wanted(state.form_number())
        # Pressed before the server has the whole file, it would import nothing.
        if st.button("Import", key="import", type="primary", icon=":material/upload:", disabled=waiting):
            with problem.shown(), bar() as progress:
                collection = actions.add(workbench, request, progress)
                done(collection, f"{collection.name} is imported: {collection.documents:,} documents.")
        if waiting:
            st.caption("Choose a file above; once all of it is here, it can be imported.")


def done(collection: Collection, news: str) -> None:
    """Say it, and go on with this collection."""
    state.next_form()
    state.want_collection(collection.name)
    state.announce(news)
    st.rerun()


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
    key = f"guidelines_{collection.collection_id}_{collection.guideline_version}"
    text = st.text_area("Guidelines", collection.guidelines, key=key, height=200, max_chars=4000)
    if st.button("Save the guidelines", key="save_guidelines"):
        saved = actions.set_guidelines(workbench, collection, text, state.assessor_name())
        changed = saved.guideline_version != collection.guideline_version
        done(saved, f"Guidelines are saved, version {saved.guideline_version}." if changed else "Nothing was changed.")
    view.scale(collection.scale)


def upkeep(collection: Collection) -> None:
    """Name, index, and the end."""
    name = st.text_input(
        "Name", collection.name, key=f"name_{collection.collection_id}_{collection.name}", max_chars=80
    )
    if st.button("Rename", key="rename"):
        done(actions.rename(workbench, collection, name), "The collection is renamed.")
    st.divider()
    st.text(f"Index: {actions.index_words(collection)}. Searches go on with the old one while a new one is built.")
    if st.button("Rebuild the index", key="rebuild", icon=":material/refresh:"):
        with bar() as progress:
            done(actions.build_index(workbench, collection, progress), "The index is rebuilt.")
    st.divider()
    view.hanging(collection, actions.hanging(workbench, collection))
    typed = st.text_input("Type the collection's name to delete it", key=f"delete_name_{collection.collection_id}")
    if st.button("Delete for good", key="delete", icon=":material/delete:"):
        actions.delete(workbench, collection, typed)
        state.announce(f"{collection.name} is deleted.")
        st.rerun()


workbench = resources.workbench()
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
        tabs = st.tabs(["Documents", "Queries", "Guidelines and scale", "Name, index, delete"], key="collection_tabs")
        for tab, draw in zip(tabs, (browse, None, guidelines, upkeep), strict=True):
            with tab, problem.shown():
                if draw is None:
                    view.queries(actions.queries(workbench, chosen))
                else:
                    draw(chosen)
