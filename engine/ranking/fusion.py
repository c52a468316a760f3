"""From opinions to an order: fusion with the first stage, ties, and the place of unreadable answers.

Fusion is z-scored: `(1 - w) * z(model) + w * z(first stage)`, each standardised over the query's readable documents
(ERank, arXiv 2509.00520, uses w = 0.2). At w = 0 the score is the model's own. Ties go to the better first-stage
rank. A document whose answer could not be read keeps its first-stage place.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace

from data.errors import SettingsError
from data.records import RankedDocument
from engine.explanation.evidence import find_evidence
from engine.ranking.base import Candidate, Opinion

DEFAULT_WEIGHT = 0.2


def order(candidates: Sequence[Candidate], opinions: Sequence[Opinion], *, weight: float) -> list[RankedDocument]:
    """Rank the candidates by their opinions. `weight` of the first stage is 0 to 1."""
    return reordered([_judged(c, o) for c, o in zip(candidates, opinions, strict=True)], weight=weight)


def reordered(documents: Sequence[RankedDocument], *, weight: float) -> list[RankedDocument]:
    """Ranked documents in the order another weight of the first stage gives them; nothing is asked again."""
    if not 0.0 <= weight <= 1.0:
        raise SettingsError(f"The fusion weight is {weight}.", mend="Give the first stage's weight between 0 and 1.")
    retrieved = sorted(documents, key=lambda document: document.first_stage_rank)
    readable = [(document, document.raw_score) for document in retrieved if document.raw_score is not None]
    scores = fuse([score for _, score in readable], [d.first_stage_score for d, _ in readable], weight=weight)
    best = sorted(zip(readable, scores, strict=True), key=lambda item: -item[1])
    ordered = [(document, score) for (document, _), score in best]
    # First-stage order, so that each insertion finds the places before it already taken.
    for place, document in enumerate(retrieved):
        if document.raw_score is None:
            ordered.insert(place, (document, _between([score for _, score in ordered], place)))
    return [replace(document, rank=rank, score=score) for rank, (document, score) in enumerate(ordered, start=1)]


def fuse(model: Sequence[float], first_stage: Sequence[float], *, weight: float) -> list[float]:
    """The fused score of each document, in the order given."""
    if weight == 0.0:
        return list(model)
    return [(1 - weight) * m + weight * f for m, f in zip(z_scores(model), z_scores(first_stage), strict=True)]


def z_scores(values: Sequence[float]) -> list[float]:
    """Standardise; all equal values become 0."""
    if not values:
        return []
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    if deviation < 1e-12:
        return [0.0] * len(values)
    return [(value - mean) / deviation for value in values]


def _between(scores: Sequence[float], place: int) -> float:
    """A score that keeps scores falling with rank when a document is put at `place`."""
    around = scores[max(place - 1, 0) : place + 1]
    return statistics.fmean(around) if around else 0.0


def _judged(candidate: Candidate, opinion: Opinion) -> RankedDocument:
    """A document before its place is known."""
    return RankedDocument(
        doc_id=candidate.doc_id,
        rank=candidate.rank,
        score=candidate.score,
        raw_score=opinion.score,
        first_stage_rank=candidate.rank,
        first_stage_score=candidate.score,
        grade=opinion.grade,
        probabilities=opinion.probabilities,
        explanation=opinion.explanation,
        evidence=find_evidence(opinion.explanation, candidate.text) if opinion.explanation else (),
        unreadable=opinion.unreadable,
        answer_text=opinion.answer_text,
        cut=candidate.cut,
        prompt_tokens=opinion.prompt_tokens,
    )
