import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from data.errors import ConflictError, NotFoundError, SettingsError
from data.records import AssessorKind, Evidence, Judgment, Status, new_id
from data.schema import judgments
from data.store.events import newest_events


def test_everything_an_event_says_comes_back(filled):
    event = Judgment(
        event_id=new_id(),
        collection_id=filled.collection.collection_id,
        query_id="q2",
        doc_id="d3",
        assessor_id=filled.ann.assessor_id,
        grade=3,
        explanation="It says\nso — “ü” 🙂",
        evidence=(Evidence(quote="Text", start_char=0, end_char=4), Evidence(quote="gone")),
        model_visible=True,
        seconds_spent=12.25,
        guideline_version=1,
        ranking_id=new_id(),
        note="a note",
    )
    assert filled.store.judgments.add(event) is True
    assert filled.current() == [event]
    assert list(filled.store.judgments.events(filled.collection.collection_id)) == [event]


def test_times_are_utc_and_aware_whatever_zone_they_came_in(filled):
    moment = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    filled.store.judgments.add(filled.judgment(created_at=moment))
    (found,) = filled.current()
    assert found.created_at == moment
    assert found.created_at.tzinfo is UTC
    with pytest.raises(Exception, match="no time zone"):
        filled.store.judgments.add(filled.judgment(created_at=datetime(2026, 3, 1)))


def test_a_double_submit_is_one_event(filled):
    event = filled.judgment(seconds_spent=1.0)
    assert filled.store.judgments.add(event) is True
    assert filled.store.judgments.add(replace(event, seconds_spent=1.5, created_at=datetime.now(UTC))) is False
    assert filled.store.judgments.add_many([event, event]) == 0
    assert len(filled.store.judgments.history(event.collection_id, "q1", "d1")) == 1


def test_the_same_id_with_other_content_is_refused_and_nothing_of_the_batch_stored(filled):
    event = filled.judgment()
    filled.store.judgments.add(event)
    with pytest.raises(ConflictError, match=event.event_id):
        filled.store.judgments.add_many([filled.judgment("q2"), replace(event, grade=2)])
    assert filled.current() == [event]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"grade": 4}, SettingsError),
        ({"grade": -1}, SettingsError),
        ({"grade": None}, SettingsError),
        ({"status": Status.LATER}, SettingsError),
        ({"doc_id": "d9"}, NotFoundError),
        ({"query_id": "q9"}, NotFoundError),
        ({"assessor_id": "nobody"}, NotFoundError),
        ({"collection_id": "none"}, NotFoundError),
        ({"explanation": "words", "edited_from": "no-event"}, NotFoundError),
    ],
)
def test_what_can_not_be_is_refused(filled, values, error):
    with pytest.raises(error):
        filled.store.judgments.add(filled.judgment(**values))
    assert filled.current() == []


def test_an_explanation_nobody_touched_is_not_the_persons(filled):
    machine = filled.judgment(assessor_id=filled.teacher.assessor_id, explanation="The text answers it.")
    filled.store.judgments.add(machine)
    untouched = filled.judgment(grade=2, explanation=" The text\nanswers it. ", edited_from=machine.event_id)
    assert filled.store.judgments.add(untouched) is True
    mended = filled.judgment("q2", explanation="The text answers half of it.", edited_from=machine.event_id)
    filled.store.judgments.add(mended)
    found = {j.event_id: j for j in filled.current(kinds=[AssessorKind.HUMAN])}
    assert found[untouched.event_id] == replace(untouched, explanation=None)
    assert found[mended.event_id] == mended
    # Sent once more as the page had it, it is still the same event.
    assert filled.store.judgments.add(untouched) is False


def test_the_rule_holds_inside_one_batch_and_not_for_models_or_ones_own_words(filled):
    machine = filled.judgment(assessor_id=filled.teacher.assessor_id, explanation="Because.")
    copied = filled.judgment(explanation="Because.", edited_from=machine.event_id)
    own = filled.judgment("q2", explanation="My reason.")
    again = filled.judgment("q2", grade=3, explanation="My reason.", edited_from=own.event_id)
    second = filled.judgment(
        "q3", assessor_id=filled.teacher.assessor_id, explanation="Because.", edited_from=machine.event_id
    )
    filled.store.judgments.add_many([machine, copied, own, again, second])
    explanations = {j.event_id: j.explanation for j in filled.current()}
    assert explanations[copied.event_id] is None
    assert explanations[again.event_id] == "My reason."
    assert explanations[second.event_id] == "Because."


def test_a_blank_explanation_is_none(filled):
    filled.store.judgments.add(filled.judgment(explanation=" \n"))
    assert filled.current()[0].explanation is None


def test_current_is_the_newest_of_an_assessor_on_a_pair_by_insertion_not_by_clock(filled):
    now = datetime.now(UTC)
    first = filled.judgment(grade=0, created_at=now)
    second = filled.judgment(grade=2, created_at=now - timedelta(days=1))
    other = filled.judgment(grade=3, assessor_id=filled.ben.assessor_id)
    filled.store.judgments.add_many([first, other, second])
    assert filled.current() == [other, second]
    assert filled.store.judgments.history(filled.collection.collection_id, "q1", "d1") == [first, other, second]


def test_current_filters(filled):
    events = [
        filled.judgment("q1", "d1"),
        filled.judgment("q1", "d2", assessor_id=filled.ben.assessor_id),
        filled.judgment("q2", "d1", assessor_id=filled.teacher.assessor_id),
        filled.judgment("q3", "d5", status=Status.SKIPPED, grade=None),
        filled.judgment("q3", "d4", status=Status.WITHDRAWN, grade=None),
    ]
    filled.store.judgments.add_many(events)
    assert filled.current() == events[:4]
    assert filled.current(kinds=[AssessorKind.HUMAN]) == [events[0], events[1], events[3]]
    assert filled.current(assessor_ids=[filled.ben.assessor_id]) == [events[1]]
    assert filled.current(query_ids=["q1", "q2"], doc_ids=["d1"]) == [events[0], events[2]]
    assert filled.current(query_ids=[]) == []
    assert filled.current(kinds=[]) == []
    assert filled.current(doc_ids=[f"x{i}" for i in range(40_000)] + ["d5"]) == [events[3]]


def test_undo_walks_back_and_every_step_is_a_new_event(filled):
    judged = filled.store.judgments
    collection_id, ann = filled.collection.collection_id, filled.ann.assessor_id
    one = filled.judgment(grade=0, explanation="first")
    two = filled.judgment(grade=2, explanation="second")
    elsewhere = filled.judgment("q2", "d2")
    judged.add_many([one, two, filled.judgment(assessor_id=filled.ben.assessor_id), elsewhere])
    undone = [judged.undo(collection_id, ann) for _ in range(3)]
    assert [(u.query_id, u.status, u.grade, u.explanation) for u in undone] == [
        ("q2", Status.WITHDRAWN, None, None),
        ("q1", Status.JUDGED, 0, "first"),
        ("q1", Status.WITHDRAWN, None, None),
    ]
    assert judged.undo(collection_id, ann) is None
    assert [j.assessor_id for j in filled.current()] == [filled.ben.assessor_id]
    assert [j.event_id for j in judged.history(collection_id, "q2", "d2")] == [elsewhere.event_id, undone[0].event_id]


def test_undo_after_a_new_judgment_takes_back_the_new_one_first(filled):
    judged, collection_id, ann = filled.store.judgments, filled.collection.collection_id, filled.ann.assessor_id
    judged.add_many([filled.judgment(grade=0), filled.judgment(grade=1)])
    judged.undo(collection_id, ann)
    judged.add(filled.judgment(grade=3))
    assert judged.undo(collection_id, ann).grade == 0
    assert judged.undo(collection_id, ann).status is Status.WITHDRAWN
    assert judged.undo(collection_id, ann) is None


def test_counts_are_those_of_the_current_view(filled):
    filled.store.judgments.add_many(
        [
            filled.judgment("q1", "d1", grade=0),
            filled.judgment("q1", "d1", grade=1),
            filled.judgment("q1", "d2", grade=None, status=Status.LATER),
            filled.judgment("q1", "d3", grade=None, status=Status.WITHDRAWN),
            filled.judgment("q1", "d1", assessor_id=filled.teacher.assessor_id),
        ]
    )
    assert filled.store.judgments.counts(filled.collection.collection_id) == {
        filled.ann.assessor_id: {Status.JUDGED: 1, Status.LATER: 1},
        filled.teacher.assessor_id: {Status.JUDGED: 1},
    }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE judgments SET grade = 3",
        "DELETE FROM judgments",
        "DELETE FROM documents",
        "DELETE FROM queries WHERE query_id = 'q1'",
        {
            "sqlite": "INSERT OR REPLACE INTO judgments SELECT * FROM judgments",
            "postgresql": "INSERT INTO judgments TABLE judgments ON CONFLICT (sequence) DO UPDATE SET grade = 3",
        },
    ],
)
def test_the_database_itself_refuses_to_change_an_event(filled, base, kind, statement):
    event = filled.judgment(grade=1)
    filled.store.judgments.add(event)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), base.past_the_store() as connection:
        connection.exec_driver_sql(statement[kind] if isinstance(statement, dict) else statement)
    assert filled.current() == [event]


def test_events_go_with_their_collection(filled):
    filled.store.judgments.add(filled.judgment())
    filled.store.collections.delete(filled.collection.collection_id)
    assert list(filled.store.judgments.events(filled.collection.collection_id)) == []


def test_all_events_come_in_order_over_many_pages(filled):
    events = [filled.judgment(f"q{i % 3 + 1}", f"d{i % 5 + 1}", grade=i % 4) for i in range(2500)]
    assert filled.store.judgments.add_many(events) == 2500
    assert list(filled.store.judgments.events(filled.collection.collection_id)) == events


@pytest.mark.sqlite
def test_the_newest_events_are_found_in_an_index_alone(filled, base):
    query = newest_events(judgments.c.collection_id == "c", judgments.c.query_id.in_(["q1"]))
    text = str(query.compile(dialect=sa.dialects.sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with base.past_the_store() as connection:
        plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert "COVERING INDEX ix_judgments_newest (collection_id=? AND query_id=?)" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.sqlite
def test_what_can_be_undone_is_found_among_the_assessors_own_events(filled, base):
    asked = []

    @sa.event.listens_for(sa.engine.Engine, "before_cursor_execute")
    def listen(connection, cursor, statement, parameters, context, executemany):
        asked.append((statement, parameters))

    try:
        filled.store.judgments.standing(filled.collection.collection_id, filled.ann.assessor_id, limit=30)
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", listen)
    (statement, parameters) = asked[-1]
    with closing(sqlite3.connect(base.path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert "USING INDEX ix_judgments_assessor" in plan[0], "not every event of the collection"
    assert not any("TEMP B-TREE" in step for step in plan), "they are in order already"


def test_the_stores_stamp_changes_with_every_judgment_and_is_never_an_old_one(filled):
    store = filled.store
    seen = [store.stamp()]
    for _ in range(2):
        store.judgments.add(filled.judgment())
        seen.append(store.stamp())
    store.judgments.undo(filled.collection.collection_id, filled.ann.assessor_id)
    seen.append(store.stamp())
    assert len(set(seen)) == len(seen)
    assert store.stamp() == seen[-1], "looking changes nothing"
