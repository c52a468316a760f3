"""People's judgments as if they were given one by one: which queries are corrected, and which pair comes first.

A simulated person goes through the queries in an order drawn by a seed. At each query they correct the first documents
of the champion's ranking that somebody graded, from the top, a few per visit; when every query was visited they begin
again with the first and go on where they left its ranking. So the first corrections of a seed are also the first of
any longer run of it, and a curve over their number compares like with like.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from data.errors import TrainingError
from data.records import Assessor, AssessorKind, Judgment, Query, Split
from data.settling import Pair
from training.splits import split_of

ASSUMED = "assumed"
"""Assessor id of grades nobody gave: candidates without a label that count as the lowest grade."""
_RATHER = (Split.HELDOUT, Split.DEVELOPMENT, Split.TRAIN)
"""What is held out first, where the collection's own split is not followed: what nothing was trained on."""


def dealt(
    queries: Sequence[Query],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    heldout: int | None,
    relevant_from: int,
) -> list[Query]:
    """The queries with their use settled. `qrels`: people's agreed grades on all of them.

    None: the collection's own split. A number: so many labelled queries (those held out anyway first, then by the hash
    of their id) measure, and every other labelled one may be corrected. Raises TrainingError where that leaves none.
    """
    if heldout is None:
        return [replace(query, split=split_of(query)) for query in queries]
    labelled = [query for query in queries if qrels.get(query.query_id)]
    fit = [query for query in labelled if max(qrels[query.query_id].values()) >= relevant_from]
    fit.sort(key=lambda query: (_RATHER.index(split_of(query)), _draw(query.query_id)))
    if len(fit) < heldout or len(labelled) == heldout:
        raise TrainingError(
            f"{heldout} queries can't be held out: {len(labelled)} have people's labels, {len(fit)} of them with a "
            "relevant document, and some must be left to correct.",
            mend="Hold out fewer, or judge documents of more queries.",
        )
    held = {query.query_id for query in fit[:heldout]}
    others = {query.query_id for query in labelled} - held
    return [
        replace(query, split=Split.HELDOUT if query.query_id in held else Split.TRAIN)
        if query.query_id in held | others
        else replace(query, split=split_of(query))
        for query in queries
    ]


def order(
    query_ids: Iterable[str], candidates: Callable[[str], Sequence[str]], *, seed: int, per_visit: int
) -> Iterator[Pair]:
    """All corrections of a seed, in the order they are given. `candidates` are a query's documents to correct, as the
    champion ranks them; it is asked once per query, when the query is first visited."""
    waiting = sorted(query_ids, key=lambda query_id: _draw(f"{seed} {query_id}"))
    ranked: dict[str, Sequence[str]] = {}
    start = 0
    while waiting:
        for query_id in waiting:
            if query_id not in ranked:
                ranked[query_id] = candidates(query_id)
            yield from ((query_id, doc_id) for doc_id in ranked[query_id][start : start + per_visit])
        start += per_visit
        waiting = [query_id for query_id in waiting if len(ranked[query_id]) > start]


def given(judgments: Iterable[Judgment], assessors: Mapping[str, Assessor], pairs: Iterable[Pair]) -> list[Judgment]:
    """What would be known when people had graded only these pairs: their judgments, and all of the teachers'."""
    known = set(pairs)
    return [
        judgment
        for judgment in judgments
        if assessors[judgment.assessor_id].kind is not AssessorKind.HUMAN
        or (judgment.query_id, judgment.doc_id) in known
    ]


def assumed(collection_id: str, pairs: Iterable[Pair], grade: int) -> list[Judgment]:
    """Judgments nobody gave, for pairs without a label. They are never stored."""
    return [
        Judgment(
            event_id=f"{ASSUMED} {query_id} {doc_id}",
            collection_id=collection_id,
            query_id=query_id,
            doc_id=doc_id,
            assessor_id=ASSUMED,
            grade=grade,
        )
        for query_id, doc_id in pairs
    ]


def wanted(counts: Sequence[int], seeds: Sequence[int], once_from: int | None) -> dict[int, list[int]]:
    """Seed -> the numbers of corrections trained with it, rising. From `once_from` on, only the first seed is."""
    return {
        seed: [count for count in counts if count and (once_from is None or count < once_from or seed == seeds[0])]
        for seed in seeds
    }


def planned(wanted: Mapping[int, Sequence[int]], there: Mapping[int, int]) -> list[tuple[int, int]]:
    """(count, seed) of every point that is trained, the short ones first. `there`: how many corrections each seed's
    order has; a count beyond them becomes that many, once."""
    points = {(min(count, there[seed]), seed) for seed, counts in wanted.items() for count in counts}
    return sorted(point for point in points if point[0])


def _draw(words: str) -> bytes:
    return hashlib.sha256(words.encode()).digest()
