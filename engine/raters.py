"""Several assessors at once: agreement of each with each, of a group, and how sure a kappa is.

Source: Cohen 1968 (quadratic weights); Krippendorff 2011 (ordinal alpha, with missing values); Efron 1979 (percentile
bootstrap), here over queries, as the grades of one query hang together (Field and Welsh 2007, cluster bootstrap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np

from data.settling import Pair
from engine.agreement import Undefined

SAMPLES = 2000
FEWEST = 5
"""Queries below which an interval over queries says nothing."""
DEFINED = 0.95
"""Share of the samples that must have a kappa."""
_NONE = -1
"""Stands for "not graded" in a table of grades."""
_CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The middle 95 % of what other queries of the same kind would have given."""

    low: float
    high: float
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """How far any number of assessors agree."""

    assessors: int
    pairs: int
    """Graded by at least two of them."""
    alpha: float | Undefined
    """Krippendorff, ordinal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """Everybody's grades as a table."""

    table: np.ndarray
    """(assessors, pairs) int8; -1: not graded."""
    levels: tuple[int, ...]

    def both(self, first: int, second: int) -> tuple[int, float]:
        """(pairs graded by these two rows, their weighted kappa; not a number where it is not defined)."""
        a, b = self.table[first], self.table[second]
        graded = (a != _NONE) & (b != _NONE)
        size = len(self.levels)
        counts = np.bincount(a[graded].astype(int) * size + b[graded], minlength=size * size)
        return int(graded.sum()), float(weighted_kappa(counts.reshape(size, size)))

    def among(self, rows: Sequence[int]) -> Among:
        """How far these rows agree."""
        chosen = self.table[list(rows)]
        several = chosen[:, (chosen != _NONE).sum(axis=0) > 1]
        return Among(assessors=len(rows), pairs=several.shape[1], alpha=_alpha(several, self.levels))


def grades_table(given: Sequence[Mapping[Pair, int]], levels: Sequence[int]) -> Grades:
    """The grades of these assessors, a row each. `levels`: the scale's grades, 0 and up."""
    places = {pair: place for place, pair in enumerate(dict.fromkeys(pair for grades in given for pair in grades))}
    table = np.full((len(given), len(places)), _NONE, dtype=np.int8)
    for row, grades in zip(table, given, strict=True):
        row[[places[pair] for pair in grades]] = list(grades.values())
    return Grades(table=table, levels=tuple(levels))


def weighted_kappa(confusion: np.ndarray) -> np.ndarray:
    """Cohen's kappa with quadratic weights. (..., L, L) counts -> (...); not a number where nothing varies."""
    size = confusion.shape[-1]
    weights = (np.arange(size)[:, None] - np.arange(size)) ** 2  # (L, L)
    observed = (weights * confusion).sum(axis=(-2, -1))
    rows, columns, whole = confusion.sum(axis=-1), confusion.sum(axis=-2), confusion.sum(axis=(-2, -1))
    expected = np.einsum("...i,ij,...j->...", rows, weights, columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - observed * whole / expected, np.nan)


def kappa_interval(
    first: Mapping[Pair, int], second: Mapping[Pair, int], levels: Sequence[int], *, seed: int = 0
) -> Interval | Undefined:
    """95 % bootstrap interval of the weighted kappa on the pairs both graded: queries are drawn, each with all its
    pairs."""
    size = len(levels)
    by_query: dict[str, np.ndarray] = {}
    for pair in first.keys() & second.keys():
        counts = by_query.setdefault(pair[0], np.zeros(size * size))
        counts[first[pair] * size + second[pair]] += 1
    if len(by_query) < FEWEST:
        return Undefined(reason=f"the pairs are of {len(by_query)} queries; below {FEWEST} it says nothing")
    # In a fixed order, so that the same judgments give the same interval.
    confusion = np.stack([by_query[query_id] for query_id in sorted(by_query)])  # (Q, L * L)
    rng, queries = np.random.default_rng(seed), len(confusion)
    drawn = []
    for start in range(0, SAMPLES, _CHUNK):
        often = rng.multinomial(queries, np.full(queries, 1 / queries), size=min(_CHUNK, SAMPLES - start))  # (C, Q)
        drawn.append(weighted_kappa((often @ confusion).reshape(-1, size, size)))
    kappas = np.concatenate(drawn)
    kappas = kappas[np.isfinite(kappas)]
    if len(kappas) < DEFINED * SAMPLES:
        return Undefined(reason="not defined: in too many samples of the queries nothing varies")
    low, high = np.percentile(kappas, (2.5, 97.5))
    return Interval(low=float(low), high=float(high), queries=queries)


def _alpha(table: np.ndarray, levels: Sequence[int]) -> float | Undefined:
    if not table.size:
        return Undefined(reason="no pair was graded by two of them")
    if len(np.unique(table[table != _NONE])) < 2:
        return Undefined(reason="not defined: no variation in the grades")
    data = np.where(table == _NONE, np.nan, table.astype(float))
    return float(
        krippendorff.alpha(
            reliability_data=data, level_of_measurement="ordinal", value_domain=np.array(levels, dtype=float)
        )
    )
