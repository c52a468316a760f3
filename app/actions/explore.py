"""What the Explore page does: first-stage hits at once, a ranking that is stored, and a stored ranking read again."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.actions import judging
from app.actions.opinions import Opinion, opinions
from data.errors import RetrievalError, SettingsError
from data.people import Person
from data.records import Alias, AssessorKind, Collection, Document, Judgment, Query, RankedDocument, Ranking, Version
from engine.pipeline import Listener, Plan
from engine.retrieval.base import Hit, searched
from engine.workbench import Workbench

DEFAULT_DEPTH = 10
"""Documents ranked on this page: a person waits for them."""
EXAMPLES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document the first stage brought."""

    hit: Hit
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A stored ranking with all that is shown beside it."""

    collection: Collection
    ranking: Ranking
    version: Version
    documents: Mapping[str, Document]
    opinions: Mapping[str, tuple[Opinion, ...]]


def examples(workbench: Workbench, collection: Collection) -> list[Query]:
    """Some imported queries to begin with, from all parts of the collection."""
    queries = [
        q for q in workbench.store.collections.queries(collection.collection_id) if not q.query_id.startswith("u-")
    ]
    step = max(1, len(queries) // EXAMPLES)
    return queries[::step][:EXAMPLES]


def versions(workbench: Workbench, collection: Collection) -> list[Version]:
    """The model versions this collection can be ranked with, the one in use first."""
    champion = workbench.champion(collection)
    others = workbench.store.versions.list(collection.collection_id)
    return [champion, *(v for v in others if v.version_id != champion.version_id)]


def version_to_rank_with(workbench: Workbench, collection: Collection, made: Ranking | None) -> str:
    """The version_id to begin with: that of the ranking shown, unless the champion changed after it was made."""
    moved = [e for e in workbench.store.versions.alias_events(collection.collection_id) if e.alias is Alias.CHAMPION]
    if made is None or (moved and moved[-1].created_at > made.created_at):
        return workbench.champion(collection).version_id
    return made.version_id


def ask(workbench: Workbench, collection: Collection, text: str) -> Query:
    """The query of this text, added to the collection where it is new."""
    if not text.strip():
        raise SettingsError("There is no query.", mend="Type one, or pick an example.")
    return workbench.store.collections.add_query(collection.collection_id, text)


def first_stage(workbench: Workbench, collection: Collection, query: Query, depth: int) -> list[Found]:
    """BM25's documents, without any model; raises RetrievalError where there is no index."""
    retriever = workbench.retriever(collection)
    if retriever is None:
        raise RetrievalError(
            f"The collection {collection.name} has no index yet.", mend="Build it on the Collections page."
        )
    hits = searched(retriever, query, depth)
    documents = workbench.store.collections.documents_by_id(collection.collection_id, [hit.doc_id for hit in hits])
    missing = [hit.doc_id for hit in hits if hit.doc_id not in documents]
    if missing:
        raise RetrievalError(
            f"The index names {missing[0]!r}, which is not in {collection.name}.",
            mend="Rebuild the index on the Collections page.",
        )
    return [Found(hit=hit, document=documents[hit.doc_id]) for hit in hits]


def rank(
    workbench: Workbench, collection: Collection, query: Query, version: Version, plan: Plan, listener: Listener
) -> Ranking:
    """Rank, and store the ranking with what the model said of each document."""
    ranking = workbench.pipeline(collection, version).rank([query], plan, listener=listener)[0]
    return workbench.record(ranking)


def stored(workbench: Workbench, ranking_id: str) -> Result:
    """A stored ranking; raises NotFoundError where it isn't there."""
    store = workbench.store
    ranking = store.rankings.get(ranking_id)
    doc_ids = [d.doc_id for d in ranking.documents]
    return Result(
        collection=store.collections.get(ranking.collection_id),
        ranking=ranking,
        version=store.versions.get(ranking.version_id),
        documents=store.collections.documents_by_id(ranking.collection_id, doc_ids),
        opinions=opinions(store, ranking.collection_id, ranking.query_id, doc_ids),
    )


def said_in(workbench: Workbench, ranking: Ranking, doc_id: str) -> Judgment | None:
    """The student's judgment of a document in this very ranking: what a person's correction starts from."""
    history = workbench.store.judgments.history(ranking.collection_id, ranking.query_id, doc_id)
    students = {a.assessor_id for a in workbench.store.assessors.list(AssessorKind.STUDENT)}
    made = [j for j in history if j.ranking_id == ranking.ranking_id and j.assessor_id in students]
    return made[-1] if made else None


def correct(workbench: Workbench, result: Result, by: Person, draft: judging.Draft) -> judging.Saved:
    """Store a person's correction of a ranked document, in their own name."""
    if draft.grade is None:
        raise SettingsError("No grade is chosen.", mend="Choose a grade, then save.")
    return judging.save(workbench, result.collection, by.name, draft)


def starting_text(result: Result, doc_id: str, mine: Judgment | None) -> str:
    """What the explanation's field starts with: the person's own words, else the student's."""
    if mine is not None and mine.explanation:
        return mine.explanation
    return next((d.explanation for d in result.ranking.documents if d.doc_id == doc_id), None) or ""


def rank_change(document: RankedDocument) -> int:
    """Places gained against the first stage; negative: places lost."""
    return document.first_stage_rank - document.rank


def making_of(result: Result) -> list[tuple[str, str]]:
    """How a ranking was made, as (name, value) rows."""
    ranking, version = result.ranking, result.version
    base = "" if version.adapter_path is None else f" on {ranking.base_model}"
    rows = [
        ("Made", f"{ranking.created_at.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("Model version", f"{version.name}{base}"),
        ("Base model", ranking.base_model),
        ("Method", ranking.method),
        ("Prompt (SHA-256)", ranking.prompt_sha256),
        ("Grade scale", ranking.scale_name),
        ("Retriever", ranking.retriever),
        ("Depth", str(ranking.depth)),
        ("Weight of BM25 in the order", f"{ranking.fusion_weight:g}"),
    ]
    rows += [(name.replace("_", " "), str(value)) for name, value in sorted(ranking.parameters.items())]
    rows += [(f"Seconds to {stage}", f"{seconds:.2f}") for stage, seconds in ranking.seconds.items()]
    return [*rows, ("Ranking id", ranking.ranking_id)]


def plan_of(workbench: Workbench, *, method: str, depth: int, fusion_weight: float, explain_top: int) -> Plan:
    """The page's settings with the token budgets of the settings."""
    settings = workbench.settings
    return Plan(
        method=method,
        depth=depth,
        fusion_weight=fusion_weight,
        explain_top=explain_top,
        document_tokens=settings.document_tokens,
        explanation_tokens=settings.explanation_tokens,
    )
