"""The whole loop, as a person walks it: ask, correct, judge, compare, train, promote, ask again, roll back."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from safetensors.torch import load_file

from data.records import BASE_VERSION_ID, Alias, AssessorKind, Status
from tests import synthetic
from tests.e2e import judging, learning

pytestmark = pytest.mark.e2e

QUERY_ID = "q00"
"""The query whose documents nobody has judged yet: one to train on."""


@pytest.fixture(scope="module")
def made():
    return synthetic.synthetic()


def index(app, name):
    """Choose the collection, and build its index on the Collections page."""
    app.open("collections")
    app.choose("Collection", name)
    app.page.get_by_role("tab", name="Name, index, delete").click()
    app.press("rebuild")
    expect(app.says("The index is rebuilt.")).to_be_visible()


def rank(app, served, text):
    """Ask on Explore; the stored ranking that the address names once it is shown."""
    app.go("Explore")
    before = app.ranking_id()
    app.page.get_by_role("textbox", name="Query", exact=True).fill(text)
    app.press("explore_rank")
    app.page.wait_for_url(lambda url: app.ranking_id(url) not in (None, before))
    expect(app.key("card-1")).to_be_visible()
    app.settle()
    with served.store() as store:
        return store.rankings.get(app.ranking_id())


def correct(app, doc_id, grade):
    """Correct a document's grade on Explore, in place."""
    card = app.keys("card-").filter(has=app.page.get_by_text(doc_id, exact=True))
    card.get_by_text("Correct", exact=True).click()
    card.get_by_role("radio", name=re.compile(f"^{grade} ")).click()
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_text("saved at")).to_be_visible()


def judge_the_rest(app, grades, *, judged):
    """Give each pair that stands first in the queue its grade by a key; the first one is taken back in between."""
    app.go("Judge")
    place = 0
    waiting = dict(grades)
    while waiting:
        place += 1
        doc_id = judging.pair_on_top(app)
        judging.grade(app, waiting.pop(doc_id), judged=judged + place)
        if place == 1:
            app.page.keyboard.press("u")
            expect(app.says("taken back")).to_be_visible()
            expect(app.says(re.compile(rf"^{judged} judged by you"))).to_be_visible()
            app.settle()
            judging.wait_for_pair(app, doc_id)
            judging.grade(app, grades[doc_id], judged=judged + place)
        judging.next_pair(app, place + 1)
    expect(judging.desk(app, "empty")).to_contain_text("That was the last pair of this queue.")


def train(app):
    """Start the job with the options the tiny model learns with, and watch it to its end."""
    app.go("Train")
    expect(app.says("What would be trained")).to_be_visible()
    expect(app.page.get_by_test_id("stMetric").filter(has_text="Pairs to learn from")).to_contain_text("144")
    learning.start(app, learning.CONFIG)
    expect(app.says(re.compile(r"^training: \d+%"))).to_be_visible(timeout=learning.DONE)
    expect(app.keys("curve_").first).to_be_visible(timeout=learning.DONE)
    expect(app.says(re.compile(r"^Version .* trained on 144 examples"))).to_be_visible(timeout=learning.DONE)


def promote(app):
    """Promote the version whose evaluation is shown."""
    app.go("Evaluate")
    expect(app.says("The gate lets this version pass")).to_be_visible()
    app.key("promote_popover").get_by_role("button").click()
    app.press("promote")
    expect(app.says("is the champion of")).to_be_visible()


def roll_back(app):
    app.go("Evaluate")
    app.keys("rollback_popover").get_by_role("button").click()
    app.press("rollback")
    expect(app.says(re.compile("Rolled back.* base is the champion again"))).to_be_visible()
    expect(app.says("The champion before this one ranks again.")).to_be_hidden()


def test_a_correction_changes_the_ranking_and_can_be_taken_back(app, served, made):
    grades = {doc_id: grade for (query_id, doc_id), grade in made.grades.items() if query_id == QUERY_ID}
    others = {pair: grade for pair, grade in made.grades.items() if pair[0] != QUERY_ID}
    text = made.queries[0].text
    with served.store() as store:
        collection = synthetic.install(store, replace(made, grades=others), name="loop")
    index(app, "loop")

    app.go("Explore")
    app.record()
    before = rank(app, served, text)
    shown = app.recorded()
    waiting = next(i for i, page in enumerate(shown) if page.count("waiting for the model") == len(grades))
    assert "BM25 is done" in shown[waiting], "the first stage stands there before the model says a word"
    assert any(re.search(r"[1-8] of 8 documents graded", page) for page in shown[waiting:])
    assert before.version_id == BASE_VERSION_ID and before.retriever.startswith("lucene")
    assert {document.doc_id for document in before.documents} == grades.keys()
    first = before.documents[0].doc_id
    correct(app, first, grades[first])
    with served.store() as store:
        (event,) = [e for e in store.judgments.history(collection.collection_id, QUERY_ID, first) if e.model_visible]
    assert (event.grade, event.explanation, event.ranking_id) == (grades[first], None, before.ranking_id)

    judge_the_rest(app, {doc_id: grade for doc_id, grade in grades.items() if doc_id != first}, judged=1)
    with served.store() as store:
        me = store.assessors.ensure("me", AssessorKind.HUMAN).assessor_id
        mine = store.judgments.current(collection.collection_id, assessor_ids=[me])
        events = [event for event in store.judgments.events(collection.collection_id) if event.assessor_id == me]
    assert {judgment.doc_id: judgment.grade for judgment in mine} == grades
    assert [event.status for event in events].count(Status.WITHDRAWN) == 1

    app.go("Agreement")
    expect(app.key("agreement_confusion").locator(".heatmaplayer image, .heatmaplayer rect").first).to_be_attached()
    expect(app.page.get_by_test_id("stMetric").filter(has_text="Pairs graded by both")).to_contain_text("8")
    app.keys("judge-").get_by_role("button").first.click()
    app.page.wait_for_url("**/judge*")
    expect(app.says(re.compile(f"^{QUERY_ID}-"))).to_be_visible()

    train(app)
    with served.store() as store:
        version = next(v for v in store.versions.list(collection.collection_id) if v.job_id)
    weights = load_file(served.settings.home / version.adapter_path / "adapter_model.safetensors")
    learnt = [tensor for name, tensor in weights.items() if "lora_B" in name]
    assert learnt and all(tensor.abs().max() > 0 for tensor in learnt), "B is zero in a new adapter"

    promote(app)
    after = rank(app, served, text)
    assert after.version_id == version.version_id
    expected = {name: {d.doc_id: d.raw_score for d in r.documents} for name, r in (("old", before), ("new", after))}
    nearer = [d for d, grade in grades.items() if abs(expected["new"][d] - grade) < abs(expected["old"][d] - grade)]
    assert len(nearer) >= 7, f"{expected} against {grades}"

    roll_back(app)
    again = rank(app, served, text)
    assert again.version_id == BASE_VERSION_ID and again.ranking_id != before.ranking_id
    restored = {document.doc_id: document for document in again.documents}
    for document in before.documents:
        assert restored[document.doc_id].raw_score == pytest.approx(document.raw_score, abs=1e-6)
        # The order's score is raw scores over their deviation, which is small here: rounding grows with them.
        assert restored[document.doc_id].score == pytest.approx(document.score, abs=1e-5)


def test_shuffled_labels_are_refused_with_figures(app, served, made):
    with served.store() as store:
        collection = synthetic.install(store, made, name="shuffled", shuffled=True)
    index(app, "shuffled")
    train(app)
    expect(app.says("The gate refuses to promote it:")).to_be_visible()
    expect(app.says(re.compile(r"95 % interval .*; the lower end is not above 0\."))).to_be_visible()

    app.go("Evaluate")
    expect(app.says("The gate refuses this version.")).to_be_visible()
    expect(app.says(re.compile(r"^nDCG@10 0\.\d+ against the champion's 0\.\d+: difference"))).to_be_visible()
    app.key("promote_popover").get_by_role("button").click()
    app.press("promote")
    expect(app.says("That did not work.")).to_be_visible()
    with served.store() as store:
        assert store.versions.alias(collection.collection_id, Alias.CHAMPION).version_id == BASE_VERSION_ID
