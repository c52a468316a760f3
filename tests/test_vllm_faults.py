"""A real vLLM that is asked for the wrong thing, and one that is killed while it ranks and teaches."""

import json
import threading

import pytest

from data import sample
from data.errors import LMError
from data.records import AssessorKind
from data.store import Store
from engine.lm.base import Generate, Message
from engine.lm.openai import OpenAILM
from engine.pipeline import Listener, Plan
from engine.workbench import Workbench
from tests import tiny
from tests.training.test_teacher import work_of
from tests.vllm_server import HIDDEN, KEY, running
from training import jobs, teacher, teaching
from training.teaching import TeachConfig

pytestmark = pytest.mark.vllm
ASKED = Generate(messages=(Message(role="user", content="Why?"),), max_tokens=4)


def test_a_model_it_does_not_have_and_a_prompt_beyond_its_context_are_said(vllm):
    with pytest.raises(LMError, match="does not know what was asked for") as wrong:
        OpenAILM(vllm.plan.url, "another", api_key=KEY).generate([ASKED])
    assert "another" in wrong.value.what and "/v1/models" in wrong.value.mend
    long = Generate(messages=(Message(role="user", content="word " * 4000),), max_tokens=4)
    with pytest.raises(LMError, match="2048") as beyond:
        vllm.lm().generate([long])
    assert "WHYRANK_DOCUMENT_TOKENS" in beyond.value.mend
    assert vllm.lm().generate([ASKED])[0].text, "it goes on"


def listening(middle):
    """A listener that waits for the middle of a ranking."""
    scored = []

    def on_scored(*_):
        scored.append(1)
        if len(scored) == 5:
            middle.set()

    return Listener(on_scored=on_scored)


def test_killed_in_the_middle_of_a_ranking_and_of_a_teaching_job_it_is_said_and_nothing_is_lost(tmp_path):
    """Both at once: starting a server takes a minute."""
    base = tiny.build(tmp_path / "model", hidden=HIDDEN)
    failed = {}

    def started(name, do):
        def run():
            try:
                do()
            except Exception as error:  # noqa: BLE001 -- it is looked at below
                failed[name] = error

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with running(tmp_path / "home", base, ()) as server, Store.open(server.settings.database_path) as store:
        given = {"retriever": "bm25s", "teacher_url": server.plan.url, "teacher_api_key": server.settings.lm_api_key}
        settings = server.settings.model_copy(update=given)
        workbench = Workbench(settings, store)
        collection = workbench.build_index(sample.install(store))
        wanted = TeachConfig(url=server.plan.url, model="tested", split=None, concurrency=2, answer_tokens=60)
        work = work_of(workbench, jobs.submit_teaching(workbench, collection, wanted, "ann"))
        middle, plan = threading.Event(), Plan.of(settings)

        def rank():
            pipeline = workbench.pipeline(collection, workbench.base_version())
            for query in store.collections.queries(collection.collection_id):
                for ranking in pipeline.rank([query], plan, listener=listening(middle)):
                    workbench.record(ranking)

        def told():
            path = jobs.teach_path(settings, work.job.job_id)
            return json.loads(path.read_text()) if path.exists() else {"asked": 0}

        teach = started("teach", lambda: teacher.teach(work, wanted, teaching.teacher(settings, wanted)))
        pause = threading.Event()
        while not told()["asked"] and teach.is_alive():
            pause.wait(0.05)
        ranks = started("rank", rank)
        assert middle.wait(120), failed
        server.kill()
        ranks.join(240)
        teach.join(240)

        assert set(failed) == {"rank", "teach"}
        for error in failed.values():
            assert isinstance(error, LMError), repr(error)
            assert f"127.0.0.1:{server.plan.port}" in error.what
        assert "WHYRANK_LM_URL" in failed["rank"].mend and "WHYRANK_TEACHER_URL" in failed["teach"].mend
        (reason,) = server.ended
        assert "vLLM ended by itself: it was killed" in reason.what
        # Of the ranking under way there is nothing; of the teacher every answer that came.
        orders = store.rankings.orders(
            collection.collection_id,
            version_id="base",
            method=plan.method,
            depth=plan.depth,
            fusion_weight=plan.fusion_weight,
        )
        assert all(len(order.places) == plan.depth for order in orders)
        assessor = store.assessors.ensure("tested", AssessorKind.TEACHER)
        said = store.judgments.current(collection.collection_id, assessor_ids=[assessor.assessor_id])
        assert 0 < told()["asked"] <= len(said) < told()["pairs"]
