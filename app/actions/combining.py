"""Several teachers as one more: an assessor whose grades are the majority or the mean of theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.actions.people import require
from data.errors import ConflictError, NotFoundError, SettingsError
from data.people import Person, Role
from data.records import Assessor, AssessorKind, Collection, Judgment, Status, new_id
from data.settling import Pair
from engine.combining import FEWEST as FEWEST
from engine.combining import HOW, combined
from engine.workbench import Workbench

DOING = "combine teachers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """What came of it."""

    name: str
    how: str
    teachers: tuple[str, ...]
    pairs: int
    """Pairs at least one of them graded."""
    graded: int
    """Pairs that have a combined grade."""
    too_few: int
    """Pairs that fewer than two of them graded."""
    tied: int
    """Pairs whose majority is tied."""
    new_judgments: int


def teachers(workbench: Workbench, collection: Collection) -> dict[str, int]:
    """Teachers by name, with how many pairs of this collection each graded; those with none are left out."""
    counts = workbench.store.judgments.counts(collection.collection_id)
    return {
        each.name: graded
        for each in workbench.store.assessors.list(AssessorKind.TEACHER)
        if (graded := counts.get(each.assessor_id, {}).get(Status.JUDGED, 0))
    }


def combine(
    workbench: Workbench, collection: Collection, name: str, names: Sequence[str], how: str, by: Person
) -> Combination:
    """Make (or bring up to date) the teacher `name` of the teachers `names`.

    Its explanation is that of the first of them who gave the combined grade; a pair that has no combined grade any
    more is withdrawn. Raises SettingsError for fewer than two teachers or another `how`, NotFoundError for a teacher
    who graded nothing here, ConflictError where `name` is a teacher who judged by itself, NotAllowedError.
    """
    require(by, Role.LEAD, DOING)
    store = workbench.store
    combined((), how)  # refuses another `how`
    given = _named(workbench, collection, list(dict.fromkeys(names)))
    if len(given) < FEWEST:
        raise SettingsError("A combination needs two teachers at least.", mend="Name more of them.")
    made = store.assessors.found_or_new(name, AssessorKind.TEACHER)
    if made in given:
        raise ConflictError(
            f"{made.name} is one of the teachers to be combined.", mend="Give the combination a name of its own."
        )
    present = _present(workbench, collection, made)
    note = f"{how} of {', '.join(each.name for each in given)}"
    if strangers := [judgment for judgment in present.values() if not _is_combination(judgment)]:
        raise ConflictError(
            f"{made.name} judged {len(strangers):,} pairs here by itself.",
            mend="Give the combination a name of its own: a teacher's own judgments are not overwritten.",
        )
    said = [_present(workbench, collection, each) for each in given]
    pairs = sorted({pair for each in said for pair, judgment in each.items() if judgment.grade is not None})
    grades = {pair: [each[pair].grade if pair in each else None for each in said] for pair in pairs}
    found = {pair: combined(row, how) for pair, row in grades.items()}
    fresh = [
        _judgment(collection, made, pair, grade, [each[pair] for each in said if pair in each], note)
        for pair, grade in found.items()
        if grade is not None
    ]
    fresh = [judgment for judgment in fresh if not _same(present.get(_pair(judgment)), judgment)]
    gone = [judgment for pair, judgment in present.items() if found.get(pair) is None]
    fresh += [_withdrawn(judgment, note) for judgment in gone]
    too_few = sum(sum(grade is not None for grade in row) < FEWEST for row in grades.values())
    missing = sum(grade is None for grade in found.values())
    return Combination(
        name=made.name,
        how=how,
        teachers=tuple(each.name for each in given),
        pairs=len(pairs),
        graded=len(pairs) - missing,
        too_few=too_few,
        tied=missing - too_few,
        new_judgments=store.judgments.add_many(fresh, assessors=[made]) if fresh else 0,
    )


def _named(workbench: Workbench, collection: Collection, names: Sequence[str]) -> list[Assessor]:
    there = teachers(workbench, collection)
    if strangers := [name for name in names if name not in there]:
        raise NotFoundError(
            f"No teacher {strangers[0]!r} graded anything in {collection.name}.",
            mend=f"Those who did: {', '.join(there)}." if there else "Ask one first: whyrank teach.",
        )
    by_name = {each.name: each for each in workbench.store.assessors.list(AssessorKind.TEACHER)}
    return [by_name[name] for name in names]


def _present(workbench: Workbench, collection: Collection, assessor: Assessor) -> Mapping[Pair, Judgment]:
    said = workbench.store.judgments.current(collection.collection_id, assessor_ids=[assessor.assessor_id])
    return {_pair(judgment): judgment for judgment in said}


def _pair(judgment: Judgment) -> Pair:
    return judgment.query_id, judgment.doc_id


def _is_combination(judgment: Judgment) -> bool:
    return (judgment.note or "").startswith(tuple(f"{how} of " for how in HOW))


def _judgment(
    collection: Collection, made: Assessor, pair: Pair, grade: int, said: Sequence[Judgment], note: str
) -> Judgment:
    """The combined judgment; `said` are the teachers' on that pair, in their order."""
    source = next((judgment for judgment in said if judgment.grade == grade and judgment.explanation), None)
    return Judgment(
        event_id=new_id(),
        collection_id=collection.collection_id,
        query_id=pair[0],
        doc_id=pair[1],
        assessor_id=made.assessor_id,
        grade=grade,
        explanation=source.explanation if source else None,
        evidence=source.evidence if source else (),
        edited_from=source.event_id if source else None,
        guideline_version=collection.guideline_version,
        note=note,
    )


def _withdrawn(judgment: Judgment, note: str) -> Judgment:
    return Judgment(
        event_id=new_id(),
        collection_id=judgment.collection_id,
        query_id=judgment.query_id,
        doc_id=judgment.doc_id,
        assessor_id=judgment.assessor_id,
        status=Status.WITHDRAWN,
        guideline_version=judgment.guideline_version,
        note=note,
    )


def _same(present: Judgment | None, made: Judgment) -> bool:
    if present is None:
        return False
    return (present.grade, present.edited_from, present.note) == (made.grade, made.edited_from, made.note)
