import csv
import io
from dataclasses import replace

import pytest

from app.actions import history, judging
from data.errors import NotFoundError
from data.history import Wanted
from data.records import AssessorKind, new_id

HUMAN = AssessorKind.HUMAN


def told(found):
    return [" ".join(f"{change.fate}:{change.text}" for change in step.changes) for step in found.steps]


def test_a_story_says_what_each_event_changed(workbench, beans, say):
    student = say("base", AssessorKind.STUDENT, "q1", "d1", 2, "the model says soft")
    draft = judging.Draft(event_id=new_id(), query_id="q1", doc_id="d1", grade=3, text="the model says hard")
    judging.save(workbench, beans, "Ann", replace(draft, started_from=student))
    say("Ben", HUMAN, "q1", "d1", 0)
    judging.undo(workbench, beans, "Ann")
    found = history.story(workbench, beans, ("q1", "d1"))
    assert [(s.assessor.name, s.judgment.grade, s.is_undo, s.undone) for s in found.steps] == [
        ("base", 2, False, False),
        ("Ann", 3, False, True),
        ("Ben", 0, False, False),
        ("Ann", None, True, False),
    ]
    assert told(found)[1] == "kept:the model says removed:soft added:hard"
    assert [s.started_from for s in found.steps] == [None, "base", None, None]
    assert found.steps[3].before.grade == 3
    with pytest.raises(NotFoundError):
        history.story(workbench, beans, ("q1", "nothing"))


def test_the_file_has_whole_texts_and_runs_in_no_spreadsheet(workbench, beans, say):
    say("=Ann", HUMAN, "q1", "d1", 1, "=1+1 " + "long " * 200)
    say("=Ann", HUMAN, "q1", "d1", 2)
    text = history.as_csv(workbench, beans, Wanted())
    newest, oldest = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (newest["before"], newest["after"], oldest["before"], oldest["after"]) == ("1", "2", "", "1")
    assert oldest["assessor"] == "'=Ann"
    assert oldest["explanation"].startswith("'=1+1 long") and len(oldest["explanation"]) > 1000
    only = history.as_csv(workbench, beans, Wanted(words="nowhere"))
    assert len(only.splitlines()) == 1
