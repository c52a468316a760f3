"""Judgments into files: TREC qrels of the current grades, or every event as JSONL."""

from collections.abc import Sequence

from data.errors import ConflictError, NotFoundError, SettingsError
from data.formats.events import write_events
from data.formats.trec import Qrel, write_qrels
from data.records import AssessorKind, Collection
from data.settling import Pair, resolve_all
from data.store import Store


def export_judgments(
    store: Store,
    collection: Collection,
    *,
    format: str,
    kinds: Sequence[AssessorKind] | None = None,
    assessor: str | None = None,
) -> str:
    """The text of a file. `trec`: current grades, people's conflicts as they were settled; ConflictError where several
    assessors give a pair different grades otherwise. `jsonl`: every event, oldest first, as `import_judgments` reads
    them."""
    check_format(format)
    chosen = {a.assessor_id: a for a in store.assessors.list() if kinds is None or a.kind in kinds}
    if assessor is not None:
        names = sorted({a.name for a in chosen.values()})
        chosen = {key: a for key, a in chosen.items() if a.name == assessor}
        if not chosen:
            raise NotFoundError(f"There is no such assessor {assessor!r}.", mend=f"Use one of: {', '.join(names)}.")
    if format == "jsonl":
        events = store.judgments.events(collection.collection_id)
        return write_events((event for event in events if event.assessor_id in chosen), chosen)
    grades: dict[Pair, int] = {}
    for kind in AssessorKind:
        ids = [a.assessor_id for a in chosen.values() if a.kind is kind]
        for pair, how in resolve_all(store.judgments.current(collection.collection_id, assessor_ids=ids)).items():
            if how.open or (how.grade is not None and grades.setdefault(pair, how.grade) != how.grade):
                raise ConflictError(
                    f"Document {pair[1]!r} has different grades for query {pair[0]!r}, and qrels hold one.",
                    mend="Name one assessor, or, where people disagree, settle it on the page Adjudication.",
                )
    return write_qrels(Qrel(query_id=q, doc_id=d, grade=grade) for (q, d), grade in sorted(grades.items()))


def check_format(format: str) -> None:
    """Raises SettingsError for a format that judgments do not come in."""
    if format not in ("trec", "jsonl"):
        raise SettingsError(f"There is no format {format!r} for judgments.", mend="Use trec or jsonl.")
