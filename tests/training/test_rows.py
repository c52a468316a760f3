import itertools
from dataclasses import replace

import pytest

from data.records import Assessor, AssessorKind, Judgment, Query, Split, Status
from data.scales import TREC_DL
from training.leaks import Leaks
from training.rows import choose

ASSESSORS = {
    name: Assessor(assessor_id=name, name=name, kind=kind, version_id="v" if kind is AssessorKind.STUDENT else None)
    for name, kind in (
        ("ann", AssessorKind.HUMAN),
        ("bob", AssessorKind.HUMAN),
        ("lead", AssessorKind.HUMAN),
        ("teacher", AssessorKind.TEACHER),
        ("other teacher", AssessorKind.TEACHER),
        ("student", AssessorKind.STUDENT),
    )
}
QUERIES = [
    Query(query_id="t1", text="how do vaccines work", split=Split.TRAIN),
    Query(query_id="t2", text="why is the sea salty", split=Split.TRAIN),
    Query(query_id="h", text="why does bread go stale", split=Split.HELDOUT),
    Query(query_id="d", text="what makes glue stick", split=Split.DEVELOPMENT),
]
_numbers = itertools.count()


def says(assessor, query_id, doc_id, grade, explanation=None, status=Status.JUDGED):
    return Judgment(
        event_id=f"e{next(_numbers)}",
        collection_id="c",
        query_id=query_id,
        doc_id=doc_id,
        assessor_id=assessor,
        grade=grade,
        status=status,
        explanation=explanation,
    )


def chosen(*judgments, form="verdict-first", teacher_limit=100, seed=0):
    leaks = Leaks(QUERIES, {}, {j.query_id for j in judgments})
    return choose(judgments, ASSESSORS, leaks, scale=TREC_DL, form=form, teacher_limit=teacher_limit, seed=seed)


def pairs(result):
    return [(row.query_id, row.doc_id, row.grade, row.source.value) for row in result.rows]


def test_people_come_first_newest_first_then_the_teacher():
    result = chosen(
        says("teacher", "t1", "d9", 1, "because"),
        says("ann", "t1", "d1", 3),
        says("bob", "t2", "d2", 0),
    )
    assert pairs(result) == [("t2", "d2", 0, "human"), ("t1", "d1", 3, "human"), ("t1", "d9", 1, "teacher")]
    assert result.by_source == {"human": 2, "teacher": 1}
    assert result.by_grade == {0: 1, 1: 1, 3: 1}
    assert result.queries == 2
    assert result.dropped == {}


def test_a_student_never_trains():
    result = chosen(says("student", "t1", "d1", 3, "mine"))
    assert result.rows == ()
    assert result.dropped == {}


@pytest.mark.parametrize("status", [Status.CANT_JUDGE, Status.SKIPPED, Status.LATER, Status.UNREADABLE])
def test_only_grades_train(status):
    assert chosen(says("ann", "t1", "d1", None, status=status)).rows == ()


def test_pairs_people_disagree_on_are_left_out_and_counted():
    result = chosen(says("ann", "t1", "d1", 3), says("bob", "t1", "d1", 0), says("teacher", "t1", "d1", 3, "why"))
    assert result.rows == ()
    assert result.dropped == {"people disagree": 1}


def test_people_who_agree_are_one_row_with_the_newest_explanation():
    result = chosen(
        says("ann", "t1", "d1", 2, "first words"), says("bob", "t1", "d1", 2, "newer words"), says("ann", "t2", "d1", 0)
    )
    assert [(row.grade, row.explanation) for row in result.rows] == [(0, None), (2, "newer words")]


def test_the_teacher_lends_its_explanation_only_with_the_same_grade():
    same = chosen(says("ann", "t1", "d1", 2), says("teacher", "t1", "d1", 2, "lent"))
    other = chosen(says("ann", "t1", "d1", 2), says("teacher", "t1", "d1", 1, "lent"))
    assert [(r.explanation, r.explanation_source) for r in same.rows] == [("lent", AssessorKind.TEACHER)]
    assert [(r.explanation, r.explanation_source) for r in other.rows] == [(None, None)]
    assert same.by_explanation == {"teacher": 1}
    assert other.by_explanation == {"none": 1}
    assert same.by_source == other.by_source == {"human": 1}


def test_a_person_s_own_explanation_beats_the_teacher_s():
    result = chosen(says("ann", "t1", "d1", 2, "own"), says("teacher", "t1", "d1", 2, "lent"))
    assert [(r.explanation, r.explanation_source) for r in result.rows] == [("own", AssessorKind.HUMAN)]


def test_an_explanation_without_a_word_counts_as_none():
    assert chosen(says("ann", "t1", "d1", 2, " ... ")).by_explanation == {"none": 1}


def test_only_training_queries_train_and_the_rest_is_counted():
    result = chosen(says("ann", "h", "d1", 2), says("ann", "d", "d1", 2), says("ann", "t1", "d1", 2))
    assert pairs(result) == [("t1", "d1", 2, "human")]
    assert result.dropped == {"held-out query": 1, "development query": 1}


def test_the_teacher_is_limited_by_a_seeded_sample():
    judgments = [says("ann", "t2", "d0", 1), *(says("teacher", "t1", f"d{i}", 1, "why") for i in range(10))]
    few = chosen(*judgments, teacher_limit=3)
    assert few.by_source == {"human": 1, "teacher": 3}
    assert few.dropped == {"teacher's, beyond the limit": 7}
    assert pairs(few) == pairs(chosen(*judgments, teacher_limit=3))
    assert pairs(few) != pairs(chosen(*judgments, teacher_limit=3, seed=1))
    assert chosen(*judgments, teacher_limit=0).by_source == {"human": 1}


def test_teachers_who_disagree_are_left_out():
    result = chosen(says("teacher", "t1", "d1", 1, "a"), says("other teacher", "t1", "d1", 2, "b"))
    assert result.rows == ()
    assert result.dropped == {"teachers disagree": 1}


def test_reason_first_needs_an_explanation():
    result = chosen(says("ann", "t1", "d1", 2), says("ann", "t1", "d2", 1, "why"), form="reason-first")
    assert pairs(result) == [("t1", "d2", 1, "human")]
    assert result.dropped == {"no explanation, which reason-first is trained on": 1}


def settle(judgment, *others):
    return replace(judgment, settles=tuple(other.event_id for other in others))


def test_a_settled_grade_trains_with_the_words_of_those_who_gave_it():
    ann, bob = says("ann", "t1", "d1", 3, "it says so"), says("bob", "t1", "d1", 0, "it does not")
    lead = settle(says("lead", "t1", "d1", 3), ann, bob)
    (row,) = chosen(ann, bob, lead).rows
    assert (row.grade, row.explanation, row.assessor_id) == (3, "it says so", "lead")
    own = settle(says("lead", "t1", "d1", 3, "the lead's words"), ann, bob)
    (row,) = chosen(own, ann, bob).rows
    assert (row.explanation, row.assessor_id) == ("the lead's words", "lead")


def test_a_grade_between_the_two_has_no_words_of_theirs():
    ann, bob = says("ann", "t1", "d1", 3, "it says so"), says("bob", "t1", "d1", 0, "it does not")
    lead = settle(says("lead", "t1", "d1", 1), ann, bob)
    assert [(row.grade, row.explanation) for row in chosen(ann, bob, lead).rows] == [(1, None)]


def test_a_settled_conflict_that_was_reopened_is_left_out_again():
    ann, bob = says("ann", "t1", "d1", 3), says("bob", "t1", "d1", 0)
    lead = settle(says("lead", "t1", "d1", 3), ann, bob)
    result = chosen(ann, lead, says("bob", "t1", "d1", 1))
    assert result.rows == () and result.dropped == {"people disagree": 1}


def test_what_was_settled_as_not_to_be_judged_trains_nothing():
    ann, bob = says("ann", "t1", "d1", 3), says("bob", "t1", "d1", 0)
    lead = settle(says("lead", "t1", "d1", None, status=Status.CANT_JUDGE), ann, bob)
    result = chosen(ann, bob, lead, says("teacher", "t1", "d1", 3, "why"))
    assert result.rows == () and result.dropped == {"settled: it can't be judged": 1}
