"""Collections and judgments from files, all or nothing.

An import reads its files twice: once to find every bad row, and once, inside one transaction, to store them. So the
database is not locked while a file is checked, and a million documents need not fit into memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import SettingsError
from data.exporting import check_format, export_judgments
from data.formats.events import ReadEvent, event_rows
from data.formats.rows import BadRows, refusing
from data.formats.trec import Qrel, qrels_rows
from data.labels import read_labels, regraded
from data.records import Assessor, AssessorKind, Collection, Document, Evidence, Judgment, Query, new_id
from data.scales import DEFAULT_SCALE, Scale
from data.sources import Source, source_of
from data.store import Store

__all__ = ["export_judgments", "import_collection", "import_judgments", "located", "read_data_set"]

OnProgress = Callable[[str, int, int | None], None]
"""What is being done, how much of it is done, of how much (None: unknown)."""

_OWNER = "Say whose labels these are, with the assessor's name and kind (human or teacher)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A data set whose files were read and found good; its documents are read again when they are stored."""

    source: Source
    doc_ids: frozenset[str]
    queries: list[Query]
    qrels: list[Qrel]

    def documents(self) -> Iterator[Document]:
        """The documents; raises ImportRefusedError at the end where a file became a bad one in the meantime."""
        with refusing() as bad:
            yield from self.source.documents(bad)

    def judgments(self, collection_id: str, assessor: Assessor) -> list[Judgment]:
        """The labels as the assessor's judgments."""
        return [_judgment(qrel, collection_id, assessor) for qrel in self.qrels]


def read_data_set(
    path: Path | Source,
    *,
    qrels: Path | None,
    split: str | None,
    scale: Scale,
    grades: Mapping[int, int] | None = None,
    on_progress: OnProgress | None = None,
) -> Reading:
    """Read and check a collection. `grades` says which of the scale's each grade of the labels is (None: the same).
    Raises ImportRefusedError with all bad rows."""
    source = path if isinstance(path, Source) else source_of(path, split=split)
    with refusing() as bad:
        doc_ids = _doc_ids(source, bad, on_progress)
        queries = source.queries(bad)
        labels = read_labels(
            replace(source.label_files, given=qrels), None if source.domain is not None else split, queries, bad
        )
        found = labels.qrels if qrels is not None else labels.qrels + _gold(source, scale, grades, bad)
        found = regraded(found, grades, bad)
        query_ids = {row.query.query_id for row in queries}
        for file, qrel in found:
            _check_pair(file, qrel.line, (qrel.query_id, qrel.doc_id, qrel.grade), (query_ids, doc_ids, scale), bad)
    return Reading(source=source, doc_ids=doc_ids, queries=labels.queries, qrels=[qrel for _, qrel in found])


def import_collection(  # noqa: PLR0913 - what a person may say of a data set
    store: Store,
    *,
    name: str,
    path: Path | Source,
    qrels: Path | None = None,
    split: str | None = None,
    assessor: str | None = None,
    kind: AssessorKind | None = None,
    scale: Scale = DEFAULT_SCALE,
    grades: Mapping[int, int] | None = None,
    authored: bool = False,
    on_progress: OnProgress | None = None,
) -> Collection:
    """Import documents with, where the source has them, queries and (where an assessor is named) labels. Raises
    ImportRefusedError with all bad rows, SettingsError for labels without an assessor; nothing is stored then."""
    owner = _owner(store, assessor, kind, authored=authored)
    if qrels is not None and owner is None:
        raise SettingsError("Labels were given without an assessor.", mend=_OWNER)
    source = path if isinstance(path, Source) else source_of(path, split=split)
    if owner is None:
        source = replace(source, gold=lambda _: [])
    reading = read_data_set(source, qrels=qrels, split=split, scale=scale, grades=grades, on_progress=on_progress)
    if owner is not None and not reading.qrels:
        raise SettingsError(
            f"{source.path} has no labels to import.", mend="Name a file of labels, or leave the assessor out."
        )
    collection_id, total = new_id(), len(reading.doc_ids)
    return store.collections.add(
        collection_id=collection_id,
        name=name,
        scale=scale,
        documents=reading.documents(),
        queries=reading.queries,
        judgments=[] if owner is None else reading.judgments(collection_id, owner),
        assessors=[] if owner is None else [owner],
        source=source.path.name + (f" {source.domain}" if source.domain else ""),
        on_progress=None if on_progress is None else lambda done: on_progress("Storing documents", done, total),
    )


def import_judgments(
    store: Store,
    collection: Collection,
    path: Path,
    *,
    format: str,
    assessor: str | None = None,
    kind: AssessorKind | None = None,
    authored: bool = False,
) -> int:
    """Import judgments of pairs the collection has, and return how many were new. `trec`: labels of the named assessor;
    those that are this assessor's current grade already are left out. `jsonl`: whole events; a row that names its own
    assessor keeps it. Raises ImportRefusedError with all bad rows; nothing is stored then."""
    owner = _owner(store, assessor, kind, authored=authored)
    if format == "trec":
        if owner is None:
            raise SettingsError("Labels were given without an assessor.", mend=_OWNER)
        fresh = _fresh_labels(store, collection, path, owner)
        return store.judgments.add_many(fresh, assessors=[owner])
    check_format(format)
    with refusing() as bad:
        events = event_rows(path, bad)
        documents = store.collections.documents_by_id(
            collection.collection_id, sorted({event.row.doc_id for event in events})
        )
        query_ids = {query.query_id for query in store.collections.queries(collection.collection_id)}
        for event in events:
            pair = (event.row.query_id, event.row.doc_id, event.row.grade)
            _check_pair(path, event.line, pair, (query_ids, documents.keys(), collection.scale), bad)
        owners = _Owners(store, owner)
        found = [(event, owners.of(path, event, bad)) for event in events]
    judgments = [
        located(event.judgment(collection.collection_id, whose.assessor_id), documents[event.row.doc_id])
        for event, whose in found
        if whose is not None
    ]
    return store.judgments.add_many(judgments, assessors=owners.known.values(), imported=True)


def located(judgment: Judgment, document: Document) -> Judgment:
    """The judgment with the place of every quote that came without one and stands in the document's text."""
    return replace(judgment, evidence=tuple(_located(evidence, document.text) for evidence in judgment.evidence))


class _Owners:
    """The assessors that the rows of a file name; new ones are stored with the judgments."""

    def __init__(self, store: Store, given: Assessor | None) -> None:
        self._store = store
        self._given = given
        self.known: dict[object, Assessor] = {}
        if given is not None:
            self.known[given.name, given.kind, given.authored, given.version_id] = given

    def of(self, path: Path, event: ReadEvent, bad: BadRows) -> Assessor | None:
        """Whose event it is; None where it is nobody's, which is a bad row."""
        row = event.row.assessor
        if row is None:
            if self._given is None:
                bad.add(path, event.line, "no assessor: name one in the row, or one for the whole file")
            return self._given
        key = (row.name, row.kind, row.authored, row.version_id)
        if key not in self.known:
            versions = {version.version_id for version in self._store.versions.list()}
            if row.kind is AssessorKind.STUDENT and row.version_id not in versions:
                bad.add(path, event.line, f"it is of the model version {row.name!r}, which is not in this store")
                return None
            self.known[key] = self._store.assessors.found_or_new(
                row.name, row.kind, authored=row.authored, version_id=row.version_id
            )
        return self.known[key]


def _owner(store: Store, name: str | None, kind: AssessorKind | None, *, authored: bool) -> Assessor | None:
    if name is None and kind is None:
        return None
    if name is None or kind is None:
        raise SettingsError("An assessor needs both a name and a kind.", mend=_OWNER)
    return store.assessors.found_or_new(name, kind, authored=authored)


def _gold(source: Source, scale: Scale, grades: Mapping[int, int] | None, bad: BadRows) -> list[tuple[Path, Qrel]]:
    """Labels that a source has in no file of their own. They know relevant documents alone, so on a scale of more
    grades somebody must say which of them that is."""
    found = source.gold(bad)
    if found and grades is None and scale.highest > 1:
        raise SettingsError(
            f"The gold documents of {source.path} are relevant or not; the scale {scale.name} has "
            f"{len(scale.grades)} grades.",
            mend=f"Use a scale of two grades (prorank), or say which grade is meant: 1={scale.highest}.",
        )
    return found


def _doc_ids(source: Source, bad: BadRows, on_progress: OnProgress | None) -> frozenset[str]:
    doc_ids: set[str] = set()
    for document in source.documents(bad):
        doc_ids.add(document.doc_id)
        if on_progress is not None and len(doc_ids) % 1000 == 0:
            on_progress("Reading documents", len(doc_ids), None)
    if not doc_ids and not bad.count:
        bad.add(source.path, 1, "there are no documents in it")
    return frozenset(doc_ids)


def _check_pair(
    file: Path,
    line: int,
    pair: tuple[str, str, int | None],
    known: tuple[Iterable[str], Iterable[str], Scale],
    bad: BadRows,
) -> None:
    (query_id, doc_id, grade), (query_ids, doc_ids, scale) = pair, known
    if query_id not in query_ids:
        bad.add(file, line, f"the collection has no query {query_id!r}")
    elif doc_id not in doc_ids:
        bad.add(file, line, f"the collection has no document {doc_id!r}")
    elif grade is not None and grade not in scale.grades:
        bad.add(file, line, f"the grade {grade} is not on the scale {scale.name} ({', '.join(scale.choices)})")


def _fresh_labels(store: Store, collection: Collection, path: Path, owner: Assessor) -> list[Judgment]:
    present = {
        (judgment.query_id, judgment.doc_id): judgment.grade
        for judgment in store.judgments.current(collection.collection_id, assessor_ids=[owner.assessor_id])
    }
    with refusing() as bad:
        qrels = qrels_rows(path, bad)
        query_ids = {query.query_id for query in store.collections.queries(collection.collection_id)}
        doc_ids = store.collections.documents_by_id(
            collection.collection_id, sorted({qrel.doc_id for qrel in qrels})
        ).keys()
        for qrel in qrels:
            known = (query_ids, doc_ids, collection.scale)
            _check_pair(path, qrel.line, (qrel.query_id, qrel.doc_id, qrel.grade), known, bad)
    return [
        _judgment(qrel, collection.collection_id, owner)
        for qrel in qrels
        if present.get((qrel.query_id, qrel.doc_id)) != qrel.grade
    ]


def _judgment(qrel: Qrel, collection_id: str, assessor: Assessor) -> Judgment:
    return Judgment(
        event_id=new_id(),
        collection_id=collection_id,
        query_id=qrel.query_id,
        doc_id=qrel.doc_id,
        assessor_id=assessor.assessor_id,
        grade=qrel.grade,
        note=None if qrel.given is None else f"grade {qrel.given} in the file",
    )


def _located(evidence: Evidence, text: str) -> Evidence:
    start = text.find(evidence.quote) if evidence.start_char is None and evidence.quote else -1
    return evidence if start < 0 else replace(evidence, start_char=start, end_char=start + len(evidence.quote))
