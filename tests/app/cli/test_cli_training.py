"""`whyrank train --wait`, with this test in the worker's place."""

import json
import threading

import pytest

from app.actions import holding
from app.cli.session import Session
from data.records import AssessorKind, Document, JobMetric, JobState, Judgment, Query, Split, new_id, utc_now
from data.scales import DEFAULT_SCALE
from data.settings import Settings


@pytest.fixture
def settings(workbench, tmp_path):
    """The same home with a base model that is there to be found; nothing here loads it."""
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (model / name).write_text("{}")
    return Settings(home=workbench.settings.home, model=str(model), retriever="bm25s", lm_url=None)


@pytest.fixture
def taught(workbench):
    """A collection with enough to train on."""
    added = workbench.store.collections.add(
        name="taught",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id=f"d{i}", text=f"Document {i}.") for i in range(4)],
        queries=[
            Query(query_id="train", text="What is learnt?", split=Split.TRAIN),
            Query(query_id="held", text="How is it measured?", split=Split.HELDOUT),
        ],
        guidelines="",
    )
    person = workbench.store.assessors.ensure("Ann", AssessorKind.HUMAN)
    for number in range(4):
        workbench.store.judgments.add(
            Judgment(
                event_id=new_id(),
                collection_id=added.collection_id,
                query_id="train",
                doc_id=f"d{number}",
                assessor_id=person.assessor_id,
                grade=number % 2,
            )
        )
    return added


class FakeWorker(threading.Thread):
    """Holds the worker's lock, claims the first job that comes, and ends it as told."""

    def __init__(self, workbench, state, **ending):
        super().__init__()
        self.jobs, self.state, self.ending = workbench.store.jobs, state, ending
        self.lock = holding.worker_lock(workbench.settings)
        self.ready = threading.Event()

    def run(self):
        with holding.hold(self.lock, what="", mend=""):
            self.ready.set()
            pause = threading.Event()
            for _ in range(300):
                if jobs := self.jobs.list(states=[JobState.QUEUED]):
                    self.work(jobs[0].job_id)
                    return
                pause.wait(0.1)

    def work(self, job_id):
        self.jobs.claim(job_id, pid=1, now=utc_now(), stale_after_seconds=60)
        self.jobs.heartbeat(job_id, stage="training", progress=0.5, now=utc_now())
        self.jobs.record(job_id, [JobMetric(step=1, name="loss", value=0.5)])
        self.jobs.finish(job_id, self.state, now=utc_now(), **self.ending)

    def __enter__(self):
        self.start()
        assert self.ready.wait(10)
        return self

    def __exit__(self, *_):
        self.join(40)


TRAIN = ("train", "--recipe", "sft", "--collection", "taught", "--set", "epochs=1", "--json")


def test_a_job_is_written_and_a_missing_worker_is_said(line, taught, settings, workbench, lm):
    result = line(*TRAIN, "--by", "Ann", session=Session(settings, lm))
    assert result.exit_code == 0, result.stderr
    assert "No worker runs" in result.stderr
    job = json.loads(result.stdout)
    stored = workbench.store.jobs.get(job["job_id"])
    assert (job["state"], stored.config["epochs"], stored.created_by) == ("queued", 1, "Ann")


def test_waiting_for_a_job_that_is_done_says_what_it_made(line, taught, settings, workbench, lm):
    made = {"version": "taught-1", "examples": 4, "promote": False, "refusals": ["Measured on 1 held-out queries."]}
    with FakeWorker(workbench, JobState.DONE, result=made):
        result = line(*TRAIN, "--wait", session=Session(settings, lm))
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["result"] == made
    assert "Made the version taught-1 from 4 examples." in result.stderr
    assert "The gate refuses it: Measured on 1 held-out queries." in result.stderr


@pytest.mark.parametrize(("state", "words"), [(JobState.FAILED, "failed"), (JobState.CANCELLED, "was cancelled")])
def test_waiting_for_a_job_that_does_not_come_to_its_end_fails(line, taught, settings, workbench, lm, state, words):
    with FakeWorker(workbench, state, error="The disk is full.", mend="Make room."):
        result = line(*TRAIN, "--wait", session=Session(settings, lm))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["state"] == state.value
    last = result.stderr.splitlines()[-1]
    assert last == f"Error: the job {words}. The disk is full. Make room."
