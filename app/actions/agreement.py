"""What the Agreement page does: two assessors or groups, how far they agree, and where they don't."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import isfinite

from app.actions.opinions import Opinion, who
from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Status
from data.settling import Grading, Pair
from data.store import Store
from engine.agreement import Agreement, Undefined, agreement, conflicts, grades
from engine.correlation import Correlation, correlation
from engine.raters import Among, Grades, Interval, grades_table, kappa_interval
from engine.workbench import Workbench

_KINDS = {AssessorKind.HUMAN: "Person", AssessorKind.TEACHER: "Teacher", AssessorKind.STUDENT: "Student"}
_GROUPS = {
    AssessorKind.HUMAN: ("people", "All people"),
    AssessorKind.TEACHER: ("teachers", "All teachers"),
    AssessorKind.STUDENT: ("students", "All student versions"),
}
MOST = 12
"""Assessors in the matrix of everybody; those who graded most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grader:
    """An assessor who graded something, or a group of them."""

    side_id: str
    kind: AssessorKind
    name: str
    """With its kind and, where it is a character of the sample, that it is one. Not to be rendered as Markdown."""
    assessor_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(Grader):
    """An assessor or a group that can be compared."""

    graded: int
    """Pairs it has graded (in a group: judgments)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A pair on which two sides disagree."""

    query_id: str
    doc_id: str
    first: int
    second: int

    @property
    def size(self) -> int:
        """How far apart the grades are."""
        return abs(self.first - self.second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides on the pairs both graded."""

    agreement: Agreement
    interval: Interval | Undefined
    """Of the weighted kappa, over queries."""
    correlation: Correlation
    differences: tuple[Difference, ...]
    """The largest first."""
    conflicts: tuple[int, int]
    """Pairs left out because the members of the first (second) group disagree among themselves."""
    shared: tuple[str, ...]
    """Assessors that stand in both sides: their agreement with themselves is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One disagreement with both explanations."""

    difference: Difference
    query: Query
    document: Document
    first: tuple[Opinion, ...]
    second: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Assessors of one kind among themselves, or people against models."""

    name: str
    among: Among | None
    """None: of two kinds, which have no common alpha."""
    kappas: tuple[float, ...]
    """Of every two that have one, rising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everybody:
    """Each assessor against each."""

    sides: tuple[Side, ...]
    """People first."""
    pairs: tuple[tuple[int, ...], ...]
    """[one][other] -> pairs graded by both."""
    kappas: tuple[tuple[float, ...], ...]
    """[one][other] -> weighted kappa; not a number where it is not defined."""
    blocks: tuple[Block, ...]
    left_out: int
    """Assessors beyond `MOST`."""


def sides(workbench: Workbench, collection: Collection) -> list[Side]:
    """Everybody who graded something here: all of a kind together where they are several, then each assessor.

    The sample's characters are not among the people: they are not measured ones.
    """
    counts = workbench.store.judgments.counts(collection.collection_id)
    graded = {assessor_id: by_status.get(Status.JUDGED, 0) for assessor_id, by_status in counts.items()}
    found = _grouped(a for a in workbench.store.assessors.list() if graded.get(a.assessor_id))
    return [
        Side(
            side_id=grader.side_id,
            kind=grader.kind,
            name=grader.name,
            assessor_ids=grader.assessor_ids,
            graded=sum(graded[assessor_id] for assessor_id in grader.assessor_ids),
        )
        for grader in found
    ]


def graders(workbench: Workbench, collection: Collection) -> list[Grader]:
    """As `sides`, without counting how much they graded."""
    return _grouped(workbench.store.assessors.graders(collection.collection_id))


def _grouped(assessors: Iterable[Assessor]) -> list[Grader]:
    there = sorted(assessors, key=lambda a: (list(_KINDS).index(a.kind), a.authored, a.name))
    found = []
    for kind, (side_id, name) in _GROUPS.items():
        members = tuple(a.assessor_id for a in there if a.kind is kind and not a.authored)
        if len(members) > 1:
            found.append(Grader(side_id=side_id, kind=kind, name=name, assessor_ids=members))
    return found + [
        Grader(side_id=a.assessor_id, kind=a.kind, name=f"{_KINDS[a.kind]}: {who(a)}", assessor_ids=(a.assessor_id,))
        for a in there
    ]


def opening(found: Sequence[Side]) -> tuple[Side, Side]:
    """The two sides to begin with: people, where there are some, against a student, else against a teacher."""
    others = [side for side in found[1:] if not set(side.assessor_ids) & set(found[0].assessor_ids)]
    ranked = sorted(
        others, key=lambda side: (AssessorKind.STUDENT, AssessorKind.TEACHER, AssessorKind.HUMAN).index(side.kind)
    )
    return found[0], ranked[0] if ranked else found[-1]


def compare(workbench: Workbench, collection: Collection, first: Side, second: Side) -> Comparison:
    """Compare two sides over the whole collection. Of a single assessor counts what they said of their own accord: a
    grade that settles others' conflict was given in view of theirs."""
    said = [_graded(workbench.store, collection, side) for side in (first, second)]
    a, b = (grades(judgments) for judgments in said)
    apart = [
        Difference(query_id=pair[0], doc_id=pair[1], first=a[pair], second=b[pair])
        for pair in a.keys() & b.keys()
        if a[pair] != b[pair]
    ]
    return Comparison(
        agreement=agreement(a, b, collection.scale.grades),
        interval=kappa_interval(a, b, collection.scale.grades),
        correlation=correlation(a, b),
        differences=tuple(sorted(apart, key=lambda d: (-d.size, d.query_id, d.doc_id))),
        conflicts=(len(conflicts(said[0])), len(conflicts(said[1]))),
        shared=tuple(sorted(set(first.assessor_ids) & set(second.assessor_ids))),
    )


def _graded(store: Store, collection: Collection, side: Side) -> list[Grading]:
    alone = len(side.assessor_ids) == 1
    return store.gradings.current(collection.collection_id, assessor_ids=side.assessor_ids, independent=alone)


def everybody(workbench: Workbench, collection: Collection, found: Sequence[Side]) -> Everybody:
    """Everybody against everybody; as in `compare`, grades that settle a conflict don't count."""
    single = [side for side in found if len(side.assessor_ids) == 1]
    kept = sorted(single, key=lambda side: -side.graded)[:MOST]
    chosen = tuple(side for side in single if side in kept)
    by_assessor: dict[str, dict[Pair, int]] = {side.assessor_ids[0]: {} for side in chosen}
    gradings = workbench.store.gradings.current(
        collection.collection_id, assessor_ids=list(by_assessor), independent=True
    )
    for grading in gradings:
        if grading.grade is not None:
            by_assessor[grading.assessor_id][grading.query_id, grading.doc_id] = grading.grade
    table = grades_table(list(by_assessor.values()), collection.scale.grades)
    cells = [[table.both(one, other) for other in range(len(chosen))] for one in range(len(chosen))]
    return Everybody(
        sides=chosen,
        pairs=tuple(tuple(pairs for pairs, _ in row) for row in cells),
        kappas=tuple(tuple(kappa for _, kappa in row) for row in cells),
        blocks=tuple(_blocks(chosen, table, cells)),
        left_out=len(single) - len(chosen),
    )


def _blocks(chosen: Sequence[Side], table: Grades, cells: Sequence[Sequence[tuple[int, float]]]) -> Iterator[Block]:
    of_kind = {kind: [row for row, side in enumerate(chosen) if side.kind is kind] for kind in _KINDS}
    people = of_kind[AssessorKind.HUMAN]
    models = [*of_kind[AssessorKind.TEACHER], *of_kind[AssessorKind.STUDENT]]
    for kind, name in (
        (AssessorKind.HUMAN, "People among themselves"),
        (AssessorKind.TEACHER, "Teachers among themselves"),
        (AssessorKind.STUDENT, "Student versions among themselves"),
    ):
        if len(of_kind[kind]) > 1:
            yield Block(
                name=name,
                among=table.among(of_kind[kind]),
                kappas=_rising(cells[one][other][1] for one, other in combinations(of_kind[kind], 2)),
            )
    if people and models:
        yield Block(
            name="People against models",
            among=None,
            kappas=_rising(cells[one][other][1] for one, other in product(people, models)),
        )


def _rising(kappas: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(kappa for kappa in kappas if isfinite(kappa)))


def contrasts(
    workbench: Workbench, collection: Collection, first: Side, second: Side, differences: Sequence[Difference]
) -> list[Contrast]:
    """One page of disagreements with texts and explanations."""
    store, collection_id = workbench.store, collection.collection_id
    doc_ids = sorted({d.doc_id for d in differences})
    query_ids = sorted({d.query_id for d in differences})
    documents = store.collections.documents_by_id(collection_id, doc_ids)
    queries = {query_id: store.collections.query(collection_id, query_id) for query_id in query_ids}
    assessors = store.assessors.by_id()
    said: dict[Pair, list[Judgment]] = {}
    wanted = [*first.assessor_ids, *second.assessor_ids]
    for judgment in store.judgments.current(collection_id, assessor_ids=wanted, query_ids=query_ids, doc_ids=doc_ids):
        said.setdefault((judgment.query_id, judgment.doc_id), []).append(judgment)
    return [
        Contrast(
            difference=d,
            query=queries[d.query_id],
            document=documents[d.doc_id],
            first=_of(first, said[d.query_id, d.doc_id], assessors),
            second=_of(second, said[d.query_id, d.doc_id], assessors),
        )
        for d in differences
    ]


def _of(side: Side, said: Sequence[Judgment], assessors: Mapping[str, Assessor]) -> tuple[Opinion, ...]:
    return tuple(
        Opinion(assessor=assessors[j.assessor_id], judgment=j) for j in said if j.assessor_id in side.assessor_ids
    )
