import pytest

from app.actions import judging
from data.errors import ConflictError, NotFoundError
from data.records import AssessorKind, Judgment, Status, new_id


def said(explanation=None, **more):
    return Judgment(
        event_id=new_id(),
        collection_id="c",
        query_id="q",
        doc_id="d",
        assessor_id="a",
        grade=1,
        explanation=explanation,
        **more,
    )


def draft(**more):
    return judging.Draft(**{"event_id": new_id(), "query_id": "q1", "doc_id": "d1", "grade": 2, **more})


def test_a_text_nobody_touched_is_not_the_persons():
    student = said("It is about beans.")
    assert judging.own_words(" It is about beans.\n", student, None) == (None, None)
    assert judging.own_words("", student, None) == (None, None)
    assert judging.own_words("It is about water.", student, None) == ("It is about water.", student.event_id)
    assert judging.own_words("Mine.", None, None) == ("Mine.", None)


def test_own_words_stay_and_remember_where_they_started():
    mine = said("Mine.", edited_from="e1")
    assert judging.own_words("Mine.", None, mine) == ("Mine.", "e1")
    assert judging.own_words("Mine, changed.", None, mine) == ("Mine, changed.", "e1")


def test_what_was_said_is_on_disk_with_its_circumstances(workbench, beans):
    saved = judging.save(
        workbench, beans, "ada", draft(text='See "hard water".', model_visible=True, seconds_spent=4.5, ranking_id=None)
    )
    (stored,) = workbench.store.judgments.current(beans.collection_id)
    assert stored == saved.judgment
    assert (stored.grade, stored.explanation, stored.model_visible, stored.seconds_spent) == (
        2,
        'See "hard water".',
        True,
        4.5,
    )
    assert stored.guideline_version == beans.guideline_version
    (evidence,) = stored.evidence
    assert "Beans stay hard in hard water."[evidence.start_char : evidence.end_char] == "hard water"
    assert saved.words.startswith("saved at ")


def test_sending_twice_or_saying_the_same_again_stores_once(workbench, beans):
    first = draft()
    judging.save(workbench, beans, "ada", first)
    judging.save(workbench, beans, "ada", first)
    judging.save(workbench, beans, "ada", draft())
    assert len(workbench.store.judgments.history(beans.collection_id, "q1", "d1")) == 1


def test_another_answer_to_the_same_painting_is_refused(workbench, beans):
    first = draft()
    judging.save(workbench, beans, "ada", first)
    with pytest.raises(ConflictError):
        judging.save(workbench, beans, "ada", draft(event_id=first.event_id, grade=3))
    assert judging.mine(workbench, beans, "ada", "q1", "d1").grade == 2


def test_undo_walks_back_and_says_what_it_took(workbench, beans):
    judging.save(workbench, beans, "ada", draft(grade=1))
    judging.save(workbench, beans, "ada", draft(grade=3))
    back = judging.undo(workbench, beans, "ada")
    assert (back.grade, judging.undone_words(back, "d1")) == (1, "taken back: it is as it was before")
    assert "d1" in judging.undone_words(back, "d2")
    gone = judging.undo(workbench, beans, "ada")
    assert gone.status is Status.WITHDRAWN and judging.mine(workbench, beans, "ada", "q1", "d1") is None
    assert judging.undone_words(judging.undo(workbench, beans, "ada"), "d1") == "nothing is left to take back"


def test_a_pair_that_is_not_there_is_said_so(workbench, beans):
    with pytest.raises(NotFoundError):
        judging.save(workbench, beans, "ada", draft(doc_id="d99"))
    assert workbench.store.assessors.list(AssessorKind.HUMAN) == []
