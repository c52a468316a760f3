"""An evaluation's figures: measures per system, the gate's verdict, per-query differences, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.actions import plots
from app.views import charts
from app.views.plain import plain
from data.records import Query
from engine.evaluation import PRIMARY
from training.gate import Verdict

_FIGURE = st.column_config.NumberColumn(format="%.4f")
_SIGNED = st.column_config.NumberColumn(format="%+.4f")


def heading(report: Mapping[str, Any], version: str, champion: str | None) -> None:
    """What was measured against what, and with whose labels."""
    against = f"the champion of that time, {champion}" if champion else "BM25 (this version was the champion itself)"
    st.text(f"System: {version} by {report['method']}, against {against}; first stage: {report['retriever']}.")
    st.text(f"Measured with {report['labels']}.")


def table(report: Mapping[str, Any]) -> None:
    """Each measure of BM25, the champion and the system, with the paired difference."""
    against = "BM25" if report["measures"][PRIMARY]["against"] == "bm25" else "champion"
    difference, interval = f"vs {against}", "95 % interval"
    rows = [
        {
            "Measure": name,
            "BM25": measured["bm25"],
            **({} if measured["champion"] is None else {"Champion": measured["champion"]}),
            "System": measured["system"],
            difference: measured["difference"],
            interval: "{:+.4f} to {:+.4f}".format(*measured["interval"]),
            "p": measured["p_value"],
            "Wins": measured["wins"],
            "Losses": measured["losses"],
            # Where BM25 is what it is compared with, this is the same column again.
            "vs BM25": measured["versus_bm25"]["mean"],
        }
        for name, measured in report["measures"].items()
    ]
    st.dataframe(
        rows,
        hide_index=True,
        key="measures_table",
        column_config={
            **dict.fromkeys(("BM25", "Champion", "System"), _FIGURE),
            **dict.fromkeys((difference, "vs BM25"), _SIGNED),
            "p": st.column_config.NumberColumn(format="%.3f"),
        },
    )
    st.caption(
        f"{report['queries']} held-out queries, {report['depth']} documents each, fusion weight "
        f"{report['fusion_weight']:g}. vs: mean difference; p: paired randomization test; interval: bootstrap over "
        "queries. Documents nobody labelled count as not relevant; Judged@10 says how many were labelled."
    )


def verdict(given: Verdict) -> None:
    """The gate's conditions, each with its figures."""
    if given.promote:
        st.success("The gate lets this version pass: every condition holds.", icon=":material/check_circle:")
    else:
        st.warning("The gate refuses this version.", icon=":material/block:")
    for condition in given.conditions:
        mark = ":green[:material/check:] holds" if condition.passed else ":red[:material/close:] fails"
        with st.container(gap="xxsmall"):
            st.markdown(f"**{plain(condition.name)}**: {mark}")
            st.text(condition.words)


def figures(report: Mapping[str, Any], looks: int) -> None:
    """What a reader needs to doubt the measures."""
    kappa, tokens = report["grade_kappa"], report.get("tokens_per_document")
    shown = [
        (
            "Judged@10",
            f"{report['measures']['Judged@10']['system']:.0%}",
            "Share of the first ten that people labelled.",
        ),
        ("Ties", f"{report['tie_rate']:.1%}", "Share of documents with the same score as another of their ranking."),
        ("Unreadable", f"{report['unreadable_rate']:.1%}", "Share of answers that could not be read; never a grade."),
        ("Seconds per document", f"{report['seconds_per_document']:.3f}", "Wall time of ranking, without the search."),
        (
            "Tokens per document",
            "-" if tokens is None else f"{tokens:,.0f}",
            "Of the prompts, rules and query included. Rankings made before they were counted have none.",
        ),
        (
            "Kappa with people",
            "-" if kappa is None else f"{kappa:.2f}",
            report["grade_kappa_note"] or "Quadratic weights, on the labelled documents.",
        ),
        ("Looks at this set", str(looks), "How often these queries and labels were evaluated: each look wears it out."),
    ]
    with st.container(horizontal=True):
        for label, value, words in shown:
            st.metric(label, value, help=words, border=True, width=250)


def charts_of(report: Mapping[str, Any], queries: Mapping[str, Query], highest: int) -> None:
    """Per-query differences of the primary measure, and calibration."""
    against = report["measures"][PRIMARY]["against"]
    values = plots.gains(report, {query_id: query.text for query_id, query in queries.items()})
    name = "BM25" if against == "bm25" else "the champion"
    left, right = st.columns([3, 2])
    with left:
        st.markdown(f"**{PRIMARY} per query: system minus {name}**")
        charts.differences(values, key="differences_chart", y=f"Difference in {PRIMARY}")
    with right:
        st.markdown("**Calibration: the model's expected grade against people's grades**")
        if points := plots.bins(report):
            charts.calibration(points, highest, key="calibration_chart")
            st.caption("The numbers say how many labelled documents a point stands for.")
        else:
            st.info("No labelled document was ranked, so there is nothing to compare.")


def per_query(report: Mapping[str, Any], queries: Mapping[str, Query], *, key: str) -> str | None:
    """Every measure of every query and system, to be sorted by any column; the query of the row that is chosen."""
    against = report["measures"][PRIMARY]["against"]
    systems = ["bm25", *(["champion"] if against == "champion" else []), "system"]
    names = {"bm25": "BM25", "champion": "Champion", "system": "System"}
    measure = st.selectbox("Measure", list(report["per_query"]), key=f"{key}_measure")
    rows: Sequence[dict[str, object]] = [
        {
            "Query": query_id,
            "Text": queries[query_id].text if query_id in queries else "",
            **{names[system]: scores[system] for system in systems},
            "Difference": scores["system"] - scores[against],
            "Judged@10": report["per_query"]["Judged@10"][query_id]["system"],
        }
        for query_id, scores in report["per_query"][measure].items()
    ]
    chosen = st.dataframe(
        rows,
        hide_index=True,
        key=f"{key}_table",
        on_select="rerun",
        selection_mode="single-row",
        column_config=dict.fromkeys(names.values(), _FIGURE)
        | {
            "Text": st.column_config.TextColumn(width="medium"),
            "Difference": _SIGNED,
            "Judged@10": st.column_config.NumberColumn(format="percent"),
        },
    )
    places = chosen["selection"]["rows"]
    if not places:
        st.caption("Choose a row to compare or to judge its query. A click on a column's head sorts.")
        return None
    return str(rows[places[0]]["Query"])
