"""Rank correlation of two gradings, query by query: do two assessors order a query's documents alike?

Kendall's tau-b, which allows for the many ties that grades have; computed from the table of counts, so its cost does
not grow with the number of documents. Source: Kendall 1945.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from data.settling import Pair
from engine.agreement import Undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """Tau-b over queries."""

    mean: float | Undefined
    """Mean over the queries for which it is defined."""
    per_query: Mapping[str, float]
    """query_id -> tau-b, -1 to 1."""
    undefined: int
    """Queries with common documents where one of the two gave only one grade."""


def correlation(first: Mapping[Pair, int], second: Mapping[Pair, int]) -> Correlation:
    """Compare two gradings on the documents both graded, for each query."""
    common: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for pair in first.keys() & second.keys():
        common[pair[0]].append((first[pair], second[pair]))
    values = {query_id: tau_b(grades) for query_id, grades in sorted(common.items())}
    defined = {query_id: tau for query_id, tau in values.items() if tau is not None}
    reason = "no query has documents that both graded with different grades"
    return Correlation(
        mean=statistics.fmean(defined.values()) if defined else Undefined(reason=reason),
        per_query=defined,
        undefined=len(values) - len(defined),
    )


def tau_b(grades: Sequence[tuple[int, int]]) -> float | None:
    """Kendall's tau-b of paired grades; None where one side does not vary."""
    cells = Counter(grades)
    agreeing = tied_first = tied_second = 0
    for ((a, b), n), ((c, d), m) in product(cells.items(), repeat=2):
        step = (a > c) - (a < c), (b > d) - (b < d)
        agreeing += step[0] * step[1] * n * m
        tied_first += step[0] != 0 and n * m
        tied_second += step[1] != 0 and n * m
    if not tied_first or not tied_second:
        return None
    return agreeing / math.sqrt(tied_first * tied_second)
