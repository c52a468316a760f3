"""The evaluation job, run in this process with a scripted model."""

import os

import pytest

from data.errors import NotFoundError
from data.records import AssessorKind, Document, Judgment, Query, Split, new_id, utc_now
from data.scales import DEFAULT_SCALE
from data.settings import Settings
from engine.lm.scripted import ScriptedLM
from engine.workbench import Workbench
from training import jobs
from training.heartbeat import STALE_SECONDS, Heartbeat
from training.measuring import EvaluateConfig
from training.work import Work


@pytest.fixture
def workbench(store, tmp_path):
    """Two held-out queries with a person's labels, and a model that grades by one word."""
    settings = Settings(home=tmp_path / "home", model="scripted", retriever="bm25s")
    lm = ScriptedLM(choose=lambda ask: {c: 1.0 if c == ("3" if "good" in ask.messages[1].content else "0") else 0.0
                                        for c in ask.choices})  # fmt: skip
    opened = Workbench(settings, store, lm)
    collection = store.collections.add(
        name="measured",
        scale=DEFAULT_SCALE,
        documents=[Document(doc_id="d1", text="apples apples"), Document(doc_id="d2", text="good apples")],
        queries=[Query(query_id=f"q{i}", text="apples", split=Split.HELDOUT) for i in range(2)],
    )
    person = store.assessors.ensure("Ada", AssessorKind.HUMAN)
    store.judgments.add_many(
        [
            Judgment(
                event_id=new_id(),
                collection_id=collection.collection_id,
                query_id=f"q{i}",
                doc_id="d2",
                assessor_id=person.assessor_id,
                grade=3,
            )
            for i in range(2)
        ]
    )
    opened.build_index(collection)
    opened.base_version()
    yield opened
    opened.close()


def run(workbench, job_id, tmp_path):
    job = workbench.store.jobs.claim(job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=STALE_SECONDS)
    work = Work(job=job, workbench=workbench, folder=tmp_path, heartbeat=Heartbeat(workbench.store, job_id))
    result = jobs.JOBS[job.kind].run(work)
    assert work.heartbeat.progress == 1.0
    return result


def test_the_job_stores_an_evaluation_and_the_verdict(workbench, tmp_path):
    collection = workbench.store.collections.get("measured")
    config = EvaluateConfig(version_id="base", method="pointwise-score", depth=2, fusion_weight=0.0)
    job = jobs.submit_evaluation(workbench, collection, config, "Ada")
    result = run(workbench, job.job_id, tmp_path)
    (record,) = workbench.store.evaluations.list(collection.collection_id)
    assert result["evaluation_id"] == record.evaluation_id and record.job_id == job.job_id
    assert record.report["measures"]["nDCG@10"]["system"] == 1.0
    assert result["version"] == workbench.base_version().name and not result["promote"] and result["refusals"]


def test_a_job_taken_up_after_its_last_step_does_not_measure_twice(workbench, tmp_path):
    collection = workbench.store.collections.get("measured")
    job = jobs.submit_evaluation(
        workbench, collection, EvaluateConfig(version_id="base", method="pointwise-score", depth=2), "Ada"
    )
    first = run(workbench, job.job_id, tmp_path)
    work = Work(
        job=workbench.store.jobs.get(job.job_id),
        workbench=workbench,
        folder=tmp_path,
        heartbeat=Heartbeat(workbench.store, job.job_id),
    )
    assert jobs.JOBS["evaluate"].run(work) == first
    assert len(workbench.store.evaluations.list(collection.collection_id)) == 1


def test_an_unknown_version_is_refused_before_a_job_is_written(workbench):
    collection = workbench.store.collections.get("measured")
    with pytest.raises(NotFoundError):
        jobs.submit_evaluation(workbench, collection, EvaluateConfig(version_id="none"), "Ada")
    assert workbench.store.jobs.list() == []
