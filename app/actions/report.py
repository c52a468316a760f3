"""An evaluation to keep: as CSV, as a page of its own, as a picture, and its rankings as a TREC run."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.actions import pictures, plots, report_page
from app.actions.evaluate import Shown
from data.errors import NotFoundError
from data.formats.csv_file import harmless
from data.formats.trec import ScoredDoc, write_run
from data.records import Collection, EvaluationRecord
from data.store import Store

COLUMNS = (
    "measure",
    "query_id",
    "text",
    "bm25",
    "champion",
    "system",
    "difference",
    "low",
    "high",
    "p_value",
    "wins",
    "losses",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """An evaluation's files, each made when it is asked for."""

    key: str
    """Tells this evaluation's files from another's."""
    name: Callable[[str], str]
    """Ending -> file name."""
    csv: Callable[[], str]
    html: Callable[[], str]
    run: Callable[[], str]
    png: Callable[[], bytes]


def files(store: Store, collection: Collection, shown: Shown) -> Files:
    """Everything there is to keep of an evaluation."""
    return Files(
        key=shown.record.evaluation_id,
        name=lambda ending: file_name(shown, ending),
        csv=lambda: as_csv(shown),
        html=lambda: as_html(shown, collection),
        run=lambda: as_run(store, shown.record),
        png=lambda: as_png(shown, collection),
    )


def title(shown: Shown, collection: Collection) -> str:
    """What the report is called."""
    return f"{collection.name}: {shown.version.name} by {shown.record.method}"


def file_name(shown: Shown, ending: str) -> str:
    """A name without anything a file system minds."""
    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in shown.version.name)
    return f"evaluation-{name}-{shown.record.created_at:%Y%m%d-%H%M%S}.{ending}"


def as_csv(shown: Shown) -> str:
    """A line per measure over all queries (empty `query_id`), with its paired difference; then a line per measure and
    query. Texts that a spreadsheet would take for formulas are made harmless."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    report = shown.report
    for name, measured in report["measures"].items():
        low, high = measured["interval"]
        figures = {key: measured[key] for key in ("bm25", "champion", "system", "difference", "p_value")}
        counts = {key: measured[key] for key in ("wins", "losses")}
        writer.writerow({"measure": name, **figures, "low": low, "high": high, **counts})
    for name, queries in report["per_query"].items():
        against = report["measures"][name]["against"]
        for query_id, scores in queries.items():
            query = shown.queries.get(query_id)
            writer.writerow(
                {
                    "measure": name,
                    "query_id": harmless(query_id),
                    "text": harmless(" ".join(query.text.split())) if query else "",
                    **scores,
                    "difference": scores["system"] - scores[against],
                }
            )
    return text.getvalue()


def as_html(shown: Shown, collection: Collection) -> str:
    """A page that stands alone: no script, nothing fetched, every text escaped."""
    return report_page.page(shown, title(shown, collection), collection.scale.highest)


def as_png(shown: Shown, collection: Collection) -> bytes:
    """Both charts; raises SettingsError with the mend where there is no browser to draw them."""
    texts = {query_id: query.text for query_id, query in shown.queries.items()}
    return pictures.png(plots.report(shown.report, texts, collection.scale.highest, title(shown, collection)))


def as_run(store: Store, record: EvaluationRecord) -> str:
    """The rankings that were evaluated, as a TREC run. Raises NotFoundError where one is not stored any more."""
    report: Mapping[str, Any] = record.report
    query_ids = sorted({query_id for values in report["per_query"].values() for query_id in values})
    orders = store.rankings.orders(
        record.collection_id,
        version_id=record.version_id,
        method=record.method,
        depth=report["depth"],
        fusion_weight=report["fusion_weight"],
        query_ids=query_ids,
        until=record.created_at,
    )
    if len(orders) < len(query_ids):
        raise NotFoundError(
            f"{len(query_ids) - len(orders)} of the rankings that were evaluated are not stored.",
            mend="Evaluate the version again.",
        )
    tag = "_".join(store.versions.get(record.version_id).name.split())
    scored = {
        order.query_id: [ScoredDoc(doc_id=p.doc_id, score=p.score, rank=p.rank) for p in order.places]
        for order in orders
    }
    return write_run(scored, tag)
