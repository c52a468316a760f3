"""One grade for every pair, of one assessor or of a group: what is agreed or settled, and conflicts by a named rule."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.errors import ConflictError, SettingsError
from data.records import AssessorKind, Status
from data.settling import Pair, T, by_pair, resolve

REFUSE = "refuse"
_Rule = Callable[[Sequence[int]], int | None]


def _majority(grades: Sequence[int]) -> int | None:
    (first, count), *others = Counter(grades).most_common(2)
    return None if others and others[0][1] == count else first


RULES: Mapping[str, tuple[str, _Rule]] = {
    "leave-out": ("pairs in conflict are left out", lambda grades: None),
    "majority": ("the grade most gave; ties are left out", _majority),
    "highest": ("the highest grade given", max),
    "lowest": ("the lowest grade given", min),
    "newest": ("the grade given last", lambda grades: grades[-1]),
}
"""What becomes of a conflict, besides `REFUSE` -> in words, and the grade (None: none) of those given, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """Grades by pair, and what became of the rest."""

    grades: Mapping[Pair, int]
    conflicts: int
    """Pairs with different grades that nobody settled."""
    left_out: int
    """Of these, pairs without a grade by the rule."""
    cant_judge: int
    """Pairs that nobody graded, but of which somebody said that they can't be judged."""


def graded(judgments: Iterable[T], kinds: Mapping[str, AssessorKind], rule: str) -> Graded:
    """The grades of current judgments. `kinds`: assessor_id -> kind; conflicts are settled within a kind. Raises
    ConflictError for a conflict under the rule `refuse`, SettingsError for a rule that there is not."""
    if rule != REFUSE and rule not in RULES:
        raise SettingsError(
            f"There is no rule {rule!r} for conflicts.", mend=f"Use one of: {', '.join((REFUSE, *RULES))}."
        )
    grades: dict[Pair, int] = {}
    conflicts: dict[Pair, list[int]] = {}
    cant_judge = 0
    for pair, events in by_pair(judgments).items():
        given = _given(events, kinds)
        if len(set(given)) > 1:
            conflicts[pair] = given
        elif given:
            grades[pair] = given[0]
        else:
            cant_judge += any(event.status is Status.CANT_JUDGE for event in events)
    if conflicts and rule == REFUSE:
        raise _refused(conflicts)
    found = {pair: RULES[rule][1](given) for pair, given in conflicts.items()}
    resolved = {pair: grade for pair, grade in found.items() if grade is not None}
    return Graded(
        grades=dict(sorted((grades | resolved).items())),
        conflicts=len(conflicts),
        left_out=len(conflicts) - len(resolved),
        cant_judge=cant_judge,
    )


def _given(events: Sequence[T], kinds: Mapping[str, AssessorKind]) -> list[int]:
    """The grades that count, oldest first: where a kind's conflict is settled, the settled one alone."""
    if not any(event.settles for event in events):
        return [event.grade for event in events if event.grade is not None]
    settled = {
        kind: how.settled_by
        for kind in {kinds[event.assessor_id] for event in events}
        if (how := resolve([event for event in events if kinds[event.assessor_id] is kind])).settled_by is not None
    }
    return [
        event.grade
        for event in events
        if event.grade is not None and settled.get(kinds[event.assessor_id], event.event_id) == event.event_id
    ]


def _refused(conflicts: Mapping[Pair, Sequence[int]]) -> ConflictError:
    (query_id, doc_id), given = min(conflicts.items())
    grades = ", ".join(map(str, sorted(set(given))))
    return ConflictError(
        f"{len(conflicts):,} pairs have different grades, and qrels hold one: document {doc_id!r} has {grades} for the "
        f"query {query_id!r}.",
        mend=f"Name one assessor, settle them on the page Adjudication, or choose a rule: {', '.join(RULES)}.",
    )
