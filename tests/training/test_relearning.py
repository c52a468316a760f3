"""The learning-curve job on a model that can learn: run in this process, stopped, taken up, and drawn again."""

import json
import os

import pytest

from data.errors import TrainingError
from data.records import Alias, JobState, utc_now
from data.settings import Settings
from engine.pipeline import Plan
from engine.workbench import Workbench
from tests import synthetic
from training import jobs, points
from training.evaluations import evaluate_version
from training.heartbeat import STALE_SECONDS, Heartbeat
from training.learning import LearnConfig
from training.recipes import TrainConfig
from training.stopping import Stopped
from training.work import Work

pytestmark = [
    pytest.mark.slow,
    # PEFT reads a name that transformers 5 renamed.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]
TRAIN = TrainConfig(
    recipe="sft", start_from="champion", teacher_limit=0, epochs=2, learning_rate=5e-3, batch_size=8, depth=4
)
CONFIG = LearnConfig(counts=(0, 8, 16), per_visit=4, pool_depth=4, fusion_weight=0.0, train=TRAIN)
FIRST = CONFIG.model_copy(update={"counts": (0, 8)})
MADE = synthetic.synthetic(train=6, heldout=10, per_query=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return synthetic.learnable_model(tmp_path_factory.mktemp("model"), MADE)


@pytest.fixture
def workbench(tmp_path, model):
    settings = Settings(home=tmp_path / "home", model=str(model), retriever="bm25s", device="cpu", threads=1)
    with Workbench.open(settings) as opened:
        yield opened


@pytest.fixture
def collection(workbench):
    return workbench.build_index(synthetic.install(workbench.store, MADE))


class StoppedAt(Heartbeat):
    """Hears the word to stop when a stage begins."""

    def __init__(self, store, job_id, stage):
        super().__init__(store, job_id)
        self._at = stage

    def beat(self):
        super().beat()
        if self.stage == self._at:
            self.stop.set()


def work(workbench, job, heartbeat=None):
    claimed = workbench.store.jobs.claim(job.job_id, pid=os.getpid(), now=utc_now(), stale_after_seconds=STALE_SECONDS)
    folder = jobs.folder(workbench.settings, job.job_id)
    folder.mkdir(parents=True, exist_ok=True)
    heartbeat = heartbeat or Heartbeat(workbench.store, job.job_id)
    return Work(
        job=claimed or workbench.store.jobs.get(job.job_id), workbench=workbench, folder=folder, heartbeat=heartbeat
    )


def run(workbench, collection, config):
    job = jobs.submit_learning(workbench, collection, config, "ann")
    return job, jobs.JOBS[job.kind].run(work(workbench, job))


def steps(workbench, job):
    return [metric.step for metric in workbench.store.jobs.metrics(job.job_id, names=["loss"])]


def test_a_curve_goes_from_the_champion_through_more_and_more_corrections(workbench, collection):
    job, result = run(workbench, collection, FIRST)
    assert json.loads(json.dumps(result)) == json.loads(jobs.curve_path(workbench.settings, job.job_id).read_text())
    champion, corrected = result["points"]
    assert (champion["count"], champion["steps"], champion["snapshot_sha256"]) == (0, 0, None)
    # Eight corrections of two queries, twice, in batches of eight.
    assert (corrected["count"], corrected["seed"], corrected["examples"], corrected["steps"]) == (8, 0, 8, 2)
    assert (corrected["corrected_queries"], corrected["by_grade"]) == (2, {"0": 2, "1": 2, "2": 2, "3": 2})
    assert steps(workbench, job) == [1, 2]
    assert corrected["per_query"] != champion["per_query"]
    assert [level["count"] for level in result["levels"]] == [0, 8]
    assert (result["heldout_queries"], result["correctable"], result["looks"], result["whole"]) == (10, 24, 2, True)
    # The first point is what an evaluation of the champion says.
    plan = Plan(method=TRAIN.method, depth=4, fusion_weight=0.0)
    report = evaluate_version(workbench, collection, workbench.champion(collection), plan=plan).report
    primary = report["measures"]["nDCG@10"]
    assert (result["levels"][0]["ndcg"], result["bm25"]) == pytest.approx((primary["system"], primary["bm25"]))
    assert champion["kappa"] == pytest.approx(report["grade_kappa"])
    # Nothing of it becomes a version, and no adapter is left.
    assert workbench.store.versions.alias(collection.collection_id, Alias.CHALLENGER) is None
    assert [version.version_id for version in workbench.store.versions.list()] == ["base"]
    assert list((workbench.settings.jobs_path / job.job_id / "stages").iterdir()) == []


def test_a_stopped_curve_and_a_longer_one_take_up_what_is_measured(workbench, collection):
    job = jobs.submit_learning(workbench, collection, CONFIG, "ann")
    stopping = StoppedAt(workbench.store, job.job_id, "training with 16 corrections, seed 0")
    with pytest.raises(Stopped):
        jobs.JOBS[job.kind].run(work(workbench, job, stopping))
    so_far = json.loads(jobs.curve_path(workbench.settings, job.job_id).read_text())
    assert [point["count"] for point in so_far["points"]] == [0, 8] and not so_far["whole"]
    reached = len(steps(workbench, job))
    assert 2 < reached < 6
    again = jobs.JOBS[job.kind].run(work(workbench, job))
    assert [point["count"] for point in again["points"]] == [0, 8, 16]
    assert again["points"][:2] == so_far["points"]
    assert steps(workbench, job) == list(range(1, 7))
    # Another curve, asked for the same and more, trains only what is new.
    seeds = CONFIG.model_copy(update={"seeds": (0, 1), "once_from": 16})
    other, result = run(workbench, collection, seeds)
    assert [(point["count"], point["seed"]) for point in result["points"]] == [(0, None), (8, 0), (8, 1), (16, 0)]
    assert [p for p in result["points"] if p["seed"] != 1] == again["points"]
    assert len(steps(workbench, other)) == 2
    assert points.looks(workbench.settings, result["heldout_sha256"]) == result["looks"] == 4
    assert set(result["levels"][1]["seeds"]) == {"0", "1"}


def test_more_than_there_is_and_candidates_nobody_judged(workbench):
    unlabelled = {pair: grade for pair, grade in MADE.grades.items() if grade in (0, 3) or pair[0] >= "q06"}
    made = synthetic.Synthetic(documents=MADE.documents, queries=MADE.queries, grades=unlabelled)
    collection = workbench.build_index(synthetic.install(workbench.store, made))
    most = CONFIG.model_copy(update={"counts": (0, 1000), "train": TRAIN.model_copy(update={"epochs": 1})})
    _, result = run(workbench, collection, most)
    assert (result["points"][1]["count"], result["points"][1]["assumed"], result["there"]) == (12, 0, 12)
    _, result = run(workbench, collection, most.model_copy(update={"assume_unlabelled_zero": True}))
    point = result["points"][1]
    assert (point["count"], point["assumed"], point["by_grade"]) == (24, 12, {"0": 18, "3": 6})
    assert any("assumed" in warning for warning in result["warnings"])


def test_people_who_judged_only_what_no_search_finds_are_told(workbench):
    far = {pair: grade for pair, grade in MADE.grades.items() if pair[0] >= "q06"}
    far |= {(f"q{i:02}", f"q{i + 6:02}-0"): i % 4 for i in range(4)}  # documents of other topics
    made = synthetic.Synthetic(documents=MADE.documents, queries=MADE.queries, grades=far)
    collection = workbench.build_index(synthetic.install(workbench.store, made))
    with pytest.raises(TrainingError, match="None of the 4 pairs people graded is among the first 4 documents"):
        run(workbench, collection, CONFIG)


def test_a_waiting_curve_can_be_cancelled(workbench, collection):
    job = jobs.submit_learning(workbench, collection, CONFIG, "ann")
    assert jobs.cancel(workbench, job.job_id).state is JobState.CANCELLED
