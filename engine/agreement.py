"""How far assessors agree: confusion, weighted kappa, Krippendorff's alpha, and what several people say together.

Pure arithmetic on judgments. Where a figure is not defined (nothing in common, no variation) the result says so in
words, never a number that looks like one.

Source: Cohen 1968 (weighted kappa, quadratic weights); Krippendorff 2011 (ordinal alpha).
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np
from sklearn.metrics import cohen_kappa_score

from data.settling import Pair, T, resolve_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefined:
    """A figure that has no value here, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two assessors (or groups) on the pairs both graded."""

    pairs: int
    same: float | Undefined
    """Share of pairs with the same grade."""
    kappa: float | Undefined
    """Quadratic weights."""
    alpha: float | Undefined
    """Krippendorff, ordinal."""
    confusion: tuple[tuple[int, ...], ...]
    """[first's grade][second's grade] -> pairs."""


def grades(judgments: Iterable[T]) -> dict[Pair, int]:
    """The grade of each pair that counts: agreed, or settled (see `data.settling`); conflicts are left out."""
    return {pair: how.grade for pair, how in resolve_all(judgments).items() if how.grade is not None}


def conflicts(judgments: Iterable[T]) -> dict[Pair, tuple[int, ...]]:
    """Pairs that got different grades and that nobody settled, with these grades, rising."""
    return {pair: how.grades for pair, how in resolve_all(judgments).items() if how.open}


def qrels(judgments: Iterable[T]) -> dict[str, dict[str, int]]:
    """Labels for evaluation: query_id -> doc_id -> the grade that counts."""
    labels: dict[str, dict[str, int]] = defaultdict(dict)
    for (query_id, doc_id), grade in grades(judgments).items():
        labels[query_id][doc_id] = grade
    return dict(labels)


def agreement(first: Mapping[Pair, int], second: Mapping[Pair, int], levels: Sequence[int]) -> Agreement:
    """Compare two gradings on the pairs both have. `levels` are the scale's grades, rising."""
    common = sorted(first.keys() & second.keys())
    a = [first[pair] for pair in common]
    b = [second[pair] for pair in common]
    counts = Counter(zip(a, b, strict=True))
    nothing = Undefined(reason="no pair was graded by both")
    return Agreement(
        pairs=len(common),
        same=sum(x == y for x, y in zip(a, b, strict=True)) / len(common) if common else nothing,
        kappa=_kappa(a, b, levels) if common else nothing,
        alpha=_alpha(a, b, levels) if common else nothing,
        confusion=tuple(tuple(counts[x, y] for y in levels) for x in levels),
    )


def _kappa(a: Sequence[int], b: Sequence[int], levels: Sequence[int]) -> float | Undefined:
    if len(set(a)) == 1 and set(a) == set(b):
        return Undefined(reason="not defined: both gave the same one grade everywhere")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = float(cohen_kappa_score(a, b, weights="quadratic", labels=list(levels)))
    return kappa if np.isfinite(kappa) else Undefined(reason="not defined: no variation in the grades")


def _alpha(a: Sequence[int], b: Sequence[int], levels: Sequence[int]) -> float | Undefined:
    if len(set(a) | set(b)) < 2:
        return Undefined(reason="not defined: no variation in the grades")
    return float(
        krippendorff.alpha(
            reliability_data=np.array([a, b], dtype=float),
            level_of_measurement="ordinal",
            value_domain=np.array(levels, dtype=float),
        )
    )
