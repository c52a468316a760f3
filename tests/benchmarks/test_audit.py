"""The audit finds what is lost, doubled and changed, and nothing where nothing is wrong."""

from dataclasses import replace
from datetime import timedelta

from benchmarks.assessors import held_twice
from benchmarks.audit import Audit, audit, decided_by_several
from data.pooling import Lease
from data.records import Judgment, Status, utc_now


def stroke(event_id, grade, doc_id="d1"):
    return {"event_id": event_id, "kind": "grade", "query_id": "q1", "doc_id": doc_id, "grade": grade}


def event(event_id, grade, doc_id="d1", who="ann", status=Status.JUDGED):
    return Judgment(
        event_id=event_id,
        collection_id="c",
        query_id="q1",
        doc_id=doc_id,
        assessor_id=who,
        grade=grade,
        status=status,
    )


SENT = [stroke("a", 1), stroke("b", 2, "d2"), {**stroke("c", None), "kind": "undo"}]
STORED = [event("a", 1), event("b", 2, "d2"), event("c", None, status=Status.WITHDRAWN)]


def test_what_was_acknowledged_and_is_there_once_is_right():
    assert audit(SENT, ["a", "b", "c"], STORED).clean


def test_what_was_not_acknowledged_may_be_there_or_not():
    assert audit(SENT, ["a"], STORED).clean
    assert audit(SENT, ["a"], STORED[:1]).clean


def test_a_lost_a_doubled_and_a_changed_event_are_found():
    found = audit(SENT, ["a", "b", "c"], [event("a", 3), event("c", None), event("c", None), event("x", 1)])
    assert found == Audit(lost=("b",), doubled=("c", "x"), changed=("a",))
    assert not found.clean


def test_an_event_of_another_pair_is_changed():
    assert audit(SENT, [], [replace(STORED[0], doc_id="d2")]).changed == ("a",)


def test_pairs_that_two_people_decided_on_are_found_unless_one_took_it_back():
    both = [event("a", 1), event("b", 2, who="bob"), event("c", 1, "d2"), event("d", None, "d2", "bob", Status.SKIPPED)]
    assert decided_by_several(both) == {("q1", "d1"): 2}
    assert decided_by_several([*both, event("e", None, who="bob", status=Status.WITHDRAWN)]) == {}


def test_pairs_that_two_people_hold_are_found():
    until = utc_now() + timedelta(minutes=5)
    leases = [
        Lease(collection_id="c", query_id="q1", doc_id=doc_id, assessor_id=who, until=until)
        for doc_id, who in (("d1", "ann"), ("d2", "ann"), ("d1", "bob"))
    ]
    assert held_twice(leases) == {("q1", "d1")}
