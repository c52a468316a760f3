"""What a retriever promises: `tests/contracts/test_retrievers.py` holds every one to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from data.records import Document


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


OnProgress = Callable[[int], None]
"""Called now and then with the number of documents done."""


class IndexBuilder(Protocol):
    """Builds an index into an empty folder."""

    def __call__(self, documents: Iterable[Document], path: Path, *, on_progress: OnProgress | None = None) -> int:
        """Write the index of `documents` (title and text) and return their number."""
