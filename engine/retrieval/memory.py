"""BM25 without Java: bm25s, with Lucene's words, formula and rounded document lengths, so that it ranks as Lucene does.

bm25s stores one number per (word, document): its share of the score. They are worked out here, because Lucene's score
knows a document's length only as one byte, and bm25s knows it exactly; storing and adding up is left to bm25s.
Kamphuis, de Vries, Boytsov, Lin: "Which BM25 do you mean?", ECIR 2020, compares the variants.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import numpy.typing as npt

from data.errors import RetrievalError
from data.records import Document
from engine.retrieval.base import Hit, OnProgress
from engine.retrieval.lucene import K1, SCORE_DECIMALS, B
from engine.retrieval.tokens import tokens

_IDS = "doc_ids.json"
_PROGRESS_EVERY = 200
_FREE_LENGTHS = 24
"""Lengths below it have a byte value each; above it, the excess keeps its four leading bits."""


def library() -> str:
    """What reads and writes the index, e.g. `bm25s-0.3.16`; an index of another one is rebuilt."""
    return f"bm25s-{bm25s.__version__}"


def stored_length(words: int) -> int:
    """A document length as Lucene keeps it in one byte (SmallFloat.intToByte4): exact to 40, then rounded down."""
    if words < _FREE_LENGTHS:
        return words
    excess = words - _FREE_LENGTHS
    shift = max(excess.bit_length() - 4, 0)
    return _FREE_LENGTHS + ((excess >> shift) << shift)


def build(documents: Iterable[Document], path: Path, *, on_progress: OnProgress | None = None) -> int:
    """Write the index of `documents` into the folder `path` and return their number."""
    counts = _Counts()
    for document in documents:
        counts.add(document)
        if on_progress is not None and len(counts.doc_ids) % _PROGRESS_EVERY == 0:
            on_progress(len(counts.doc_ids))
    if on_progress is not None:
        on_progress(len(counts.doc_ids))
    order = sorted(range(len(counts.doc_ids)), key=counts.doc_ids.__getitem__)
    index = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numpy", csc_backend="numpy")
    index.vocab_dict = counts.vocabulary
    index.scores = counts.weights(order)
    index.nonoccurrence_array = None
    index.save(path, show_progress=False)
    ids = json.dumps([counts.doc_ids[position] for position in order])
    (path / _IDS).write_text(ids, encoding="utf-8")
    return len(order)


class Bm25sRetriever:
    """An opened bm25s index. The numbers stay on disk, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Open the index in `path`; `RetrievalError` where there is none that can be read."""
        try:
            self._index: Any = bm25s.BM25.load(path, mmap=True, show_progress=False)
            self._doc_ids: list[str] = json.loads((path / _IDS).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RetrievalError(
                f"The search index can't be read: {error}.", mend="Rebuild the collection's index."
            ) from error

    @property
    def name(self) -> str:
        """Backend and parameters."""
        return f"{library()} bm25 k1={K1} b={B}"

    def search(self, query: str, depth: int) -> list[Hit]:
        """The best `depth` documents, best first. Scores have 4 decimals; ties are broken by doc_id."""
        index, doc_ids = self._index, self._doc_ids
        if index is None:
            raise RetrievalError("The index was closed.", mend="Search again: it may have been rebuilt.")
        words = index.get_tokens_ids(tokens(query))
        if depth < 1 or not words:
            return []
        scores = index.get_scores_from_ids(words)
        return [
            Hit(doc_id=doc_ids[position], rank=rank, score=score)
            for rank, (position, score) in enumerate(_best(scores, depth), start=1)
        ]

    def close(self) -> None:
        """Give back files and memory; searches that are under way end normally."""
        self._index = None
        self._doc_ids = []


def _best(scores: npt.NDArray[np.float32], depth: int) -> list[tuple[int, float]]:
    """(position, score) of the best; documents lie in doc_id order, so a stable sort breaks ties by doc_id."""
    found = np.flatnonzero(scores > 0)
    rounded = np.round(scores[found].astype(np.float64), SCORE_DECIMALS)
    if len(found) > depth:
        least = np.partition(rounded, len(rounded) - depth)[len(rounded) - depth]
        kept = rounded >= least
        found, rounded = found[kept], rounded[kept]
    order = np.argsort(-rounded, kind="stable")[:depth]
    return [(int(found[place]), float(rounded[place])) for place in order]


class _Counts:
    """How often each word occurs in each document."""

    def __init__(self) -> None:
        self.doc_ids: list[str] = []
        self.vocabulary: dict[str, int] = {}
        self._lengths = array("q")
        self._documents = array("i")
        self._words = array("i")
        self._frequencies = array("i")

    def add(self, document: Document) -> None:
        """Count a document's words."""
        counted = Counter(tokens(document.full_text))
        position = len(self.doc_ids)
        self.doc_ids.append(document.doc_id)
        self._lengths.append(counted.total())
        self._documents.extend([position] * len(counted))
        self._words.extend(self.vocabulary.setdefault(word, len(self.vocabulary)) for word in counted)
        self._frequencies.extend(counted.values())

    def weights(self, order: list[int]) -> dict[str, Any]:
        """The matrix bm25s stores: columns of words over documents in the given order."""
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        words = np.array(self._words, dtype=np.int32)
        documents = np.array(self._documents, dtype=np.int32)
        frequencies = np.array(self._frequencies, dtype=np.float64)
        lengths = np.array(self._lengths, dtype=np.int64)
        rarity = _rarity(np.bincount(words, minlength=len(self.vocabulary)), int(np.count_nonzero(lengths)))
        saturation = _saturation(lengths)[documents]
        weights = rarity[words] * (frequencies / (frequencies + saturation))
        by_word = np.lexsort((place[documents], words))
        starts = np.concatenate(([0], np.cumsum(np.bincount(words, minlength=len(self.vocabulary)))))
        return {
            "data": weights[by_word].astype(np.float32),
            "indices": place[documents][by_word],
            "indptr": starts.astype(np.int64),
            "num_docs": len(order),
        }


def _rarity(document_frequencies: npt.NDArray[np.int64], documents: int) -> npt.NDArray[np.float64]:
    """Inverse document frequency per word. Like Lucene, `documents` are those with a word at all."""
    rarity: npt.NDArray[np.float64] = np.log1p((documents - document_frequencies + 0.5) / (document_frequencies + 0.5))
    return rarity


def _saturation(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """k1 (1 - b + b length / average) per document; the average is of exact lengths, the length is the stored one."""
    stored = np.array([stored_length(int(length)) for length in lengths], dtype=np.float64)
    average = lengths.sum() / max(1, int(np.count_nonzero(lengths)))
    saturation: npt.NDArray[np.float64] = K1 * (1 - B + B * stored / max(average, 1.0))
    return saturation
