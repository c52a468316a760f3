"""Figures of judging, counted by the database."""

from datetime import UTC, datetime, timedelta

from data.records import AssessorKind, Status

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_tallies_are_of_what_stands(filled):
    store, ben = filled.store, filled.ben.assessor_id
    store.judgments.add_many(
        [
            filled.judgment(doc_id="d1", grade=0, model_visible=True),
            filled.judgment(doc_id="d1", grade=2),
            filled.judgment(doc_id="d2", grade=2, model_visible=True),
            filled.judgment(doc_id="d3", grade=None, status=Status.SKIPPED),
            filled.judgment(doc_id="d4", assessor_id=ben),
        ]
    )
    store.judgments.undo(filled.collection.collection_id, ben)
    found = {
        (t.assessor_id, t.status): (t.blind, t.in_sight)
        for t in store.progress.overview(filled.collection.collection_id).tallies
    }
    ann = filled.ann.assessor_id
    assert found == {(ann, Status.JUDGED): (1, 1), (ann, Status.SKIPPED): (1, 0)}


def test_pairs_that_no_person_decided_are_left(filled):
    filled.store.judgments.add_many(
        [
            filled.judgment(doc_id="d1", assessor_id=filled.teacher.assessor_id),
            filled.judgment(doc_id="d1"),
            filled.judgment(doc_id="d1", assessor_id=filled.ben.assessor_id),
            filled.judgment(doc_id="d2", assessor_id=filled.teacher.assessor_id),
            filled.judgment(doc_id="d3", grade=None, status=Status.LATER),
            filled.judgment(query_id="q2", doc_id="d1", grade=None, status=Status.CANT_JUDGE),
        ]
    )
    found = filled.store.progress.overview(filled.collection.collection_id)
    assert (found.pairs, found.decided, found.conflicts) == (4, 2, 0)


def test_conflicts_are_those_that_nobody_settled(filled):
    store, ben = filled.store, filled.ben.assessor_id

    def conflicts():
        return store.progress.overview(filled.collection.collection_id).conflicts

    said = [
        filled.judgment(doc_id=d, grade=g, assessor_id=a) for d in ("d1", "d2") for a, g in ((ben, 0), (ann(filled), 3))
    ]
    store.judgments.add_many(said)
    assert conflicts() == 2
    cy = store.assessors.ensure("Cy", AssessorKind.HUMAN).assessor_id
    store.judgments.add(
        filled.judgment(doc_id="d1", grade=2, assessor_id=cy, settles=tuple(j.event_id for j in said[:2]))
    )
    assert conflicts() == 1
    store.judgments.add(filled.judgment(doc_id="d1", grade=1, assessor_id=ben))
    assert conflicts() == 2


def ann(filled):
    return filled.ann.assessor_id


def test_an_empty_collection_has_no_progress(filled):
    found = filled.store.progress.overview(filled.collection.collection_id)
    assert (found.tallies, found.pairs, found.decided, found.conflicts) == ((), 0, 0, 0)
    assert filled.store.progress.paces(filled.collection.collection_id) == []


def test_quarters_count_what_people_did_and_not_what_was_undone(filled):
    store, collection_id = filled.store, filled.collection.collection_id
    minutes = (0, 14, 15, 44)
    store.judgments.add_many(
        [filled.judgment(doc_id=f"d{i + 1}", created_at=NOON + timedelta(minutes=m)) for i, m in enumerate(minutes)]
        + [
            filled.judgment(doc_id="d1", assessor_id=filled.teacher.assessor_id, created_at=NOON),
            filled.judgment(doc_id="d5", grade=None, status=Status.SKIPPED, created_at=NOON),
            filled.judgment(doc_id="d5", created_at=NOON),
        ]
    )
    store.judgments.undo(collection_id, filled.ann.assessor_id)
    found = [(q.start - NOON, q.judged) for q in store.progress.quarters(collection_id)]
    assert found == [(timedelta(0), 2), (timedelta(minutes=15), 1), (timedelta(minutes=30), 1)]
    late = store.progress.quarters(collection_id, NOON + timedelta(minutes=20))
    assert [q.judged for q in late] == [1]


def test_the_median_of_odd_and_even_numbers(filled):
    seconds = [(filled.ann, s) for s in (9.0, 1.0, 2.0)] + [(filled.ben, s) for s in (4.0, 1.0, 8.0, 2.0)]
    filled.store.judgments.add_many(
        filled.judgment(doc_id=f"d{i % 5 + 1}", assessor_id=who.assessor_id, seconds_spent=s)
        for i, (who, s) in enumerate([*seconds, (filled.ann, None)])
    )
    found = {
        p.assessor_id: (p.median_seconds, p.timed) for p in filled.store.progress.paces(filled.collection.collection_id)
    }
    assert found == {filled.ann.assessor_id: (2.0, 3), filled.ben.assessor_id: (3.0, 4)}
