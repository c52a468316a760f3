import pytest

from data import sample
from data.records import Split
from engine.lm.base import Clipped
from training import replay
from training.splits import split_of

PAIRS = sample.pairs()


def drawn(count=40, others=(), seed=0):
    return replay.draw(PAIRS, count, other_queries=others, seed=seed)


def clip(text, max_tokens):
    return Clipped(text=text[:max_tokens], cut=len(text) > max_tokens)


@pytest.mark.parametrize(("own", "share", "count"), [(30, 0.25, 10), (0, 0.5, 0), (40, 0.0, 0), (10, 0.5, 10)])
def test_a_share_is_one_of_all_examples(own, share, count):
    assert replay.wanted(own, share) == count


def test_whole_training_queries_are_drawn_until_there_are_enough():
    found = drawn()
    queries = {pair.query.query_id for pair in found}
    assert all(split_of(pair.query) is Split.TRAIN for pair in found)
    assert len(found) == sum(pair.query.query_id in queries for pair in PAIRS)
    assert 40 <= len(found) < 40 + 20
    assert drawn(count=0) == []


def test_the_seed_decides_and_there_is_an_end():
    assert drawn(seed=1) == drawn(seed=1) != drawn(seed=2)
    everything = drawn(count=10_000)
    assert {pair.query.query_id for pair in everything} == {
        pair.query.query_id for pair in PAIRS if split_of(pair.query) is Split.TRAIN
    }


def test_a_query_of_the_collection_is_never_given_away():
    given = drawn(count=10_000)[0].query
    found = drawn(count=10_000, others=[given.text.upper()])
    assert found and given.query_id not in {pair.query.query_id for pair in found}


def test_explanations_come_with_the_grades_they_were_given_for():
    pairs = drawn(count=10_000)
    first = replay.examples(pairs, form="verdict-first", clip=clip, document_tokens=50)
    assert len(first) == len(pairs)
    for pair, example in zip(pairs, first, strict=True):
        assert example.query_id == f"sample:{pair.query.query_id}"
        assert example.completion.startswith(str(pair.grade))
        assert (pair.explanation is not None) == example.closed
        assert pair.document.text[51:] not in example.messages[1].content
    reasoned = replay.examples(pairs, form="reason-first", clip=clip, document_tokens=50)
    assert 0 < len(reasoned) == sum(pair.explanation is not None for pair in pairs) < len(pairs)
