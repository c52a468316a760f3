"""Rankings read without their texts."""

from dataclasses import replace
from datetime import timedelta

from data.orders import Place, Stock
from data.records import Evidence, RankedDocument, utc_now


def ranked(doc_id, rank, first, **values):
    given = {"score": 1.0 / rank, "raw_score": 2.5, "grade": 3, "explanation": "Because “x”."}
    return RankedDocument(doc_id=doc_id, rank=rank, first_stage_rank=first, first_stage_score=9.0, **(given | values))


def test_orders_hold_the_newest_ranking_of_every_query(filled):
    store, collection_id = filled.store.rankings, filled.collection.collection_id
    evidence = (Evidence(quote="x", start_char=0, end_char=1),)
    old = filled.ranking(documents=(ranked("d1", 1, 1),))
    documents = (
        ranked("d2", 2, 1, probabilities={0: 0.1, 3: 0.9}, evidence=evidence),
        ranked("d1", 1, 2, raw_score=None, grade=None, unreadable="no grade"),
    )
    new = filled.ranking(documents=documents)
    other = filled.ranking(query_id="q2", method="pointwise-verdict-first")
    for ranking in (old, new, other):
        store.add(ranking)
    (order,) = store.orders(collection_id, method="pointwise-score")
    assert order.ranking_id == new.ranking_id and order.query_id == "q1" and order.depth == 10
    assert order.places == (
        Place(doc_id="d1", rank=1, first_stage_rank=2, score=1.0, grade=None, raw_score=None),
        Place(doc_id="d2", rank=2, first_stage_rank=1, score=0.5, grade=3, raw_score=2.5),
    )
    assert [o.ranking_id for o in store.orders(collection_id)] == [new.ranking_id, other.ranking_id]
    assert [o.places for o in store.orders(collection_id, query_ids=["q2"])] == [()]
    assert store.orders(collection_id, version_id="another") == []


def test_orders_go_by_depth_fusion_and_moment(filled):
    store, collection_id = filled.store.rankings, filled.collection.collection_id
    yesterday = utc_now() - timedelta(days=1)
    first = filled.ranking(created_at=yesterday)
    store.add(first)
    store.add(filled.ranking(depth=20))
    store.add(filled.ranking(fusion_weight=0.5))
    assert [o.fusion_weight for o in store.orders(collection_id)] == [0.5]
    assert [o.depth for o in store.orders(collection_id, fusion_weight=0.2)] == [20]
    assert [o.ranking_id for o in store.orders(collection_id, depth=10, fusion_weight=0.2)] == [first.ranking_id]
    assert [o.ranking_id for o in store.orders(collection_id, until=yesterday)] == [first.ranking_id]


def test_the_stock_says_what_queries_were_ranked_with(filled):
    store, collection_id = filled.store.rankings, filled.collection.collection_id
    made = Stock(version_id="base", method="pointwise-score", depth=10, fusion_weight=0.2, retriever="r", queries=2)
    for query_id in ("q1", "q1", "q2"):
        store.add(filled.ranking(query_id=query_id))
    store.add(filled.ranking(query_id="q3", depth=20))
    assert store.stock(collection_id) == [made, replace(made, depth=20, queries=1)]
    assert store.stock("another") == []
