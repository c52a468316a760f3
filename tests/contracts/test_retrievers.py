"""What every retriever promises (engine/retrieval/base.py), held against both."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.errors import RetrievalError
from data.records import Document
from engine.retrieval.base import Hit, Retriever
from engine.retrieval.index import build_index, discard, open_index

Open = Callable[..., Retriever]

DOCUMENTS = (
    Document(doc_id="bread", title="Sourdough", text="A loaf rises because yeast makes gas in the dough."),
    Document(doc_id="tides", title="Tides", text="The moon pulls the oceans, so water rises twice a day."),
    Document(doc_id="rust", title="", text="Iron rusts when water and oxygen meet its surface."),
    Document(doc_id="frost", title="Frost", text="Clear nights cool the ground; water vapour freezes on grass."),
    Document(doc_id="leaves", title="Autumn leaves", text="Trees withdraw chlorophyll, so other colours show."),
)


@pytest.fixture(params=[pytest.param("lucene", marks=pytest.mark.java), "bm25s"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_documents(backend: str, tmp_path: Path) -> Iterator[Open]:
    opened = []

    def open_them(*documents: Document) -> Retriever:
        built = build_index(documents, tmp_path, backend=backend)
        assert (built.backend, built.note, built.documents) == (backend, None, len(documents))
        opened.append(open_index(built.path, backend))
        return opened[-1]

    yield open_them
    for retriever in opened:
        retriever.close()


def ids(hits: list[Hit]) -> list[str]:
    return [hit.doc_id for hit in hits]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("why does yeast make dough rise", "bread"),
        ("the moon and the oceans", "tides"),
        ("rusting iron", "rust"),
        ("freezing grasses", "frost"),
        ("sourdough", "bread"),
        ("colour of an autumn leaf's tree", "leaves"),
    ],
)
def test_the_document_that_answers_comes_first(open_documents: Open, query: str, expected: str) -> None:
    assert ids(open_documents(*DOCUMENTS).search(query, 3))[0] == expected


def test_ranks_count_from_one_and_scores_never_rise(open_documents: Open) -> None:
    hits = open_documents(*DOCUMENTS).search("water rises and freezes", 10)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert len(hits) == 4
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 and score == round(score, 4) for score in scores)


def test_depth_cuts_and_may_exceed_the_index(open_documents: Open) -> None:
    retriever = open_documents(*DOCUMENTS)
    everything = retriever.search("water rises", 1_000_000)
    assert set(ids(everything)) == {"bread", "tides", "rust", "frost"}
    assert retriever.search("water rises", 2) == everything[:2]
    assert retriever.search("water rises", 0) == []


def test_ties_are_in_order_of_doc_id_at_any_depth(open_documents: Open) -> None:
    names = [f"{number}-é" if number % 3 else f"{number}" for number in range(150, 0, -1)]
    retriever = open_documents(*(Document(doc_id=name, text="equal words here") for name in names))
    hits = retriever.search("equal words", 1000)
    assert ids(hits) == sorted(names)
    assert len({hit.score for hit in hits}) == 1
    for depth in (1, 7, 100):
        assert ids(retriever.search("equal words", depth)) == sorted(names)[:depth]


@pytest.mark.parametrize(
    "query",
    ["", "   \n", "the and of it", "xylophone zzz", '!?*~^\\"()[]{}:/+-&|', "\x00\x01\x1b", "\ud800", "___"],
)
def test_a_query_without_a_known_word_finds_nothing(open_documents: Open, query: str) -> None:
    assert open_documents(*DOCUMENTS).search(query, 10) == []


@pytest.mark.parametrize("query", ["rust\x00", "+rust -(", "rust AND OR NOT", "rust*", "title: rust", "RUST’s \ud800"])
def test_special_characters_are_no_syntax(open_documents: Open, query: str) -> None:
    assert ids(open_documents(*DOCUMENTS).search(query, 10)) == ["rust"]


def test_a_query_of_ten_thousand_words_is_answered(open_documents: Open) -> None:
    query = " ".join([f"word{number}" for number in range(10_000)] + ["moon"] * 10)
    assert ids(open_documents(*DOCUMENTS).search(query, 10)) == ["tides"]


def test_a_repeated_query_word_counts_again(open_documents: Open) -> None:
    retriever = open_documents(*DOCUMENTS)
    once, thrice = retriever.search("moon", 1)[0].score, retriever.search("moon moon moon", 1)[0].score
    assert thrice == pytest.approx(3 * once, abs=2e-4)


def test_ids_and_texts_may_hold_any_character(open_documents: Open) -> None:
    names = ["a b", "ä", "z😀", "x\ny", "'\"\\", "../up", "nul\x00", "日本", "-1", "{}"]
    texts = ["日本語 مرحبا 😀 Straße \x00\x07\x1b[31m \ud83d half"] * len(names)
    retriever = open_documents(*(Document(doc_id=name, text=text) for name, text in zip(names, texts, strict=True)))
    for query in ("日", "مرحبا", "😀", "STRASSE straße", "half"):
        assert ids(retriever.search(query, 100)) == sorted(names)


def test_a_long_document_and_one_without_words(open_documents: Open) -> None:
    long = "filler words without meaning " * 75_000
    retriever = open_documents(
        Document(doc_id="long", text=long + "needle"),
        Document(doc_id="none", text="the of and"),
        Document(doc_id="run", text="x" * 100_000),
    )
    assert len(long) > 2_000_000
    assert ids(retriever.search("needle", 5)) == ["long"]
    assert ids(retriever.search("x" * 255, 5)) == ["run"]


def test_an_index_without_any_word_finds_nothing(open_documents: Open) -> None:
    retriever = open_documents(Document(doc_id="none", text="the of and"))
    assert retriever.search("the needle", 5) == []


def test_many_threads_get_what_one_gets(open_documents: Open) -> None:
    words = [f"w{number}" for number in range(40)]
    documents = [
        Document(doc_id=f"d{number}", text=" ".join(words[number % 37 : number % 37 + 1 + number % 5]))
        for number in range(300)
    ]
    retriever = open_documents(*documents)
    queries = [f"{first} {second}" for first in words[:10] for second in words[::8]]
    one_by_one = [retriever.search(query, 20) for query in queries]
    assert all(one_by_one)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: retriever.search(query, 20), queries * 4))
    assert together == one_by_one * 4


def test_an_open_reader_answers_while_its_index_is_replaced(backend: str, tmp_path: Path) -> None:
    old = build_index(DOCUMENTS, tmp_path, backend=backend)
    reader = open_index(old.path, backend)
    before = reader.search("water rises", 10)
    new = build_index([*DOCUMENTS, Document(doc_id="new", text="water rises")], tmp_path, backend=backend)
    discard(old.path)
    assert not old.path.exists()
    assert reader.search("water rises", 10) == before
    fresh = open_index(new.path, backend)
    assert ids(fresh.search("water rises", 10))[0] == "new"
    fresh.close()
    reader.close()


def test_a_closed_reader_says_so(open_documents: Open) -> None:
    retriever = open_documents(*DOCUMENTS)
    retriever.close()
    retriever.close()
    with pytest.raises(RetrievalError, match="closed"):
        retriever.search("moon", 1)


def test_the_name_says_backend_and_parameters(open_documents: Open, backend: str) -> None:
    name = open_documents(*DOCUMENTS).name
    assert name.startswith(f"{backend}-")
    assert name.endswith("bm25 k1=0.9 b=0.4")


def test_progress_ends_with_all_documents(backend: str, tmp_path: Path) -> None:
    seen: list[int] = []
    documents = (Document(doc_id=f"d{number}", text="word") for number in range(450))
    build_index(documents, tmp_path, backend=backend, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] < 450
    assert seen[-1] == 450


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ((), "no documents"),
        ((DOCUMENTS[0], DOCUMENTS[0]), "there twice"),
        ((DOCUMENTS[0], Document(doc_id="", text="x")), "blank"),
        ((Document(doc_id="x" * 40_000, text="x"),), "longer"),
        ((Document(doc_id="\ud800", text="x"),), "half a character"),
    ],
)
def test_what_cannot_be_indexed_is_refused_and_leaves_nothing(
    backend: str, tmp_path: Path, documents: tuple[Document, ...], reason: str
) -> None:
    with pytest.raises(RetrievalError, match=reason) as caught:
        build_index(documents, tmp_path, backend=backend)
    assert caught.value.mend
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_index_is_refused_with_the_mend(backend: str, tmp_path: Path) -> None:
    built = build_index(DOCUMENTS, tmp_path, backend=backend)
    for file in (built.path / "files").iterdir():
        file.write_bytes(b"\x00")
    with pytest.raises(RetrievalError) as caught:
        open_index(built.path, backend)
    assert "Rebuild" in caught.value.mend
