"""Rankings, versions, aliases and evaluations."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from data.errors import ConflictError, NotFoundError
from data.records import (
    Alias,
    AliasEvent,
    EvaluationRecord,
    Evidence,
    RankedDocument,
    Version,
    new_id,
)


def test_a_ranking_comes_back_as_it_was_given(filled):
    read = RankedDocument(
        doc_id="d1",
        rank=1,
        score=0.75,
        raw_score=1.5,
        first_stage_rank=2,
        first_stage_score=9.5,
        grade=1,
        probabilities={0: 0.25, 1: 0.5, 2: 0.125, 3: 0.125},
        explanation="Because “x”.",
        evidence=(Evidence(quote="x", start_char=1, end_char=2),),
        cut=True,
    )
    unread = RankedDocument(
        doc_id="d2",
        rank=2,
        score=0.1,
        raw_score=None,
        first_stage_rank=1,
        first_stage_score=10.5,
        unreadable="no grade",
        answer_text="Hm.",
    )
    ranking = filled.ranking(documents=(read, unread), parameters={"k1": 0.9}, seconds={"rank": 1.5})
    filled.store.rankings.add(ranking)
    assert filled.store.rankings.get(ranking.ranking_id) == ranking
    with pytest.raises(ConflictError):
        filled.store.rankings.add(ranking)
    with pytest.raises(NotFoundError):
        filled.store.rankings.add(filled.ranking(version_id="unknown"))
    with pytest.raises(NotFoundError):
        filled.store.rankings.get("none")


def test_the_latest_ranking_fits_everything_asked(filled):
    rankings, collection_id = filled.store.rankings, filled.collection.collection_id
    given = [filled.ranking(), filled.ranking(query_id="q2"), filled.ranking(depth=20), filled.ranking(method="other")]
    for ranking in given:
        rankings.add(ranking)
    assert rankings.latest(collection_id) == given[3]
    assert rankings.latest(collection_id, query_id="q2") == given[1]
    assert rankings.latest(collection_id, query_id="q1", method="pointwise-score", depth=10) == given[0]
    assert rankings.latest(collection_id, version_id="base", prompt_sha256="p", fusion_weight=0.2) == given[3]
    for miss in ({"query_id": "q3"}, {"fusion_weight": 0.0}, {"prompt_sha256": "other"}, {"version_id": "v"}):
        assert rankings.latest(collection_id, **miss) is None
    assert rankings.recent(collection_id, limit=3) == given[:0:-1]


def test_every_store_has_the_base_version_and_learns_which_model_it_is(store):
    assert [v.version_id for v in store.versions.list()] == ["base"]
    assert store.versions.ensure_base("model-a", "abc") == store.versions.get("base")
    assert store.versions.ensure_base("model-a").base_sha256 == "abc"
    changed = store.versions.ensure_base("model-b")
    assert (changed.base_model, changed.base_sha256) == ("model-b", None)
    assert store.versions.get("base") == changed


def test_versions_are_listed_for_their_collection(filled):
    mine = Version(version_id=new_id(), name="mine", base_model="b", collection_id=filled.collection.collection_id)
    free = Version(version_id=new_id(), name="free", base_model="b", parent_id="base", adapter_path="versions/x")
    other = filled.store.collections.add(name="other", scale=filled.collection.scale, documents=[])
    theirs = replace(mine, version_id=new_id(), name="theirs", collection_id=other.collection_id)
    for version in (mine, free, theirs):
        filled.store.versions.add(version)
    assert filled.store.versions.list(filled.collection.collection_id)[1:] == [mine, free]
    assert filled.store.versions.list()[1:] == [mine, free, theirs]
    assert filled.store.versions.get("mine") == filled.store.versions.get(mine.version_id) == mine
    with pytest.raises(ConflictError, match="mine"):
        filled.store.versions.add(replace(mine, version_id=new_id()))
    with pytest.raises(NotFoundError, match="base, mine, free, theirs"):
        filled.store.versions.get("none")


def test_an_alias_moves_only_from_where_it_is(filled, base):
    versions, collection_id = filled.store.versions, filled.collection.collection_id
    for name in ("one", "two"):
        versions.add(Version(version_id=name, name=name, base_model="b", collection_id=collection_id))
    assert versions.alias(collection_id, Alias.CHAMPION).version_id == "base"
    assert versions.alias(collection_id, Alias.CHALLENGER) is None

    def move(to, previous, alias=Alias.CHAMPION):
        event = AliasEvent(
            collection_id=collection_id,
            alias=alias,
            version_id=to,
            previous_version_id=previous,
            reason="better",
            actor="Ann",
        )
        versions.move(event)
        return event

    events = [move("one", "base"), move("two", None, Alias.CHALLENGER), move("two", "one")]
    with pytest.raises(ConflictError, match="two"):
        move("one", "one")
    with pytest.raises(ConflictError):
        move("one", "base")
    assert versions.alias(collection_id, Alias.CHAMPION).version_id == "two"
    versions.clear(collection_id, Alias.CHALLENGER)
    assert versions.alias(collection_id, Alias.CHALLENGER) is None
    assert versions.alias_events(collection_id) == events
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), base.past_the_store() as connection:
        connection.exec_driver_sql("UPDATE alias_events SET reason = 'none'")


def test_evaluations_count_the_looks_at_a_held_out_set(filled):
    records = [
        EvaluationRecord(
            evaluation_id=new_id(),
            collection_id=filled.collection.collection_id,
            version_id="base",
            method="pointwise-score",
            heldout_sha256=key,
            report={"ndcg": 0.5, "queries": ["q1"]},
        )
        for key in ("a", "b", "a")
    ]
    for record in records:
        filled.store.evaluations.add(record)
    assert filled.store.evaluations.list(filled.collection.collection_id) == records[::-1]
    assert filled.store.evaluations.get(records[1].evaluation_id) == records[1]
    assert [filled.store.evaluations.looks(key) for key in "abc"] == [2, 1, 0]
    with pytest.raises(NotFoundError):
        filled.store.evaluations.get("none")
