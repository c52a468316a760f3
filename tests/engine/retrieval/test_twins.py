"""Both backends rank alike, and as fast as promised."""

import json
import random
import time
from pathlib import Path

import pytest

from data.records import Document
from engine.retrieval import java
from engine.retrieval.base import Retriever
from engine.retrieval.index import build_index, open_index
from engine.retrieval.memory import stored_length

SCIFACT = Path(__file__).parents[4] / "shared" / "datasets" / "scifact"
BUILD_SECONDS = 60
QUERY_SECONDS = 0.05


def both(documents: list[Document], root: Path) -> tuple[Retriever, Retriever]:
    lucene, bm25s = (open_index(build_index(documents, root, backend=name).path, name) for name in ("lucene", "bm25s"))
    return lucene, bm25s


@pytest.mark.parametrize(
    ("words", "stored"), [(0, 0), (1, 1), (23, 23), (40, 40), (41, 40), (100, 96), (300, 280), (1000, 984)]
)
def test_lengths_are_rounded_as_lucene_does(words: int, stored: int) -> None:
    assert stored_length(words) == stored


@pytest.mark.java
def test_generated_documents_are_ranked_alike(tmp_path: Path) -> None:
    chance = random.Random(7)
    words = [f"{stem}{ending}" for stem in ("walk", "rust", "tide", "grow", "freez") for ending in ("", "ing", "ed")]
    words += [f"rare{number}" for number in range(200)]
    odds = [1 / place for place in range(1, len(words) + 1)]
    documents = [
        Document(
            doc_id=f"d{number:03}", text=" ".join(chance.choices(words, odds, k=chance.randrange(0, 400))) or "the"
        )
        for number in range(200)
    ]
    lucene, bm25s = both(documents, tmp_path)
    for _ in range(40):
        query = " ".join(chance.choices(words, k=4))
        expected, found = lucene.search(query, 1000), bm25s.search(query, 1000)
        assert [hit.doc_id for hit in found[:10]] == [hit.doc_id for hit in expected[:10]]
        scores = {hit.doc_id: hit.score for hit in expected}
        assert {hit.doc_id: hit.score for hit in found} == pytest.approx(scores, abs=1.5e-4)
    lucene.close()
    bm25s.close()


@pytest.mark.java
def test_anserini_itself_can_search_the_index_with_feedback(tmp_path: Path) -> None:
    documents = [Document(doc_id=f"d{number}", text=f"water rises twice{number} daily") for number in range(20)]
    built = build_index(documents, tmp_path, backend="lucene")

    def search() -> list[str]:
        from jnius import autoclass

        searcher = autoclass("io.anserini.search.SimpleSearcher")(str(built.path / "files"))
        searcher.set_rm3()
        found = [hit.docid for hit in searcher.search("twice7 water", 5)]
        searcher.close()
        return found

    assert java.call(search)[0] == "d7"


@pytest.mark.java
@pytest.mark.dataset
@pytest.mark.skipif(not SCIFACT.is_dir(), reason="the SciFact collection is not on this machine")
def test_a_real_collection_is_indexed_and_searched_in_time_and_alike(tmp_path: Path) -> None:
    with (SCIFACT / "corpus.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with (SCIFACT / "queries.jsonl").open(encoding="utf-8") as lines:
        queries = [json.loads(line)["text"] for _, line in zip(range(40), lines, strict=False)]
    documents = [Document(doc_id=row["_id"], title=row["title"], text=row["text"]) for row in rows]
    started = time.perf_counter()
    lucene, bm25s = both(documents, tmp_path)
    assert time.perf_counter() - started < 2 * BUILD_SECONDS
    for retriever in (lucene, bm25s):
        seconds = []
        for query in queries:
            started = time.perf_counter()
            retriever.search(query, 100)
            seconds.append(time.perf_counter() - started)
        assert sorted(seconds)[len(seconds) // 2] < QUERY_SECONDS
    same = [
        [hit.doc_id for hit in lucene.search(query, 10)] == [hit.doc_id for hit in bm25s.search(query, 10)]
        for query in queries
    ]
    assert sum(same) >= 0.95 * len(queries)
    lucene.close()
    bm25s.close()
