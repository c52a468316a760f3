"""Several assessors' grades of one pair as one grade. Pure."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from data.errors import SettingsError
from data.grading import RULES

FEWEST = 2
"""Grades of a pair from which on there is anything to combine."""


def _mean(grades: Sequence[int]) -> int:
    mean = Fraction(sum(grades), len(grades))
    lower = mean.numerator // mean.denominator
    return lower if mean - lower <= Fraction(1, 2) else lower + 1


HOW: Mapping[str, tuple[str, Callable[[Sequence[int]], int | None]]] = {
    "majority": ("the grade most gave; ties are left out", RULES["majority"][1]),
    "mean": ("the mean, rounded; halves go to the lower grade", _mean),
}
"""Name -> in words, and the grade (None: none) of those given."""


def combined(grades: Sequence[int | None], how: str) -> int | None:
    """One grade of what each assessor gave (None: nothing, or nothing that could be read).

    None where fewer than `FEWEST` graded the pair, where a majority is tied. Raises SettingsError for a way that there
    is not.
    """
    if how not in HOW:
        raise SettingsError(f"There is no way {how!r} to combine grades.", mend=f"Use one of: {', '.join(HOW)}.")
    given = [grade for grade in grades if grade is not None]
    return HOW[how][1](given) if len(given) >= FEWEST else None
