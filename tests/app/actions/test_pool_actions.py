import random

import pytest

from app.actions import people, pools
from app.actions.pools import Wanted
from data.errors import ConflictError, NotFoundError, SettingsError
from tests.app import lining
from tests.app.lining import BASE, TAUGHT
from training.ranked import RankConfig

ME = people.command_line("me")
SYSTEMS = ("bm25", BASE, TAUGHT)


@pytest.fixture
def added(workbench):
    return lining.filled(workbench)


def wanted(**values):
    return Wanted(**({"name": "first", "system_ids": SYSTEMS, "queries": 50} | values))


def test_the_offer_opens_with_bm25_and_the_champion(workbench, added):
    found = pools.offer(workbench, added)
    assert found.queries == 4 and found.opening == ("bm25", BASE)


def test_a_champion_without_rankings_is_offered_too(workbench, beans):
    found = pools.offer(workbench, beans)
    assert found.opening == ("bm25", "ranked:base:pointwise-verdict-first")


def test_a_queue_is_the_shuffled_union_of_the_tops(workbench, added):
    lining.rank(workbench, added, "h0", [9, 8, 7, 6], version_id="taught")
    pool = pools.make(workbench, added, wanted(depth=2), ME)
    assert workbench.store.pools.get(pool.pool_id) == pool
    of_h0 = {doc_id for query_id, doc_id in pool.pairs if query_id == "h0"}
    assert of_h0 == {"d3", "d2", "d0", "d1", "d9", "d8"}, "two of each: base, its first stage, taught"
    assert {query_id for query_id, _ in pool.pairs} == {"h0", "h1", "h2", "h3"}, "held-out queries alone"
    assert len(set(pool.pairs)) == len(pool.pairs) and list(pool.pairs) != sorted(pool.pairs)
    shuffled = sorted(pool.pairs)
    random.Random(0).shuffle(shuffled)
    assert list(pool.pairs) == shuffled, "the seed decides the order, and nothing else does"
    assert pool.systems == ("BM25", "base by pointwise-score", "taught by pointwise-score")


def test_the_order_does_not_depend_on_who_found_what(workbench, added):
    first = pools.make(workbench, added, wanted(depth=4), ME)
    second = pools.make(workbench, added, wanted(name="second", depth=4, system_ids=SYSTEMS[::-1]), ME)
    other = pools.make(workbench, added, wanted(name="third", depth=4, seed=1), ME)
    assert first.pairs == second.pairs != other.pairs


def test_queries_are_sampled_by_the_seed(workbench, added):
    one = {q for q, _ in pools.make(workbench, added, wanted(queries=2), ME).pairs}
    again = {q for q, _ in pools.make(workbench, added, wanted(name="x", queries=2), ME).pairs}
    assert len(one) == 2 and one == again


def test_missing_rankings_are_refused_and_made_by_a_job(workbench, added):
    lining.rank(workbench, added, "h1", [1, 2], version_id="taught", depth=2)
    with pytest.raises(NotFoundError, match="1 of 4 held-out queries"):
        pools.make(workbench, added, wanted(), ME)
    assert pools.lay(workbench, added, wanted()).missing == {TAUGHT: ("h1",)}
    config = RankConfig(**pools.rank_missing(workbench, added, wanted(), ME).config)
    assert config.query_ids == ("h1",) and config.depth == 10
    assert [system.version_id for system in config.systems] == ["taught"]
    assert pools.rank_missing(workbench, added, wanted(depth=2), ME) is None
    assert workbench.store.pools.list(added.collection_id) == []


def test_what_is_wrong_is_said(workbench, added):
    with pytest.raises(SettingsError, match="no version"):
        pools.make(workbench, added, wanted(system_ids=("bm25",)), ME)
    with pytest.raises(NotFoundError, match="nothing"):
        pools.make(workbench, added, wanted(system_ids=("nothing",)), ME)
    for name in ("  ", "x" * 61):
        with pytest.raises(SettingsError, match="name"):
            pools.make(workbench, added, wanted(name=name), ME)
    with pytest.raises(SettingsError):
        pools.make(workbench, added, wanted(queries=0), ME)
    pools.make(workbench, added, wanted(), ME)
    with pytest.raises(ConflictError):
        pools.make(workbench, added, wanted(), ME)


def test_a_collection_without_held_out_queries_has_no_queue(workbench):
    added = lining.collection(workbench, heldout=0)
    with pytest.raises(NotFoundError, match="no held-out query"):
        pools.lay(workbench, added, wanted(system_ids=(pools.offer(workbench, added).opening[1],)))


def test_progress_counts_people_and_judged_before_and_after(workbench, added):
    pool = pools.make(workbench, added, wanted(), ME)
    before = pools.progress(workbench, added, pool)
    assert before.decided == 8 and before.people == (("Ann", 8),)
    assert before.judged == (
        ("BM25", 0.5, 0.5),
        ("base by pointwise-score (champion)", 0.5, 0.5),
        ("taught by pointwise-score", 0.5, 0.5),
    )
    for query_id in ("h0", "h1"):
        for number in (2, 3):
            lining.grade(workbench, added, query_id, number, 1, who="Ben")
    lining.grade(workbench, added, "h0", 0, 3, who="Ben")
    after = pools.progress(workbench, added, pool)
    assert after.decided == 12 and after.people == (("Ann", 8), ("Ben", 5))
    assert [(was, now) for _, was, now in after.judged] == [(0.5, 0.75)] * 3
