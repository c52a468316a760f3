"""Which judgments train: people's first, a teacher's for pairs no person graded, a student's never.

Pure, and fast enough for a page to show before anything starts: what would be trained on, and why the rest not.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.records import Assessor, AssessorKind, Judgment, Status
from data.scales import Scale
from data.settling import Pair, resolve
from engine.explanation import prompt
from training.leaks import Leaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pair to train on."""

    query_id: str
    doc_id: str
    grade: int
    explanation: str | None
    """None: only the grade is trained; no text is made up."""
    source: AssessorKind
    """Whose grade it is."""
    explanation_source: AssessorKind | None
    assessor_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is trained on, and why the rest is not."""

    rows: tuple[Row, ...]
    """People's, newest first, then the teachers'."""
    dropped: Mapping[str, int]
    """Reason -> pairs."""

    @property
    def queries(self) -> int:
        """Queries with at least one row."""
        return len({row.query_id for row in self.rows})

    @property
    def by_source(self) -> dict[str, int]:
        """Whose grades -> rows."""
        return dict(Counter(row.source.value for row in self.rows))

    @property
    def by_grade(self) -> dict[int, int]:
        """Grade -> rows, rising."""
        return dict(sorted(Counter(row.grade for row in self.rows).items()))

    @property
    def by_explanation(self) -> dict[str, int]:
        """Whose explanations -> rows; `none` where only the grade is trained."""
        return dict(Counter(r.explanation_source.value if r.explanation_source else "none" for r in self.rows))


def choose(
    judgments: Sequence[Judgment],
    assessors: Mapping[str, Assessor],
    leaks: Leaks,
    *,
    scale: Scale,
    form: prompt.Form,
    teacher_limit: int,
    seed: int = 0,
) -> Chosen:
    """Pick the rows. `judgments` are the current ones, oldest first; `teacher_limit` takes a seeded sample."""
    judged = [j for j in judgments if j.grade in scale.grades or (j.settles and j.status is Status.CANT_JUDGE)]
    people = _by_pair(judged, assessors, AssessorKind.HUMAN)
    teachers = _by_pair(judged, assessors, AssessorKind.TEACHER)
    own, dropped = _sorted_out(
        _outcome(_Given(pair, AssessorKind.HUMAN, given, teachers.get(pair, ())), leaks, form)
        for pair, given in reversed(people.items())
    )
    taught, dropped_too = _sorted_out(
        _outcome(_Given(pair, AssessorKind.TEACHER, given, ()), leaks, form)
        for pair, given in teachers.items()
        if pair not in people
    )
    dropped += dropped_too
    taught.sort(key=lambda row: hashlib.sha256(f"{seed} {row.query_id} {row.doc_id}".encode()).digest())
    if len(taught) > teacher_limit:
        dropped["teacher's, beyond the limit"] = len(taught) - teacher_limit
    return Chosen(rows=(*own, *taught[:teacher_limit]), dropped=dict(dropped))


def _sorted_out(outcomes: Iterable[Row | str]) -> tuple[list[Row], Counter[str]]:
    """Rows apart from the counted reasons."""
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for outcome in outcomes:
        if isinstance(outcome, Row):
            rows.append(outcome)
        else:
            dropped[outcome] += 1
    return rows, dropped


def _by_pair(
    judgments: Sequence[Judgment], assessors: Mapping[str, Assessor], kind: AssessorKind
) -> dict[Pair, list[Judgment]]:
    """Each pair's judgments by assessors of a kind, oldest first; pairs in the order of their newest judgment."""
    pairs: dict[Pair, list[Judgment]] = {}
    for judgment in judgments:
        if assessors[judgment.assessor_id].kind is kind:
            pair = (judgment.query_id, judgment.doc_id)
            pairs[pair] = [*pairs.pop(pair, []), judgment]
    return pairs


@dataclass(frozen=True, slots=True)
class _Given:
    """All that was said of a pair by those whose grade counts, and by teachers who may lend an explanation."""

    pair: Pair
    kind: AssessorKind
    judgments: Sequence[Judgment]
    """Of assessors of that kind, oldest first."""
    lenders: Sequence[Judgment]


def _outcome(given: _Given, leaks: Leaks, form: prompt.Form) -> Row | str:
    """A pair's row, or the reason why it has none."""
    reason = leaks.reason(*given.pair)
    if reason is not None:
        return reason
    how = resolve(given.judgments)
    if how.open:
        return "people disagree" if given.kind is AssessorKind.HUMAN else "teachers disagree"
    if how.grade is None:
        return "settled: it can't be judged"
    row = _row(given, how.grade, how.settled_by)
    if row.explanation is None and form == "reason-first":
        return "no explanation, which reason-first is trained on"
    return row


def _row(given: _Given, grade: int, settled_by: str | None) -> Row:
    """The grade that counts with the newest explanation of those who gave it (whoever settled it goes first), else a
    teacher's of the same grade, else none."""
    agreeing = [judgment for judgment in given.judgments if judgment.grade == grade]
    agreeing.sort(key=lambda judgment: judgment.event_id == settled_by)
    own = _explanation(agreeing)
    lent = _explanation([judgment for judgment in given.lenders if judgment.grade == grade])
    return Row(
        query_id=given.pair[0],
        doc_id=given.pair[1],
        grade=grade,
        explanation=own or lent,
        source=given.kind,
        explanation_source=given.kind if own else AssessorKind.TEACHER if lent else None,
        assessor_id=agreeing[-1].assessor_id,
    )


def _explanation(given: Sequence[Judgment]) -> str | None:
    """The newest explanation that can be read back from an answer."""
    for judgment in reversed(given):
        if judgment.explanation is not None:
            read = prompt.parse_explanation(judgment.explanation)
            if isinstance(read, str):
                return read
    return None
