"""Ranking methods. Adding one is a file with a generator, a line here, and a test file."""

from data.errors import NotFoundError
from engine.ranking import pointwise
from engine.ranking.base import Method

METHODS = {
    method.name: method
    for method in (
        Method(
            name="pointwise-verdict-first",
            rank=pointwise.verdict_first,
            form="verdict-first",
            summary="Grade every document, then explain the best ones.",
            source="Prism-Reranker, arXiv 2604.23734",
            explains=True,
            parameters={},
        ),
        Method(
            name="pointwise-score",
            rank=pointwise.score,
            form="verdict-first",
            summary="Grade every document from the grade's probabilities; no text, the fastest.",
            source="ProRank, arXiv 2506.03487",
            explains=False,
            parameters={},
        ),
        Method(
            name="pointwise-reason-first",
            rank=pointwise.reason_first,
            form="reason-first",
            summary="Explain every document first, then grade it; slow.",
            source="InteRank, arXiv 2504.03947",
            explains=True,
            parameters={},
        ),
    )
}
DEFAULT_METHOD = "pointwise-verdict-first"


def method_named(name: str) -> Method:
    """The method of that name."""
    try:
        return METHODS[name]
    except KeyError:
        raise NotFoundError(
            f"There is no ranking method {name!r}.", mend=f"Use one of: {', '.join(METHODS)}."
        ) from None
