import pytest
import torch
from safetensors.torch import load_file

from engine.lm.base import Adapter, Choose
from engine.lm.local import LocalLM
from tests.training.making import example
from tests.training.objectives.stages import Curve, run
from training.objectives import score_learning
from training.objectives.score_learning import groups
from training.recipes import TrainConfig
from training.stopping import Stopped
from training.tokens import Tokenised

CONFIG = TrainConfig(recipe="correct", epochs=12, learning_rate=1e-2, batch_size=8)
WORDS = ("document", "answers", "because", "another")
EXAMPLES = [
    example(i, grade=i % 4, explanation="It says so." if i % 2 else None, text=f"{WORDS[i % 4]} " * 3)
    for i in range(24)
]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, tiny_model):
    folder, curve = tmp_path_factory.mktemp("learnt"), Curve()
    return folder, curve, run(score_learning, folder, tiny_model, EXAMPLES, CONFIG, curve)


def expected_grade(lm, example):
    (answer,) = lm.choose([Choose(messages=example.messages, choices=example.choices)])
    return sum(int(choice) * p for choice, p in answer.probabilities.items())


def test_the_loss_falls_and_the_order_gets_better(learnt):
    _, curve, outcome = learnt
    # Five queries of at most five documents: one group a step, twelve times.
    assert outcome.steps == len(curve.points) == 60
    first, last = curve.of("loss")[:5], curve.of("loss")[-5:]
    assert sum(last) < 0.8 * sum(first)
    pairs = curve.of("pair_accuracy")
    assert sum(pairs[-5:]) > sum(pairs[:5])


def test_the_model_that_ranks_sees_the_same_better_order(learnt, tiny_model):
    folder, _, _ = learnt
    base = LocalLM.load(tiny_model, name="tiny", device="cpu")
    taught = base.adapted(Adapter(name="taught", path=folder / "adapter"))

    def error(lm):
        return sum(abs(expected_grade(lm, one) - one.grade) for one in EXAMPLES)

    assert error(taught) < 0.7 * error(base)


def test_a_stopped_training_goes_on_as_if_nothing_had_been(learnt, tmp_path, tiny_model):
    folder, curve, _ = learnt
    first, second = Curve(stop_after=7), Curve()
    with pytest.raises(Stopped):
        run(score_learning, tmp_path, tiny_model, EXAMPLES, CONFIG, first)
    run(score_learning, tmp_path, tiny_model, EXAMPLES, CONFIG, second)
    assert first.points + second.points == curve.points
    one, other = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (folder, tmp_path))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_without_a_weight_explanations_are_not_even_read(tmp_path, tiny_model):
    curves = []
    for name, given in (("with", EXAMPLES), ("without", [*map(without_explanation, EXAMPLES)])):
        curve = Curve()
        config = TrainConfig(recipe="correct", epochs=1, batch_size=8, explanation_weight=0)
        run(score_learning, tmp_path / name, tiny_model, given, config, curve)
        curves.append(curve.points)
    assert curves[0] == curves[1]


def without_explanation(example):
    from dataclasses import replace

    return replace(example, completion=example.completion[:1], closed=False)


def test_groups_hold_every_document_once_with_those_of_its_query():
    every = [
        Tokenised(prompt_ids=(i,), completion_ids=(0,), grade_at=0, query_id=str(i % 3), choice_ids=(0,))
        for i in range(20)
    ]
    made = groups(every, 4, seed=0)
    assert sorted(one.prompt_ids for group in made for one in group) == [(i,) for i in range(20)]
    assert all(len({one.query_id for one in group}) == 1 for group in made)
    assert sorted(map(len, made)) == [3, 3, 3, 3, 4, 4]
    assert made == groups(every, 4, seed=0) != groups(every, 4, seed=1)
