"""What the Agreement page does: two assessors or groups, how far they agree, and where they don't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.actions.opinions import Opinion, who
from data.records import Assessor, AssessorKind, Collection, Document, Judgment, Query, Status
from data.store import Store
from engine.agreement import Agreement, Pair, agreement, conflicts, grades
from engine.correlation import Correlation, correlation
from engine.workbench import Workbench

_KINDS = {AssessorKind.HUMAN: "Person", AssessorKind.TEACHER: "Teacher", AssessorKind.STUDENT: "Student"}
_PEOPLE = "people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An assessor or a group that can be compared."""

    side_id: str
    kind: AssessorKind
    name: str
    """With its kind and, where it is a character of the sample, that it is one. Not to be rendered as Markdown."""
    assessor_ids: tuple[str, ...]
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


def sides(workbench: Workbench, collection: Collection) -> list[Side]:
    """Everybody who graded something here: all people together where they are several, then each assessor.

    The sample's characters are not among the people: they are not measured ones.
    """
    counts = workbench.store.judgments.counts(collection.collection_id)
    graded = {assessor_id: by_status.get(Status.JUDGED, 0) for assessor_id, by_status in counts.items()}
    assessors = [a for a in workbench.store.assessors.list() if graded.get(a.assessor_id)]
    assessors.sort(key=lambda a: (list(_KINDS).index(a.kind), a.authored, a.name))
    people = [a.assessor_id for a in assessors if a.kind is AssessorKind.HUMAN and not a.authored]
    found = [_side(a, graded[a.assessor_id]) for a in assessors]
    if len(people) > 1:
        total = sum(graded[assessor_id] for assessor_id in people)
        everybody = Side(
            side_id=_PEOPLE, kind=AssessorKind.HUMAN, name="All people", assessor_ids=tuple(people), graded=total
        )
        found.insert(0, everybody)
    return found


def _side(assessor: Assessor, graded: int) -> Side:
    return Side(
        side_id=assessor.assessor_id,
        kind=assessor.kind,
        name=f"{_KINDS[assessor.kind]}: {who(assessor)}",
        assessor_ids=(assessor.assessor_id,),
        graded=graded,
    )


def opening(found: Sequence[Side]) -> tuple[Side, Side]:
    """The two sides to begin with: people, where there are some, against a student, else against a teacher."""
    others = [side for side in found[1:] if not set(side.assessor_ids) & set(found[0].assessor_ids)]
    ranked = sorted(
        others, key=lambda side: (AssessorKind.STUDENT, AssessorKind.TEACHER, AssessorKind.HUMAN).index(side.kind)
    )
    return found[0], ranked[0] if ranked else found[-1]


def compare(workbench: Workbench, collection: Collection, first: Side, second: Side) -> Comparison:
    """Compare two sides over the whole collection."""
    said = [_graded(workbench.store, collection, side) for side in (first, second)]
    a, b = (grades(judgments) for judgments in said)
    apart = [
        Difference(query_id=pair[0], doc_id=pair[1], first=a[pair], second=b[pair])
        for pair in a.keys() & b.keys()
        if a[pair] != b[pair]
    ]
    return Comparison(
        agreement=agreement(a, b, collection.scale.grades),
        correlation=correlation(a, b),
        differences=tuple(sorted(apart, key=lambda d: (-d.size, d.query_id, d.doc_id))),
        conflicts=(len(conflicts(said[0])), len(conflicts(said[1]))),
        shared=tuple(sorted(set(first.assessor_ids) & set(second.assessor_ids))),
    )


def _graded(store: Store, collection: Collection, side: Side) -> list[Judgment]:
    judgments = store.judgments.current(collection.collection_id, assessor_ids=list(side.assessor_ids))
    return [judgment for judgment in judgments if judgment.grade is not None]


def contrasts(
    workbench: Workbench, collection: Collection, first: Side, second: Side, differences: Sequence[Difference]
) -> list[Contrast]:
    """One page of disagreements with texts and explanations."""
    store, collection_id = workbench.store, collection.collection_id
    doc_ids = sorted({d.doc_id for d in differences})
    query_ids = sorted({d.query_id for d in differences})
    documents = store.collections.documents_by_id(collection_id, doc_ids)
    queries = {query_id: store.collections.query(collection_id, query_id) for query_id in query_ids}
    assessors = {a.assessor_id: a for a in store.assessors.list()}
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
