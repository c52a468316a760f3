"""Collections, their documents and queries as tables; a document's text as text."""

from collections.abc import Sequence

import streamlit as st

from app.actions.collections import Overview, index_words
from data.records import AssessorKind, Collection, Document, Query, Version

BEGINNING = 300
"""Characters of a text shown in a table's cell."""


def table(overviews: Sequence[Overview]) -> None:
    """The list of collections, and why an index is not Lucene's."""
    st.dataframe(
        [_row(overview) for overview in overviews],
        hide_index=True,
        key="collections_table",
        column_config={
            name: st.column_config.NumberColumn(format="localized")
            for name in ("Documents", "Queries", "By people", "By teachers", "By students")
        }
        | {"Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")},
    )
    if any(overview.authored for overview in overviews):
        st.caption(
            "\\* some of these labels were written for a collection; they are neither a measured person's nor a "
            "named model's."
        )
    for overview in overviews:
        if overview.collection.index_note:
            with st.container(border=True):
                st.text(f"{overview.collection.name}: bm25s stands in for Lucene. {overview.collection.index_note}")


def _row(overview: Overview) -> dict[str, object]:
    collection, judgments = overview.collection, overview.judgments
    return {
        "Name": collection.name + (" *" if overview.authored else ""),
        "Documents": collection.documents,
        "Queries": collection.queries,
        "By people": judgments.get(AssessorKind.HUMAN, 0),
        "By teachers": judgments.get(AssessorKind.TEACHER, 0),
        "By students": judgments.get(AssessorKind.STUDENT, 0),
        "Index": index_words(collection),
        "Scale": f"{collection.scale.name} (0-{collection.scale.highest})",
        "Source": collection.source,
        "Created": collection.created_at,
    }


def documents(found: Sequence[Document]) -> Document | None:
    """A page of documents; returns the one whose row is selected."""
    rows = [{"Id": d.doc_id, "Title": d.title, "Text": d.text[:BEGINNING]} for d in found]
    chosen = st.dataframe(
        rows,
        hide_index=True,
        key=f"documents_table_{found[0].doc_id if found else ''}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Id": st.column_config.TextColumn(width="small"),
            "Title": st.column_config.TextColumn(width="medium"),
            "Text": st.column_config.TextColumn(width="large"),
        },
    )
    selected = chosen["selection"]["rows"]
    return found[selected[0]] if selected and selected[0] < len(found) else None


def document(shown: Document) -> None:
    """A whole document."""
    with st.container(border=True):
        st.text(f"{shown.doc_id}   {shown.title}".rstrip())
        st.text(shown.text)


def queries(found: Sequence[tuple[Query, str]]) -> None:
    """Queries with what each may be used for."""
    st.dataframe(
        [{"Id": query.query_id, "Query": query.text, "Used for": use} for query, use in found],
        hide_index=True,
        key="queries_table",
        column_config={"Query": st.column_config.TextColumn(width="large")},
    )


def guidelines_warning(versions: Sequence[Version]) -> None:
    """What an edit does to versions that were trained with the prompt as it is."""
    if not versions:
        st.info("The model reads guidelines and scale before every document. No version was trained with them yet.")
        return
    st.warning(
        "The model reads guidelines and scale before every document: editing them changes the prompt, and versions "
        "that were trained with the old one no longer fit. They are kept, but ranking with them is refused until "
        "guidelines and scale are as they were."
    )
    st.text("Trained on this collection: " + ", ".join(version.name for version in versions))


def hanging(collection: Collection, counts: dict[str, int]) -> None:
    """What a delete takes along."""
    things = [f"{count:,} {name}" for name, count in counts.items() if count]
    st.text(f"Deleting {collection.name} deletes for good: " + (", ".join(things) or "nothing but its name") + ".")
