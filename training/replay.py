"""Replay: examples of the sample collection among a person's own, so that a few corrections of one kind do not wipe out
what the student knew of all the others.

The sample is the one labelled collection that every installation has and whose text may be passed on. Only its training
queries are used, none that asks (nearly) the same as a query of the collection at hand; whole queries are drawn, as an
order is learnt inside a query.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from data.records import AssessorKind, Split
from data.sample import Pair
from data.scales import DEFAULT_SCALE
from engine.explanation import prompt
from engine.ranking.base import Clip
from training.examples import Example, example
from training.leaks import near_duplicate
from training.rows import Row
from training.splits import split_of
from training.wording import Wording

SOURCE = "sample"
"""What a replayed example's query and assessor are called."""
_WORDING = Wording(scale=DEFAULT_SCALE, guidelines="")


def wanted(own: int, share: float) -> int:
    """How many examples make up `share` (0 to 1, without 1) of all, where `own` are the others."""
    return round(own * share / (1 - share))


def draw(pairs: Sequence[Pair], count: int, *, other_queries: Iterable[str], seed: int) -> list[Pair]:
    """Whole training queries with at least `count` pairs in all, or all there are. `other_queries`: texts of queries
    that must not be given away."""
    others = list(other_queries)
    by_query: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if split_of(pair.query) is Split.TRAIN:
            by_query[pair.query.query_id].append(pair)
    order = sorted(by_query)
    random.Random(seed).shuffle(order)
    drawn: list[Pair] = []
    for query_id in order:
        if len(drawn) >= count:
            break
        given = by_query[query_id]
        if not any(near_duplicate(given[0].query.text, text) for text in others):
            drawn += given
    return drawn


def examples(drawn: Sequence[Pair], *, form: prompt.Form, clip: Clip, document_tokens: int) -> list[Example]:
    """The pairs as they are asked; reason-first needs an explanation and leaves out those without one."""
    found = []
    for pair in drawn:
        if pair.explanation is None and form == "reason-first":
            continue
        row = Row(
            query_id=f"{SOURCE}:{pair.query.query_id}",
            doc_id=f"{SOURCE}:{pair.document.doc_id}",
            grade=pair.grade,
            explanation=pair.explanation,
            source=AssessorKind.TEACHER,
            explanation_source=None if pair.explanation is None else AssessorKind.TEACHER,
            assessor_id=SOURCE,
        )
        text = clip(pair.document.text, document_tokens).text
        found.append(
            example(row, query=pair.query.text, title=pair.document.title, text=text, wording=_WORDING, form=form)
        )
    return found
