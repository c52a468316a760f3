"""Hardening a prompt part by part until no further part helps beyond chance."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.injection.figures import clustered_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardness:
    """How a prompt stood the attacks."""

    damages: Sequence[float | None]
    """Per attack, in an order that is the same for all prompts; None: unreadable."""
    order: float
    """`Clean.order`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A prompt that was tried against the best one so far."""

    name: str
    gain: float
    """Mean damage it takes away; minus infinity where it no longer tells relevant from irrelevant."""
    low: float
    """Lower end of the gain's 95 % interval over queries."""
    order: float
    better: bool
    """Beyond chance, and without a loss of order."""
    taken: bool


def climb(parts: Sequence[str], clusters: Sequence[str], measure: Callable[[str], Hardness]) -> list[Step]:
    """Add the part that takes away most damage, until none does beyond chance. `clusters`: the query of each attack.

    `measure` is called with `plain`, with each part, then with the parts taken joined by `+` and one more.
    """
    plain = best = measure("plain")
    taken: list[str] = []
    steps: list[Step] = []
    while len(taken) < len(parts):
        tried = []
        for part in parts:
            if part not in taken:
                name = "+".join((*taken, part))
                found = measure(name)
                tried.append((part, found, _step(name, best, found, plain.order, clusters)))
        part, found, step = max(tried, key=lambda one: (one[2].better, one[2].gain))
        steps += [
            Step(name=s.name, gain=s.gain, low=s.low, order=s.order, better=s.better, taken=s is step and s.better)
            for _, _, s in tried
        ]
        if not step.better:
            break
        taken.append(part)
        best = found
    return steps


def chosen(steps: Sequence[Step]) -> str:
    """Where the climb ended."""
    return next((step.name for step in reversed(steps) if step.taken), "plain")


def _step(name: str, best: Hardness, found: Hardness, order: float, clusters: Sequence[str]) -> Step:
    pairs = [
        (before - after, cluster)
        for before, after, cluster in zip(best.damages, found.damages, clusters, strict=True)
        if before is not None and after is not None
    ]
    gains = [gain for gain, _ in pairs]
    # Where even the best prompt so far tells nothing apart, its damage is infinite and no gain can be counted.
    if not gains or not all(map(math.isfinite, gains)):
        return Step(name=name, gain=-math.inf, low=-math.inf, order=found.order, better=False, taken=False)
    low, _ = clustered_interval(gains, [cluster for _, cluster in pairs])
    better = low > 0 and found.order >= order
    return Step(name=name, gain=sum(gains) / len(gains), low=low, order=found.order, better=better, taken=False)
