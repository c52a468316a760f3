"""Do two backends say the same? What `README.md` promises of a served model, as a measure."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from data import sample
from data.scales import DEFAULT_SCALE
from engine.lm.base import Choose, Chosen
from engine.ranking.base import Candidate, Task
from engine.ranking.pointwise import expected_grade, score
from engine.serving.command import Dtype

WITHIN = 1e-3
"""Largest difference of a grade's probability, both in float32."""
WITHIN_OF: Mapping[Dtype, float] = {"float32": WITHIN, "bfloat16": 0.02}
"""The same by what the server computes in; in process it is float32."""


def asks(count: int = 20, *, characters: int = 120) -> list[Choose]:
    """What the product asks of one query's documents: the sample's."""
    pairs = sample.pairs()[:count]
    candidates = tuple(
        Candidate(
            doc_id=pair.document.doc_id,
            title=pair.document.title,
            text=pair.document.text[:characters],
            cut=True,
            rank=position,
            score=1.0,
        )
        for position, pair in enumerate(pairs, start=1)
    )
    task = Task(
        query=pairs[0].query.text,
        candidates=candidates,
        scale=DEFAULT_SCALE,
        guidelines="",
        explanation_tokens=1,
        explain_top=0,
    )
    return [ask for ask in next(score(task)) if isinstance(ask, Choose)]


def differ_by(ones: Sequence[Chosen], others: Sequence[Chosen]) -> float:
    """Largest difference of any grade's probability."""
    return max(
        abs(one.probabilities[choice] - other.probabilities[choice])
        for one, other in zip(ones, others, strict=True)
        for choice in one.probabilities
    )


def pairs_in_another_order(
    ones: Sequence[Chosen], others: Sequence[Chosen], *, within: float = WITHIN
) -> list[tuple[int, int]]:
    """Pairs of documents that are ranked the other way round, but for those that are closer."""
    first, second = (
        [expected_grade({int(c): p for c, p in a.probabilities.items()}) for a in of] for of in (ones, others)
    )
    return [
        (i, j)
        for i, j in combinations(range(len(first)), 2)
        if (first[i] - first[j]) * (second[i] - second[j]) <= 0 and abs(first[i] - first[j]) > within
    ]
