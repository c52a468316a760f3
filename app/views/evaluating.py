"""The form of a new evaluation, its ways on and its files, and the history of promotions."""

from collections.abc import Sequence

import streamlit as st

from app.actions.evaluate import Move, Offer
from app.actions.jobs import duration
from app.actions.report import Files
from app.views import problem
from app.views.plain import plain
from training.measuring import EvaluateConfig


def form(offer: Offer) -> EvaluateConfig | None:
    """Ask what to evaluate; None where there is nothing to measure with."""
    st.text(f"{offer.queries} held-out queries have a relevant document; measured with {offer.labels}.")
    if not offer.queries:
        st.info("Judge documents of held-out queries on the Judge page, or import people's labels.")
        return None
    left, middle, right = st.columns(3)
    versions = {version.version_id: version.name for version in offer.versions}
    version_id = left.selectbox("Version", list(versions), format_func=versions.__getitem__, key="evaluate_version")
    method = middle.selectbox("Ranking method", offer.methods, key="evaluate_method")
    limit = right.number_input(
        "Held-out queries at most", 1, offer.queries, min(50, offer.queries), key="evaluate_queries", help="A sample."
    )
    depth = left.number_input("Depth (documents per query)", 1, 1000, 10, key="evaluate_depth")
    weight = middle.slider(
        "Weight of BM25 in the order",
        0.0,
        1.0,
        EvaluateConfig.model_fields["fusion_weight"].default,
        0.05,
        key="evaluate_fusion",
        help="0: the model's order alone; 1: BM25's.",
    )
    seed = right.number_input("Seed of the sample", 0, 2**31 - 1, 0, key="evaluate_seed")
    seconds = offer.seconds(method, int(limit), int(depth))
    st.caption(
        "The champion is measured on the same queries; rankings made before are used again."
        + (f" About {plain(duration(seconds))} for each version, going by the last time." if seconds else "")
    )
    return EvaluateConfig(
        version_id=version_id,
        method=method,
        depth=int(depth),
        fusion_weight=float(weight),
        heldout_queries=int(limit),
        seed=int(seed),
    )


def history(moves: Sequence[Move]) -> None:
    """Promotions and roll-backs, newest first."""
    st.dataframe(
        [
            {
                "When": move.event.created_at,
                "Champion": move.version,
                "Before": move.previous or "-",
                "Reason": move.event.reason,
                "By": move.event.actor,
            }
            for move in moves
        ],
        hide_index=True,
        key="history_table",
        column_config={
            "When": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
            "Reason": st.column_config.TextColumn(width="large"),
        },
    )


def ways(query_id: str, doc_id: str | None, system: str, against: str) -> None:
    """Links from a query of an evaluation."""
    with st.container(horizontal=True):
        st.page_link(
            "screens/compare.py",
            label=f"Compare on {plain(query_id)}",
            icon=":material/compare_arrows:",
            query_params={"query_id": query_id, "system": system, "against": against},
        )
        if doc_id is not None:
            st.page_link(
                "screens/judge.py",
                label=f"Judge {plain(doc_id)}",
                icon=":material/gavel:",
                query_params={"query_id": query_id, "doc_id": doc_id},
            )


def keep(files: Files) -> None:
    """Buttons for the report as files."""
    st.subheader("Keep this evaluation")
    key, name = files.key, files.name
    with st.container(horizontal=True):
        for label, make, ending, kind in (
            ("Figures (CSV)", files.csv, "csv", "text/csv"),
            ("Report (HTML)", files.html, "html", "text/html"),
        ):
            st.download_button(label, make(), name(ending), kind, key=f"keep_{ending}_{key}", on_click="ignore")
        run = st.button("TREC run", key=f"keep_run_{key}")
        png = st.button("Charts (PNG)", key=f"keep_png_{key}", icon=":material/image:")
    with problem.shown():
        if run:
            st.download_button(
                "Save the run", files.run(), name("run"), "text/plain", key=f"keep_run_file_{key}", on_click="ignore"
            )
        if png:
            st.download_button(
                "Save the PNG", files.png(), name("png"), "image/png", key=f"keep_png_file_{key}", on_click="ignore"
            )
