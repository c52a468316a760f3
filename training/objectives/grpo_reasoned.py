"""GRPO on explanation and grade (Rank-R1, arXiv 2503.06034; ERank, arXiv 2509.00520; rewards as TFRank's, 2508.09539).

The model goes on where ranking lets it go on, and its whole answer is measured: can it be read, how far is the grade
from the one that was given, do its quotes stand in the document, is it as short as the prompt asks.
"""

from collections.abc import Sequence
from functools import partial

from training import rewards
from training.examples import Example
from training.objectives import grpo
from training.objectives.grpo import FORM, Objective
from training.recipes import OnMetrics, StageSetup, TrainConfig, TrainingOutcome
from training.stopping import ShouldStop


def train(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """A `training.recipes.Trainer`."""
    options = config.grpo
    objective = Objective(
        options=options,
        prompt=lambda example: example.messages,
        counted=lambda example: example.messages[-1].content,
        rewards={
            FORM: rewards.form,
            "grade": rewards.grade,
            "evidence": rewards.evidence,
            "length": partial(rewards.length, most_words=options.explanation_words),
        },
        weights={
            FORM: options.format_weight,
            "grade": options.grade_weight,
            "evidence": options.evidence_weight,
            "length": options.length_weight,
        },
        max_tokens=options.max_tokens,
    )
    return grpo.train(examples, setup, config, objective, on_metrics=on_metrics, should_stop=should_stop)
