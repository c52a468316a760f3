from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from data.records import Query, Split
from training.splits import heldout_queries, split_of


def query(query_id, split=None):
    return Query(query_id=query_id, text=f"text of {query_id}", split=split)


def test_the_imported_split_wins_over_the_hash():
    for split in Split:
        assert split_of(query("q1", split)) is split


def test_the_hash_gives_half_to_training_and_four_tenths_to_the_evaluation():
    shares = Counter(split_of(query(f"q{i}")) for i in range(5000))
    assert 0.47 < shares[Split.TRAIN] / 5000 < 0.53
    assert 0.37 < shares[Split.HELDOUT] / 5000 < 0.43
    assert 0.08 < shares[Split.DEVELOPMENT] / 5000 < 0.12


def test_the_hash_never_changes_its_mind():
    # Pinned: a query that moved from held out to training would spoil every evaluation made before.
    assert [split_of(query(f"q{i}")).value for i in range(8)] == PINNED


PINNED = ["train", "train", "train", "train", "development", "train", "heldout", "development"]


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=30))
def test_the_text_has_no_say(query_id):
    assert split_of(Query(query_id=query_id, text="a")) is split_of(Query(query_id=query_id, text="b"))


def test_only_held_out_queries_with_a_relevant_label_are_evaluated():
    queries = [query(f"h{i}", Split.HELDOUT) for i in range(4)] + [query("t", Split.TRAIN)]
    qrels = {"h0": {"d": 2}, "h1": {"d": 1, "e": 0}, "h2": {}, "t": {"d": 3}}
    assert [q.query_id for q in heldout_queries(queries, qrels)] == ["h0", "h1"]
    assert [q.query_id for q in heldout_queries(queries, qrels, relevant_from=2)] == ["h0"]


def test_the_sample_depends_on_seed_and_queries_only():
    queries = [query(f"h{i:02}", Split.HELDOUT) for i in range(30)]
    qrels = {q.query_id: {"d": 1} for q in queries}
    first = heldout_queries(queries, qrels, limit=10, seed=3)
    assert first == heldout_queries(list(reversed(queries)), qrels, limit=10, seed=3)
    assert first == sorted(first, key=lambda q: q.query_id)
    assert len({q.query_id for q in first}) == 10
    assert first != heldout_queries(queries, qrels, limit=10, seed=4)
