"""Systems side by side on the same queries: measures with intervals, paired differences, and how far their orders
agree whatever the labels say.

Pure arithmetic on runs. Source of tau: Kendall 1938, on the documents both systems ranked; ranks have no ties.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.scales import Scale
from engine.evaluation import PRIMARY, Qrels, Run, measure
from engine.significance import Difference, mean_interval, paired

TOP = 10
"""Ranks that the overlap looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """One system's measure over all queries."""

    value: float
    low: float
    high: float
    """95 % bootstrap interval over queries."""
    difference: Difference | None
    """To the system it is held against; None for that one itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Systems on the queries that all of them ranked."""

    system: str
    against: str
    measures: Mapping[str, Mapping[str, Mean]]
    """measure -> system -> mean; empty where no query has labels."""
    per_query: Mapping[str, Mapping[str, Mapping[str, float]]]
    """measure -> query_id -> system -> value"""
    labelled: int
    """Queries with labels: those that were measured."""
    overlap: Mapping[str, float]
    """query_id -> share of the first ten that `system` and `against` have in common."""
    tau: Mapping[str, float]
    """query_id -> Kendall's tau of `system` and `against`, where they share at least two documents."""

    def differences(self, name: str = PRIMARY) -> dict[str, float]:
        """query_id -> `system` minus `against` by a measure, the largest gain first."""
        values = self.per_query.get(name, {})
        found = {query_id: given[self.system] - given[self.against] for query_id, given in values.items()}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def compare(runs: Mapping[str, Run], qrels: Qrels, scale: Scale, *, system: str, against: str) -> Comparison:
    """Compare systems (name -> run) on the queries that every one of them has; those with labels are measured."""
    common = sorted(set.intersection(*(set(run) for run in runs.values())))
    wanted = {query_id: qrels[query_id] for query_id in common if qrels.get(query_id)}
    values = {name: measure(run, wanted, scale) for name, run in runs.items()} if wanted else {}
    names = list(values[system]) if values else []
    return Comparison(
        system=system,
        against=against,
        measures={
            name: _means({s: [measured[name][q] for q in wanted] for s, measured in values.items()}, against)
            for name in names
        },
        per_query={name: {q: {s: values[s][name][q] for s in runs} for q in wanted} for name in names},
        labelled=len(wanted),
        overlap={q: overlap(runs[system][q], runs[against][q]) for q in common},
        tau={q: found for q in common if (found := tau(runs[system][q], runs[against][q])) is not None},
    )


def overlap(first: Sequence[str], second: Sequence[str], *, top: int = TOP) -> float:
    """Share of the first `top` documents that two orders have in common; of fewer where both are shorter."""
    heads = set(first[:top]), set(second[:top])
    longest = max(len(head) for head in heads)
    return len(heads[0] & heads[1]) / longest if longest else 0.0


def tau(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Kendall's tau of two orders on the documents both have; None with fewer than two of them."""
    place = {doc_id: rank for rank, doc_id in enumerate(second)}
    ranks = np.array([place[doc_id] for doc_id in first if doc_id in place])  # (D,), in the first's order
    if ranks.size < 2:
        return None
    later = np.sign(ranks[None, :] - ranks[:, None])  # (D, D): does the second put j behind i?
    return float(np.triu(later, 1).sum() / (ranks.size * (ranks.size - 1) / 2))


def _means(columns: Mapping[str, Sequence[float]], against: str) -> dict[str, Mean]:
    found = {}
    for name, column in columns.items():
        low, high = mean_interval(column)
        difference = None if name == against else paired(column, columns[against])
        found[name] = Mean(value=float(np.mean(column)), low=low, high=high, difference=difference)
    return found
