"""Judgments without texts: who conflicts with whom, what was settled, and how it was before."""

from dataclasses import replace

from data.records import AssessorKind, Status


def say(filled, *judgments):
    filled.store.judgments.add_many(judgments)
    return judgments


def disputed(filled):
    return [(g.doc_id, g.grade) for g in filled.store.gradings.disputed(filled.collection.collection_id)]


def test_pairs_on_which_people_differ_are_disputed(filled):
    ben, teacher = filled.ben.assessor_id, filled.teacher.assessor_id
    say(
        filled,
        filled.judgment(doc_id="d1", grade=0),
        filled.judgment(doc_id="d1", grade=3, assessor_id=ben),
        filled.judgment(doc_id="d2", grade=0),
        filled.judgment(doc_id="d2", grade=3, assessor_id=teacher),
        filled.judgment(doc_id="d3", grade=2),
        filled.judgment(doc_id="d3", grade=2, assessor_id=ben),
        filled.judgment(doc_id="d4", grade=2),
        filled.judgment(doc_id="d4", grade=None, status=Status.SKIPPED, assessor_id=ben),
    )
    assert disputed(filled) == [("d1", 0), ("d1", 3)]
    say(filled, filled.judgment(doc_id="d1", grade=3))
    assert disputed(filled) == []


def test_a_settlement_stands_beside_what_it_settles(filled):
    first, second = say(filled, filled.judgment(grade=0), filled.judgment(grade=3, assessor_id=filled.ben.assessor_id))
    cy = filled.store.assessors.ensure("Cy", AssessorKind.HUMAN).assessor_id
    settled = replace(
        filled.judgment(grade=None, status=Status.CANT_JUDGE, assessor_id=cy, note="both are guesses"),
        settles=(first.event_id, second.event_id),
    )
    say(filled, settled)
    found = filled.store.gradings.disputed(filled.collection.collection_id)
    assert [(g.assessor_id, g.settles) for g in found][-1] == (cy, settled.settles)
    store, collection_id = filled.store.gradings, filled.collection.collection_id
    assert [j.note for j in store.settlements(collection_id)] == ["both are guesses"]
    assert store.settlement_count(collection_id) == 1
    assert {g.grade for g in store.by_id([*settled.settles, "elsewhere"]).values()} == {0, 3}

    filled.store.judgments.undo(collection_id, cy, target=settled.event_id)
    assert store.settlements(collection_id) == [] and store.settlement_count(collection_id) == 0
    assert [g.grade for g in store.disputed(collection_id)] == [0, 3]


def test_settlements_come_in_pages_newest_first(filled):
    (given,) = say(filled, filled.judgment(grade=0))
    for i in (1, 2, 3):
        say(filled, replace(filled.judgment(doc_id=f"d{i}", grade=i), settles=(given.event_id,)))
    store, collection_id = filled.store.gradings, filled.collection.collection_id
    assert [j.doc_id for j in store.settlements(collection_id, limit=2)] == ["d3", "d2"]
    assert [j.doc_id for j in store.settlements(collection_id, limit=2, offset=2)] == ["d1"]


def test_independent_is_what_was_said_before_settling(filled):
    mine, theirs = say(filled, filled.judgment(grade=0), filled.judgment(grade=3, assessor_id=filled.ben.assessor_id))
    say(filled, replace(filled.judgment(grade=2), settles=(mine.event_id, theirs.event_id)))
    store, collection_id = filled.store.gradings, filled.collection.collection_id
    assert [g.grade for g in store.current(collection_id)] == [3, 2]
    assert [g.grade for g in store.current(collection_id, independent=True)] == [0, 3]
    assert store.current(collection_id, assessor_ids=[]) == []


def test_gradings_of_some_pairs_only(filled):
    say(filled, *(filled.judgment(query_id=q, doc_id=d, grade=1) for q in ("q1", "q2") for d in ("d1", "d2")))
    found = filled.store.gradings.current(filled.collection.collection_id, pairs_of=[("q1", "d1"), ("q2", "d2")])
    assert [(g.query_id, g.doc_id) for g in found] == [("q1", "d1"), ("q2", "d2")]
