"""Label scales: the grades a judgment can have, with names and definitions. Prompts, buttons, parsers
and measures are built from the scale of the collection."""

from dataclasses import dataclass
from datetime import datetime

from data.errors import NotFoundError, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One grade of a scale."""

    grade: int
    name: str
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Grades 0, 1, ... in rising order; a document counts as relevant from `relevant_from` on."""

    name: str
    levels: tuple[Level, ...]
    relevant_from: int

    def __post_init__(self) -> None:
        grades = [level.grade for level in self.levels]
        if grades != list(range(len(grades))) or not 2 <= len(grades) <= 10:
            raise SettingsError(
                f"Scale {self.name!r} has grades {grades}.",
                mend="Give 2 to 10 grades that count up from 0: a grade must be one digit.",
            )

    @property
    def grades(self) -> tuple[int, ...]:
        """All grades, rising."""
        return tuple(level.grade for level in self.levels)

    @property
    def choices(self) -> tuple[str, ...]:
        """The grades as the model writes them."""
        return tuple(str(level.grade) for level in self.levels)

    @property
    def words(self) -> str:
        """All grades with their names, in a line."""
        return ", ".join(f"{level.grade} {level.name}" for level in self.levels)

    @property
    def highest(self) -> int:
        """The best grade."""
        return self.levels[-1].grade

    def level(self, grade: int) -> Level:
        """The level of a grade; raises SettingsError for one the scale does not have."""
        if grade not in self.grades:
            raise SettingsError(
                f"Grade {grade} is not on the scale {self.name!r}.",
                mend=f"Use one of {', '.join(self.choices)}.",
            )
        return self.levels[grade]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a collection was judged by at some time: its guidelines and its scale. Every judgment names the version."""

    version: int
    """From 1 on."""
    guidelines: str
    scale: Scale
    changed_by: str
    created_at: datetime


TREC_DL = Scale(
    name="trec-dl",
    relevant_from=2,
    levels=(
        Level(grade=0, name="irrelevant", definition="has nothing to do with the query"),
        Level(grade=1, name="related", definition="seems related to the query but does not answer it"),
        Level(
            grade=2,
            name="highly relevant",
            definition="has some answer to the query, but unclear, partial or hidden among other things",
        ),
        Level(
            grade=3,
            name="perfectly relevant",
            definition="is dedicated to the query and contains the exact answer",
        ),
    ),
)
INTERANK = Scale(
    name="interank",
    relevant_from=1,
    levels=(
        Level(grade=0, name="irrelevant", definition="has nothing useful for the query"),
        Level(grade=1, name="partially relevant", definition="gives some context but does not answer this query"),
        Level(grade=2, name="relevant", definition="has information that is useful for answering the query"),
    ),
)
PRORANK = Scale(
    name="prorank",
    relevant_from=1,
    levels=(
        Level(grade=0, name="irrelevant", definition="does not help to answer the query"),
        Level(grade=1, name="relevant", definition="helps to answer the query"),
    ),
)
FIVE_LEVEL = Scale(
    name="five-level",
    relevant_from=2,
    levels=(
        Level(grade=0, name="completely irrelevant", definition="has no connection with what the query asks"),
        Level(grade=1, name="weakly relevant", definition="touches the topic but does not help to answer the query"),
        Level(grade=2, name="moderately relevant", definition="answers a part of the query, or answers it indirectly"),
        Level(grade=3, name="strongly relevant", definition="answers the query directly, with minor gaps"),
        Level(grade=4, name="completely relevant", definition="answers the query directly and completely"),
    ),
)

SCALES = {scale.name: scale for scale in (TREC_DL, INTERANK, PRORANK, FIVE_LEVEL)}
DEFAULT_SCALE = TREC_DL


def scale_named(name: str) -> Scale:
    """The preset scale of that name."""
    try:
        return SCALES[name]
    except KeyError:
        raise NotFoundError(
            f"There is no label scale {name!r}.", mend=f"Use one of: {', '.join(sorted(SCALES))}."
        ) from None
