"""Pairs that may not train because they would tell the model about the evaluation.

A shared corpus is not a leak; a held-out query, a query that asks the same in nearly the same words, or a pair with
an evaluation label is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from data.records import Query, Split
from training.splits import split_of

NEAR_DUPLICATE = 0.8
"""Jaccard of the distinct words from which two query texts count as the same question."""
_WORD = re.compile(r"\w+")


class Leaks:
    """Answers for any pair whether it may train."""

    def __init__(self, queries: Sequence[Query], heldout: Mapping[str, Mapping[str, int]], judged: set[str]) -> None:
        """`heldout`: the evaluation's labels; `judged`: ids of the queries that will be asked about."""
        self._splits = {query.query_id: split_of(query) for query in queries}
        self._heldout = heldout
        held = [_words(query.text) for query in queries if self._splits[query.query_id] is Split.HELDOUT]
        self._same = {
            query.query_id
            for query in queries
            if query.query_id in judged
            and self._splits[query.query_id] is Split.TRAIN
            and _among(_words(query.text), held)
        }

    def reason(self, query_id: str, doc_id: str) -> str | None:
        """Why the pair may not train; None where it may."""
        split = self._splits[query_id]
        if split is Split.HELDOUT or doc_id in self._heldout.get(query_id, {}):
            return "held-out query"
        if split is not Split.TRAIN:
            return "development query"
        return "query (nearly) the same as a held-out one" if query_id in self._same else None


class Texts:
    """Query texts that can be asked whether a near duplicate is among them."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._known: list[frozenset[str]] = []
        self._with: dict[str, list[int]] = {}
        """Word -> the texts that hold it."""
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Take one more."""
        words = _words(text)
        for word in words:
            self._with.setdefault(word, []).append(len(self._known))
        self._known.append(words)

    def holds(self, text: str) -> bool:
        """Is one of them a near duplicate of this text?"""
        words = _words(text)
        # A near duplicate lacks a fifth of these words at most: of a few more than that, it has one. The rarest are
        # in the fewest texts.
        enough = len(words) - int(NEAR_DUPLICATE * len(words)) + 1
        rarest = sorted(words, key=lambda word: len(self._with.get(word, ())))[:enough]
        near = {position for word in rarest for position in self._with.get(word, ())}
        return any(_overlap(words, self._known[position]) >= NEAR_DUPLICATE for position in near)


def near_duplicate(first: str, second: str) -> bool:
    """Do two query texts share at least 0.8 of their distinct words (Jaccard, case folded)?"""
    return _overlap(_words(first), _words(second)) >= NEAR_DUPLICATE


def _among(words: frozenset[str], others: Sequence[frozenset[str]]) -> bool:
    """Is one of the others a near duplicate? Their lengths rule most of them out."""
    length = len(words)
    return any(
        min(length, len(other)) >= NEAR_DUPLICATE * max(length, len(other)) and _overlap(words, other) >= NEAR_DUPLICATE
        for other in others
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard; two texts without any word are the same."""
    union = len(first | second)
    return len(first & second) / union if union else 1.0
