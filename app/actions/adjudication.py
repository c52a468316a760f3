"""What the Adjudication page does: walk the pairs on which people conflict, and settle them, each with its reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.actions import judging, people
from app.actions.opinions import Opinion, opinions, who
from data.errors import ConflictError, SettingsError
from data.formats.csv_file import write_csv
from data.people import Person, Role
from data.records import DECIDED, Assessor, AssessorKind, Collection, Document, Judgment, Query, Status
from data.scales import Rules
from data.settling import Grading, Pair, Resolution, by_pair, resolve
from engine.workbench import Workbench

DOING = "settle conflicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A pair on which people disagree."""

    query_id: str
    doc_id: str
    grades: tuple[int, ...]
    """The different ones, rising."""
    reopened: bool
    """Was it settled, and somebody said something else since?"""

    @property
    def pair(self) -> Pair:
        """(query_id, doc_id)"""
        return self.query_id, self.doc_id

    @property
    def spread(self) -> int:
        """How far the grades are apart."""
        return self.grades[-1] - self.grades[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One pair with all that a lead looks at."""

    query: Query
    document: Document
    people: tuple[Opinion, ...]
    """Who graded it, or said that it can't be judged."""
    models: tuple[Opinion, ...]
    resolution: Resolution
    rules: Mapping[int, Rules]
    """Guidelines and scale by version, for those that somebody judged under."""

    @property
    def seen(self) -> tuple[str, ...]:
        """Ids of the grades that a decision made now is made in view of."""
        return tuple(o.judgment.event_id for o in self.people if o.judgment.status is Status.JUDGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a lead decides of a case that was painted."""

    event_id: str
    """Made when the case was painted: a second press of the button is the same event."""
    query_id: str
    doc_id: str
    grade: int | None
    """None: the pair can't be judged."""
    reason: str
    """Why it was decided so: for the people who disagreed. Kept with the decision."""
    seen: tuple[str, ...]
    """Events that were on the screen."""
    model_visible: bool
    explanation: str = ""
    """Why the document has this grade, in the lead's words: trained on like anybody's. Empty: none."""
    seconds_spent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Who settled what, when and why."""

    judgment: Judgment
    by: Assessor
    before: tuple[tuple[str, int | None], ...]
    """(name, grade) of what was settled; what an import left behind is absent."""
    stands: bool
    """Does it still count? Otherwise somebody said something else since, or another lead settled it anew."""


def conflicts(workbench: Workbench, collection: Collection) -> list[Conflict]:
    """The pairs that wait for a decision, the largest difference first."""
    found = []
    for (query_id, doc_id), said in by_pair(workbench.store.gradings.disputed(collection.collection_id)).items():
        how = resolve(said)
        if how.open:
            reopened = any(grading.settles for grading in said)
            found.append(Conflict(query_id=query_id, doc_id=doc_id, grades=how.grades, reopened=reopened))
    return sorted(found, key=lambda conflict: (-conflict.spread, conflict.query_id, conflict.doc_id))


def beside(waiting: list[Conflict], pair: Pair | None, step: int) -> Pair | None:
    """The pair `step` places after this one in the list that waits; from outside the list, its first. None: none."""
    places = [conflict.pair for conflict in waiting]
    if not places:
        return None
    if pair not in places:
        return places[0]
    return places[(places.index(pair) + step) % len(places)]


def following(waiting: list[Conflict], pair: Pair) -> Pair | None:
    """The pair that comes after this one, once this one is settled."""
    there = beside(waiting, pair, 1)
    return None if there == pair else there


def case(workbench: Workbench, collection: Collection, pair: Pair) -> Case:
    """Everything about one pair; raises NotFoundError where it is not in the collection."""
    query, document = judging.pair(workbench, collection, *pair)
    said = opinions(workbench.store, collection.collection_id, pair[0], [pair[1]]).get(pair[1], ())
    answers = tuple(o for o in said if o.assessor.kind is AssessorKind.HUMAN and o.judgment.status in DECIDED)
    versions = {o.judgment.guideline_version for o in answers}
    rules = workbench.store.collections.rules(collection.collection_id)
    return Case(
        query=query,
        document=document,
        people=answers,
        models=tuple(o for o in said if o.assessor.kind is not AssessorKind.HUMAN),
        resolution=resolve(o.judgment for o in answers),
        rules={rule.version: rule for rule in rules if rule.version in versions},
    )


def settle(workbench: Workbench, collection: Collection, by: Person, decision: Decision) -> judging.Saved:
    """Store a lead's decision as their judgment, which stands in the place of those it was made in view of. Raises
    NotAllowedError for an assessor, SettingsError without a reason, ConflictError where those do not disagree."""
    people.require(by, Role.LEAD, DOING)
    reason = decision.reason.strip()
    if not reason:
        raise SettingsError("A decision needs its reason.", mend="Say in a sentence why.")
    seen = workbench.store.gradings.by_id(decision.seen)
    if len({grading.grade for grading in seen.values()}) < 2:
        raise ConflictError("People do not disagree on this pair.", mend="Load the page anew.")
    _, document = judging.pair(workbench, collection, decision.query_id, decision.doc_id)
    explanation = decision.explanation.strip() or None
    judged = decision.grade is not None
    judgment = Judgment(
        event_id=decision.event_id,
        collection_id=collection.collection_id,
        query_id=decision.query_id,
        doc_id=decision.doc_id,
        assessor_id=workbench.store.assessors.ensure(by.name, AssessorKind.HUMAN).assessor_id,
        status=Status.JUDGED if judged else Status.CANT_JUDGE,
        grade=decision.grade,
        explanation=explanation,
        evidence=judging.evidence_of(explanation, (), document.text) if judged else (),
        model_visible=decision.model_visible,
        seconds_spent=decision.seconds_spent,
        guideline_version=collection.guideline_version,
        settles=decision.seen,
        note=reason,
    )
    workbench.store.judgments.add(judgment)
    return judging.Saved(judgment=judgment, at=datetime.now().astimezone())


def undo(workbench: Workbench, collection: Collection, by: Person) -> Judgment | None:
    """Take back the newest settlement of this person; the conflict waits again. None where there is none."""
    people.require(by, Role.LEAD, DOING)
    me = judging.person(workbench, by.name).assessor_id
    mine = workbench.store.gradings.settlements(collection.collection_id, assessor_id=me, limit=1)
    if not mine:
        return None
    return judging.undo(workbench, collection, by.name, target=mine[0].event_id)


def settlements(
    workbench: Workbench, collection: Collection, *, limit: int | None = None, offset: int = 0
) -> list[Settlement]:
    """Who settled what, the newest first."""
    store, collection_id = workbench.store, collection.collection_id
    given = store.gradings.settlements(collection_id, limit=limit, offset=offset)
    assessors = store.assessors.by_id()
    settled = store.gradings.by_id([event_id for judgment in given for event_id in judgment.settles])
    human = [a.assessor_id for a in assessors.values() if a.kind is AssessorKind.HUMAN]
    pairs = [(judgment.query_id, judgment.doc_id) for judgment in given]
    now = by_pair(store.gradings.current(collection_id, assessor_ids=human, pairs_of=pairs))
    return [
        Settlement(
            judgment=judgment,
            by=assessors[judgment.assessor_id],
            before=_before(judgment, settled, assessors),
            stands=resolve(now[judgment.query_id, judgment.doc_id]).settled_by == judgment.event_id,
        )
        for judgment in given
    ]


def _before(
    judgment: Judgment, settled: Mapping[str, Grading], assessors: Mapping[str, Assessor]
) -> tuple[tuple[str, int | None], ...]:
    found = [settled[event_id] for event_id in judgment.settles if event_id in settled]
    return tuple((who(assessors[grading.assessor_id]), grading.grade) for grading in found)


def as_csv(found: Iterable[Settlement]) -> str:
    """The settlements as a file."""
    said = ("grade", "reason", "explanation", "stands")
    columns = ("settled_at", "settled_by", "query_id", "doc_id", "grades_before", *said)
    rows = [
        (
            s.judgment.created_at.isoformat(),
            s.by.name,
            s.judgment.query_id,
            s.judgment.doc_id,
            "; ".join(f"{name}: {grade}" for name, grade in s.before),
            "can't be judged" if s.judgment.grade is None else str(s.judgment.grade),
            s.judgment.note or "",
            s.judgment.explanation or "",
            "yes" if s.stands else "no",
        )
        for s in found
    ]
    return "".join(write_csv(columns, rows))
