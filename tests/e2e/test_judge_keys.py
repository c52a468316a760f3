"""The Judge page's keys in a real browser: none is lost, each lands on the pair that was painted."""

import re
import sqlite3
import threading
import urllib.request
from contextlib import closing, contextmanager
from itertools import cycle

import pytest
from playwright.sync_api import expect

from data.records import AssessorKind, Document, Evidence, Judgment, Query, Status, new_id
from data.scales import DEFAULT_SCALE
from tests.e2e import judging
from tests.e2e.browser import App
from tests.e2e.listener import listening

pytestmark = pytest.mark.e2e

PAIRS = 160
WORDS = "Beans stay hard in hard water because calcium binds the pectin of their skins."


@pytest.fixture
def collect(served):
    """Makes a collection of its own for a test: pairs on which a student and a teacher differ."""

    def made(name, documents=None, pairs=PAIRS):
        documents = documents or [Document(doc_id=f"d{i:03}", title=f"T{i}", text=f"{WORDS} {i}") for i in range(pairs)]
        with served.store() as store:
            added = store.collections.add(
                name=name, scale=DEFAULT_SCALE, documents=documents, queries=[Query(query_id="q", text="Why hard?")]
            )
            student = store.assessors.ensure("base", AssessorKind.STUDENT, version_id="base")
            teacher = store.assessors.ensure("gpt", AssessorKind.TEACHER)
            said = [
                Judgment(
                    event_id=new_id(),
                    collection_id=added.collection_id,
                    query_id="q",
                    doc_id=document.doc_id,
                    assessor_id=who.assessor_id,
                    grade=grade,
                    explanation=f'{who.name} says "hard water" and "never written".',
                    evidence=(
                        Evidence(quote="hard water", start_char=19, end_char=29),
                        Evidence(quote="never written"),
                    ),
                )
                for document in documents
                for who, grade in ((student, 0), (teacher, 3))
            ]
            store.judgments.add_many(said)
        return added

    return made


def sit_down(app, collection, name="me", **more):
    query = "&".join([f"collection_name={collection.name}", *(f"{key}={value}" for key, value in more.items())])
    app.open("judge", query=f"{query}&assessor_name={name}")
    expect(judging.desk(app, "columns .doc-id")).to_be_visible()


def stored(served, collection, name="me"):
    """The person's events, oldest first."""
    with served.store() as store:
        me = store.assessors.ensure(name, AssessorKind.HUMAN).assessor_id
        return [event for event in store.judgments.events(collection.collection_id) if event.assessor_id == me]


def type_grades(app, number, pause):
    """Press grades 50 ms apart; what was on the screen at each key."""
    painted = []
    for _, grade in zip(range(number), cycle((0, 1, 2, 3)), strict=False):
        painted.append((judging.pair_on_top(app), grade))
        app.page.keyboard.press(str(grade))
        app.page.wait_for_timeout(pause)
    return painted


@contextmanager
def busy_database(served, seconds):
    """Nobody can write for as long: every script that saves stands still."""
    with closing(sqlite3.connect(served.settings.database_path, isolation_level=None, check_same_thread=False)) as held:
        held.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(seconds, held.rollback)
        timer.start()
        yield
        timer.join()


@pytest.mark.parametrize("pause", [0, 50])
def test_twenty_of_twenty_keys_land_on_their_pairs(app, served, collect, pause):
    collection = collect(f"keys-{pause}")
    sit_down(app, collection)
    painted = type_grades(app, 20, pause)
    judging.wait_until_saved(app)
    assert [(event.doc_id, event.grade) for event in stored(served, collection)] == painted
    assert len({doc_id for doc_id, _ in painted}) == 20
    assert all(not event.model_visible and event.seconds_spent >= 0 for event in stored(served, collection))


def test_no_key_is_lost_while_the_server_stands_still(app, served, collect):
    collection = collect("busy")
    sit_down(app, collection)
    with busy_database(served, seconds=5):
        painted = type_grades(app, 20, 50)
        expect(judging.desk(app, "status")).to_contain_text("not saved yet: 20")
        assert stored_now(served, collection) == []
    judging.wait_until_saved(app)
    assert [(event.doc_id, event.grade) for event in stored(served, collection)] == painted


def stored_now(served, collection):
    """As `stored`, for a person who may not be stored yet, without writing."""
    with served.store() as store:
        me = store.assessors.found_or_new("me", AssessorKind.HUMAN).assessor_id
        return store.judgments.current(collection.collection_id, assessor_ids=[me])


def test_every_key_does_what_the_help_says(app, served, collect):
    collection = collect("all-keys")
    sit_down(app, collection)
    first = judging.pair_on_top(app)
    for key in "slx":
        app.page.keyboard.press(key)
    judging.wait_until_saved(app)
    assert [event.status for event in stored(served, collection)] == [Status.SKIPPED, Status.LATER, Status.CANT_JUDGE]
    app.page.keyboard.press("n")
    judging.next_pair(app, 5)
    for _ in range(4):
        app.page.keyboard.press("p")
    judging.wait_for_pair(app, first)
    app.page.keyboard.press("h")
    expect(app.page.get_by_role("dialog", name="Keys")).to_be_visible()
    app.page.keyboard.press("Escape")
    expect(app.page.get_by_role("dialog", name="Keys")).to_be_hidden()
    app.page.keyboard.press("9")
    expect(judging.desk(app, "status")).to_contain_text("There is no grade 9")
    judging.desk(app, "bar button").first.click()
    expect(judging.desk(app, "status")).to_contain_text("taken back")
    app.page.keyboard.press("2")
    judging.wait_until_saved(app)
    assert stored(served, collection)[-1].grade == 2, "a click swallows no key"


def test_undo_restores_what_was_before_and_comes_back_to_the_pair(app, served, collect):
    collection = collect("undo")
    sit_down(app, collection)
    first = judging.pair_on_top(app)
    for key in ("1", "p", "3", "u"):
        app.page.keyboard.press(key)
    judging.wait_for_pair(app, first)
    judging.wait_until_saved(app)
    assert [event.grade for event in stored(served, collection)] == [1, 3, 1]
    app.page.keyboard.press("u")
    judging.wait_until_saved(app)
    expect(app.says("0 judged by you")).to_be_visible()
    assert stored(served, collection)[-1].status is Status.WITHDRAWN
    app.page.keyboard.press("u")
    expect(judging.desk(app, "status")).to_contain_text("nothing is left to take back")


def test_models_stay_hidden_until_the_key_and_are_told_of_afterwards(app, served, collect):
    collection = collect("blind")
    sit_down(app, collection)
    expect(judging.desk(app, "others")).to_contain_text("is shown once you have graded")
    expect(judging.desk(app, "reason")).to_have_text("Shown because: student and teacher differ")
    assert "gpt" not in app.page.locator("body").inner_text() and judging.desk(app, "body mark").count() == 0
    app.page.keyboard.press("2")
    expect(judging.desk(app, "last")).to_contain_text(re.compile("student base 0 .* teacher gpt 3 .*P goes back"))
    app.page.keyboard.press("p")
    expect(judging.desk(app, "others")).to_contain_text('gpt says "hard water"')
    expect(judging.desk(app, "others .missing").first).to_have_text("Not in the document: “never written”")
    expect(judging.desk(app, "body mark")).to_have_text("hard water")
    app.page.keyboard.press("1")
    judging.wait_until_saved(app)
    assert [(e.grade, e.model_visible) for e in stored(served, collection)] == [(2, False), (1, True)]


def test_an_explanation_starts_from_a_model_s_and_its_draft_outlives_a_reload(app, served, collect):
    collection = collect("drafts")
    sit_down(app, collection)
    doc_id = judging.pair_on_top(app)
    field = app.page.get_by_role("textbox", name="Your explanation")
    app.page.keyboard.press("e")
    app.page.keyboard.type("half a thought 123")
    expect(judging.desk(app, "asleep")).to_be_visible()
    app.page.reload()
    judging.wait_for_pair(app, doc_id)
    expect(field).to_have_value("half a thought 123")
    assert stored(served, collection) == []
    field.focus()
    app.page.keyboard.press("Control+Enter")
    expect(judging.desk(app, "status")).to_contain_text("Give the grade now")
    app.page.keyboard.press("3")
    judging.wait_until_saved(app)
    assert [(e.grade, e.explanation) for e in stored(served, collection)] == [(3, "half a thought 123")]
    app.page.keyboard.press("p")
    expect(judging.desk(app, "others")).to_contain_text("gpt says")
    app.page.get_by_role("button", name="From the student").click()
    expect(field).to_have_value('base says "hard water" and "never written".')
    expect(judging.desk(app, "difference")).to_contain_text("a text you leave as it is, is not stored as yours")
    app.page.keyboard.press("Control+End")
    app.page.keyboard.type(" Mine.")
    expect(judging.desk(app, "difference ins")).to_have_text("Mine.")
    app.page.keyboard.press("Control+Enter")
    judging.wait_until_saved(app)
    last = stored(served, collection)[-1]
    assert last.explanation == 'base says "hard water" and "never written". Mine.' and last.edited_from is not None
    app.page.keyboard.press("p")
    expect(judging.desk(app, "difference ins")).to_have_text("Mine.")


def test_what_is_pressed_without_a_connection_is_kept_over_a_reload(app, served, collect):
    collection = collect("offline")
    sit_down(app, collection)
    app.page.context.set_offline(True)
    painted = type_grades(app, 3, 50)
    expect(judging.desk(app, "status")).to_contain_text("not saved yet: 3")
    expect(judging.desk(app, "status")).to_contain_text("kept in this browser")
    assert stored_now(served, collection) == []
    app.page.context.set_offline(False)
    app.page.reload()
    judging.wait_until_saved(app)
    assert [(event.doc_id, event.grade) for event in stored(served, collection)] == painted
    assert app.page.evaluate("Object.keys(localStorage).filter((key) => /outbox$/.test(key))") == []


def test_two_people_on_one_queue_never_get_the_same_pair(app, browser, served, collect):
    collection = collect("two", pairs=40)
    other = App(browser.new_context().new_page(), served.url)
    painted = []
    sit_down(app, collection, "ann")
    sit_down(other, collection, "ben")
    for _ in range(8):
        for one in (app, other):
            painted.append(judging.pair_on_top(one))
            one.page.keyboard.press("1")
    for one in (app, other):
        judging.wait_until_saved(one)
    assert len(set(painted)) == 16
    other.page.context.close()


def test_selected_text_becomes_evidence_counted_in_characters(app, served, collect):
    text = "👩‍👩‍👧 e\u0301 🌱 beans stay hard 👍🏽 in water"
    collection = collect("evidence", [Document(doc_id="d", text=text)])
    sit_down(app, collection)
    app.page.evaluate(
        """() => {
          const find = (root) => root.querySelector(".desk .body")
            ?? [...root.querySelectorAll("*")].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
          const node = find(document).firstChild, text = node.textContent;
          const range = document.createRange();
          range.setStart(node, text.indexOf("stay"));
          range.setEnd(node, text.indexOf("in water"));
          const selection = document.getSelection();
          selection.removeAllRanges();
          selection.addRange(range);
        }"""
    )
    app.page.keyboard.press("m")
    expect(judging.desk(app, "body mark.own")).to_have_text("stay hard 👍🏽")
    app.page.keyboard.press("2")
    judging.wait_until_saved(app)
    (event,) = stored(served, collection)
    (evidence,) = event.evidence
    assert text[evidence.start_char : evidence.end_char] == evidence.quote == "stay hard 👍🏽"
    app.page.keyboard.press("p")
    app.page.get_by_role("button", name=re.compile("^Remove the mark")).click()
    expect(judging.desk(app, "body mark.own")).to_have_count(0)
    app.page.keyboard.press("2")
    judging.wait_until_saved(app)
    assert stored(served, collection)[-1].evidence == ()


def test_a_list_takes_the_same_keys(app, served, collect):
    collection = collect("list", pairs=6)
    sit_down(app, collection)
    app.page.get_by_test_id("stButtonGroup").get_by_text("List", exact=True).click()
    rows = judging.desk(app, "row .doc-id")
    expect(rows).to_have_count(6)
    order = rows.all_inner_texts()
    for key in ("1", "j", "3", "ArrowUp", "k", "2"):
        app.page.keyboard.press(key)
    judging.wait_until_saved(app)
    said = [(event.doc_id, event.grade) for event in stored(served, collection)]
    assert said == [(order[0], 1), (order[2], 3), (order[1], 2)]


def test_a_hostile_document_is_only_text(app, served, collect):
    with listening() as listener:
        markup = (
            f"<script>alert(1)</script> <img src=http://{listener.address}/x onerror=alert(2)> "
            f"![x](http://{listener.address}/y.png) $\\frac{{1}}{{2}}$ :red[x] \u202edetrevni\u202c \u2066x\u2069 "
        )
        collection = collect("hostile", [Document(doc_id="d", title=markup, text=markup + "x" * 2_000_000)])
        dialogs = []
        app.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        sit_down(app, collection)
        shown = judging.desk(app, "body")
        assert shown.evaluate("element => element.textContent").startswith(markup)
        assert shown.evaluate("element => [...element.textContent].length") == 20_000
        expect(judging.desk(app, "about")).to_contain_text("4 invisible mark(s)")
        app.page.get_by_role("button", name=re.compile("20,000 of 2,000,")).click()
        expect(app.page.get_by_role("button", name=re.compile("40,000 of 2,000,"))).to_be_visible()
        app.page.keyboard.press("1")
        judging.wait_until_saved(app)
        assert dialogs == [] and listener.asked == []
        urllib.request.urlopen(f"http://{listener.address}/heard").close()
        assert listener.asked == ["/heard"], "the listener does hear what is asked"
