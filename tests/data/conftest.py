"""A small filled store, for tests of the data layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Ranking, new_id
from data.scales import DEFAULT_SCALE
from data.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A collection of five documents and three queries, with two people and a teacher."""

    store: Store
    collection: Collection
    ann: Assessor
    ben: Assessor
    teacher: Assessor

    def judgment(self, query_id: str = "q1", doc_id: str = "d1", **values: Any) -> Judgment:
        """An event of Ann's with grade 1, but for what is given."""
        given = {"event_id": new_id(), "collection_id": self.collection.collection_id, "grade": 1}
        given |= {"query_id": query_id, "doc_id": doc_id, "assessor_id": self.ann.assessor_id}
        return Judgment(**(given | values))

    def current(self, **filters: Any) -> list[Judgment]:
        """The current view."""
        return self.store.judgments.current(self.collection.collection_id, **filters)

    def ranking(self, **values: Any) -> Ranking:
        """A ranking without documents, but for what is given."""
        given = {"ranking_id": new_id(), "collection_id": self.collection.collection_id, "query_id": "q1"}
        given |= {"query_text": "why one", "method": "pointwise-score", "version_id": "base", "base_model": "b"}
        given |= {"prompt_sha256": "p", "scale_name": "trec-dl", "retriever": "r", "depth": 10, "fusion_weight": 0.2}
        return Ranking(**(given | {"parameters": {}, "seconds": {}, "documents": ()} | values))


@pytest.fixture
def fill() -> Callable[[Store], Filled]:
    """Fills a store."""

    def filled(store: Store) -> Filled:
        collection = store.collections.add(
            name="small",
            scale=DEFAULT_SCALE,
            documents=[Document(doc_id=f"d{i}", text=f"Text of {i}.", title=f"Title {i}") for i in range(1, 6)],
            queries=[Query(query_id=f"q{i}", text=f"why {i}") for i in range(1, 4)],
        )
        return Filled(
            store=store,
            collection=collection,
            ann=store.assessors.ensure("Ann", AssessorKind.HUMAN),
            ben=store.assessors.ensure("Ben", AssessorKind.HUMAN),
            teacher=store.assessors.ensure("Teacher", AssessorKind.TEACHER),
        )

    return filled


@pytest.fixture
def filled(store: Store, fill: Callable[[Store], Filled]) -> Filled:
    """A filled store."""
    return fill(store)
