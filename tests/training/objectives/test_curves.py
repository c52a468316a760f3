"""Every objective's curve on a tiny model is the recorded one. After an intended change, record it anew:

python -c "from tests.training.objectives.test_curves import record; record()"
"""

import json
import tempfile
from pathlib import Path

import pytest

from engine.lm.base import Adapter, Choose
from engine.lm.local import LocalLM
from tests.training.objectives.stages import Curve, run
from tests.training.objectives.students import examples, taught, undecided
from training.objectives import grpo_reasoned, grpo_warmup, reward_weighted, score_learning, sft
from training.options import Grpo, RewardWeighted, Warmup
from training.recipes import TrainConfig

GOLDEN = Path(__file__).parents[2] / "golden" / "curves.json"
EXAMPLES = examples(8)
CONFIG = TrainConfig(
    epochs=2,
    learning_rate=2e-3,
    batch_size=4,
    weighted=RewardWeighted(answers=4, max_tokens=30),
    warmup=Warmup(steps=4, prompts_per_step=2, learning_rate=3e-3),
    grpo=Grpo(steps=4, prompts_per_step=2, learning_rate=3e-3, max_tokens=30),
)
RECORDED = {
    "sft": (sft, ("loss",)),
    "score-learning": (score_learning, ("loss", "pair_accuracy")),
    "reward-weighted-sft": (reward_weighted, ("reward", "unreadable", "loss")),
    "grpo-warmup": (grpo_warmup, ("reward", "unreadable", "kl", "grad_norm")),
    "grpo-reasoned": (grpo_reasoned, ("reward", "unreadable", "kl", "grad_norm")),
}
"""Objective -> its module, and the figures that are compared. GRPO's loss is near 0 whatever is learnt."""


def student(folder):
    return taught(folder, undecided(EXAMPLES), steps=60)


def curves(name, base, folder):
    """The recorded figures of an objective, over its steps."""
    objective, figures = RECORDED[name]
    curve = Curve()
    run(objective, folder, base, EXAMPLES, CONFIG, curve)
    return {figure: curve.of(figure) for figure in figures}


def record():
    """Write the curves as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        base = student(Path(folder) / "student")
        found = {name: curves(name, base, Path(folder) / name) for name in RECORDED}
    rounded = {
        name: {figure: [round(value, 6) for value in values] for figure, values in of.items()}
        for name, of in found.items()
    }
    GOLDEN.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module", params=RECORDED)
def learnt(request, tmp_path_factory, base):
    """An objective's name, its curves and its adapter."""
    folder = tmp_path_factory.mktemp("learnt")
    return request.param, curves(request.param, base, folder), folder / "adapter"


def test_the_curve_is_the_recorded_one(learnt):
    name, found, _ = learnt
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    assert found.keys() == recorded.keys()
    for figure, values in recorded.items():
        assert found[figure] == pytest.approx(values, rel=0.02, abs=1e-3), figure


def test_the_given_grades_are_likelier_after_it(learnt, base):
    _, _, adapter = learnt
    before = LocalLM.load(base, device="cpu")
    after = before.adapted(Adapter(name="learnt", path=adapter))
    asks = [Choose(messages=one.messages, choices=one.choices) for one in EXAMPLES]
    right = [
        sum(answer.probabilities[str(one.grade)] for one, answer in zip(EXAMPLES, lm.choose(asks), strict=True))
        for lm in (before, after)
    ]
    assert right[1] > right[0]
