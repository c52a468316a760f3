"""The labels every evaluation uses: people's, on held-out queries, and whose they are in words.

A teacher's or a student's grade never gets in here. Pairs on which people disagree are left out until somebody
settles them (`data.settling`); `conflicts` counts them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data.records import Assessor, AssessorKind, Collection, Query, Split, Status
from data.settling import T
from data.store import Store
from engine import agreement
from training.splits import split_of

NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """People's agreed or settled grades on the held-out queries of a collection."""

    qrels: Mapping[str, Mapping[str, int]]
    """query_id -> doc_id -> grade"""
    words: str
    """Whose labels these are, for the report."""
    conflicts: int
    """Pairs left out because people gave different grades and nobody settled it."""


def heldout(store: Store, collection: Collection) -> Labels:
    """The evaluation labels of a collection."""
    queries = [q for q in store.collections.queries(collection.collection_id) if split_of(q) is Split.HELDOUT]
    return stored(store, collection, queries)


def stored(store: Store, collection: Collection, queries: Sequence[Query]) -> Labels:
    """People's labels of these queries as the store has them now, read without their texts."""
    people = store.assessors.by_id(AssessorKind.HUMAN)
    gradings = store.gradings.current(
        collection.collection_id, assessor_ids=list(people), query_ids=[query.query_id for query in queries]
    )
    return of_people(queries, gradings, people)


def labels(queries: Iterable[Query], judgments: Sequence[T], assessors: Mapping[str, Assessor]) -> Labels:
    """Evaluation labels from judgments: whatever is not a person's, not on a held-out query, or of a document that the
    query excludes, is left out."""
    return of_people([query for query in queries if split_of(query) is Split.HELDOUT], judgments, assessors)


def of_people(queries: Iterable[Query], judgments: Sequence[T], assessors: Mapping[str, Assessor]) -> Labels:
    """People's labels of these queries, held out or not: to look at, never to promote by."""
    wanted = {query.query_id: set(query.excluded_ids) for query in queries}
    people = [
        judgment
        for judgment in judgments
        if judgment.query_id in wanted
        and judgment.doc_id not in wanted[judgment.query_id]
        and (judgment.status is Status.JUDGED or judgment.settles)
        and assessors[judgment.assessor_id].kind is AssessorKind.HUMAN
    ]
    return Labels(
        qrels=agreement.qrels(people),
        words=_whose([assessors[assessor_id] for assessor_id in sorted({j.assessor_id for j in people})]),
        conflicts=len(agreement.conflicts(people)),
    )


def heldout_sha256(qrels: Mapping[str, Mapping[str, int]], query_ids: Iterable[str]) -> str:
    """Hash of the evaluated queries and their labels: counts how often a set was looked at."""
    content = [[query_id, sorted(qrels[query_id].items())] for query_id in sorted(query_ids)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _whose(people: Sequence[Assessor]) -> str:
    if not people:
        return "nobody's labels"
    names = ", ".join(sorted(person.name for person in people)[:NAMES_SHOWN])
    more = f" and {len(people) - NAMES_SHOWN} more" if len(people) > NAMES_SHOWN else ""
    authored = "; written for the sample collection, not measured" if any(p.authored for p in people) else ""
    return f"labels of {'one person' if len(people) == 1 else f'{len(people)} people'} ({names}{more}{authored})"
