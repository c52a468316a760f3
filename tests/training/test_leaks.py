import random

import pytest

from data.records import Query, Split
from training.leaks import Leaks, Texts, near_duplicate


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("why does bread go stale", "Why does bread go stale?", True),
        ("why does bread go stale", "why does the bread go stale", True),  # 5 of 6 words
        ("why does bread go stale", "why does cake go stale", False),  # 4 of 6
        ("", "", True),
        ("?!", "...", True),
        ("bread", "", False),
    ],
)
def test_near_duplicates_share_four_fifths_of_their_words(first, second, same):
    assert near_duplicate(first, second) is same
    assert near_duplicate(second, first) is same


def leaks(heldout=None):
    queries = [
        Query(query_id="t1", text="how do vaccines work", split=Split.TRAIN),
        Query(query_id="t2", text="Why does bread go stale?", split=Split.TRAIN),
        Query(query_id="d", text="something else", split=Split.DEVELOPMENT),
        Query(query_id="h", text="why does bread go stale", split=Split.HELDOUT),
    ]
    return Leaks(queries, heldout or {}, {"t1", "t2", "d", "h"})


def test_only_training_queries_that_ask_something_else_may_train():
    found = leaks()
    assert found.reason("t1", "x") is None
    assert found.reason("t2", "x") == "query (nearly) the same as a held-out one"
    assert found.reason("d", "x") == "development query"
    assert found.reason("h", "x") == "held-out query"


def test_a_pair_with_an_evaluation_label_may_not_train():
    found = leaks({"t1": {"seen": 1}})
    assert found.reason("t1", "seen") == "held-out query"
    assert found.reason("t1", "other") is None


@pytest.mark.parametrize(("text", "leaks"), [("why does the bread go stale", True), ("why bread", False), ("", False)])
def test_a_near_duplicate_of_another_length_is_found(text, leaks):
    queries = [
        Query(query_id="t", text=text, split=Split.TRAIN),
        Query(query_id="h", text="why does bread go stale", split=Split.HELDOUT),
    ]
    assert (Leaks(queries, {}, {"t"}).reason("t", "x") is not None) is leaks


def test_texts_hold_what_compared_one_by_one_is_a_near_duplicate():
    rng = random.Random(0)

    def text():
        return " ".join(rng.sample("abcdefghijk", rng.randint(1, 10)))

    known = [text() for _ in range(150)]
    texts = Texts(known)
    asked = [text() for _ in range(300)]
    found = [texts.holds(each) for each in asked]
    assert found == [any(near_duplicate(each, other) for other in known) for each in asked]
    assert 30 < sum(found) < 270
    assert not texts.holds("a nowhere word") and not Texts().holds("a")
