import random
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from data.errors import SettingsError, TrainingError
from engine.lm.base import Adapter, Choose
from engine.lm.local import LocalLM
from tests.training.objectives.stages import Curve, run, setup_in
from tests.training.objectives.students import examples, taught, undecided
from training import checkpoints
from training.objectives import grpo, grpo_reasoned, grpo_warmup, packed, sft
from training.options import Grpo, Warmup
from training.recipes import TrainConfig
from training.stopping import Stopped, never

EXAMPLES = examples(8)
STEPS = 12
WARMUP = Warmup(steps=STEPS, learning_rate=3e-3)
REASONED = Grpo(steps=STEPS, learning_rate=3e-3, max_tokens=30)
CONFIG = TrainConfig(warmup=WARMUP, grpo=REASONED)
SHOWN = {"loss", "grad_norm", "learning_rate", "reward", "kl", "entropy", "unreadable", "clipped"} | {
    "completion_tokens",
    "same_reward",
    "reward_form",
    "reward_grade",
}
OBJECTIVES = [grpo_warmup, grpo_reasoned]
NAMES = ["warmup", "reasoned"]


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """Right half of the time."""
    return taught(tmp_path_factory.mktemp("student"), undecided(EXAMPLES), steps=60)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, student):
    """Of each objective: folder, curve, outcome."""
    found = {}
    for objective in OBJECTIVES:
        folder, curve = tmp_path_factory.mktemp("learnt"), Curve()
        found[objective] = folder, curve, run(objective, folder, student, EXAMPLES, CONFIG, curve)
    return found


def right(lm):
    """Probability of the given grade, summed over the examples."""
    answers = lm.choose([Choose(messages=one.messages, choices=one.choices) for one in EXAMPLES])
    return sum(answer.probabilities[str(one.grade)] for one, answer in zip(EXAMPLES, answers, strict=True))


def config(**changes):
    return TrainConfig(warmup=WARMUP.model_copy(update=changes), grpo=REASONED.model_copy(update=changes))


@pytest.mark.parametrize("objective", OBJECTIVES, ids=NAMES)
def test_every_step_tells_everything(learnt, objective):
    _, curve, outcome = learnt[objective]
    shown = SHOWN | ({"reward_evidence", "reward_length"} if objective is grpo_reasoned else set())
    assert [step for step, _ in curve.points] == list(range(1, STEPS + 1))
    assert all(set(figures) == shown for _, figures in curve.points)
    assert (outcome.steps, outcome.examples, outcome.too_long) == (STEPS, len(EXAMPLES), 0)
    assert set(outcome.figures) == shown - {"loss", "grad_norm", "learning_rate"}
    assert outcome.figures["reward"] == pytest.approx(sum(curve.of("reward")) / STEPS)
    assert all(0 <= figures["reward"] <= 1 for _, figures in curve.points)
    assert curve.of("kl")[0] == pytest.approx(0, abs=1e-6) and max(curve.of("kl")) > 0.01


@pytest.mark.parametrize("objective", OBJECTIVES, ids=NAMES)
def test_rewards_rise_and_the_right_grade_gets_likelier(learnt, student, objective):
    folder, curve, _ = learnt[objective]
    rewards = curve.of("reward")
    assert sum(rewards[-4:]) > sum(rewards[:4]) + 0.2
    base = LocalLM.load(student, device="cpu")
    assert right(base.adapted(Adapter(name="learnt", path=folder / "adapter"))) > right(base) + 1


@pytest.mark.parametrize("objective", OBJECTIVES, ids=NAMES)
def test_stopped_in_the_middle_of_a_step_it_goes_on_as_if_nothing_had_been(learnt, tmp_path, student, objective):
    folder, curve, outcome = learnt[objective]
    first, second = Curve(stop_after=6), Curve()
    with pytest.raises(Stopped):
        run(objective, tmp_path, student, EXAMPLES, CONFIG, first)
    assert len(first.points) == 5
    assert 1 <= checkpoints.step_of(checkpoints.newest(tmp_path / "checkpoints")) <= 5
    resumed = run(objective, tmp_path, student, EXAMPLES, CONFIG, second)
    assert {**dict(first.points), **dict(second.points)} == dict(curve.points)
    assert resumed.figures == outcome.figures
    one, other = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (folder, tmp_path))
    assert all(one[name].equal(other[name]) for name in one)


def test_with_a_parent_distance_is_that_to_the_parent_resumed_or_not(tmp_path, student):
    run(sft, tmp_path / "parent", student, EXAMPLES, TrainConfig(epochs=4, learning_rate=5e-3))
    parent = tmp_path / "parent" / "adapter"
    given = (student, EXAMPLES, config(steps=5))
    whole, first, second = Curve(), Curve(stop_after=3), Curve()
    run(grpo_reasoned, tmp_path / "whole", *given, whole, parent=parent)
    with pytest.raises(Stopped):
        run(grpo_reasoned, tmp_path / "parts", *given, first, parent=parent)
    run(grpo_reasoned, tmp_path / "parts", *given, second, parent=parent)
    assert {**dict(first.points), **dict(second.points)} == dict(whole.points)
    assert whole.of("kl")[0] == pytest.approx(0, abs=1e-6)
    # The adapter alone, not the copy of the parent that the distance is measured to.
    names = {path.name for path in (tmp_path / "whole" / "adapter").iterdir()}
    assert names == {path.name for path in parent.iterdir()}
    assert (
        load_file(parent / "adapter_model.safetensors").keys()
        == load_file(tmp_path / "whole" / "adapter" / "adapter_model.safetensors").keys()
    )


def test_without_a_weight_for_distance_it_is_not_measured(tmp_path, student):
    curve = Curve()
    outcome = run(grpo_warmup, tmp_path, student, EXAMPLES, config(steps=1, beta=0.0), curve)
    assert not curve.of("kl") and "kl" not in outcome.figures


def test_answers_that_are_cut_off_are_counted_and_unreadable(tmp_path, student):
    outcome = run(grpo_reasoned, tmp_path, student, EXAMPLES, config(steps=2, max_tokens=8))
    assert outcome.figures["unreadable"] >= outcome.figures["clipped"] > 0.9
    assert outcome.figures["reward"] < 0.1


def test_groups_that_all_earn_the_same_are_counted(tmp_path, tmp_path_factory):
    sure = taught(tmp_path_factory.mktemp("sure"), EXAMPLES, steps=80)
    outcome = run(grpo_reasoned, tmp_path, sure, EXAMPLES, config(steps=2, temperature=0.05))
    assert outcome.figures["same_reward"] == 1.0
    assert outcome.figures["reward"] == 1.0


def test_reason_first_is_warmed_up_after_the_explanation(tmp_path, tmp_path_factory):
    given = examples(8, form="reason-first")
    base = taught(tmp_path_factory.mktemp("reasons"), given, steps=60)
    assert grpo_warmup.before_grade(given[1])[-1].content == 'Explanation: It says "answers" there.\n'
    said = replace(EXAMPLES[1], completion='1\nExplanation: It says "Grade: 3".')
    assert grpo_warmup.before_grade(said)[-1].content == ""
    for objective in OBJECTIVES:
        outcome = run(objective, tmp_path / objective.__name__, base, given, config(steps=2))
        assert outcome.figures["reward_form"] > 0.5


def test_too_long_prompts_are_left_out_and_counted(tmp_path, student):
    turns = EXAMPLES[0].messages
    words = replace(turns[1], content=turns[1].content + " x" * packed.MAX_TOKENS)
    long = replace(EXAMPLES[0], messages=(turns[0], words, *turns[2:]))
    outcome = run(grpo_warmup, tmp_path, student, [*EXAMPLES[:2], long], config(steps=1))
    assert (outcome.examples, outcome.too_long) == (2, 1)
    with pytest.raises(TrainingError, match="more than 2048 tokens"):
        run(grpo_warmup, tmp_path / "all", student, [long], CONFIG)


def test_with_little_memory_the_same_is_learnt(learnt, tmp_path, student, caplog):
    _, curve, _ = learnt[grpo_reasoned]
    tight, setup = Curve(), setup_in(tmp_path, student, free_bytes=1000)
    with caplog.at_level("INFO", logger="training.objectives.grpo"):
        grpo_reasoned.train(EXAMPLES, setup, config(steps=2), on_metrics=tight.on_metrics, should_stop=never)
    assert "computed twice" in caplog.text
    assert tight.of("reward")[0] == curve.of("reward")[0]
    assert tight.of("grad_norm")[0] == pytest.approx(curve.of("grad_norm")[0], rel=1e-3)


def test_weights_that_are_no_numbers_stop_the_training(tmp_path, student):
    broken = shutil.copytree(student, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["lm_head.weight"][0, 0] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError, match="not a number") as caught:
        run(grpo_warmup, tmp_path, broken, EXAMPLES, config(steps=1))
    assert "learning rate" in caught.value.mend


def test_nothing_is_printed_but_the_log(tmp_path, student, capsys):
    run(grpo_warmup, tmp_path, student, EXAMPLES, config(steps=1))
    assert capsys.readouterr().out == ""


def test_a_server_that_samples_needs_a_gpu_here_too(tmp_path, student):
    with pytest.raises(SettingsError, match="CUDA") as caught:
        run(grpo_warmup, tmp_path, student, EXAMPLES, config(vllm_url="http://127.0.0.1:1"))
    assert "vllm_url" in caught.value.mend


def test_prompts_come_in_whole_passes():
    found = grpo.order(5, 12, seed=1)
    assert sorted(found[:5]) == sorted(found[5:10]) == list(range(5))
    assert found[:5] != found[5:10] and len(found) == 12
    assert found == grpo.order(5, 12, seed=1) != grpo.order(5, 12, seed=2)
    state = random.getstate()
    grpo.order(5, 12, seed=1)
    assert random.getstate() == state


@pytest.mark.parametrize("weights", [{"format_weight": 0, "grade_weight": 0}])
def test_a_reward_has_a_weight(weights):
    with pytest.raises(ValueError, match="weights of the reward are 0"):
        Warmup(**weights)
    assert Grpo(**weights).evidence_weight > 0
