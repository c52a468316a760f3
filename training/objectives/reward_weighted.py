"""Reward-weighted fine-tuning: the student's own answers, each learnt as much as it is worth.

InteRank's second stage (arXiv 2504.03947): answers to every pair are sampled from the model the stage begins with, and
the given one is added with the full reward. A pair's rewards are stretched to 0 to 1; the answers from `keep_from` on
are learnt, weighted by the cube of that, and the less the more of the samples have the right grade already. Where the
paper asks an 8B reward model, rewards here are measured (`training.rewards`): the grade, the quotes found in the
document, the length. An answer's loss is that of supervised fine-tuning.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import AutoTokenizer

from data.errors import TrainingError
from data.records import AssessorKind
from engine.explanation import prompt
from engine.lm.base import Adapter
from engine.lm.local import LocalLM
from engine.lm.tokens import Tokens
from training import rewards
from training.examples import Example
from training.objectives import packed, sft
from training.objectives.packed import MAX_TOKENS, Objective
from training.options import RewardWeighted
from training.recipes import OnMetrics, StageSetup, TrainConfig, TrainingOutcome
from training.sampling import OnSampled, Sample, Sampling, sample, wait
from training.stopping import ShouldStop
from training.tokens import Tokenised

POWER = 3
"""Of the reward, as the answer's weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What a pair's answers came to."""

    learnt: tuple[Example, ...]
    """One per answer that is kept, with its weight."""
    rewards: tuple[float, ...]
    """Of the samples that could be read."""
    unreadable: int
    clipped: int
    """Samples that the token limit cut off; unreadable too."""
    tokens: int
    """Of all samples together."""


def train(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """A `training.recipes.Trainer`. A step is a pair sampled, then an optimizer step of `batch_size` pairs."""
    options = config.weighted
    fitting = _fitting(examples, setup, options)
    steps = len(fitting) + config.steps(len(fitting), config.batch_size)
    weighed: list[Weighed] = []

    def sampled(position: int, answers: Sequence[Sample]) -> None:
        weighed.append(weigh(fitting[position], answers, options))
        if setup.rank == 0:
            on_metrics(position + 1, steps, figures(weighed[-1:]))

    _sample(fitting, setup, config, sampled, should_stop)
    learnt = [one for pair in weighed for one in pair.learnt]
    if not learnt:
        raise TrainingError(
            "The student gets the grade of every pair right already, so nothing is left to learn.",
            mend="Set weighted.easy_weight above 0, or judge pairs it gets wrong.",
        )
    objective = Objective(
        loss=sft.loss,
        units=pairs,
        units_per_step=config.batch_size,
        explanation_weight=config.explanation_weight,
        curves=("grade_accuracy",),
    )
    outcome = packed.train(
        learnt, setup, config, objective, on_metrics=on_metrics, should_stop=should_stop, before=len(fitting)
    )
    too_long = outcome.too_long + len(examples) - len(fitting)
    return replace(outcome, too_long=too_long, figures={**outcome.figures, **figures(weighed)})


def weigh(example: Example, answers: Sequence[Sample], options: RewardWeighted) -> Weighed:
    """Measure a pair's answers, and keep those worth learning."""
    given = rewards.asked(example)
    worth = {one.text: _reward(one, given, options) for one in answers}
    found = [reward for one in answers if (reward := worth[one.text]) is not None]
    least = min(found, default=1.0)
    right = sum(rewards.grade(one.text, given) == 1.0 for one in answers if one.finished)
    ease = right / len(answers)
    weight = 1.0 - ease * (1.0 - options.easy_weight)
    kept: dict[str, Example] = {}
    if weight > 0:
        kept[example.completion] = replace(example, weight=example.weight * weight)
        for text, reward in worth.items():
            stretched = 0.0 if reward is None else 1.0 if least == 1.0 else (reward - least) / (1.0 - least)
            if reward is not None and stretched >= options.keep_from:
                learnt = _learnt(example, text, given)
                kept.setdefault(learnt.completion, replace(learnt, weight=example.weight * weight * stretched**POWER))
    return Weighed(
        learnt=tuple(kept.values()),
        rewards=tuple(found),
        unreadable=len(answers) - len(found),
        clipped=sum(not one.finished for one in answers),
        tokens=sum(one.tokens for one in answers),
    )


def figures(weighed: Sequence[Weighed]) -> dict[str, float]:
    """Of some pairs, as curves and result show them."""
    found = [reward for pair in weighed for reward in pair.rewards]
    answers = len(found) + sum(pair.unreadable for pair in weighed)
    means = {
        "unreadable": sum(pair.unreadable for pair in weighed) / answers,
        "clipped": sum(pair.clipped for pair in weighed) / answers,
        "completion_tokens": sum(pair.tokens for pair in weighed) / answers,
        "kept": sum(len(pair.learnt) for pair in weighed) / len(weighed),
    }
    return {"reward": sum(found) / len(found), **means} if found else means


def pairs(examples: Sequence[Tokenised]) -> list[list[Tokenised]]:
    """Answers to the same prompt together, so that it is read once for all of them."""
    found: dict[tuple[int, ...], list[Tokenised]] = {}
    for one in examples:
        found.setdefault(one.prompt_ids, []).append(one)
    return list(found.values())


def _reward(one: Sample, given: rewards.Asked, options: RewardWeighted) -> float | None:
    if not one.finished:
        return None
    found = {
        "grade": rewards.grade(one.text, given),
        "evidence": rewards.evidence(one.text, given),
        "length": rewards.length(one.text, given, most_words=options.explanation_words),
    }
    weights = {
        "grade": options.grade_weight,
        "evidence": options.evidence_weight,
        "length": options.length_weight,
    }
    return rewards.combined(found, weights)


def _learnt(example: Example, text: str, given: rewards.Asked) -> Example:
    """The example with this answer, written as `training.examples` writes answers."""
    answer = prompt.read(text, choices=given.choices, form=given.form)
    if isinstance(answer, prompt.Unreadable):
        raise ValueError(f"an answer with a reward can be read: {answer.reason}")
    whole = prompt.completion(grade=answer.grade, explanation=answer.explanation, form=given.form)
    return replace(
        example,
        grade=answer.grade,
        completion=whole.removeprefix(example.messages[-1].content),
        closed=True,
        explanation_source=AssessorKind.STUDENT,
    )


def _fitting(examples: Sequence[Example], setup: StageSetup, options: RewardWeighted) -> list[Example]:
    """The examples that leave room for an answer."""
    tokens = Tokens(AutoTokenizer.from_pretrained(setup.base, local_files_only=True))
    found = [one for one in examples if len(tokens.prompt(one.messages)) + options.max_tokens <= MAX_TOKENS]
    if not found:
        raise packed.every_too_long()
    return found


def _sample(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    on_sampled: OnSampled,
    should_stop: ShouldStop,
) -> None:
    """Sample from the base with the adapter the stage continues; its memory is given back at the end. Of processes that
    train together the first samples, and the others wait."""
    path = setup.checkpoints.with_name("samples.jsonl")
    if setup.rank > 0:
        wait(path, len(examples), on_sampled=on_sampled, should_stop=should_stop)
        return
    base = LocalLM.load(setup.base, device=setup.device)
    lm = base.adapted(Adapter(name="parent", path=setup.parent) if setup.parent else None)
    sampling = Sampling(
        answers=config.weighted.answers,
        temperature=config.weighted.temperature,
        max_tokens=config.weighted.max_tokens,
        seed=config.seed,
    )
    sample(lm, examples, path, sampling, on_sampled=on_sampled, should_stop=should_stop)
    del base, lm
    gc.collect()
