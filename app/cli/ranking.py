"""`whyrank rank`: one query, re-ranked with reasons."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import console
from app.cli.session import Session, the_collection, the_version
from data.records import RankedDocument, Ranking
from engine.ranking import DEFAULT_METHOD, method_named
from engine.ranking.fusion import DEFAULT_WEIGHT

if TYPE_CHECKING:
    from engine.pipeline import Listener
    from engine.workbench import Workbench

CollectionName = Annotated[
    str | None, typer.Option("--collection", "-c", help="Collection; may be left out where there is only one.")
]
MethodName = Annotated[str, typer.Option("--method", "-m", help="Ranking method.")]
Depth = Annotated[int, typer.Option(min=1, max=1000, help="Documents taken from the first stage.")]
Fusion = Annotated[float, typer.Option(min=0.0, max=1.0, help="Weight of the first stage; 0: the model alone.")]
VersionName = Annotated[
    str | None, typer.Option("--model", help="Model version, by id or name; else the collection's champion.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
Progress = Callable[[str, float, float | None], None]


def rank(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What is looked for.", show_default=False)],
    collection: CollectionName = None,
    method: MethodName = DEFAULT_METHOD,
    depth: Depth = 20,
    fusion: Fusion = DEFAULT_WEIGHT,
    model: VersionName = None,
    as_json: Json = False,
) -> None:
    """Retrieve with BM25, re-rank with the model, and say why. The ranking is stored.

    Example: whyrank rank "why does bread go stale" --collection sample --depth 10 --json
    """
    session = Session.of(context)
    method_named(method)
    with session.store() as store:
        found = the_collection(store, collection)
        version = the_version(store, session.settings, found, model)
        with session.workbench(store) as workbench, console.progress("Loading the model") as update:
            from engine.pipeline import Plan

            asked = store.collections.add_query(found.collection_id, query)
            defaults = Plan.of(session.settings)
            plan = Plan(
                method=method,
                depth=depth,
                fusion_weight=fusion,
                document_tokens=defaults.document_tokens,
                explanation_tokens=defaults.explanation_tokens,
            )
            pipeline = workbench.pipeline(found, version)
            (ranking,) = pipeline.rank([asked], plan, listener=_listener(update))
            workbench.record(ranking)
            titles = _titles(workbench, ranking)
    if as_json:
        console.give_json([facts(document) for document in ranking.documents])
        return
    rows = [
        (d.rank, d.first_stage_rank, _number(d.raw_score), d.grade, d.doc_id, titles.get(d.doc_id, ""), _words(d))
        for d in ranking.documents
    ]
    console.give_table(("rank", "was", "score", "grade", "doc_id", "title", "explanation"), rows)


def facts(document: RankedDocument) -> dict[str, Any]:
    """A ranked document as `--json` gives it."""
    return {
        "doc_id": document.doc_id,
        "rank": document.rank,
        "score": document.score,
        "raw_score": document.raw_score,
        "first_stage_rank": document.first_stage_rank,
        "grade": document.grade,
        "probabilities": document.probabilities,
        "explanation": document.explanation,
    }


def _listener(update: Progress) -> "Listener":
    from engine.pipeline import Listener

    scored: set[str] = set()
    hits: list[int] = [0]

    def on_hits(_: object, found: Any) -> None:
        hits[0] = len(found)
        update("Grading", 0, hits[0])

    def on_scored(_: object, doc_id: str, *__: object) -> None:
        scored.add(doc_id)
        update("Grading", len(scored), hits[0])

    def on_text(_: object, doc_id: str, __: str) -> None:
        update(f"Explaining {doc_id}", len(scored), hits[0])

    return Listener(on_hits=on_hits, on_scored=on_scored, on_text=on_text)


def _titles(workbench: "Workbench", ranking: Ranking) -> dict[str, str]:
    doc_ids = [document.doc_id for document in ranking.documents]
    documents = workbench.store.collections.documents_by_id(ranking.collection_id, doc_ids)
    return {doc_id: document.title for doc_id, document in documents.items()}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _words(document: RankedDocument) -> str:
    if document.unreadable:
        return f"[unreadable answer: {document.unreadable}]"
    return document.explanation or ""
