"""A collection with stored rankings of two versions, for tests of what compares systems. No model is asked."""

from data.records import (
    BASE_VERSION_ID,
    AssessorKind,
    Collection,
    Document,
    EvaluationRecord,
    Judgment,
    Query,
    RankedDocument,
    Ranking,
    Split,
    Version,
    new_id,
)
from data.scales import DEFAULT_SCALE
from engine.evaluation import evaluate
from engine.pipeline import prompt_sha256
from training import labels

METHOD = "pointwise-score"
BASE, TAUGHT = f"ranked:{BASE_VERSION_ID}:{METHOD}", f"ranked:taught:{METHOD}"
GOOD = 0
"""Number of the document that is relevant to every query."""


def collection(workbench, *, heldout: int = 4, train: int = 1, documents: int = 12) -> Collection:
    """Queries h0, h1 ... are held out, t0 ... train; every query's relevant document is d0."""
    store = workbench.store
    added = store.collections.add(
        name="lined",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id=f"d{i}", title=f"Title {i}", text=f"Text of {i}.") for i in range(documents)],
        queries=[
            *(Query(query_id=f"h{i}", text=f"held-out question {i}", split=Split.HELDOUT) for i in range(heldout)),
            *(Query(query_id=f"t{i}", text=f"training question {i}", split=Split.TRAIN) for i in range(train)),
        ],
        guidelines="",
    )
    workbench.base_version()
    store.versions.add(
        Version(version_id="taught", name="taught", base_model="scripted", collection_id=added.collection_id)
    )
    return added


def rank(workbench, added, query_id, numbers, *, version_id=BASE_VERSION_ID, **values) -> Ranking:
    """Store a ranking: document numbers, best first. The first stage has them in the order of their numbers."""
    first = {number: place for place, number in enumerate(sorted(numbers), start=1)}
    ranking = Ranking(
        **{
            "ranking_id": new_id(),
            "collection_id": added.collection_id,
            "query_id": query_id,
            "query_text": query_id,
            "method": METHOD,
            "version_id": version_id,
            "base_model": "scripted",
            "prompt_sha256": prompt_sha256(added, METHOD),
            "scale_name": added.scale.name,
            "retriever": "bm25s",
            "depth": 10,
            "fusion_weight": 0.2,
            "parameters": {},
            "seconds": {"retrieve": 0.1, "rank": 0.5},
            "documents": tuple(
                RankedDocument(
                    doc_id=f"d{number}",
                    rank=place,
                    score=1 / place,
                    raw_score=3 / place,
                    grade=3 if place == 1 else 0,
                    first_stage_rank=first[number],
                    first_stage_score=10.0 - first[number],
                    explanation=f"{version_id} says so of {number}",
                )
                for place, number in enumerate(numbers, start=1)
            ),
            **values,
        }
    )
    workbench.store.rankings.add(ranking)
    return ranking


def grade(workbench, added, query_id, number, given, *, who="Ann", kind=AssessorKind.HUMAN, explanation=None) -> None:
    """Store a judgment."""
    assessor = workbench.store.assessors.ensure(who, kind)
    workbench.store.judgments.add(_judgment(added, assessor, query_id, number, given, explanation))


def grade_all(workbench, added, grades) -> None:
    """Store Ann's judgments: (query_id, document number) -> grade."""
    ann = workbench.store.assessors.ensure("Ann", AssessorKind.HUMAN)
    workbench.store.judgments.add_many(_judgment(added, ann, *pair, given) for pair, given in grades.items())


def _judgment(added, assessor, query_id, number, given, explanation=None) -> Judgment:
    return Judgment(
        event_id=new_id(),
        collection_id=added.collection_id,
        query_id=query_id,
        doc_id=f"d{number}",
        assessor_id=assessor.assessor_id,
        grade=given,
        explanation=explanation,
    )


def filled(workbench) -> Collection:
    """Four held-out queries and a training one, ranked by both versions: the taught one has the relevant document
    first, but for h3, which it puts last; the base has BM25's order turned round."""
    added = collection(workbench)
    query_ids = ("h0", "h1", "h2", "h3", "t0")
    for query_id in query_ids:
        rank(workbench, added, query_id, [3, 2, 1, GOOD])
        taught = [1, 2, 3, GOOD] if query_id == "h3" else [GOOD, 1, 2, 3]
        rank(workbench, added, query_id, taught, version_id="taught")
    grade_all(workbench, added, {(q, number): given for q in query_ids for number, given in ((GOOD, 3), (1, 0))})
    return added


def evaluated(workbench, added, version_id, champion_id=None) -> EvaluationRecord:
    """A stored evaluation of a version on h0 to h3, from its stored rankings; no model is asked."""
    rankings = {
        ranker: [
            workbench.store.rankings.latest(added.collection_id, query_id=f"h{i}", version_id=ranker) for i in range(4)
        ]
        for ranker in (version_id, champion_id)
        if ranker
    }
    held = labels.heldout(workbench.store, added)
    report = evaluate(
        rankings[version_id], rankings.get(champion_id), held.qrels, added.scale, labels=held.words
    ).to_json()
    record = EvaluationRecord(
        evaluation_id=new_id(),
        collection_id=added.collection_id,
        version_id=version_id,
        method=METHOD,
        heldout_sha256="x",
        report=report,
    )
    workbench.store.evaluations.add(record)
    return workbench.store.evaluations.get(record.evaluation_id)
