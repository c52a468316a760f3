"""What is to be judged: pairs that are an assessor's for a while, and pools of pairs for an evaluation."""

from dataclasses import dataclass, field
from datetime import datetime

from data.records import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """For a while a pair is one assessor's: a queue gives it to nobody else."""

    collection_id: str
    query_id: str
    doc_id: str
    assessor_id: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Pairs to be judged for an evaluation, laid out once: which system found which of them is not to be seen."""

    pool_id: str
    collection_id: str
    name: str
    depth: int
    """Documents taken from the top of every system's ranking."""
    systems: tuple[str, ...]
    """Names of the systems whose documents are in it."""
    pairs: tuple[tuple[str, str], ...]
    """(query_id, doc_id), shuffled."""
    created_by: str
    created_at: datetime = field(default_factory=utc_now)
