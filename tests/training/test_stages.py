"""A recipe of two stages: one after the other on one curve, taken up between them, and what they came to."""

import threading

import pytest

from data.records import Job
from tests.training.objectives.students import examples, taught, undecided
from training import jobs
from training.heartbeat import Heartbeat
from training.loop import told, train_stages
from training.options import RewardWeighted, Warmup
from training.recipes import TrainConfig
from training.stopping import Stopped
from training.work import Work

GIVEN = tuple(examples(4))
CONFIG = TrainConfig(
    recipe="prorank", epochs=2, warmup=Warmup(steps=3, prompts_per_step=1, generations=2), learning_rate=1e-3
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("base"), undecided(examples(4)), steps=40)


class Heard(Heartbeat):
    """Remembers what was told."""

    def __init__(self, store, job_id):
        super().__init__(store, job_id)
        self.heard = []

    def beat(self):
        self.heard.append((self.stage, self.progress))


class WhenIn(threading.Event):
    """The word to stop, heard as soon as a curve has so many points."""

    def __init__(self, workbench, name, points):
        super().__init__()
        self._look = lambda: len(workbench.store.jobs.metrics("job", names=[name])) >= points

    def is_set(self):
        return self._look()


@pytest.fixture
def work(workbench, collection, tmp_path):
    workbench.store.jobs.add(Job(job_id="job", kind=jobs.TRAIN, collection_id=collection.collection_id, config={}))

    def made(stop=None):
        heartbeat = Heard(workbench.store, "job")
        heartbeat.stop = stop or heartbeat.stop
        found = Work(job=workbench.store.jobs.get("job"), workbench=workbench, folder=tmp_path, heartbeat=heartbeat)
        found.stage("training", 0.1, 0.6)
        return found

    return made


def trained(work, base, config=CONFIG):
    folder = work.folder / "stages"
    adapter, steps = train_stages(work, config, GIVEN, base=base, parent=None, folder=folder)
    return adapter, steps, told(folder, config)


def losses(workbench):
    return [(metric.step, metric.value) for metric in workbench.store.jobs.metrics("job", names=["loss"])]


def test_the_second_stage_goes_on_where_the_first_ended(work, workbench, base):
    one = work()
    adapter, steps, stages = trained(one, base)
    assert adapter.parent.name == "2-score-learning" and adapter.exists()
    assert [stage["name"] for stage in stages] == ["grpo-warmup", "score-learning"]
    assert [stage["steps"] for stage in stages] == [3, steps - 3]
    assert [step for step, _ in losses(workbench)] == list(range(1, steps + 1))
    assert {"reward", "unreadable", "clipped", "same_reward", "kl"} <= stages[0].keys()
    assert stages[1]["examples"] == 4 and stages[1]["too_long"] == 0
    assert one.heartbeat.stage == "training: score-learning, 2 of 2"
    assert one.heartbeat.progress == pytest.approx(0.6)
    progress = [told for _, told in one.heartbeat.heard]
    assert progress == sorted(progress)


def test_taken_up_in_the_second_stage_the_first_is_not_done_again(work, workbench, base, tmp_path):
    _, _, whole = trained(work(), base)
    curve = losses(workbench)
    (tmp_path / "stages").rename(tmp_path / "before")
    workbench.store.jobs.truncate_metrics("job", after_step=0)
    first = work(WhenIn(workbench, "grade_accuracy", 2))
    with pytest.raises(Stopped):
        trained(first, base)
    done = (tmp_path / "stages" / "1-grpo-warmup" / "outcome.json").stat().st_mtime_ns
    _, _, again = trained(work(), base)
    assert (tmp_path / "stages" / "1-grpo-warmup" / "outcome.json").stat().st_mtime_ns == done
    assert losses(workbench) == curve
    for before, after in zip(whole, again, strict=True):
        assert {**before, "seconds": None} == {**after, "seconds": None}


def test_sampling_stopped_in_a_second_stage_keeps_the_curve_in_one_piece(work, workbench, base):
    weighted = RewardWeighted(answers=2, max_tokens=30)
    config = TrainConfig(recipe="interank", epochs=1, batch_size=2, learning_rate=1e-3, weighted=weighted)
    first = work(WhenIn(workbench, "kept", 3))
    with pytest.raises(Stopped):
        trained(first, base, config)
    _, steps, stages = trained(work(), base, config)
    assert steps == 2 + 4 + 2
    assert [step for step, _ in losses(workbench)] == [1, 2, 7, 8]
    sampled = workbench.store.jobs.metrics("job", names=["kept"])
    assert [metric.step for metric in sampled] == [3, 4, 5, 6]
    assert stages[1]["kept"] >= 1
