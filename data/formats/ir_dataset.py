"""A data set by its id in the library ir_datasets (extra `ir-datasets`), which fetches and keeps it by itself."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import NotFoundError, SettingsError
from data.formats.jsonl import ReadQuery, documents_in, queries_in
from data.formats.rows import BadRows
from data.formats.trec import Qrel
from data.records import Document

PREFIX = "ir_datasets:"
"""Begins the name of such a collection where a path is expected."""
MOST = 200_000
"""Documents that are taken without being asked for: MS MARCO has 8.8 million, which nobody should fetch unawares."""
_INSTALL = "Run pip install 'whyrank[ir-datasets]', or in a checkout .venv/bin/pip install '.[ir-datasets]'."
_TEXTS = ("text", "body", "abstract", "contents")


@dataclass(frozen=True, slots=True, kw_only=True)
class IrDataset:
    """A data set of the library. It is fetched when it is first read."""

    name: str
    dataset: Any
    limit: int | None = None
    """The first so many documents, with the labels of those; None: all."""

    @property
    def file(self) -> Path:
        """What stands for a file where a bad row is told."""
        return Path(PREFIX + self.name.replace("/", ":"))

    def documents(self, bad: BadRows) -> Iterator[Document]:
        """The documents; bad rows go to `bad`."""
        yield from documents_in(_numbered(map(_document, self._taken())), self.file, bad)

    def queries(self, bad: BadRows) -> list[ReadQuery]:
        """The queries, held out or for training by the end of the name (`beir/scifact/train`); where the data set has
        labels, only those that have some: MS MARCO has a hundred thousand others."""
        split = self.name.rpartition("/")[2]
        facts = {"split": split} if split in ("train", "dev", "validation", "test") else {}
        labelled = {qrel.query_id for _, qrel in self.labels(BadRows())}
        with _reading(self.name):
            asked = self.dataset.queries_iter() if self.dataset.has_queries() else ()
            rows = [{"_id": q.query_id, "text": _text(q), "metadata": facts} for q in asked]
        wanted = [row for row in rows if not labelled or row["_id"] in labelled]
        return [query for _, query, _ in queries_in(_numbered(wanted), self.file, bad)]

    def labels(self, _: BadRows) -> list[tuple[Path, Qrel]]:
        """The labels of the documents that are taken, with their own grades."""
        if not self.dataset.has_qrels():
            return []
        taken = None if self.limit is None else {document.doc_id for document in self._taken()}
        with _reading(self.name):
            return [
                (self.file, Qrel(query_id=q.query_id, doc_id=q.doc_id, grade=int(q.relevance), line=line))
                for line, q in enumerate(self.dataset.qrels_iter(), start=1)
                if taken is None or q.doc_id in taken
            ]

    def _taken(self) -> Iterator[Any]:
        with _reading(self.name):
            for number, document in enumerate(islice(self.dataset.docs_iter(), self.limit)):
                if self.limit is None and number == MOST:
                    raise _too_many(self.name, None)
                yield document


def is_ir_dataset(path: str | Path) -> bool:
    """Is an id of the library meant, where a path is expected?"""
    return str(path).startswith(PREFIX)


def ir_dataset(name: str, limit: int | None = None) -> IrDataset:
    """The data set of that id, not fetched yet. Raises SettingsError where the library is not installed, or where it
    has more than `MOST` documents and no `limit` was said; NotFoundError where there is no such id."""
    try:
        import ir_datasets
    except ImportError:
        raise SettingsError("The library ir_datasets is not installed.", mend=_INSTALL) from None
    if limit is not None and limit < 1:
        raise SettingsError(f"{limit} documents are none.", mend="Ask for one or more.")
    try:
        dataset = ir_datasets.load(name)
    except KeyError:
        raise NotFoundError(
            f"ir_datasets has no data set {name!r}.",
            mend="Look up its id on ir-datasets.com, such as beir/scifact/test.",
        ) from None
    if not dataset.has_docs():
        raise NotFoundError(f"{name} of ir_datasets has no documents.", mend="Choose one that has docs.")
    with _reading(name):
        count = dataset.docs_count() if hasattr(dataset, "docs_count") else None
    if limit is None and count is not None and count > MOST:
        raise _too_many(name, count)
    return IrDataset(name=name, dataset=dataset, limit=limit)


def _too_many(name: str, count: int | None) -> SettingsError:
    size = f"{count:,}" if count is not None else f"more than {MOST:,}"
    return SettingsError(
        f"{name} of ir_datasets has {size} documents.",
        mend="Say how many of them you want: with --documents 100000, or in the form, the first ones are taken.",
    )


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Fetching and reading are the library's; what goes wrong there is told with its words."""
    try:
        yield
    except (OSError, RuntimeError, ImportError) as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise NotFoundError(
            f"ir_datasets can't read {name}: {said}",
            mend="Look at the network and at the data set's page on ir-datasets.com: some need an agreement or "
            "another package.",
        ) from error


def _numbered(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return enumerate(rows, start=1)


def _document(given: Any) -> dict[str, Any]:
    title = getattr(given, "title", "")
    return {"_id": given.doc_id, "title": title if isinstance(title, str) else "", "text": _text(given)}


def _text(given: Any) -> str:
    """The text of a document or query: the field that is called so, else what the library would index."""
    for name in _TEXTS:
        if isinstance(found := getattr(given, name, None), str) and found.strip():
            return found
    return str(given.default_text())
