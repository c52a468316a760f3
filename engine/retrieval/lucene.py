"""BM25 by Lucene (k1 = 0.9, b = 0.4), with the analyzer and query generator of Anserini, the toolkit below Pyserini.

The search itself asks Lucene, not Anserini's `SimpleSearcher`: that one lowers equal scores by 1e-6 each to make them
differ, which turns into other scores as soon as a few dozen documents tie. Term positions and vectors are stored, so
that pseudo-relevance feedback (RM3) stays possible; texts are not, the store has them.
"""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from data.errors import RetrievalError
from data.records import Document
from engine.retrieval import java
from engine.retrieval.base import Hit, OnProgress
from engine.retrieval.java import java_problem

__all__ = ["B", "K1", "LuceneRetriever", "build", "java_problem", "library"]

K1 = 0.9
B = 0.4
"""Anserini's defaults for BM25."""
SCORE_DECIMALS = 4
_LUCENE = "org.apache.lucene."
_BATCH_DOCUMENTS = 200
_BATCH_CHARACTERS = 1_000_000
_BUFFER_MB = 64.0


def library() -> str:
    """What reads and writes the index, e.g. `anserini-1.7.1`; an index of another one is rebuilt. Starts no Java."""
    return java.find_jar().name.removesuffix("-fatjar.jar")


def build(documents: Iterable[Document], path: Path, *, on_progress: OnProgress | None = None) -> int:
    """Write the index of `documents` into the empty folder `path` and return their number."""
    writer = java.call(lambda: _Writer(path))
    count = 0
    finished = False
    try:
        for batch in _batches(documents):
            java.call(lambda batch=batch: writer.add(batch))  # type: ignore[misc]
            count += len(batch)
            if on_progress is not None:
                on_progress(count)
        java.call(writer.finish)
        finished = True
    finally:
        if not finished:
            java.call(writer.abandon)
    return count


class LuceneRetriever:
    """An opened Lucene index."""

    def __init__(self, path: Path) -> None:
        """Open the index in `path`; `RetrievalError` where there is none that can be read."""
        # One search at a time: a search takes milliseconds, and none may run while the index is closed under it.
        self._lock = threading.Lock()
        self._reader: _Reader | None = java.call(lambda: _Reader(path))
        self._name = f"lucene-{self._reader.version} bm25 k1={K1} b={B}"

    @property
    def name(self) -> str:
        """Backend and parameters."""
        return self._name

    def search(self, query: str, depth: int) -> list[Hit]:
        """The best `depth` documents, best first. Scores have 4 decimals; ties are broken by doc_id."""
        if depth < 1:
            return []
        with self._lock:
            if self._reader is None:
                raise RetrievalError("The index was closed.", mend="Search again: it may have been rebuilt.")
            reader = self._reader
            found = java.call(lambda: _best(reader, query, depth))
        return [Hit(doc_id=doc_id, rank=rank, score=score) for rank, (doc_id, score) in enumerate(found, start=1)]

    def close(self) -> None:
        """Give back files and memory; a second time does nothing."""
        with self._lock:
            reader, self._reader = self._reader, None
            if reader is not None:
                java.call(reader.close)


def _best(reader: "_Reader", query: str, depth: int) -> list[tuple[str, float]]:
    """Rounding can make ties that Lucene's own order does not know: fetch until the last tie is whole."""
    fetched = depth + 16
    while True:
        hits = [(doc_id, round(score, SCORE_DECIMALS)) for doc_id, score in reader.search(query, fetched)]
        if len(hits) < fetched or hits[-1][1] < hits[depth - 1][1]:
            hits.sort(key=lambda hit: (-hit[1], hit[0]))
            return hits[:depth]
        fetched *= 4


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if len(batch) == _BATCH_DOCUMENTS or characters > _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _java_text(text: str) -> str:
    """Half surrogates can't be passed to Java; they are no text, so nothing is lost."""
    return text.encode("utf-16", "replace").decode("utf-16")


def _similarity() -> Any:  # noqa: ANN401 - Java objects have no Python type
    from jnius import autoclass

    return autoclass(_LUCENE + "search.similarities.BM25Similarity")(K1, B)


def _analyzer() -> Any:  # noqa: ANN401
    from jnius import autoclass

    return autoclass("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()


def _directory(path: Path) -> Any:  # noqa: ANN401
    from jnius import autoclass

    return autoclass(_LUCENE + "store.FSDirectory").open(autoclass("java.io.File")(str(path)).toPath())


class _Writer:
    """Writes documents with Anserini's field names. Every method runs on Java's threads."""

    def __init__(self, path: Path) -> None:
        from jnius import autoclass

        config = autoclass(_LUCENE + "index.IndexWriterConfig")(_analyzer())
        config.setSimilarity(_similarity())
        config.setRAMBufferSizeMB(_BUFFER_MB)
        self._bytes = autoclass(_LUCENE + "util.BytesRef")
        self._document = autoclass(_LUCENE + "document.Document")()
        stored = autoclass(_LUCENE + "document.Field$Store").YES
        self._id = autoclass(_LUCENE + "document.StringField")("id", "", stored)
        self._order = autoclass(_LUCENE + "document.BinaryDocValuesField")("id", self._bytes())
        self._contents = self._contents_field()
        # One document whose values are replaced: making new fields costs more calls into Java than indexing.
        for field in (self._id, self._order, self._contents):
            self._document.add(field)
        self._writer = autoclass(_LUCENE + "index.IndexWriter")(_directory(path), config)

    @staticmethod
    def _contents_field() -> Any:  # noqa: ANN401
        from jnius import autoclass, cast

        kind = autoclass(_LUCENE + "document.FieldType")()
        kind.setStored(False)
        kind.setStoreTermVectors(True)
        kind.setStoreTermVectorPositions(True)
        kind.setIndexOptions(autoclass(_LUCENE + "index.IndexOptions").DOCS_AND_FREQS_AND_POSITIONS)
        empty = cast("java.lang.CharSequence", autoclass("java.lang.String")(""))
        return autoclass(_LUCENE + "document.Field")("contents", empty, kind)

    def add(self, batch: list[Document]) -> None:
        """Index `batch`."""
        for document in batch:
            self._id.setStringValue(document.doc_id)
            self._order.setBytesValue(self._bytes(document.doc_id.encode()))
            self._contents.setStringValue(_java_text(document.full_text))
            self._writer.addDocument(self._document)

    def finish(self) -> None:
        """Put everything into one segment, the quickest to search, and on disk."""
        self._writer.forceMerge(1)
        self._writer.close()

    def abandon(self) -> None:
        """Let go of the files without keeping anything."""
        self._writer.rollback()


class _Reader:
    """Searches an index. Every method runs on Java's threads."""

    def __init__(self, path: Path) -> None:
        from jnius import autoclass, cast

        self.version = str(autoclass(_LUCENE + "util.Version").LATEST.toString())
        self._reader = autoclass(_LUCENE + "index.DirectoryReader").open(_directory(path))
        self._searcher = autoclass(_LUCENE + "search.IndexSearcher")(cast(_LUCENE + "index.IndexReader", self._reader))
        self._searcher.setSimilarity(_similarity())
        self._analyzer = _analyzer()
        self._queries = autoclass("io.anserini.search.query.BagOfWordsQueryGenerator")()
        fields = autoclass(_LUCENE + "search.SortField")
        as_bytes = autoclass(_LUCENE + "search.SortField$Type").STRING_VAL
        # The order of the ids' UTF-8 bytes is the order of Python's strings.
        self._sort = autoclass(_LUCENE + "search.Sort")(fields.FIELD_SCORE, fields("id", as_bytes))
        self._field_doc = _LUCENE + "search.FieldDoc"

    def search(self, text: str, depth: int) -> list[tuple[str, float]]:
        """(doc_id, score) of the best `depth` documents; ties, exact ones, by doc_id."""
        query = self._queries.buildQuery("contents", self._analyzer, _java_text(text))
        found = self._searcher.search(query, min(depth, max(1, self._reader.maxDoc())), self._sort, True)
        return [self._hit(hit) for hit in found.scoreDocs]

    def _hit(self, hit: Any) -> tuple[str, float]:  # noqa: ANN401
        from jnius import cast

        key = cast(self._field_doc, hit).fields[1]
        # As bytes: pyjnius garbles characters beyond U+FFFF in strings that come from Java.
        raw = key.bytes.tostring()[key.offset : key.offset + key.length]
        return str(raw, "utf-8"), float(hit.score)

    def close(self) -> None:
        """Close the files and let go of the Java objects here, on a thread that Java knows."""
        self._reader.close()
        self.__dict__.clear()
