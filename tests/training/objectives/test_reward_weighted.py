from dataclasses import replace

import pytest
from safetensors.torch import load_file

from data.errors import TrainingError
from data.records import AssessorKind
from engine.lm.base import Adapter, Choose
from engine.lm.local import LocalLM
from tests.training.objectives.stages import Curve, run
from tests.training.objectives.students import examples, taught, undecided
from training import checkpoints
from training.objectives import packed, reward_weighted, sft
from training.objectives.reward_weighted import figures, weigh
from training.options import RewardWeighted
from training.recipes import TrainConfig
from training.sampling import Sample
from training.stopping import Stopped

EXAMPLES = examples(8)
OPTIONS = RewardWeighted(answers=6, max_tokens=30)
CONFIG = TrainConfig(epochs=8, learning_rate=2e-3, batch_size=4, weighted=OPTIONS)
SAMPLED, LEARNT = len(EXAMPLES), 8 * 2
"""Steps."""


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("student"), undecided(EXAMPLES), steps=60)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, student):
    folder, curve = tmp_path_factory.mktemp("learnt"), Curve()
    return folder, curve, run(reward_weighted, folder, student, EXAMPLES, CONFIG, curve)


def right(lm):
    """Probability of the given grade, summed over the examples."""
    answers = lm.choose([Choose(messages=one.messages, choices=one.choices) for one in EXAMPLES])
    return sum(answer.probabilities[str(one.grade)] for one, answer in zip(EXAMPLES, answers, strict=True))


def test_sampling_and_learning_are_told_one_after_the_other(learnt):
    _, curve, outcome = learnt
    assert [step for step, _ in curve.points] == list(range(1, SAMPLED + LEARNT + 1))
    assert outcome.steps == SAMPLED + LEARNT
    sampling, learning = curve.points[:SAMPLED], curve.points[SAMPLED:]
    assert all({"unreadable", "clipped", "completion_tokens", "kept"} <= set(found) for _, found in sampling)
    assert all({"loss", "grade_accuracy"} <= set(found) for _, found in learning)
    assert set(outcome.figures) == {"reward", "unreadable", "clipped", "completion_tokens", "kept"}
    assert outcome.examples == outcome.figures["kept"] * SAMPLED >= SAMPLED
    assert 0.3 < outcome.figures["reward"] < 0.95
    assert outcome.too_long == 0


def test_the_loss_falls(learnt):
    _, curve, _ = learnt
    losses = curve.of("loss")
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])


def test_the_right_answers_are_likelier_after_it(learnt, student):
    folder, _, _ = learnt
    base = LocalLM.load(student, device="cpu")
    assert right(base.adapted(Adapter(name="learnt", path=folder / "adapter"))) > right(base) + 1


@pytest.mark.parametrize("stop_after", [4, SAMPLED + 5], ids=["sampling", "learning"])
def test_stopped_it_goes_on_as_if_nothing_had_been(learnt, tmp_path, student, stop_after):
    folder, curve, outcome = learnt
    first, second = Curve(stop_after=stop_after), Curve()
    with pytest.raises(Stopped):
        run(reward_weighted, tmp_path, student, EXAMPLES, CONFIG, first)
    reached = checkpoints.step_of(checkpoints.newest(tmp_path / "checkpoints"))
    assert reached == (SAMPLED + 5 if stop_after > SAMPLED else 0)
    resumed = run(reward_weighted, tmp_path, student, EXAMPLES, CONFIG, second)
    assert {**dict(first.points), **dict(second.points)} == dict(curve.points)
    assert resumed.figures == outcome.figures
    one, other = (load_file(f / "adapter" / "adapter_model.safetensors") for f in (folder, tmp_path))
    assert all(one[name].equal(other[name]) for name in one)


def test_it_samples_from_the_adapter_it_continues(tmp_path, student):
    sure = TrainConfig(epochs=30, learning_rate=1e-2)
    run(sft, tmp_path / "parent", student, EXAMPLES, sure)
    one_epoch = replace_config(epochs=1)
    found = run(reward_weighted, tmp_path, student, EXAMPLES, one_epoch, parent=tmp_path / "parent" / "adapter")
    assert found.figures["reward"] > 0.95


def replace_config(**changes):
    return TrainConfig(**{**CONFIG.model_dump(), **changes})


def test_too_long_pairs_are_left_out_and_counted(tmp_path, student):
    turns = EXAMPLES[0].messages
    long = replace(
        EXAMPLES[0],
        messages=(turns[0], replace(turns[1], content=turns[1].content + " x" * packed.MAX_TOKENS), turns[2]),
    )
    found = run(reward_weighted, tmp_path, student, [*EXAMPLES[:2], long], replace_config(epochs=1))
    assert found.too_long == 1
    with pytest.raises(TrainingError, match="more than 2048 tokens"):
        run(reward_weighted, tmp_path / "all", student, [long], CONFIG)


RIGHT = 'Grade: 1\nExplanation: It says "answers" there.'
UNFOUNDED = 'Grade: 1\nExplanation: It says "because" there.'
WRONG = 'Grade: 3\nExplanation: It says "because" there.'
UNREADABLE = "Grade: 1\nand so on"
PAIR = EXAMPLES[1]


def sample(text, *, finished=True):
    return Sample(text=text, finished=finished, tokens=10)


def weights(*texts, options=OPTIONS):
    """Completions that are learnt and their weights."""
    return {one.completion: one.weight for one in weigh(PAIR, [sample(text) for text in texts], options).learnt}


GIVEN = PAIR.completion


def test_the_given_answer_is_learnt_always_and_wrong_ones_are_not():
    assert weights(WRONG, WRONG, UNREADABLE) == {GIVEN: 1.0}


def test_an_answer_as_good_as_the_given_one_is_learnt_as_much():
    other = RIGHT.replace("there", "here")
    assert weights(other, WRONG) == {GIVEN: pytest.approx(0.55), other.removeprefix("Grade: "): pytest.approx(0.55)}


def test_what_the_student_gets_right_already_weighs_less_or_nothing():
    assert weights(RIGHT, RIGHT) == {GIVEN: pytest.approx(0.1)}
    assert weights(RIGHT, RIGHT, options=RewardWeighted(easy_weight=0)) == {}
    assert weights(RIGHT, WRONG) == {GIVEN: pytest.approx(0.55)}


def test_rewards_are_stretched_before_they_are_compared_and_their_cube_is_the_weight():
    # Rewards 1/1.75 of the unfounded answer and .19 of the wrong one: stretched .47 and 0.
    assert UNFOUNDED.removeprefix("Grade: ") not in weights(UNFOUNDED, WRONG)
    lenient = RewardWeighted(keep_from=0.4, easy_weight=1.0)
    least = (1 / 3 + 0.25) / 1.75
    stretched = (1.25 / 1.75 - least) / (1 - least)
    assert weights(UNFOUNDED, WRONG, options=lenient)[UNFOUNDED.removeprefix("Grade: ")] == pytest.approx(stretched**3)


def test_an_answer_that_was_cut_off_is_unreadable():
    found = weigh(PAIR, [sample(RIGHT.replace("there", "here"), finished=False)], OPTIONS)
    assert (found.unreadable, found.clipped, found.rewards) == (1, 1, ())
    assert [one.completion for one in found.learnt] == [GIVEN]


def test_an_own_answer_is_written_as_answers_are_and_says_whose_it_is():
    other = 'Grade:  1 \n\nExplanation:  It says\n"answers". '
    _, learnt = weigh(PAIR, [sample(other), sample(WRONG)], OPTIONS).learnt
    assert learnt.completion == '1\nExplanation: It says "answers".'
    assert learnt.closed and learnt.explanation_source is AssessorKind.STUDENT


def test_figures_are_means_over_answers_and_pairs():
    found = [weigh(PAIR, [sample(RIGHT), sample(UNREADABLE)], OPTIONS), weigh(PAIR, [sample(WRONG)] * 2, OPTIONS)]
    wrong = (1 / 3 + 0.25) / 1.75
    assert figures(found) == {
        "reward": pytest.approx((1 + 2 * wrong) / 3),
        "unreadable": 0.25,
        "clipped": 0.0,
        "completion_tokens": 10.0,
        "kept": 1.0,
    }


def test_with_every_pair_right_and_no_weight_for_it_nothing_is_left(tmp_path, tmp_path_factory):
    sure = taught(tmp_path_factory.mktemp("sure"), EXAMPLES, steps=60)
    config = replace_config(weighted=RewardWeighted(answers=1, max_tokens=30, temperature=0.01, easy_weight=0))
    with pytest.raises(TrainingError, match="right already"):
        run(reward_weighted, tmp_path, sure, EXAMPLES, config)
