"""Rankings without their texts: what it takes to compare systems over many queries."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A document's place in a ranking."""

    doc_id: str
    rank: int
    first_stage_rank: int
    score: float
    grade: int | None
    """None: the model's answer could not be read."""
    raw_score: float | None
    """The expected grade of the pointwise methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One query's stored ranking, narrow."""

    ranking_id: str
    query_id: str
    version_id: str
    method: str
    depth: int
    fusion_weight: float
    prompt_sha256: str
    retriever: str
    places: tuple[Place, ...]
    """Best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """How many queries have a stored ranking made in one way."""

    version_id: str
    method: str
    depth: int
    fusion_weight: float
    retriever: str
    queries: int
