"""What everybody says of a (query, document) pair: the current judgment of each assessor, with who it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.records import Assessor, AssessorKind, Judgment
from data.store import Store

AUTHORED = "(authored for the sample)"
_ORDER = {AssessorKind.STUDENT: 0, AssessorKind.TEACHER: 1, AssessorKind.HUMAN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One assessor's current judgment of a pair."""

    assessor: Assessor
    judgment: Judgment


def who(assessor: Assessor) -> str:
    """The assessor's name; a character of the sample collection says that it is one."""
    return f"{assessor.name} {AUTHORED}" if assessor.authored else assessor.name


def opinions(store: Store, collection_id: str, query_id: str, doc_ids: Sequence[str]) -> dict[str, tuple[Opinion, ...]]:
    """doc_id -> what is said of it for this query: students, then teachers, then people."""
    assessors = store.assessors.by_id()
    judgments = store.judgments.current(collection_id, query_ids=[query_id], doc_ids=list(doc_ids))
    return sorted_opinions(judgments, assessors)


def sorted_opinions(judgments: Iterable[Judgment], assessors: Mapping[str, Assessor]) -> dict[str, tuple[Opinion, ...]]:
    """Group one query's judgments by document, each group by kind of assessor and name."""
    found: dict[str, list[Opinion]] = {}
    for judgment in judgments:
        opinion = Opinion(assessor=assessors[judgment.assessor_id], judgment=judgment)
        found.setdefault(judgment.doc_id, []).append(opinion)
    return {
        doc_id: tuple(sorted(given, key=lambda o: (_ORDER[o.assessor.kind], o.assessor.name)))
        for doc_id, given in found.items()
    }


def of(given: Iterable[Opinion], assessor_id: str) -> Judgment | None:
    """What this assessor says, where it says something."""
    return next((o.judgment for o in given if o.assessor.assessor_id == assessor_id), None)


def of_others(given: Iterable[Opinion], assessor_id: str) -> tuple[Opinion, ...]:
    """What everybody else says."""
    return tuple(o for o in given if o.assessor.assessor_id != assessor_id)
