import pytest

from app.actions import strokes
from app.actions.strokes import Stroke
from data.records import AssessorKind, Evidence, Status, new_id


def stroke(kind="grade", **more):
    given = {"seq": 1, "event_id": new_id(), "kind": kind, "query_id": "q1", "doc_id": "d1"}
    return {**given, **({"grade": 2} if kind == "grade" else {}), **more}


@pytest.fixture
def send(workbench, beans):
    """Tells the server of strokes, as the browser does."""

    def sent(*rows, name="ada"):
        given, refused = strokes.read(list(rows))
        return [*refused, *strokes.apply(workbench, beans, name, given)]

    return sent


@pytest.fixture
def mine(workbench, beans):
    def current(doc_id="d1"):
        me = workbench.store.assessors.found_or_new("ada", AssessorKind.HUMAN).assessor_id
        found = workbench.store.judgments.current(beans.collection_id, assessor_ids=[me], doc_ids=[doc_id])
        return found[0] if found else None

    return current


def events(workbench, beans):
    return list(workbench.store.judgments.events(beans.collection_id))


def test_a_key_is_one_event_with_its_circumstances(send, mine, beans):
    (answer,) = send(stroke(text="My words.", seconds=3.5, model_visible=True, guideline_version=1))
    assert (answer.final, answer.saved, answer.words) == (True, True, "")
    found = mine()
    assert (found.grade, found.explanation, found.seconds_spent) == (2, "My words.", 3.5)
    assert found.model_visible and found.guideline_version == 1


def test_told_again_it_is_the_same_event_even_after_another_answer(send, mine, workbench, beans):
    first = stroke(text="First.")
    second = stroke(seq=2, grade=0, text="Second.")
    send(first, second)
    answers = send(first, second)
    assert [a.saved for a in answers] == [True, True]
    assert mine().grade == 0 and len(events(workbench, beans)) == 2


def test_strokes_are_taken_in_the_order_of_their_keys(send, mine):
    send(stroke(seq=9, grade=3), stroke(seq=4, grade=1))
    assert mine().grade == 3


def test_every_other_answer(send, mine):
    for kind, status in (("skip", "skipped"), ("later", "later"), ("cant-judge", "cant-judge")):
        send(stroke(kind, text="not to be kept"))
        assert (mine().status, mine().grade, mine().explanation) == (Status(status), None, None)


def test_an_undo_names_its_event_and_is_done_once(send, mine, workbench, beans):
    first, second = stroke(grade=1), stroke(seq=2, grade=3)
    send(first, second)
    undo = stroke("undo", seq=3, undoes=second["event_id"])
    assert send(undo)[0].words == "taken back: it is as it was before"
    assert mine().grade == 1
    send(undo)
    assert mine().grade == 1 and len(events(workbench, beans)) == 3
    send(stroke("undo", seq=4, undoes=first["event_id"]))
    assert mine() is None
    again = send(stroke("undo", seq=5, undoes=first["event_id"]))
    assert not again[0].saved and again[0].final


def test_an_undo_of_what_was_answered_anew_is_refused(send, mine):
    first = stroke(grade=1)
    send(first, stroke(seq=2, grade=3))
    (answer,) = send(stroke("undo", seq=3, undoes=first["event_id"]))
    assert answer.final and not answer.saved and "since" in answer.words
    assert mine().grade == 3


def test_nobody_takes_back_another_s_answer(send, mine):
    first = stroke(grade=1)
    send(first)
    (answer,) = send(stroke("undo", seq=2, undoes=first["event_id"]), name="bob")
    assert not answer.saved and mine().grade == 1


def test_an_id_that_belongs_to_another_answer_proves_nothing(send):
    first = stroke(grade=1)
    send(first)
    for other in ({**first, "grade": 2}, {**first, "doc_id": "d2"}):
        (answer,) = send(other)
        assert answer.final and not answer.saved and "another answer" in answer.words
    (answer,) = send(first, name="bob")
    assert not answer.saved


def test_an_edited_explanation_remembers_where_it_began(send, mine, say):
    student = say("base", AssessorKind.STUDENT, "q1", "d1", 3, "The student's words.")
    send(stroke(text="The student's own words.", started_from=student.event_id))
    assert mine().edited_from == student.event_id
    send(stroke(seq=2, doc_id="d2", text="Words.", started_from=student.event_id))
    assert mine("d2").edited_from is None, "a text of another pair is no beginning"
    send(stroke(seq=3, grade=1, text="The student's words.", started_from=student.event_id))
    assert mine().explanation is None, "a text nobody touched is not the person's"


def test_marks_are_evidence_beside_the_quotes_and_can_be_removed(send, mine):
    send(stroke(text='See "hard water".', spans=[[0, 5]]))
    assert mine().evidence == (
        Evidence(quote="hard water", start_char=19, end_char=29),
        Evidence(quote="Beans", start_char=0, end_char=5),
    )
    send(stroke(seq=2, text='See "hard water".', spans=[]))
    assert [e.quote for e in mine().evidence] == ["hard water"]
    (answer,) = send(stroke(seq=3, spans=[[0, 9999]]))
    assert not answer.saved and "outside the document" in answer.words


@pytest.mark.parametrize(
    "broken",
    [
        "text",
        {"event_id": "x"},
        stroke(grade=None),
        stroke("skip", grade=1),
        stroke("undo"),
        stroke(text="x" * 20_001),
        stroke(kind="drop table"),
    ],
)
def test_what_is_no_stroke_is_refused_in_words_and_stores_nothing(send, workbench, beans, broken):
    (answer,) = send(broken)
    assert answer.final and not answer.saved and "could not be read" in answer.words
    assert events(workbench, beans) == []


def test_a_pair_or_a_grade_that_is_not_there_is_refused_and_the_rest_goes_on(send, mine):
    answers = send(stroke(doc_id="d99"), stroke(seq=2, grade=7), stroke(seq=3, doc_id="d2"))
    assert [(a.final, a.saved) for a in answers] == [(True, False), (True, False), (True, True)]
    assert mine("d2").grade == 2


def test_a_store_that_fails_keeps_all_that_follows_in_the_browser(send, workbench, beans):
    workbench.store.close()
    path = workbench.settings.database_path
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    answers = send(stroke(), stroke(seq=2, doc_id="d2"))
    assert [(a.final, a.saved) for a in answers] == [(False, False)] * 2
    assert Stroke.model_validate(stroke()).kind == "grade"
