import csv

import pytest

from app.actions import adjudication, judging, people
from data.errors import ConflictError, NotAllowedError, SettingsError
from data.people import Person, Role
from data.records import AssessorKind, Query, Split, Status, new_id
from training.leaks import Leaks
from training.rows import choose

HUMAN = AssessorKind.HUMAN


def decide(case, grade, reason="because", **values):
    given = {"event_id": new_id(), "seen": case.seen, "model_visible": False}
    return adjudication.Decision(
        **(given | values), query_id=case.query.query_id, doc_id=case.document.doc_id, grade=grade, reason=reason
    )


@pytest.fixture
def case(workbench, beans, say):
    say("Ann", HUMAN, "q1", "d1", 0, "no")
    say("Ben", HUMAN, "q1", "d1", 3, "yes")
    return adjudication.case(workbench, beans, ("q1", "d1"))


def waiting(workbench, beans):
    return [(c.doc_id, c.spread, c.reopened) for c in adjudication.conflicts(workbench, beans)]


def test_only_people_conflict_and_the_largest_difference_comes_first(workbench, beans, say):
    for doc_id, first, second in (("d1", 1, 2), ("d2", 0, 3), ("d3", 2, 2)):
        say("Ann", HUMAN, "q1", doc_id, first)
        say("Ben", HUMAN, "q1", doc_id, second)
    say("Ann", HUMAN, "q1", "d4", 0)
    say("gpt", AssessorKind.TEACHER, "q1", "d4", 3)
    assert waiting(workbench, beans) == [("d2", 3, False), ("d1", 1, False)]


def test_a_case_has_people_models_and_the_guidelines_they_judged_under(workbench, beans, say, case):
    say("gpt", AssessorKind.TEACHER, "q1", "d1", 1)
    collection = workbench.store.collections.set_rules(beans.collection_id, guidelines="Be kind.", changed_by="me")
    draft = judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", grade=2)
    judging.save(workbench, collection, "Cy", draft)
    skipped = judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", status=Status.SKIPPED)
    judging.save(workbench, collection, "Di", skipped)
    found = adjudication.case(workbench, collection, ("q1", "d1"))
    assert [o.assessor.name for o in found.people] == ["Ann", "Ben", "Cy"] and len(found.seen) == 3
    assert [o.assessor.name for o in found.models] == ["gpt"]
    assert {version: rules.guidelines for version, rules in found.rules.items()} == {2: "Be kind."}


def test_a_decision_settles_and_sent_twice_is_one(workbench, beans, case):
    decision = decide(case, 2, " the end answers it ")
    adjudication.settle(workbench, beans, people.local("Lead"), decision)
    adjudication.settle(workbench, beans, people.local("Lead"), decision)
    assert waiting(workbench, beans) == []
    (settled,) = adjudication.settlements(workbench, beans)
    assert (settled.by.name, settled.judgment.note, settled.stands) == ("Lead", "the end answers it", True)
    assert settled.before == (("Ann", 0), ("Ben", 3))
    assert settled.judgment.guideline_version == beans.guideline_version


def test_a_lead_explains_the_grade_and_that_is_trained_on(workbench, beans, case):
    words = 'It says why: "Calcium binds the pectin", and "iron" nowhere.'
    adjudication.settle(workbench, beans, people.local("Lead"), decide(case, 2, explanation=f" {words}\n"))
    (settled,) = adjudication.settlements(workbench, beans)
    assert (settled.judgment.explanation, settled.judgment.note) == (words, "because")
    assert [(e.quote, e.start_char is not None) for e in settled.judgment.evidence] == [
        ("Calcium binds the pectin", True),
        ("iron", False),
    ]
    store = workbench.store
    assessors = {assessor.assessor_id: assessor for assessor in store.assessors.list()}
    chosen = choose(
        store.judgments.current(beans.collection_id),
        assessors,
        Leaks([Query(query_id="q1", text="Why?", split=Split.TRAIN)], {}, set()),
        scale=beans.scale,
        form="verdict-first",
        teacher_limit=0,
    )
    (row,) = chosen.rows
    assert (row.grade, row.explanation) == (2, words)


def test_a_newer_judgment_reopens_and_the_lead_settles_again(workbench, beans, say, case):
    adjudication.settle(workbench, beans, people.local("Lead"), decide(case, 2))
    say("Ben", HUMAN, "q1", "d1", 1)
    assert waiting(workbench, beans) == [("d1", 2, True)]
    assert [s.stands for s in adjudication.settlements(workbench, beans)] == [False]
    again = adjudication.case(workbench, beans, ("q1", "d1"))
    adjudication.settle(workbench, beans, people.local("Lead"), decide(again, 1))
    assert waiting(workbench, beans) == [] and len(adjudication.settlements(workbench, beans)) == 1


def test_what_was_said_while_the_lead_thought_leaves_it_open(workbench, beans, say, case):
    say("Ben", HUMAN, "q1", "d1", 1)
    adjudication.settle(workbench, beans, people.local("Lead"), decide(case, 2))
    assert waiting(workbench, beans) == [("d1", 2, True)]


def test_undo_takes_the_settlement_back_and_nothing_else(workbench, beans, say, case):
    say("Lead", HUMAN, "q1", "d1", 1)
    adjudication.settle(
        workbench, beans, people.local("Lead"), decide(adjudication.case(workbench, beans, ("q1", "d1")), 3)
    )
    say("Lead", HUMAN, "q1", "d2", 0)
    assert adjudication.undo(workbench, beans, people.local("Lead")).grade == 1
    assert waiting(workbench, beans) == [("d1", 3, False)]
    assert adjudication.undo(workbench, beans, people.local("Lead")) is None
    assert adjudication.undo(workbench, beans, people.local("Nobody")) is None


def test_a_decision_needs_a_reason_and_a_disagreement(workbench, beans, say, case):
    with pytest.raises(SettingsError, match="reason"):
        adjudication.settle(workbench, beans, people.local("Lead"), decide(case, 2, " "))
    with pytest.raises(ConflictError, match="do not disagree"):
        adjudication.settle(workbench, beans, people.local("Lead"), decide(case, 2, seen=case.seen[:1]))
    with pytest.raises(SettingsError, match="not on the scale"):
        adjudication.settle(workbench, beans, people.local("Lead"), decide(case, 9))
    assert len(waiting(workbench, beans)) == 1


def test_the_walk_goes_round():
    conflicts = [adjudication.Conflict(query_id="q", doc_id=doc_id, grades=(0, 1), reopened=False) for doc_id in "abc"]
    assert adjudication.beside(conflicts, ("q", "c"), 1) == ("q", "a")
    assert adjudication.beside(conflicts, ("q", "a"), -1) == ("q", "c")
    assert adjudication.beside(conflicts, ("q", "elsewhere"), 1) == ("q", "a")
    assert adjudication.beside([], ("q", "a"), 1) is None
    assert adjudication.following(conflicts, ("q", "b")) == ("q", "c")
    assert adjudication.following(conflicts[:1], ("q", "a")) is None


def test_the_list_is_a_file_that_no_spreadsheet_runs(workbench, beans, case):
    adjudication.settle(
        workbench, beans, people.local("=Lead"), decide(case, None, "=HYPERLINK(1), and more", explanation="=1+1")
    )
    header, row = csv.reader(adjudication.as_csv(adjudication.settlements(workbench, beans)).splitlines())
    assert header[1:3] == ["settled_by", "query_id"]
    assert row[1:] == [
        "'=Lead",
        "q1",
        "d1",
        "Ann: 0; Ben: 3",
        "can't be judged",
        "'=HYPERLINK(1), and more",
        "'=1+1",
        "yes",
    ]


def test_an_assessor_settles_nothing(workbench, beans, case):
    assessor = Person(name="Ann", role=Role.ASSESSOR, login="x")
    with pytest.raises(NotAllowedError, match="lead"):
        adjudication.settle(workbench, beans, assessor, decide(case, 2))
    with pytest.raises(NotAllowedError):
        adjudication.undo(workbench, beans, assessor)
    adjudication.settle(workbench, beans, Person(name="Lea", role=Role.LEAD, login="y"), decide(case, 2))
    assert waiting(workbench, beans) == []
