"""Judgments from files into a collection, all or nothing: TREC qrels, and events as JSONL or CSV."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from data.audit import Action, AuditEntry
from data.errors import NotFoundError, SettingsError
from data.formats.event_table import table_event_rows
from data.formats.events import ReadEvent, event_rows
from data.formats.rows import BadRows, refusing
from data.formats.trec import Qrel, qrels_rows
from data.labels import regraded
from data.records import Assessor, AssessorKind, Collection, Document, Evidence, Judgment, new_id
from data.scales import Scale
from data.store import Store

FORMATS = {
    "trec": "TREC qrels, or BEIR's table of labels",
    "jsonl": "judgments as JSONL",
    "csv": "judgments as CSV",
}
"""Format -> what it is."""

_LOOKED_AT = 4096
"""Characters of a file that say what it is."""

OWNER = "Say whose labels these are, with the assessor's name and kind (human or teacher)."


def judgments_format(path: Path) -> str:
    """What a file of judgments is, by its beginning: an object of JSON, a header with our columns, else qrels."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", mend="Look at the path again.")
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.read(_LOOKED_AT).lstrip().partition("\n")[0].lower()
    if first.startswith("{"):
        return "jsonl"
    return "csv" if "query_id" in first and "doc_id" in first else "trec"


def import_judgments(
    store: Store,
    collection: Collection,
    path: Path,
    *,
    format: str | None = None,
    assessor: str | None = None,
    kind: AssessorKind | None = None,
    authored: bool = False,
    grades: Mapping[int, int] | None = None,
    by: str = "",
) -> int:
    """Import judgments of pairs the collection has, and return how many were new.

    `format` is one of `FORMATS` (None: found out). `trec`: labels of the named assessor; those that are this assessor's
    current grade already are left out, and `grades` says which grade here each of theirs is (None: the same). `jsonl`
    and `csv`: whole events; a row that names its own assessor keeps it. Raises ImportRefusedError with all bad rows;
    nothing is stored then. `by`: who imports them.
    """
    format = format or judgments_format(path)
    if format not in FORMATS:
        raise SettingsError(f"There is no format {format!r} for judgments.", mend=f"Use one of: {', '.join(FORMATS)}.")
    owner = owner_of(store, assessor, kind, authored=authored)
    facts = {"file": path.name, "format": format}
    noted = AuditEntry(actor=by, action=Action.JUDGMENTS_IMPORTED, subject=collection.name, details=facts)
    if format == "trec":
        if owner is None:
            raise SettingsError("Labels were given without an assessor.", mend=OWNER)
        fresh = _fresh_labels(store, collection, path, owner, grades)
        return store.judgments.add_many(fresh, assessors=[owner], noted=noted)
    if grades is not None:
        raise SettingsError(
            "Only labels of TREC qrels can be put on another scale.", mend="Change the grades in the file itself."
        )
    with refusing() as bad:
        events = event_rows(path, bad) if format == "jsonl" else table_event_rows(path, bad)
        documents = store.collections.documents_by_id(
            collection.collection_id, sorted({event.row.doc_id for event in events})
        )
        query_ids = {query.query_id for query in store.collections.queries(collection.collection_id)}
        for event in events:
            pair = (event.row.query_id, event.row.doc_id, event.row.grade)
            check_pair(path, event.line, pair, (query_ids, documents.keys(), collection.scale), bad)
        owners = _Owners(store, owner)
        found = [(event, owners.of(path, event, bad)) for event in events]
    judgments = [
        located(event.judgment(collection.collection_id, whose.assessor_id), documents[event.row.doc_id])
        for event, whose in found
        if whose is not None
    ]
    return store.judgments.add_many(judgments, assessors=owners.known.values(), imported=True, noted=noted)


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


def owner_of(store: Store, name: str | None, kind: AssessorKind | None, *, authored: bool) -> Assessor | None:
    """Whose labels they are, a new assessor made up where it has to be; None where nothing was said."""
    if name is None and kind is None:
        return None
    if name is None or kind is None:
        raise SettingsError("An assessor needs both a name and a kind.", mend=OWNER)
    return store.assessors.found_or_new(name, kind, authored=authored)


def check_pair(
    file: Path,
    line: int,
    pair: tuple[str, str, int | None],
    known: tuple[Iterable[str], Iterable[str], Scale],
    bad: BadRows,
) -> None:
    """Note a pair (query_id, doc_id, grade) that is not among the known queries, documents, or grades of the scale."""
    (query_id, doc_id, grade), (query_ids, doc_ids, scale) = pair, known
    if query_id not in query_ids:
        bad.add(file, line, f"the collection has no query {query_id!r}")
    elif doc_id not in doc_ids:
        bad.add(file, line, f"the collection has no document {doc_id!r}")
    elif grade is not None and grade not in scale.grades:
        bad.add(file, line, f"the grade {grade} is not on the scale {scale.name} ({', '.join(scale.choices)})")


def _fresh_labels(
    store: Store, collection: Collection, path: Path, owner: Assessor, grades: Mapping[int, int] | None
) -> list[Judgment]:
    present = {
        (judgment.query_id, judgment.doc_id): judgment.grade
        for judgment in store.judgments.current(collection.collection_id, assessor_ids=[owner.assessor_id])
    }
    with refusing() as bad:
        read = ((path, qrel) for qrel in qrels_rows(path, bad))
        qrels = [qrel for _, qrel in regraded(read, grades, bad)]
        query_ids = {query.query_id for query in store.collections.queries(collection.collection_id)}
        doc_ids = store.collections.documents_by_id(
            collection.collection_id, sorted({qrel.doc_id for qrel in qrels})
        ).keys()
        for qrel in qrels:
            known = (query_ids, doc_ids, collection.scale)
            check_pair(path, qrel.line, (qrel.query_id, qrel.doc_id, qrel.grade), known, bad)
    return [
        judgment_of(qrel, collection.collection_id, owner)
        for qrel in qrels
        if present.get((qrel.query_id, qrel.doc_id)) != qrel.grade
    ]


def judgment_of(qrel: Qrel, collection_id: str, assessor: Assessor) -> Judgment:
    """A label as a judgment of the assessor."""
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
