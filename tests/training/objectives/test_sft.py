import json
import math
import shutil

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from data.errors import TrainingError
from tests.training.making import example, examples
from tests.training.objectives.stages import Curve, run, setup_in
from training import checkpoints
from training.objectives import packed, sft
from training.recipes import TrainConfig
from training.stopping import Stopped, never
from training.watch import CURVES


def train(*given, **named):
    return run(sft, *given, **named)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, tiny_model):
    """A finished training: its folder, curve and outcome."""
    folder, curve = tmp_path_factory.mktemp("uninterrupted"), Curve()
    return folder, curve, train(folder, tiny_model, examples(14), curve=curve)


def test_the_loss_falls_and_every_step_is_reported(uninterrupted):
    _, curve, outcome = uninterrupted
    assert [step for step, _ in curve.points] == list(range(1, 13))
    assert all(set(figures) == {*CURVES, "grade_accuracy"} for _, figures in curve.points)
    first, last = curve.points[0][1]["loss"], outcome.loss
    assert last < first
    assert (outcome.steps, outcome.examples, outcome.too_long) == (12, 14, 0)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_the_adapter_is_peft_s_layout_and_changes_the_base_s_answers(uninterrupted, tiny_model):
    folder, _, _ = uninterrupted
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert (config["peft_type"], config["r"], config["lora_alpha"]) == ("LORA", 16, 32)
    weights = load_file(folder / "adapter" / "adapter_model.safetensors")
    assert any(name.endswith("lora_B.weight") and tensor.abs().max() > 0 for name, tensor in weights.items())
    assert not any("lm_head" in name for name in weights)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        before = base(ids).logits
        after = PeftModel.from_pretrained(base, folder / "adapter")(ids).logits
    assert (before - after).abs().max() > 1e-3


def test_a_stopped_training_goes_on_as_if_nothing_had_been(uninterrupted, tmp_path, tiny_model):
    folder, curve, outcome = uninterrupted
    first = Curve(stop_after=5)
    with pytest.raises(Stopped):
        train(tmp_path, tiny_model, examples(14), curve=first)
    reached = checkpoints.step_of(checkpoints.newest(tmp_path / "checkpoints"))
    assert reached == len(first.points) == 5
    assert not (tmp_path / "adapter").exists()
    second = Curve()
    resumed = train(tmp_path, tiny_model, examples(14), curve=second)
    assert first.points + second.points == curve.points
    assert resumed.loss == outcome.loss
    one, other = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (folder, tmp_path))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_cut_short_by_a_kill_is_not_used(uninterrupted, tmp_path, tiny_model):
    _, curve, _ = uninterrupted
    first = Curve(stop_after=4)
    with pytest.raises(Stopped):
        train(tmp_path, tiny_model, examples(14), curve=first)
    broken = tmp_path / "checkpoints" / "checkpoint-9"
    broken.mkdir()
    (broken / "trainer_state.json").write_text("{")
    second = Curve()
    train(tmp_path, tiny_model, examples(14), curve=second)
    assert first.points + second.points == curve.points


def test_training_on_from_a_parent_starts_where_it_was(uninterrupted, tmp_path, tiny_model):
    folder, curve, _ = uninterrupted
    again = Curve()
    config = TrainConfig(epochs=1, learning_rate=1e-6, start_from="champion")
    train(tmp_path, tiny_model, examples(14), config, again, parent=folder / "adapter")
    mean = sum(figures["loss"] for _, figures in again.points) / len(again.points)
    assert mean < curve.points[0][1]["loss"]
    parent, child = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (folder, tmp_path))
    assert parent.keys() == child.keys()
    assert all((parent[name] - child[name]).abs().max() < 1e-4 for name in parent)


def test_a_parent_that_names_another_base_is_trained_on_the_given_one(uninterrupted, tmp_path, tiny_model):
    folder, _, _ = uninterrupted
    parent = tmp_path / "shipped"
    shutil.copytree(folder / "adapter", parent)
    file = parent / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"base_model_name_or_path": "a-name"}))
    train(tmp_path, tiny_model, examples(4), TrainConfig(epochs=1), parent=parent)
    trained = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert trained["base_model_name_or_path"] == str(tiny_model)


def test_too_long_examples_are_left_out_and_counted_never_cut(tmp_path, tiny_model):
    long = example(99, grade=1, text="word " * packed.MAX_TOKENS)
    outcome = train(tmp_path, tiny_model, [*examples(4), long], TrainConfig(epochs=1))
    assert (outcome.examples, outcome.too_long) == (4, 1)


def test_so_many_steps_and_no_more_with_the_learning_rate_at_its_end(tmp_path, tiny_model):
    curve = Curve()
    outcome = train(tmp_path, tiny_model, examples(8), TrainConfig(epochs=2, batch_size=2, max_steps=3), curve)
    assert outcome.steps == 3
    rates = curve.of("learning_rate")
    assert rates == pytest.approx([3e-4, 2e-4, 1e-4])
    assert math.isfinite(outcome.loss)


def test_more_steps_than_its_epochs_have_are_not_made(tmp_path, tiny_model):
    config = TrainConfig(epochs=1, batch_size=4, max_steps=100)
    assert train(tmp_path, tiny_model, examples(8), config).steps == config.steps(8, 4) == 2


def test_nothing_that_fits_is_an_error_with_the_mend(tmp_path, tiny_model):
    with pytest.raises(TrainingError, match="more than 2048 tokens") as caught:
        train(tmp_path, tiny_model, [example(99, grade=1, text="word " * packed.MAX_TOKENS)])
    assert "guidelines" in caught.value.mend


def test_a_loss_that_is_no_number_stops_the_training(tmp_path, tiny_model):
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with torch.no_grad():
        base.lm_head.weight[0, 0] = math.nan
    broken = tmp_path / "broken"
    base.save_pretrained(broken)
    for file in tiny_model.iterdir():
        if not (broken / file.name).exists():
            (broken / file.name).write_bytes(file.read_bytes())
    with pytest.raises(TrainingError, match="not a number") as caught:
        train(tmp_path, broken, examples(4))
    assert "learning rate" in caught.value.mend


def test_with_little_memory_the_same_is_learnt(uninterrupted, tmp_path, tiny_model, caplog):
    _, curve, _ = uninterrupted
    tight = Curve()
    setup = setup_in(tmp_path, tiny_model, free_bytes=1000)
    config = TrainConfig(epochs=3, learning_rate=1e-2)
    with caplog.at_level("INFO", logger="training.objectives.packed"):
        sft.train(examples(14), setup, config, on_metrics=tight.on_metrics, should_stop=never)
    assert "computed twice" in caplog.text
    losses, expected = ([figures["loss"] for _, figures in c.points] for c in (tight, curve))
    assert losses == pytest.approx(expected, rel=1e-4)


def test_the_seed_decides_the_adapter(tmp_path, tiny_model):
    curves = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        curve = Curve()
        train(tmp_path / name, tiny_model, examples(8), TrainConfig(epochs=1, seed=seed), curve)
        curves.append([figures["loss"] for _, figures in curve.points])
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_nobody_asks_it_to_stop_by_default():
    assert never() is False
