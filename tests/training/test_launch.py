"""A stage in processes of its own: what goes in, what comes out, and how it ends."""

import os
import subprocess
import sys

import pytest

from data.errors import TrainingError
from tests.training.making import example
from tests.training.objectives.stages import Curve, setup_in
from tests.training.objectives.students import examples, taught, undecided
from training import launch
from training.objectives import packed
from training.options import RewardWeighted, Warmup
from training.recipes import GRPO_WARMUP, REWARD_WEIGHTED, SFT, TrainConfig
from training.stopping import Stopped

EXAMPLES = examples(8)
CONFIG = TrainConfig(
    epochs=4,
    learning_rate=2e-3,
    batch_size=4,
    weighted=RewardWeighted(answers=2, max_tokens=30),
    warmup=Warmup(steps=3, prompts_per_step=2, generations=4, learning_rate=3e-3),
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("base"), undecided(EXAMPLES), steps=60)


def in_processes(folder, base, *, stage=SFT, given=EXAMPLES, command=launch.ALONE, curve=None, config=CONFIG):
    curve = curve or Curve()
    outcome = launch.in_processes(
        stage,
        given,
        setup_in(folder, base),
        config,
        command=command,
        on_metrics=curve.on_metrics,
        should_stop=curve.should_stop,
    )
    return outcome, curve


def here(folder, base, stage=SFT, curve=None, config=CONFIG):
    curve = curve or Curve()
    setup = setup_in(folder, base)
    outcome = launch.train(stage, EXAMPLES, setup, config, on_metrics=curve.on_metrics, should_stop=curve.should_stop)
    return outcome, curve


@pytest.fixture(scope="module")
def expected(tmp_path_factory, base):
    """In this process, as on a machine with one GPU or none."""
    return here(tmp_path_factory.mktemp("here"), base)


def test_another_process_does_the_same_as_this_one(tmp_path, base, expected):
    outcome, curve = in_processes(tmp_path, base)
    assert [step for step, _ in curve.points] == list(range(1, 9))
    assert curve.of("loss") == pytest.approx(expected[1].of("loss"), rel=1e-3)
    assert (outcome.steps, outcome.examples, outcome.too_long) == (8, 8, 0)
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()


def test_told_to_stop_it_does_and_goes_on_another_time(tmp_path, base):
    long = CONFIG.model_copy(update={"epochs": 50, "batch_size": 1})  # 400 steps
    first, second = Curve(stop_after=2), Curve(stop_after=2)
    for curve in (first, second):
        with pytest.raises(Stopped):
            in_processes(tmp_path, base, curve=curve, config=long)
    steps = [step for step, _ in (*first.points, *second.points)]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) < 400
    here_too = Curve(stop_after=len(steps) + 1)
    with pytest.raises(Stopped):
        here(tmp_path / "here", base, curve=here_too, config=long)
    assert first.of("loss") + second.of("loss") == pytest.approx(here_too.of("loss")[: len(steps)], rel=1e-3, abs=1e-4)


def test_an_error_comes_back_with_its_mend(tmp_path, base):
    with pytest.raises(TrainingError, match="more than 2048 tokens") as caught:
        in_processes(tmp_path, base, given=[example(0, text="word " * packed.MAX_TOKENS)])
    assert "guidelines" in caught.value.mend


def test_processes_that_say_nothing_are_an_error(tmp_path, base):
    with pytest.raises(TrainingError, match="ended with code 3"):
        in_processes(tmp_path, base, command=(sys.executable, "-c", "raise SystemExit(3)"))


def test_it_ends_when_nobody_waits_for_it_any_more(tmp_path, base):
    """Whoever asked was killed: the stage stops at its next step, with a checkpoint."""
    command = (sys.executable, "-c", f"import sys; print(open(sys.argv[1] + '/{launch.protocol.ASKED}').read())")
    with pytest.raises(TrainingError):
        in_processes(tmp_path, base, command=command)
    folder = tmp_path / "process"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    asked = folder / launch.protocol.ASKED
    asked.write_text(asked.read_text().replace(f'"parent": {os.getpid()}', f'"parent": {gone.pid}'))
    subprocess.run([*launch.ALONE, str(folder)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert '"stopped"' in (folder / launch.protocol.ENDED).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("stage", [SFT, GRPO_WARMUP, REWARD_WEIGHTED], ids=lambda stage: stage.name)
def test_two_processes_train_one_adapter_together(tmp_path, base, stage):
    outcome, curve = in_processes(tmp_path / "two", base, stage=stage, command=launch.accelerated(2, cpu=True))
    alone, wanted = here(tmp_path / "one", base, stage)
    assert [step for step, _ in curve.points] == [step for step, _ in wanted.points]
    assert (outcome.steps, outcome.examples) == (alone.steps, alone.examples)
    assert (tmp_path / "two" / "adapter" / "adapter_model.safetensors").is_file()
    if stage is not GRPO_WARMUP:  # whose processes draw from chances of their own
        # The same batches, half of them in each process.
        assert curve.of("loss") == pytest.approx(wanted.of("loss"), rel=0.02)
        assert curve.of("grade_accuracy") == pytest.approx(wanted.of("grade_accuracy"))
