"""GRPO on the grade alone: learn to write its line, and the right grade in it (ProRank stage 1, arXiv 2506.03487).

Ranking gives a model the beginning `Grade: ` and reads the probabilities of the digits after it. Here the model writes
that line itself, from its first letter on, so that the reward for the form means something: a model that knows what it
is asked for is a better start for score-learning. A line break ends an answer, so a completion is a few tokens.

Form reason-first: the line comes after the explanation that was given, as it does when such a method ranks.
"""

from collections.abc import Sequence
from dataclasses import replace

from engine.explanation import prompt
from engine.lm.base import Message
from training import rewards
from training.examples import Example
from training.objectives import grpo
from training.objectives.grpo import FORM, Objective
from training.recipes import OnMetrics, StageSetup, TrainConfig, TrainingOutcome
from training.stopping import ShouldStop

MAX_TOKENS = 8
"""`Grade: 2` and a line break have five; three more to be wrong in."""


def train(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """A `training.recipes.Trainer`."""
    options = config.warmup
    objective = Objective(
        options=options,
        prompt=before_grade,
        counted=lambda example: "",
        rewards={FORM: rewards.grade_line, "grade": rewards.exact_grade},
        weights={FORM: options.format_weight, "grade": options.grade_weight},
        max_tokens=MAX_TOKENS,
        ends=("\n",),
    )
    return grpo.train(examples, setup, config, objective, on_metrics=on_metrics, should_stop=should_stop)


def before_grade(example: Example) -> tuple[Message, ...]:
    """The chat up to where the grade's line begins."""
    *turns, start = example.messages
    if start.content == prompt.GRADE:
        return (*turns, replace(start, content=""))
    # The line is the last one, whatever the explanation says.
    answer = start.content + example.completion
    return (*turns, replace(start, content=answer[: answer.rindex(prompt.GRADE)]))
