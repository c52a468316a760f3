"""What score-learning minimises: pure functions of the grades' logits. N documents of one query, C grades.

The score of a document is the logit of its expected grade as a share of the best one, so that it can grow without
bound and orders as the expected grade does.
"""

import torch
from torch import Tensor
from torch.nn import functional


def shares(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Natural logs of the expected grade's share of the best one, and of what is missing to it: (N, C) to (N,), (N,).

    Computed from log-probabilities, so that neither becomes infinite where a share rounds to 0 or 1.
    """
    log_p = functional.log_softmax(logits, dim=-1)
    best = logits.shape[-1] - 1
    share = torch.arange(best + 1, device=logits.device, dtype=logits.dtype) / best
    return torch.logsumexp(log_p[:, 1:] + share[1:].log(), -1), torch.logsumexp(
        log_p[:, :-1] + (1 - share[:-1]).log(), -1
    )


def score(logits: Tensor) -> Tensor:
    """(N, C) to (N,)."""
    reached, missing = shares(logits)
    return reached - missing


def cross_entropy_of_share(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of the expected grade's share against the target's, (N,). Source: mxbai-rerank-v2."""
    reached, missing = shares(logits)
    return -(targets * reached + (1 - targets) * missing)


def ranknet(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean over the query's ordered pairs of log(1 + exp(lower - higher)), a scalar; 0 without such a pair.

    Source: RankNet (Burges et al. 2005), on a language model's grade logits: DeAR, arXiv 2508.16998.
    """
    better = targets[:, None] > targets[None, :]
    if not better.any():
        return scores.sum() * 0.0
    return functional.softplus(scores[None, :] - scores[:, None])[better].mean()


def margin_mse(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the query's pairs of the squared error of share differences, a scalar. Source: arXiv 2010.02666."""
    reached = shares(logits)[0].exp()
    wanted = targets[:, None] - targets[None, :]
    return ((reached[:, None] - reached[None, :] - wanted) ** 2).mean()


def ordered(scores: Tensor, targets: Tensor) -> tuple[int, int]:
    """How many of the query's ordered pairs the scores order as the targets do, and how many there are."""
    better = targets[:, None] > targets[None, :]
    right = (scores[:, None] > scores[None, :]) & better
    return int(right.sum()), int(better.sum())
