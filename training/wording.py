"""On which scale, and with which guidelines, an example is asked.

A version of a collection learns that collection's wording and no other. A general version shall rank for any
collection, so each of its queries is asked in a wording drawn from the scales there are; grades keep their share of
the best one.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from data.records import Collection
from data.scales import SCALES, Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the prompt says of grading."""

    scale: Scale
    guidelines: str


Wordings = Callable[[str], Wording]
"""query_id -> its wording; all documents of a query have the same."""


def own(collection: Collection) -> Wordings:
    """Every query in the collection's own wording."""
    wording = Wording(scale=collection.scale, guidelines=collection.guidelines)
    return lambda _: wording


def drawn(collection: Collection, seed: int) -> Wordings:
    """Each query in the collection's own wording or in that of a preset scale without guidelines, equally often."""
    presets = [Wording(scale=scale, guidelines="") for scale in SCALES.values() if scale != collection.scale]
    wordings = [Wording(scale=collection.scale, guidelines=collection.guidelines), *presets]
    return lambda query_id: random.Random(f"{seed} {query_id}").choice(wordings)


def share(grade: int, scale: Scale) -> float:
    """A grade as a share of the best one: 0 to 1."""
    return grade / scale.highest


def regraded(grade: int, scale: Scale, other: Scale) -> int:
    """The grade of another scale that is nearest in its share of the best one; of two as near, the better."""
    return int(share(grade, scale) * other.highest + 0.5)
