"""Pools: kept as they are, and how far people are with them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from data.errors import ConflictError, NotFoundError
from data.pooling import Pool
from data.records import Status, new_id, utc_now

PAIRS = (("q2", "d3"), ("q1", "d1"), ("q1", "d2"))


@pytest.fixture
def pool(filled):
    made = Pool(
        pool_id=new_id(),
        collection_id=filled.collection.collection_id,
        name="first",
        depth=10,
        systems=("BM25", "base by pointwise-score"),
        pairs=PAIRS,
        created_by="Ann",
    )
    filled.store.pools.add(made)
    return made


def test_a_pool_comes_back_in_its_order(filled, pool):
    assert filled.store.pools.get(pool.pool_id) == pool
    later = replace(pool, pool_id=new_id(), name="second")
    filled.store.pools.add(later)
    assert filled.store.pools.list(pool.collection_id) == [later, pool]
    assert filled.store.pools.list("another") == []


def test_a_name_is_taken_once_and_pairs_are_the_collection_s(filled, pool):
    with pytest.raises(ConflictError):
        filled.store.pools.add(replace(pool, pool_id=new_id()))
    with pytest.raises(NotFoundError):
        filled.store.pools.get("none")
    for strange in (("q1", "nowhere"), ("nothing", "d1")):
        with pytest.raises(NotFoundError):
            filled.store.pools.add(replace(pool, pool_id=new_id(), name="x", pairs=(*PAIRS, strange)))
    assert len(filled.store.pools.list(pool.collection_id)) == 1


def test_decided_is_each_person_s_present_word_on_pairs_of_the_pool(filled, pool):
    ben = filled.ben.assessor_id
    filled.store.judgments.add_many(
        [
            filled.judgment("q1", "d1", grade=2),
            filled.judgment("q1", "d2", grade=None, status=Status.LATER),
            filled.judgment("q1", "d4", grade=3),
            filled.judgment("q2", "d3", grade=None, status=Status.CANT_JUDGE, assessor_id=ben),
            filled.judgment("q1", "d1", grade=0, assessor_id=ben),
            filled.judgment("q1", "d1", grade=3, assessor_id=filled.teacher.assessor_id),
        ]
    )
    assert filled.store.pools.decided(pool) == {
        filled.ann.assessor_id: {("q1", "d1")},
        ben: {("q2", "d3"), ("q1", "d1")},
    }
    filled.store.judgments.undo(pool.collection_id, ben)
    assert filled.store.pools.decided(pool)[ben] == {("q2", "d3")}


def test_first_graded_tells_labels_from_before_the_pool(filled, pool):
    before, after = utc_now() - timedelta(days=2), utc_now()
    filled.store.judgments.add_many(
        [
            filled.judgment("q1", "d1", grade=2, created_at=before),
            filled.judgment("q1", "d1", grade=3, created_at=after, assessor_id=filled.ben.assessor_id),
            filled.judgment("q2", "d3", grade=1, created_at=after),
            filled.judgment("q1", "d2", grade=1, created_at=after, assessor_id=filled.teacher.assessor_id),
        ]
    )
    assert filled.store.pools.first_graded(pool) == {("q1", "d1"): before, ("q2", "d3"): after}
