"""Supervised fine-tuning: learn the grade and the explanation people gave.

An example's loss is that of its grade's token plus `explanation_weight` times the mean of its other tokens
(Distilling Step-by-Step, arXiv 2305.02301), and a batch's loss is the mean over its examples, so that a long
explanation does not drown a grade.
"""

from collections.abc import Sequence

import torch

from training.examples import Example
from training.objectives import packed
from training.objectives.packed import Measured, Objective
from training.packing import Pack
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
    objective = Objective(
        loss=loss,
        units=lambda every: [[one] for one in every],
        units_per_step=config.batch_size,
        explanation_weight=config.explanation_weight,
        curves=("grade_accuracy",),
    )
    return packed.train(examples, setup, config, objective, on_metrics=on_metrics, should_stop=should_stop)


def loss(logits: torch.Tensor, pack: Pack) -> Measured:
    """Weighted token losses, and how many grades are the likeliest token."""
    targets = pack.targets.to(logits.device)
    losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    right = int((logits.argmax(-1) == targets)[pack.grades.to(logits.device)].sum())
    total = (losses * pack.weights.to(logits.device)).sum()
    return Measured(loss=total, figures={"grade_accuracy": (right, len(pack.members))})
