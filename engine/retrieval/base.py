"""What a retriever promises: `tests/contracts/test_retrievers.py` holds every one to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from data.errors import RetrievalError
from data.records import Document, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document the first stage found. `rank` starts at 1."""

    doc_id: str
    rank: int
    score: float


class Retriever(Protocol):
    """A built, opened index. Safe to call from any thread."""

    @property
    def name(self) -> str:
        """Recorded with every ranking: backend and parameters, e.g. `lucene-9.9.1 bm25 k1=0.9 b=0.4`."""

    def search(self, query: str, depth: int) -> list[Hit]:
        """The best `depth` documents, best first, ties by doc_id; [] for a query without any known word."""

    def close(self) -> None:
        """Give back what the index holds."""


def no_index(collection: str) -> RetrievalError:
    """The error where a collection of that name has nothing to be searched."""
    return RetrievalError(
        f"The collection {collection} has no index.", mend=f"Build it: whyrank collection rebuild {collection}"
    )


def searched(retriever: Retriever, query: Query, depth: int) -> list[Hit]:
    """The best `depth` documents that count for a query."""
    return counting(retriever.search(query.text, depth + len(query.excluded_ids)), query, depth)


def counting(hits: Sequence[Hit], query: Query, depth: int) -> list[Hit]:
    """The first `depth` hits without the documents that don't count for the query (BRIGHT's `excluded_ids`, which are
    dropped before anything is scored); ranks are counted anew."""
    if not query.excluded_ids:
        return list(hits[:depth])
    excluded = set(query.excluded_ids)
    left = [hit for hit in hits if hit.doc_id not in excluded][:depth]
    return [Hit(doc_id=hit.doc_id, rank=rank, score=hit.score) for rank, hit in enumerate(left, start=1)]


OnProgress = Callable[[int], None]
"""Called now and then with the number of documents done."""


class IndexBuilder(Protocol):
    """Builds an index into an empty folder."""

    def __call__(self, documents: Iterable[Document], path: Path, *, on_progress: OnProgress | None = None) -> int:
        """Write the index of `documents` (title and text) and return their number."""
