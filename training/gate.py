"""The gate: may this version become the champion? Pure arithmetic on a stored evaluation report.

A version is promoted only if it beats the champion beyond chance, is not worse than BM25, and was measured on enough
held-out queries. Every condition is answered with its figures, whether it holds or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.evaluation import PRIMARY

_ROUNDING = 1e-9
"""Two runs with the same order may differ in the last bits of their mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """What the gate asks for."""

    minimum_queries: int = 10
    not_worse_margin: float | None = None
    """None: better than the champion. A number (nDCG@10, 0 to 1): it is enough not to be worse than the champion by
    more than this; named in the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing the gate looks at."""

    name: str
    passed: bool
    words: str
    """The condition's outcome with its figures, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's answer."""

    promote: bool
    conditions: tuple[Condition, ...]

    @property
    def refusals(self) -> tuple[str, ...]:
        """The conditions that failed, in words."""
        return tuple(condition.words for condition in self.conditions if not condition.passed)


def verdict(report: Mapping[str, Any], *, options: GateOptions | None = None) -> Verdict:
    """Judge an evaluation report (the JSON of `engine.evaluation.Report`)."""
    options = options or GateOptions()
    primary = report["measures"][PRIMARY]
    conditions = (_champion(report, primary, options), _bm25(primary), _queries(int(report["queries"]), options))
    return Verdict(promote=all(condition.passed for condition in conditions), conditions=conditions)


def _champion(report: Mapping[str, Any], primary: Mapping[str, Any], options: GateOptions) -> Condition:
    margin = options.not_worse_margin
    name = "better than the champion" if margin is None else f"not worse than the champion by more than {margin:g}"
    if primary["champion"] is None:
        words = f"It was not compared with a champion ({report['version_id']} was the champion, or none was measured)."
        return Condition(name=name, passed=False, words=words)
    low, high = primary["interval"]
    passed = low > 0 if margin is None else low >= -margin
    figures = (
        f"{PRIMARY} {primary['system']:.4f} against the champion's {primary['champion']:.4f}: difference "
        f"{primary['difference']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f} (p = {primary['p_value']:.3f})"
    )
    floor = "above 0" if margin is None else f"at or above {-margin:g}"
    return Condition(
        name=name,
        passed=passed,
        words=f"{figures}; the lower end is {'' if passed else 'not '}{floor}.",
    )


def _bm25(primary: Mapping[str, Any]) -> Condition:
    passed = primary["system"] >= primary["bm25"] - _ROUNDING
    return Condition(
        name="not worse than BM25",
        passed=passed,
        words=f"{PRIMARY} {primary['system']:.4f} is {'not ' if passed else ''}below BM25's {primary['bm25']:.4f}.",
    )


def _queries(queries: int, options: GateOptions) -> Condition:
    passed = queries >= options.minimum_queries
    return Condition(
        name="enough held-out queries",
        passed=passed,
        words=f"Measured on {queries} held-out queries; at least {options.minimum_queries} are needed.",
    )
