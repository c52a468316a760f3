"""Score-learning: put a query's documents into the right order by the grade tokens' logits alone; no new layers.

Per query: binary cross-entropy of the expected grade's share (mxbai-rerank-v2, ProRank stage 2, arXiv 2506.03487), a
RankNet term over its pairs (DeAR stage 1, arXiv 2508.16998) and the cross-entropy of the grade itself, so that the
likeliest grade means what people mean by it. Where an example has an explanation, its tokens are learnt in the same
pass (supervised fine-tuning): the prompt, which is nearly all of the work, is read once for both.
"""

import random
from collections.abc import Sequence

import torch
from torch.nn import functional

from training import losses
from training.examples import Example
from training.objectives import packed
from training.objectives.packed import Measured, Objective
from training.options import ScoreLearning
from training.packing import Pack
from training.recipes import OnMetrics, StageSetup, TrainConfig, TrainingOutcome
from training.stopping import ShouldStop
from training.tokens import Tokenised


def train(
    examples: Sequence[Example],
    setup: StageSetup,
    config: TrainConfig,
    *,
    on_metrics: OnMetrics,
    should_stop: ShouldStop,
) -> TrainingOutcome:
    """A `training.recipes.Trainer`."""
    options = config.score
    objective = Objective(
        loss=lambda logits, pack: loss(logits, pack, options),
        units=lambda every: groups(every, options.group_size, config.seed),
        units_per_step=max(1, config.batch_size // options.group_size),
        explanation_weight=config.explanation_weight,
        curves=("grade_accuracy", "pair_accuracy"),
    )
    return packed.train(examples, setup, config, objective, on_metrics=on_metrics, should_stop=should_stop)


def groups(examples: Sequence[Tokenised], size: int, seed: int) -> list[list[Tokenised]]:
    """Each query's documents in groups of at most `size`, as equal as can be, drawn by `seed`."""
    queries: dict[str, list[Tokenised]] = {}
    for one in examples:
        queries.setdefault(one.query_id, []).append(one)
    found = []
    for query_id, documents in queries.items():
        random.Random(f"{seed} {query_id}").shuffle(documents)
        count = -(-len(documents) // size)
        found += [documents[part::count] for part in range(count)]
    return found


def loss(logits: torch.Tensor, pack: Pack, options: ScoreLearning) -> Measured:
    """The objective's sum over a pack; documents are compared with those of their query in the same pack."""
    logits = logits.float()
    at_grades = logits[pack.grades.to(logits.device)]  # (M, vocabulary)
    total = _explanations(logits, pack)
    right = pairs_right = pairs = 0
    for rows in _queries(pack.members):
        members = [pack.members[row] for row in rows]
        choices = torch.tensor(members[0].choice_ids, device=logits.device)
        of_grades = at_grades[rows][:, choices]  # (N, C)
        targets = torch.tensor([one.target for one in members], device=logits.device)
        grades = torch.tensor([_grade(one) for one in members], device=logits.device)
        weights = torch.tensor([one.weight for one in members], device=logits.device)
        single = options.share_weight * losses.cross_entropy_of_share(of_grades, targets)
        single = single + options.grade_weight * functional.cross_entropy(of_grades, grades, reduction="none")
        scores = losses.score(of_grades)
        together = options.pairwise_weight * losses.ranknet(scores, targets)
        if options.margin_weight:
            together = together + options.margin_weight * losses.margin_mse(of_grades, targets)
        total = total + (single * weights).sum() + together * len(rows)
        right += int((of_grades.argmax(-1) == grades).sum())
        query_right, query_pairs = losses.ordered(scores.detach(), targets)
        pairs_right, pairs = pairs_right + query_right, pairs + query_pairs
    figures = {"grade_accuracy": (float(right), len(pack.members)), "pair_accuracy": (float(pairs_right), pairs)}
    return Measured(loss=total, figures=figures)


def _explanations(logits: torch.Tensor, pack: Pack) -> torch.Tensor:
    """Weighted token losses of everything but the grades; 0 where nothing else is learnt."""
    others = (~pack.grades).nonzero()[:, 0].to(logits.device)
    targets, weights = pack.targets.to(logits.device)[others], pack.weights.to(logits.device)[others]
    return (functional.cross_entropy(logits[others], targets, reduction="none") * weights).sum()


def _queries(members: Sequence[Tokenised]) -> list[list[int]]:
    """Rows of each query's documents."""
    rows: dict[str, list[int]] = {}
    for row, one in enumerate(members):
        rows.setdefault(one.query_id, []).append(row)
    return list(rows.values())


def _grade(one: Tokenised) -> int:
    return one.choice_ids.index(one.completion_ids[one.grade_at])
