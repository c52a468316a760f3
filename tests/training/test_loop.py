"""The whole loop on a model and a collection it can learn: judgments in, a verdict out, both ways."""

from dataclasses import replace

import pytest
from safetensors.torch import load_file

from data.errors import PromotionRefusedError
from data.records import BASE_VERSION_ID, JobState, Split
from data.settings import Settings
from engine.pipeline import Plan
from engine.workbench import Workbench
from tests import synthetic
from tests.training.working import Worker, ended
from training import jobs, versions
from training.recipes import TrainConfig

pytestmark = [
    pytest.mark.slow,
    # PEFT reads a name that transformers 5 renamed.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]
CONFIG = TrainConfig(**synthetic.LEARNING, depth=8)
PLAN = Plan(method="pointwise-score", depth=8, explain_top=0)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loop")
    model = synthetic.learnable_model(folder / "model", synthetic.synthetic())
    return Settings(home=folder / "home", model=str(model), retriever="bm25s", device="cpu", threads=1)


@pytest.fixture(scope="module")
def workbench(settings):
    with Workbench.open(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def jobs_done(workbench, settings):
    """Two jobs, run by one worker: on true labels and on shuffled ones."""
    submitted = {}
    for name, shuffled in (("true", False), ("shuffled", True)):
        collection = synthetic.install(workbench.store, synthetic.synthetic(), name=name, shuffled=shuffled)
        workbench.build_index(collection)
        submitted[name] = jobs.submit(workbench, workbench.store.collections.get(name), CONFIG, "ann")
    with Worker(settings):
        return {name: ended(workbench.store, settings, job) for name, job in submitted.items()}


def expected_grades(workbench, collection, version, queries):
    """(query_id, doc_id) -> expected grade"""
    rankings = workbench.pipeline(collection, version).rank(queries, PLAN)
    return {(r.query_id, d.doc_id): d.raw_score for r in rankings for d in r.documents}


def queries_of(workbench, collection, split):
    return [q for q in workbench.store.collections.queries(collection.collection_id) if q.split is split]


def test_true_labels_lift_the_ranking_beyond_bm25_and_the_base(workbench, jobs_done):
    done = jobs_done["true"]
    assert done.state is JobState.DONE, done.error
    assert done.result["promote"], done.result["refusals"]
    report = workbench.store.evaluations.get(done.result["evaluation_id"]).report
    primary = report["measures"]["nDCG@10"]
    assert report["queries"] == 12
    assert [stage["name"] for stage in done.result["stages"]] == ["sft"]
    assert primary["interval"][0] > 0
    assert primary["versus_bm25"]["low"] > 0
    assert primary["bm25"] < 0.9


def test_shuffled_labels_are_refused(workbench, jobs_done):
    done = jobs_done["shuffled"]
    assert done.state is JobState.DONE, done.error
    assert not done.result["promote"]
    collection = workbench.store.collections.get("shuffled")
    version = workbench.store.versions.get(done.result["version_id"])
    with pytest.raises(PromotionRefusedError, match=r"95 % interval .* the lower end is not above 0"):
        versions.promote(workbench, collection, version, actor="ann")
    assert workbench.champion(collection).version_id == BASE_VERSION_ID


def test_weights_changed_and_corrected_pairs_moved_towards_the_correction(workbench, jobs_done, settings):
    version = workbench.store.versions.get(jobs_done["true"].result["version_id"])
    weights = load_file(settings.home / version.adapter_path / "adapter_model.safetensors")
    # A new adapter's B matrices are zero: whatever they hold was learnt.
    assert all(tensor.abs().max() > 0 for name, tensor in weights.items() if "lora_B" in name)
    collection = workbench.store.collections.get("true")
    training = queries_of(workbench, collection, Split.TRAIN)
    before = expected_grades(workbench, collection, workbench.base_version(), training)
    after = expected_grades(workbench, collection, version, training)
    grades = synthetic.synthetic().grades
    nearer = sum(abs(after[pair] - grades[pair]) < abs(before[pair] - grades[pair]) for pair in after)
    assert nearer / len(after) > 0.8


def test_the_promoted_version_ranks_and_rolling_back_restores_the_scores(workbench, jobs_done):
    collection = workbench.store.collections.get("true")
    version = workbench.store.versions.get(jobs_done["true"].result["version_id"])
    queries = queries_of(workbench, collection, Split.HELDOUT)[:3]
    before = expected_grades(workbench, collection, workbench.champion(collection), queries)
    versions.promote(workbench, collection, version, actor="ann")
    champion = workbench.champion(collection)
    (ranking,) = workbench.pipeline(collection, champion).rank(queries[:1], replace(PLAN, depth=3))
    assert ranking.version_id == version.version_id
    assert expected_grades(workbench, collection, champion, queries) != before
    assert versions.rollback(workbench, collection, actor="ann").version_id == BASE_VERSION_ID
    after = expected_grades(workbench, collection, workbench.champion(collection), queries)
    assert after == pytest.approx(before, abs=1e-6)
