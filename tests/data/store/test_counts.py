"""Counts of the whole home, as whoever watches it asks for them again and again."""

from datetime import UTC, datetime, timedelta

import pytest

from data.census import SECONDS
from data.records import AssessorKind, Document, Job, JobState, Query, Status, Version, new_id
from data.scales import DEFAULT_SCALE

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def census(store, now=NOW):
    return store.counts.home(now=now, stale_after_seconds=30)


def judged(found):
    return {(kind.value, status.value): count for (kind, status), count in found.judgments.items()}


def test_an_empty_home_has_nothing_of_anything(store):
    found = census(store)
    assert (found.rankings, found.answers, found.judgments, found.jobs) == ((), (), {}, {})
    assert (found.waiting, found.waiting_since) == (0, None)


def test_rankings_by_version_and_method_with_their_seconds(filled):
    store = filled.store
    store.versions.ensure_base("b")
    store.versions.add(Version(version_id="v1", name="small-1", base_model="b"))
    for seconds in (0.25, 0.3, 1000.0):
        store.rankings.add(filled.ranking(seconds={"retrieve": 9.0, "rank": seconds}))
    store.rankings.add(filled.ranking(seconds={}))
    store.rankings.add(filled.ranking(version_id="v1", method="pointwise-verdict-first", seconds={"rank": 2}))
    base, student = census(store).rankings
    assert (base.version, base.method, base.rankings, base.timed) == ("base", "pointwise-score", 4, 3)
    assert base.seconds == pytest.approx(1000.55)
    assert base.at_most == tuple(0 if end < 0.25 else 1 if end < 0.3 else 2 for end in SECONDS)
    assert (student.version, student.rankings, student.seconds) == ("small-1", 1, 2.0)


def test_judgments_by_kind_and_status_and_unreadable_answers_by_version(filled):
    store = filled.store
    store.versions.ensure_base("b")
    student = store.assessors.ensure("base", AssessorKind.STUDENT, version_id="base").assessor_id
    unreadable = {"grade": None, "status": Status.UNREADABLE}
    store.judgments.add_many(
        [
            filled.judgment(doc_id="d1"),
            filled.judgment(doc_id="d1", grade=2),
            filled.judgment(doc_id="d2", grade=None, status=Status.SKIPPED),
            filled.judgment(doc_id="d1", assessor_id=filled.teacher.assessor_id, **unreadable),
            filled.judgment(doc_id="d1", assessor_id=student),
            filled.judgment(doc_id="d2", assessor_id=student, **unreadable),
        ]
    )
    found = census(store)
    assert judged(found) == {
        ("human", "judged"): 2,
        ("human", "skipped"): 1,
        ("teacher", "unreadable"): 1,
        ("student", "judged"): 1,
        ("student", "unreadable"): 1,
    }
    (answers,) = found.answers
    assert (answers.version, answers.documents, answers.unreadable) == ("base", 2, 1)


def test_what_came_since_is_added_and_what_went_with_its_collection_is_not_counted_any_more(filled, base):
    store = filled.store
    store.versions.ensure_base("b")
    other = store.collections.add(
        name="other",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id="d1", text="Text.")],
        queries=[Query(query_id="q1", text="why")],
    )
    theirs = {"collection_id": other.collection_id}

    def add():
        store.judgments.add_many([filled.judgment(), filled.judgment(**theirs)])
        store.rankings.add(filled.ranking(seconds={"rank": 1.0}))
        store.rankings.add(filled.ranking(**theirs))

    def counted(store):
        found = census(store)
        return judged(found)[("human", "judged")], found.rankings[0].rankings, found.rankings[0].timed

    add()
    assert counted(store) == counted(store) == (2, 2, 1)
    add()
    assert counted(store) == (4, 4, 2)
    add()
    store.collections.delete(other.collection_id, by="Ann")
    assert counted(store) == (3, 3, 3)
    store.judgments.add(filled.judgment())
    assert counted(store) == (4, 3, 3)
    # Who asks for the first time counts the same.
    with base.open() as fresh:
        assert counted(fresh) == (4, 3, 3)


def test_jobs_that_wait_are_the_queued_and_the_silent_ones(store):
    def add(state, **values):
        created = values.pop("created_at", NOW - timedelta(minutes=1))
        store.jobs.add(
            Job(job_id=new_id(), kind="train", collection_id=None, config={}, state=state, created_at=created, **values)
        )

    add(JobState.DONE, created_at=NOW - timedelta(days=2))
    add(JobState.RUNNING, created_at=NOW - timedelta(days=1), heartbeat_at=NOW - timedelta(seconds=3))
    found = census(store)
    assert found.jobs == {JobState.DONE: 1, JobState.RUNNING: 1}
    assert (found.waiting, found.waiting_since) == (0, None)
    add(JobState.QUEUED)
    assert census(store).waiting_since == NOW - timedelta(minutes=1)
    add(JobState.RUNNING, created_at=NOW - timedelta(days=1), heartbeat_at=NOW - timedelta(minutes=5))
    found = census(store)
    assert (found.waiting, found.waiting_since) == (2, NOW - timedelta(minutes=5))
