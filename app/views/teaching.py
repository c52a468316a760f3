"""The form of a teaching job, what it would ask, how far it is and what it spent, and the form of a combination."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app.actions.teach import Told, how_asked, words, would_ask
from app.views.plain import plain
from data.records import Job, Split
from engine.combining import HOW
from training.budget import Budget
from training.teaching import MOST_CONCURRENT, Preview, TeachConfig

JUDGE, MAKE = "judge", "make"
_TASKS = {JUDGE: "Judge documents", MAKE: "Make queries"}
_EVERY = "all"
_QUEUE = "disagreement queue"
_SPLITS = {
    Split.TRAIN.value: "training queries",
    Split.HELDOUT.value: "held-out queries",
    Split.DEVELOPMENT.value: "development queries",
    _EVERY: "all queries",
    "named": "these queries",
    _QUEUE: "pairs of the disagreement queue",
}


def empty() -> None:
    """No teacher was asked yet."""
    st.info(
        "No teacher was asked yet. A teacher is a larger model behind any OpenAI-compatible server; it gives grades "
        "and explanations from which the small one learns. They never count as people's."
    )


def task() -> str:
    """What the teacher is to do: `JUDGE` or `MAKE`."""
    return st.segmented_control(
        "What it is to do", list(_TASKS), format_func=_TASKS.__getitem__, default=JUDGE, required=True, key="teach_task"
    )


def form(
    url: str | None, model: str | None, *, has_key: bool, about: Callable[[], dict[str, object]]
) -> dict[str, object]:
    """Ask for everything; `about` asks what it is about."""
    left, right = st.columns(2)
    values: dict[str, object] = {
        "url": left.text_input(
            "Server", url or "", key="teach_url", placeholder="https://api.example.org/v1", help=_help("url")
        ),
        "model": right.text_input("Model", model or "", key="teach_model", help=_help("model"), max_chars=200),
    }
    st.caption(
        "A key is set: it is sent to the server of the settings only."
        if has_key
        else "No key is set. Where the server asks for one, set WHYRANK\\_TEACHER\\_API\\_KEY and start WhyRank again."
    )
    return values | about() | _how() | _budget()


def about() -> dict[str, object]:
    """What it is asked about; `pairs_of_queue` is how many pairs of the disagreement queue are wanted."""
    left, middle, right = st.columns(3)
    which = left.selectbox("Ask about", list(_SPLITS), format_func=_SPLITS.__getitem__, key="teach_split")
    if which == _QUEUE:
        most = middle.number_input("Pairs at most", 1, 100_000, 100, key="teach_pairs")
        return {"split": None, "pairs_of_queue": int(most)}
    depth = right.number_input("Documents per query (BM25)", 1, 1000, 10, key="teach_depth", help=_help("depth"))
    if which == "named":
        typed = middle.text_area("Query ids, one a line", key="teach_queries_named", height=68)
        return {"split": None, "query_ids": tuple(typed.split()), "depth": int(depth)}
    queries = middle.number_input(
        "Queries at most",
        min_value=1,
        value=None,
        step=1,
        key="teach_queries",
        placeholder="all",
        help=_help("queries"),
    )
    return {"split": None if which == _EVERY else which, "queries": queries, "depth": int(depth)}


def _how() -> dict[str, object]:
    """How it is asked."""
    with st.expander("How it is asked", key="teach_how"):
        left, middle, right = st.columns(3)
        return {
            "name": left.text_input(
                "Name of the assessor", key="teach_name", placeholder="the model's", help=_help("name"), max_chars=200
            ),
            "form": middle.selectbox(
                "First in the answer", ["reason-first", "verdict-first"], key="teach_form", help=_help("form")
            ),
            "concurrency": right.number_input(
                "Requests at once", 1, MOST_CONCURRENT, _default("concurrency"), key="teach_at_once"
            ),
            "document_tokens": left.number_input(
                "Tokens of a document",
                32,
                100_000,
                _default("document_tokens"),
                key="teach_document",
                help=_help("document_tokens"),
            ),
            "answer_tokens": middle.number_input(
                "Tokens of an answer",
                16,
                32_000,
                _default("answer_tokens"),
                key="teach_answer",
                help=_help("answer_tokens"),
            ),
            "temperature": right.number_input(
                "Temperature",
                0.0,
                2.0,
                _default("temperature"),
                0.1,
                key="teach_temperature",
                help=_help("temperature"),
            ),
        }


def _budget() -> dict[str, object]:
    """Where it stops."""
    st.text("Where to stop. What is left empty is not limited.")
    columns = st.columns(5)
    labels = {
        "requests": "Requests",
        "tokens": "Tokens",
        "money": "Money",
        "prompt_price": "Price, 1M prompt tokens",
        "completion_price": "Price, 1M answer tokens",
    }
    values: dict[str, object] = {}
    for column, (name, label) in zip(columns, labels.items(), strict=True):
        whole = name in ("requests", "tokens")
        values[name] = column.number_input(
            label,
            min_value=(1 if whole else 0.0),
            value=Budget.model_fields[name].default,
            step=(1 if whole else 0.01),
            key=f"teach_{name}",
            help=plain(str(Budget.model_fields[name].description)),
        )
    return {name: value for name, value in values.items() if value is not None or name in ("requests", "tokens")}


def preview(found: Preview, things: str) -> None:
    """What would be asked. `things`: what it is asked about, `queries` or `documents`."""
    with st.container(horizontal=True):
        st.metric(things.capitalize(), f"{found.queries:,}", border=True, width=140)
        st.metric("Pairs at most", f"{found.pairs:,}", border=True, width=160)
        st.metric("Tokens at most, about", f"{found.tokens:,}", border=True, width=220)
        if found.cost:
            st.metric("Cost at most, about", f"{found.cost:.2f}", border=True, width=200)
    if found.problem is None:
        st.text(would_ask(found, things))
    for warning in found.warnings:
        st.warning(plain(warning, limit=400), icon=":material/warning:")


def told(found: Told, *, money: bool) -> None:
    """What a job has done and spent."""
    with st.container(horizontal=True):
        st.metric("Graded", f"{found['graded']:,} of {found['pairs']:,}", width=190)
        st.metric("Unreadable", f"{found['unreadable']:,}", width=140)
        st.metric("Requests", f"{found['requests']:,}", width=140)
        st.metric("Tokens", f"{found['tokens']:,}", width=160)
        if money:
            st.metric("Spent", f"{found['cost']:.4f}", width=140)
    if found["stopped"]:
        st.warning(plain(f"Stopped: {found['stopped']}", limit=400), icon=":material/savings:")
    st.text("\n".join(words(found)))
    if found["by_grade"]:
        rows = [{"Grade": grade, "Pairs": count} for grade, count in found["by_grade"].items()]
        st.dataframe(rows, hide_index=True, key="teach_grades", width=240)


def has_prices(job: Job) -> bool:
    """Was a job told prices?"""
    budget = how_asked(job).get("budget") or {}
    return bool(budget.get("prompt_price") or budget.get("completion_price"))


def combination(teachers: Mapping[str, int], number: int) -> tuple[str, Sequence[str], str]:
    """Ask which teachers make one more: (name, teachers, how)."""
    named = {name: f"{name} ({count:,} pairs)" for name, count in teachers.items()}
    chosen = st.multiselect("Teachers", list(named), format_func=named.__getitem__, key=f"combine_of_{number}")
    left, right = st.columns(2)
    how = left.selectbox("How", list(HOW), format_func=lambda each: f"{each}: {HOW[each][0]}", key="combine_how")
    name = right.text_input("Name of the combination", key=f"combine_name_{number}", max_chars=200)
    return name, chosen, how


def _help(name: str) -> str:
    return plain(str(TeachConfig.model_fields[name].description), limit=400)


def _default(name: str) -> Any:
    return TeachConfig.model_fields[name].default
