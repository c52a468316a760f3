"""Processes killed at the worst moment: what the screen called saved is there, and a job goes on."""

import re
import threading
import time

import pytest
from playwright.sync_api import expect

from data.records import AssessorKind, JobState, Judgment, Split, new_id
from engine.workbench import Workbench
from tests import synthetic
from tests.e2e import judging, learning

pytestmark = pytest.mark.e2e

MANY_STEPS = {"Epochs": 12, "Batch size (examples)": 1, "Depth (documents per query)": 4}


@pytest.fixture(scope="module")
def collection(served):
    with Workbench.open(served.settings) as workbench:
        made = synthetic.synthetic(train=4, heldout=10, per_query=4)
        added = workbench.build_index(synthetic.install(workbench.store, made))
        # Pairs that no person judged wait in the queue; a teacher's words on held-out queries train nothing.
        teacher = workbench.store.assessors.ensure("teacher", AssessorKind.TEACHER)
        heldout = [query for query in made.queries if query.split is Split.HELDOUT]
        workbench.store.judgments.add_many(
            Judgment(
                event_id=new_id(),
                collection_id=added.collection_id,
                query_id=query.query_id,
                doc_id=made.documents[i].doc_id,
                assessor_id=teacher.assessor_id,
                grade=1,
            )
            for i, query in enumerate(heldout)
        )
        return added


def mine(store, collection):
    me = store.assessors.found_or_new("me", AssessorKind.HUMAN).assessor_id
    return [event for event in store.judgments.events(collection.collection_id) if event.assessor_id == me]


def steps(store, job):
    return [metric.step for metric in store.jobs.metrics(job.job_id, names=["loss"])]


def until(look, good):
    """Look until it is good, and return what was seen."""
    tick, deadline = threading.Event(), time.monotonic() + learning.DONE / 1000
    while not good(found := look()):
        assert time.monotonic() < deadline, found
        tick.wait(0.02)
    return found


def test_what_was_saved_outlives_the_page_server(app, served, collection):
    app.open("judge")
    given = {}
    for number, grade in enumerate((3, 0, 2), start=1):
        given[judging.pair_on_top(app)] = grade
        judging.grade(app, grade, judged=number)
        judging.next_pair(app, number + 1)
    in_flight = judging.pair_on_top(app)
    app.page.keyboard.press("1")
    served.kill_page_server()
    assert served.wait_for_end() != 0, "the app says that its server died"

    served.start()
    with served.store() as store:
        found = {event.doc_id: event.grade for event in mine(store, collection)}
    assert {doc_id: found[doc_id] for doc_id in given} == given
    assert found.keys() - given.keys() <= {in_flight}, "the last key reached the disk whole or not at all"
    app.open("judge")
    expect(app.says(re.compile(rf"^{len(given) + 1} judged by you"))).to_be_visible()
    judging.wait_until_saved(app)
    with served.store() as store:
        kept = {event.doc_id: event.grade for event in mine(store, collection)}
    assert kept == {**given, in_flight: 1}, "the browser kept the last key, and sent it again"
    judging.grade(app, 1, judged=len(given) + 2)


def test_a_job_goes_on_after_worker_and_process_were_killed(app, served, collection):
    app.open("train")
    learning.start(app, MANY_STEPS)
    with served.store() as store:
        before = list(store.judgments.events(collection.collection_id))
        (job,) = store.jobs.list(collection_id=collection.collection_id)
        reached = until(lambda: steps(store, job) or [0], lambda found: found[-1] >= 20)[-1]
        _, pid = served.kill_worker_and_job()
        assert pid == store.jobs.get(job.job_id).pid

    expect(app.says(re.compile(r"^Version .* trained on \d+ examples"))).to_be_visible(timeout=learning.DONE)
    expect(app.says("it was started 2 times")).to_be_visible()
    with served.store() as store:
        ended = store.jobs.get(job.job_id)
        after = list(store.judgments.events(collection.collection_id))
        done = steps(store, job)
    assert (ended.state, ended.attempts) == (JobState.DONE, 2)
    assert after[: len(before)] == before, "no judgment is lost"
    assert reached < len(done) == 12 * ended.result["examples"], "killed in the middle, trained to the end"
    assert done == list(range(1, len(done) + 1))
