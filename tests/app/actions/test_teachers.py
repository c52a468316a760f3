"""Teachers combined, and the disagreement queue given to a teacher."""

import pytest

from app.actions import combining, people, teach
from data.errors import ConflictError, NotFoundError, SettingsError
from data.records import AssessorKind

ME = people.local("me")


@pytest.fixture
def teachers(say):
    """Three teachers on three documents; d3 is a tie, d2 has one grade only."""
    for name, grades in (("a", (3, 1, 0)), ("b", (3, None, 1)), ("c", (1, None, 2))):
        for doc_id, grade in zip(("d1", "d2", "d3"), grades, strict=True):
            if grade is not None:
                say(name, AssessorKind.TEACHER, "q1", doc_id, grade, f"{name} says {grade}.")


def panel(workbench, beans):
    (found,) = (each for each in workbench.store.assessors.list(AssessorKind.TEACHER) if each.name == "panel")
    said = workbench.store.judgments.current(beans.collection_id, assessor_ids=[found.assessor_id])
    return {judgment.doc_id: judgment for judgment in said}


def test_teachers_are_those_who_graded_here(workbench, beans, teachers):
    assert combining.teachers(workbench, beans) == {"a": 3, "b": 2, "c": 2}


def test_a_majority_is_one_more_teacher_with_the_words_of_one_who_agrees(workbench, beans, teachers):
    made = combining.combine(workbench, beans, "panel", ["c", "b", "a"], "majority", ME)
    assert (made.pairs, made.graded, made.too_few, made.tied, made.new_judgments) == (3, 1, 1, 1, 1)
    (judgment,) = panel(workbench, beans).values()
    assert (judgment.doc_id, judgment.grade, judgment.explanation) == ("d1", 3, "b says 3.")
    source = workbench.store.judgments.find(judgment.edited_from)
    assert source.explanation == "b says 3." and judgment.note == "majority of c, b, a"


def test_again_it_stores_nothing_new_and_follows_what_teachers_say_since(workbench, beans, teachers, say):
    combining.combine(workbench, beans, "panel", ["a", "b", "c"], "majority", ME)
    assert combining.combine(workbench, beans, "panel", ["a", "b", "c"], "majority", ME).new_judgments == 0
    say("b", AssessorKind.TEACHER, "q1", "d1", 2)  # now a tie: what the panel said is withdrawn
    say("b", AssessorKind.TEACHER, "q1", "d3", 2)
    assert combining.combine(workbench, beans, "panel", ["a", "b", "c"], "majority", ME).new_judgments == 2
    assert {doc_id: judgment.grade for doc_id, judgment in panel(workbench, beans).items()} == {"d3": 2}
    mean = combining.combine(workbench, beans, "panel", ["a", "b", "c"], "mean", ME)
    assert mean.graded == 2 and panel(workbench, beans)["d1"].grade == 2
    assert panel(workbench, beans)["d3"].grade == 1


@pytest.mark.parametrize(
    ("name", "names", "how", "error", "words"),
    [
        ("panel", ["a"], "mean", SettingsError, "two teachers"),
        ("panel", ["a", "a"], "mean", SettingsError, "two teachers"),
        ("panel", ["a", "nobody"], "mean", NotFoundError, "a, b, c"),
        ("panel", ["a", "b"], "median", SettingsError, "majority, mean"),
        ("a", ["a", "b"], "mean", ConflictError, "name of its own"),
        ("c", ["a", "b"], "mean", ConflictError, "by itself"),
        (" ", ["a", "b"], "mean", SettingsError, "needs a name"),
    ],
)
def test_what_can_t_be_combined_is_said_and_nothing_stored(workbench, beans, teachers, name, names, how, error, words):
    before = workbench.store.judgments.event_counts(beans.collection_id)
    with pytest.raises(error, match=words):
        combining.combine(workbench, beans, name, names, how, ME)
    assert workbench.store.judgments.event_counts(beans.collection_id) == before
    assert "panel" not in {each.name for each in workbench.store.assessors.list()}


def test_the_disagreement_queue_begins_with_what_student_and_teacher_see_differently(workbench, beans, say):
    say("student", AssessorKind.STUDENT, "q1", "d1", 3)
    say("a", AssessorKind.TEACHER, "q1", "d1", 3)
    say("student", AssessorKind.STUDENT, "q1", "d2", 3)
    say("a", AssessorKind.TEACHER, "q1", "d2", 0)
    assert teach.disagreeing(workbench, beans, 1) == (("q1", "d2"),)
    assert set(teach.disagreeing(workbench, beans, 9)) == {("q1", "d1"), ("q1", "d2")}
    say("me", AssessorKind.HUMAN, "q1", "d2", 1)
    assert teach.disagreeing(workbench, beans, 1) == (("q1", "d1"),)
