"""`whyrank evaluate`: how good is a method with a version, on held-out queries with people's labels?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import console
from app.cli.ranking import CollectionName, Depth, Fusion, Json, MethodName, VersionName
from app.cli.session import Session, the_collection, the_run, the_version
from data.errors import ConflictError
from data.records import EvaluationRecord, Ranking
from engine.ranking import DEFAULT_METHOD, method_named
from engine.ranking.fusion import DEFAULT_WEIGHT

if TYPE_CHECKING:
    from data.store import Store
    from engine.pipeline import Plan

FIGURES = ("queries", "tie_rate", "unreadable_rate", "seconds_per_document", "tokens_per_document")
COLUMNS = ("bm25", "champion", "system", "difference", "p_value", "interval")


def evaluate(
    context: typer.Context,
    collection: CollectionName = None,
    method: MethodName = DEFAULT_METHOD,
    depth: Depth = 10,
    run: Annotated[
        str | None, typer.Option(help="Re-rank this TREC run instead of retrieving: a kept run's name, or a file.")
    ] = None,
    queries: Annotated[int | None, typer.Option(min=1, help="Most queries; a sample where there are more.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of that sample.")] = 0,
    fusion: Fusion = DEFAULT_WEIGHT,
    model: VersionName = None,
    alone: Annotated[bool, typer.Option("--alone", help="Compare with BM25 only, not with the champion.")] = False,
    output_run: Annotated[Path | None, typer.Option(help="Write the rankings as a TREC run to this new file.")] = None,
    as_json: Json = False,
) -> None:
    """Evaluate on held-out queries: BM25, champion and this version on the same documents, with a paired test.

    Example: whyrank evaluate --collection scifact --method pointwise-score --depth 10 --queries 20 --json
    """
    session = Session.of(context)
    method_named(method)
    if output_run is not None and output_run.exists():
        raise ConflictError(f"{output_run} already exists.", mend="Name a new file with --output-run.")
    from training.evaluations import evaluate_version, read_hits

    with session.store() as store:
        found = the_collection(store, collection)
        hits = None if run is None else read_hits(the_run(session.settings, found, run))
        version = the_version(store, session.settings, found, model)
        with session.workbench(store) as workbench, console.progress("Evaluating") as update:
            from engine.pipeline import Plan

            defaults = Plan.of(session.settings)
            plan = Plan(
                method=method,
                depth=depth,
                fusion_weight=fusion,
                document_tokens=defaults.document_tokens,
                explanation_tokens=defaults.explanation_tokens,
            )
            record = evaluate_version(
                workbench,
                found,
                version,
                plan=plan,
                limit=queries,
                seed=seed,
                run=hits,
                with_champion=not alone,
                on_progress=update,
            )
        if output_run is not None:
            _write_run(_rankings(store, record, plan), version.name, output_run)
    if as_json:
        console.give_json(facts(record.report))
    else:
        _give_table(record.report)


def facts(report: Mapping[str, Any]) -> dict[str, Any]:
    """A stored evaluation report as `--json` gives it: an object per measure, then what holds for all."""
    measures = {name: {column: row[column] for column in COLUMNS} for name, row in report["measures"].items()}
    return {**measures, **{name: report.get(name) for name in FIGURES}}


def _rankings(store: "Store", record: EvaluationRecord, plan: "Plan") -> list[Ranking]:
    """The rankings that were just evaluated, made now or kept from before."""
    query_ids = sorted({query_id for values in record.report["per_query"].values() for query_id in values})
    found = [
        store.rankings.latest(
            record.collection_id,
            query_id=query_id,
            version_id=record.version_id,
            method=plan.method,
            depth=plan.depth,
            fusion_weight=plan.fusion_weight,
        )
        for query_id in query_ids
    ]
    return [ranking for ranking in found if ranking is not None]


def _write_run(rankings: list[Ranking], tag: str, path: Path) -> None:
    from data.formats.trec import ScoredDoc, write_run

    scored = {
        ranking.query_id: [ScoredDoc(doc_id=d.doc_id, score=d.score, rank=d.rank) for d in ranking.documents]
        for ranking in rankings
    }
    path.write_text(write_run(scored, "_".join(tag.split())), encoding="utf-8")
    console.say(f"Wrote the run of {len(rankings)} queries to {path}.")


def _give_table(report: Mapping[str, Any]) -> None:
    rows = [
        (
            name,
            *(_figure(row[column]) for column in COLUMNS[:-1]),
            " to ".join(f"{end:+.4f}" for end in row["interval"]),
        )
        for name, row in report["measures"].items()
    ]
    console.give_table(("measure", *COLUMNS), rows)
    tokens = report.get("tokens_per_document")
    console.say(
        f"{report['queries']} queries, {report['labels']}; ties {report['tie_rate']:.1%}, unreadable answers "
        f"{report['unreadable_rate']:.1%}, {report['seconds_per_document']:.2f} s"
        + ("" if tokens is None else f" and {tokens:,.0f} prompt tokens")
        + " per document."
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
