"""The service with a real model in process, as small as one can be."""

import json

import pytest

from data.records import Alias, AliasEvent, Version
from data.settings import Settings
from engine.pipeline import Plan
from engine.retrieval.base import Hit
from engine.workbench import Workbench
from tests import tiny
from tests.app.api.conftest import wait_until
from tests.app.conftest import DOCUMENTS, QUERIES


@pytest.fixture
def bench(store, tiny_model, tmp_path):
    settings = Settings(home=tmp_path / "home", model=str(tiny_model), lm_url=None, retriever="bm25s", threads=1)
    opened = Workbench(settings, store)
    yield opened
    opened.close()


def test_it_gives_what_the_pipeline_gives_before_and_after_a_promotion(serve, bench, beans, tiny_model):
    store = bench.store
    tiny.adapt(tiny_model, bench.settings.home / "versions" / "v1", seed=7)
    store.versions.add(Version(version_id="v1", name="beans-1", base_model=str(tiny_model), adapter_path="versions/v1"))
    store.versions.ensure_base(str(tiny_model))
    served = serve(workbench=bench)
    documents = [{"title": document.title, "text": document.text} for document in DOCUMENTS]
    hits = [Hit(doc_id=d.doc_id, rank=rank, score=-rank) for rank, d in enumerate(DOCUMENTS, start=1)]
    seen = []
    for name, previous in (("base", None), ("v1", "base")):
        move = {"alias": Alias.CHAMPION, "reason": "", "actor": ""}
        store.versions.move(
            AliasEvent(
                collection_id=beans.collection_id,
                version_id=name,
                previous_version_id=previous or bench.champion(beans).version_id,
                **move,
            )
        )
        given = served.rerank(query=QUERIES[0].text, documents=documents).json()
        plan = Plan(method="pointwise-score", fusion_weight=0.0)
        pipeline = bench.pipeline(beans, store.versions.get(name))
        (ranking,) = pipeline.rank([QUERIES[0]], plan, run={QUERIES[0].query_id: hits})
        expected = {document.doc_id: document for document in ranking.documents}
        for result in given["results"]:
            document = expected[DOCUMENTS[result["index"]].doc_id]
            assert result["relevance_score"] == pytest.approx(document.score / 3, abs=1e-5)
            assert result["grade"] == document.grade
        assert min(r["relevance_score"] for r in given["results"]) >= 0.0
        assert max(r["relevance_score"] for r in given["results"]) <= 1.0
        seen.append([result["relevance_score"] for result in given["results"]])
    assert seen[0] != pytest.approx(seen[1], abs=1e-3)


def test_a_client_that_leaves_frees_the_model_and_a_query_too_long_for_it_is_said(serve, bench, beans):
    served = serve(workbench=bench)
    bench.base_lm()
    text = "beans in hard water stay hard " * 30
    body = json.dumps({"query": "beans", "documents": [f"{n} {text}" for n in range(200)]}).encode()
    connection = served.opened(body)
    wait_until(lambda: served.metric("whyrank_running_requests") == 1)
    connection.close()
    assert served.rerank(documents=["a"]).status_code == 200
    left, ranked = served.log(2)
    assert (left["status"], ranked["status"]) == (499, 200)
    assert served.metric("whyrank_documents_total") == 1
