"""The ranking job, run in this process with a scripted model."""

import os

import pytest
from pydantic import ValidationError

from data.errors import IncompatibleVersionError, NotFoundError
from data.records import utc_now
from tests.training.conftest import version
from training import jobs
from training.heartbeat import STALE_SECONDS, Heartbeat
from training.ranked import RankConfig, RankedBy
from training.work import Work

QUERIES = ("q00", "q07", "q08")


def config(**values):
    systems = (RankedBy(version_id="base", method="pointwise-score"), RankedBy(version_id="taught"))
    return RankConfig(**({"systems": systems, "query_ids": QUERIES, "depth": 4} | values))


def run(workbench, job, tmp_path):
    claimed = workbench.store.jobs.claim(job.job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=STALE_SECONDS)
    work = Work(job=claimed, workbench=workbench, folder=tmp_path, heartbeat=Heartbeat(workbench.store, job.job_id))
    result = jobs.JOBS[claimed.kind].run(work)
    assert work.heartbeat.progress == 1.0
    return result


def test_the_job_keeps_a_ranking_per_query_and_system(workbench, collection, taught, tmp_path):
    job = jobs.submit_ranking(workbench, collection, config(), "me")
    assert run(workbench, job, tmp_path) == {"rankings": 6, "queries": 3}
    orders = workbench.store.rankings.orders(collection.collection_id, version_id="taught")
    assert [order.query_id for order in orders] == list(QUERIES)
    assert {order.method for order in orders} == {"pointwise-verdict-first"} and orders[0].places[0].grade == 3
    assert not workbench.store.evaluations.list(collection.collection_id), "nobody looked at the held-out set"
    asks = len(workbench.base_lm().asks)
    run(workbench, jobs.submit_ranking(workbench, collection, config(), "me"), tmp_path)
    assert len(workbench.base_lm().asks) == asks, "what is kept is not ranked again"


def test_what_can_t_be_ranked_is_refused_before_anything_starts(workbench, collection, taught):
    with pytest.raises(NotFoundError, match="nowhere"):
        jobs.submit_ranking(workbench, collection, config(query_ids=("q00", "nowhere")), "me")
    with pytest.raises(NotFoundError):
        jobs.submit_ranking(workbench, collection, config(systems=(RankedBy(version_id="none"),)), "me")
    version(workbench, collection, "same")
    wrong = RankedBy(version_id="same", method="pointwise-reason-first")
    with pytest.raises(IncompatibleVersionError):
        jobs.submit_ranking(workbench, collection, config(systems=(wrong,)), "me")
    assert workbench.store.jobs.list() == []
    with pytest.raises(ValidationError):
        config(query_ids=())
