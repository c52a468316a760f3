"""Is a difference between two systems more than luck? Paired over queries.

Source: Smucker, Allan, Carterette 2007 (CIKM), paired randomization test; Efron's percentile bootstrap.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXACT_UP_TO = 14
"""Queries up to which every assignment of signs is tried (2^14 = 16,384); above, `SAMPLES` random ones."""
SAMPLES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """System minus baseline, over the same queries."""

    mean: float
    p_value: float
    """Two-sided; 1.0 where there is no difference at all."""
    low: float
    high: float
    """95 % bootstrap interval of the mean difference."""
    wins: int
    losses: int
    queries: int


def paired(system: Sequence[float], baseline: Sequence[float], *, seed: int = 0) -> Difference:
    """Compare two systems query by query; both lists in the same query order, at least one query."""
    if not system or len(system) != len(baseline):
        raise ValueError("paired needs two lists of the same length, with at least one query")
    differences = np.asarray(system, dtype=float) - np.asarray(baseline, dtype=float)  # (Q,)
    low, high = mean_interval(differences, seed=seed)
    return Difference(
        mean=float(differences.mean()),
        p_value=_randomization(differences, seed),
        low=low,
        high=high,
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
        queries=int(differences.size),
    )


def mean_interval(values: Sequence[float] | np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of at least one value."""
    given = np.asarray(values, dtype=float)  # (Q,)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, given.size, size=(SAMPLES, given.size))
    low, high = np.percentile(given[drawn].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def _randomization(differences: np.ndarray, seed: int) -> float:
    """Share of sign assignments whose mean is at least as far from 0; (1 + hits) / (1 + n) where sampled."""
    observed = abs(differences.mean())
    queries = differences.size
    if queries <= EXACT_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=queries)))  # (2^Q, Q)
        means = np.abs(signs @ differences) / queries
        return float((means >= observed - 1e-12).mean())
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array((-1.0, 1.0)), size=(SAMPLES, queries))
    means = np.abs(signs @ differences) / queries
    return float((1 + (means >= observed - 1e-12).sum()) / (1 + SAMPLES))
