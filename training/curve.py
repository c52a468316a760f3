"""The learning curve itself: points over the number of corrections, put together over seeds. Pure arithmetic.

A level is one number of corrections. Its figures are means over the seeds trained with it; intervals and p are over
the held-out queries (each query's mean over the seeds), so they say what another draw of queries would do, while the
spread of the seeds is shown beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from engine.significance import mean_interval, paired
from training.gate import GateOptions

Verdict = Literal["champion", "better", "worse", "no difference", "too few queries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The champion retrained with the first `count` corrections of a seed's order, measured on the held-out queries."""

    count: int
    """0: the champion as it is."""
    seed: int | None
    """None for the champion, which is measured once."""
    per_query: Mapping[str, float]
    """query_id -> nDCG@10"""
    bm25: float
    """nDCG@10 of BM25's order of the same documents."""
    kappa: float | None
    """Quadratic weighted kappa of the model's grades with people's."""
    kappa_note: str
    """Why there is none."""
    unreadable: float
    """Share of answers that could not be read."""
    corrected_queries: int = 0
    by_grade: Mapping[str, int]
    """Corrections per grade."""
    assumed: int = 0
    """Corrections nobody gave: candidates without a label, counted as the lowest grade."""
    examples: int = 0
    """Corrections, and the teacher's judgments trained with them."""
    steps: int = 0
    train_seconds: float = 0.0
    measure_seconds: float = 0.0
    snapshot_sha256: str | None = None
    """Of what it was trained on."""

    @property
    def ndcg(self) -> float:
        """Mean over the queries."""
        return fmean(self.per_query.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Point":
        """The point that `to_json` wrote; raises TypeError where the content is another's."""
        return Point(**content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """All points with one number of corrections."""

    count: int
    ndcg: float
    low: float
    high: float
    """95 % bootstrap interval of nDCG@10 over the queries."""
    seeds: Mapping[str, float]
    """Seed -> nDCG@10; empty for the champion."""
    difference: float
    """To the champion, paired over the queries."""
    difference_low: float
    difference_high: float
    p_value: float
    verdict: Verdict
    """Against the champion, beyond chance: the interval of the difference lies wholly above or below 0, on at least
    as many queries as the gate asks for."""
    kappa: float | None
    """Mean over the seeds that have one."""
    kappa_low: float | None
    kappa_high: float | None
    """Least and greatest of the seeds."""
    kappa_note: str
    unreadable: float
    assumed: float
    """Mean number of corrections nobody gave."""


def levels(points: Sequence[Point]) -> list[Level]:
    """The curve, by rising count. The champion's point must be among them; all are on the same queries."""
    champion = next(point for point in points if point.count == 0)
    query_ids = sorted(champion.per_query)
    counts = sorted({point.count for point in points})
    return [_level([point for point in points if point.count == count], champion, query_ids) for count in counts]


def words(level: Level) -> str:
    """What a level says of the champion, with its figures."""
    figures = (
        f"{level.difference:+.4f}, 95 % interval {level.difference_low:+.4f} to {level.difference_high:+.4f}, "
        f"p = {level.p_value:.3f}"
    )
    outcomes = {
        "champion": "the champion as it is",
        "better": f"better than the champion beyond chance ({figures})",
        "worse": f"worse than the champion beyond chance ({figures})",
        "no difference": f"no difference to the champion beyond chance ({figures})",
        "too few queries": f"too few held-out queries to tell ({figures})",
    }
    return f"{level.count} corrections: {outcomes[level.verdict]}."


def _level(points: Sequence[Point], champion: Point, query_ids: Sequence[str]) -> Level:
    means = [fmean(point.per_query[query_id] for point in points) for query_id in query_ids]
    low, high = mean_interval(means)
    difference = paired(means, [champion.per_query[query_id] for query_id in query_ids])
    kappas = [point.kappa for point in points if point.kappa is not None]
    verdict: Verdict = "no difference"
    if points[0].count == 0:
        verdict = "champion"
    elif len(query_ids) < GateOptions().minimum_queries:
        verdict = "too few queries"
    elif difference.low > 0:
        verdict = "better"
    elif difference.high < 0:
        verdict = "worse"
    return Level(
        count=points[0].count,
        ndcg=fmean(means),
        low=low,
        high=high,
        seeds={str(point.seed): point.ndcg for point in points if point.seed is not None},
        difference=difference.mean,
        difference_low=difference.low,
        difference_high=difference.high,
        p_value=difference.p_value,
        verdict=verdict,
        kappa=fmean(kappas) if kappas else None,
        kappa_low=min(kappas, default=None),
        kappa_high=max(kappas, default=None),
        kappa_note=next((point.kappa_note for point in points if point.kappa is None), ""),
        unreadable=fmean(point.unreadable for point in points),
        assumed=fmean(point.assumed for point in points),
    )
