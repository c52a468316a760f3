from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.actions import progress
from data.pooling import Pool
from data.records import AssessorKind, Judgment, Status, new_id

NOW = datetime(2026, 3, 10, 20, 5, tzinfo=UTC)


@pytest.fixture
def judge(workbench, beans):
    def stored(name, doc_id, ago, *, kind=AssessorKind.HUMAN, query_id="q1", **values):
        given = {"event_id": new_id(), "collection_id": beans.collection_id, "query_id": query_id, "doc_id": doc_id}
        assessor = workbench.store.assessors.ensure(name, kind)
        given |= {"assessor_id": assessor.assessor_id, "created_at": NOW - ago, "grade": 1}
        judgment = Judgment(**(given | values))
        workbench.store.judgments.add(judgment)
        return judgment

    return stored


def test_figures_of_everybody(workbench, beans, judge):
    for minutes, doc_id, seconds in ((0, "d1", 4.0), (1, "d2", 8.0), (20, "d3", 6.0)):
        judge("Ann", doc_id, timedelta(minutes=minutes), seconds_spent=seconds, model_visible=doc_id == "d3")
    judge("Ann", "d4", timedelta(days=2), seconds_spent=6.0, status=Status.CANT_JUDGE, grade=None)
    judge("Ben", "d1", timedelta(days=40), grade=3)
    judge("gpt", "d5", timedelta(0), kind=AssessorKind.TEACHER)
    found = progress.report(workbench, beans, UTC, NOW)
    ann, ben, gpt = found.rows
    assert ann.by_status == {Status.JUDGED: 3, Status.CANT_JUDGE: 1}
    assert (ann.median_seconds, ann.today, ann.blind) == (6.0, 3, pytest.approx(2 / 3))
    # d1 fell at 20:05, d2 at 20:04, d3 at 19:45, d4 two days ago: four judged in three quarters of an hour.
    assert ann.per_hour == pytest.approx(4 / 3 * 4)
    assert (ben.median_seconds, ben.per_hour, ben.today, ben.blind) == (None, None, 0, 1.0)
    assert (gpt.blind, gpt.per_hour) == (None, None)
    assert (found.pairs, found.left, found.conflicts, found.blind) == (5, 1, 1, 0.75)
    assert len(found.days["Ann"]) == 30 and "Ben" not in found.days
    assert (found.days["Ann"]["2026-03-10"], found.days["Ann"]["2026-03-08"]) == (3, 1)
    assert (found.hours["Ann"]["2026-03-10 20:00"], found.hours["Ann"]["2026-03-10 19:00"]) == (2, 1)


def test_days_are_those_of_the_reader_s_zone(workbench, beans, judge):
    judge("Ann", "d1", timedelta(hours=1, minutes=50))
    judge("Ann", "d2", timedelta(hours=1, minutes=20))
    days = {
        name: {day: count for day, count in progress.report(workbench, beans, ZoneInfo(name), NOW).days["Ann"].items()}
        for name in ("Asia/Kolkata", "America/New_York")
    }
    # 18:15 and 18:45 UTC lie on either side of midnight in Kolkata, five and a half hours ahead.
    assert (days["Asia/Kolkata"]["2026-03-10"], days["Asia/Kolkata"]["2026-03-11"]) == (1, 1)
    assert days["America/New_York"]["2026-03-10"] == 2


def test_many_people_share_a_colour(workbench, beans, judge):
    for number in range(progress.NAMED + 2):
        judge(f"Person {number}", "d1", timedelta(0))
        judge(f"Person {number}", "d2", timedelta(0))
    found = progress.report(workbench, beans, UTC, NOW).days
    assert len(found) == progress.NAMED + 1 and sum(found[progress.OTHERS].values()) == 4


def test_what_is_left_of_a_pool(workbench, beans, judge):
    pairs = (("q1", "d1"), ("q1", "d2"), ("q2", "d1"))
    pool = Pool(
        pool_id="p",
        collection_id=beans.collection_id,
        name="spring",
        depth=3,
        systems=("bm25",),
        pairs=pairs,
        created_by="",
    )
    workbench.store.pools.add(pool)
    judge("Ann", "d1", timedelta(0))
    judge("Ben", "d1", timedelta(0))
    assert progress.report(workbench, beans, UTC, NOW).queues == (progress.Queue(name="spring", pairs=3, left=2),)


def test_nothing_yet(workbench, beans):
    found = progress.report(workbench, beans, None, NOW)
    assert (found.rows, found.left, found.blind, found.days, found.hours) == ((), 0, None, {}, {})
