"""Two people disagree, a lead settles it, somebody says something else, and all of it can be read and taken away."""

import csv
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from data.records import AssessorKind, Document, Judgment, Query, new_id
from data.scales import DEFAULT_SCALE
from tests.e2e import judging

pytestmark = pytest.mark.e2e

PAIR = {"query_id": "q1", "doc_id": "d1"}
TEACHER = "the teacher's own words"


@pytest.fixture
def collection(served):
    """Two documents; a teacher has graded one of them."""
    with served.store() as store:
        added = store.collections.add(
            name="settling",
            scale=DEFAULT_SCALE,
            documents=[Document(doc_id=f"d{i}", text=f"Beans stay hard in hard water, {i}.") for i in (1, 2)],
            queries=[Query(query_id="q1", text="Why do beans stay hard?")],
        )
        teacher = store.assessors.ensure("gpt", AssessorKind.TEACHER)
        said = {"collection_id": added.collection_id, "assessor_id": teacher.assessor_id, "explanation": TEACHER}
        store.judgments.add(Judgment(event_id=new_id(), grade=1, **PAIR, **said))
    return added


def at(collection, **more):
    return urlencode({"collection_name": collection.name, **more})


def judge(app, collection, name, grade, *, judged=1):
    """Give the pair a grade by its key."""
    app.open("judge", at(collection, **PAIR), name=name)
    judging.grade(app, grade, judged=judged)


def download(app, key):
    """What a button of a page gives, as rows."""
    with app.page.expect_download() as waiting:
        app.press(key)
    with open(waiting.value.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_conflict_is_settled_reopened_and_told(app, served, collection):
    judge(app, collection, "Ann", 0)
    judge(app, collection, "Ben", 3)

    history = app.page.locator(".desk .about").get_by_role("link", name="History")
    app.open("judge", at(collection, **PAIR), name="Cy")
    expect(judging.desk(app, "columns .doc-id")).to_have_text("d1")
    expect(history).to_have_count(0)
    app.open("judge", at(collection, **PAIR), name="Ann")
    with app.page.expect_popup() as told:
        history.click()
    expect(told.value.get_by_text("All events")).to_be_visible()
    expect(told.value.get_by_text("nothing → 3 perfectly relevant")).to_be_visible()
    told.value.close()

    app.open("adjudication", at(collection), name="=Lead")
    expect(app.says("1 conflict waits · number 1")).to_be_visible()
    expect(app.page.get_by_text("Ann", exact=True)).to_be_visible()
    expect(app.page.get_by_text(TEACHER)).to_have_count(0)
    app.press("adjudication_models")
    expect(app.says(TEACHER)).to_be_visible()
    app.page.get_by_role("radio", name="2 ").click()
    app.page.get_by_label("Why?").fill("=half of it answers")
    app.page.get_by_label("Why?").press("Control+Enter")
    expect(app.says("No conflict waits")).to_be_visible()
    with served.store() as store:
        (settled,) = store.gradings.settlements(collection.collection_id)
    assert (settled.grade, settled.note, settled.model_visible) == (2, "=half of it answers", True)

    app.press("adjudication_undo")
    expect(app.says("1 conflict waits")).to_be_visible()
    app.page.get_by_role("radio", name="2 ").click()
    app.page.get_by_label("Why?").fill("=half of it answers")
    app.page.get_by_role("button", name="Settle").click()
    expect(app.says("No conflict waits")).to_be_visible()

    judge(app, collection, "Ben", 1)
    app.open("adjudication", at(collection), name="=Lead")
    expect(app.says("1 conflict waits")).to_be_visible()
    app.page.get_by_role("radio", name="Settled").click()
    (row,) = download(app, "adjudication_csv")
    assert (row["settled_by"], row["reason"], row["stands"]) == ("'=Lead", "'=half of it answers", "no")
    assert row["grades_before"] == "Ann: 0; Ben: 3"

    app.open("history", at(collection, **PAIR), name="=Lead")
    expect(app.says("settles what Ann, Ben said")).to_be_visible()
    expect(app.page.get_by_text("taken back later")).to_have_count(1)
    rows = download(app, "history_pair_csv")
    assert [(row["assessor"], row["before"], row["after"]) for row in rows] == [
        ("Ben", "3", "1"),
        ("'=Lead", "", "2"),
        ("'=Lead", "2", ""),
        ("'=Lead", "", "2"),
        ("Ben", "", "3"),
        ("Ann", "", "0"),
        ("gpt", "", "1"),
    ]

    app.open("agreement", at(collection), name="=Lead")
    expect(app.says("1 pairs on which All people disagree among themselves are left out")).to_be_visible()
    app.open("progress", at(collection), name="=Lead")
    expect(app.page.get_by_test_id("stMetric").filter(has_text="Conflicts open")).to_contain_text("1")
