"""Queries made of documents: what is asked for them, how far a job is and what it left out, and what it made."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.actions.making import words
from app.actions.teach import Told
from app.views.plain import plain
from training.making import MakeConfig
from training.teaching import TeachConfig

SHOWN = 1000
"""Queries shown at most; the manifest has all."""
_LEFT_OUT = "Documents without an answer that can be used, and queries that may not train or ask the same again."


def about() -> dict[str, object]:
    """Which documents, and whether the queries made are judged."""
    left, middle, right = st.columns(3)
    default = MakeConfig.model_fields["documents"].default
    values: dict[str, object] = {
        "documents": left.number_input(
            "Documents at most", 1, 100_000, default, key="make_documents", help=_help("documents")
        ),
        "seed": middle.number_input("Seed of the draw", 0, 2**31 - 1, 0, key="make_seed", help=_help("seed")),
    }
    judge = st.checkbox("Have the teacher judge what BM25 finds for the queries made", True, key="make_judge")
    if judge:
        values["depth"] = right.number_input(
            "Documents per query (BM25)",
            1,
            1000,
            10,
            key="make_depth",
            help=plain(str(TeachConfig.model_fields["depth"].description)),
        )
    st.caption(
        "The teacher sums up what a reader could learn from each document and writes a query for it. Queries near one "
        "of an evaluation, of any collection, are dropped; the others become training queries of this collection."
    )
    return values | {"judge": judge}


def told(found: Told, *, money: bool) -> None:
    """What a job has done and spent."""
    judged = found["judged"]
    left_out = sum((*found["refused"].values(), *found["dropped"].values(), found["unreadable"], found["unanswered"]))
    with st.container(horizontal=True):
        st.metric("Documents asked about", f"{found['asked'] + found['kept']:,} of {found['documents']:,}", width=170)
        st.metric("Queries made", f"{found['queries']:,}", width=120)
        st.metric("Left out", f"{left_out:,}", width=100, help=_LEFT_OUT)
        if judged is not None:
            st.metric("Pairs graded", f"{judged['graded']:,} of {judged['pairs']:,}", width=150)
    with st.container(horizontal=True):
        st.metric("Requests", f"{found['requests']:,}", width=170)
        st.metric("Tokens", f"{found['tokens']:,}", width=140)
        if money:
            st.metric("Spent", f"{found['cost']:.4f}", width=120)
    for stopped in (found["stopped"], judged and judged["stopped"]):
        if stopped:
            st.warning(plain(f"Stopped: {stopped}", limit=400), icon=":material/savings:")
    st.text("\n".join(words(found)))


def made(found: Sequence[Mapping[str, Any]]) -> None:
    """The queries with what they were made of."""
    st.markdown("**Queries made**")
    rows = [
        {"Query": each["text"], "Document": each["doc_id"], "Its summary": each["summary"], "Id": each["query_id"]}
        for each in found[:SHOWN]
    ]
    st.dataframe(rows, hide_index=True, key="make_made", height=min(38 + 35 * len(rows), 420))
    if len(found) > SHOWN:
        st.caption(f"The first {SHOWN:,} of {len(found):,}; the manifest has all of them.")


def manifest(file_name: str, read: Callable[[], bytes]) -> None:
    """The manifest to keep."""
    st.download_button(
        "Manifest (JSON)",
        data=read,
        file_name=file_name,
        mime="application/json",
        key="make_manifest",
        icon=":material/download:",
        on_click="ignore",
    )


def _help(name: str) -> str:
    return plain(str(MakeConfig.model_fields[name].description), limit=400)
