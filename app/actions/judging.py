"""A person says something of a pair: one event, on disk before anybody is told that it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data.errors import NotFoundError, SettingsError
from data.records import Assessor, AssessorKind, Collection, Document, Evidence, Judgment, Query, Status
from engine.explanation.evidence import find_evidence, quotes
from engine.workbench import Workbench

Span = tuple[int, int]
"""(start, end) in characters (Unicode code points) of a document's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person entered for one painted pair."""

    event_id: str
    """Made when the pair was painted: a second press of a key is the same event."""
    query_id: str
    doc_id: str
    status: Status = Status.JUDGED
    grade: int | None = None
    text: str = ""
    """The explanation's text field as it stands."""
    started_from: Judgment | None = None
    """The judgment of somebody else whose explanation the field was filled with."""
    spans: tuple[Span, ...] | None = None
    """Passages of the document's text that the person marked; None: as they were."""
    model_visible: bool = False
    seconds_spent: float | None = None
    guideline_version: int | None = None
    """The version that was on the screen; None: the newest."""
    ranking_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The event is on disk; `at` is when, in local time."""

    judgment: Judgment
    at: datetime

    @property
    def words(self) -> str:
        """What the screen says."""
        return f"saved at {self.at:%H:%M:%S}"


def person(workbench: Workbench, name: str) -> Assessor:
    """The person of this name; one who has judged nothing yet is not stored by looking."""
    return workbench.store.assessors.found_or_new(name, AssessorKind.HUMAN)


def pair(workbench: Workbench, collection: Collection, query_id: str, doc_id: str) -> tuple[Query, Document]:
    """Query and document of a pair; raises NotFoundError where one of them is not in the collection."""
    query = workbench.store.collections.query(collection.collection_id, query_id)
    document = workbench.store.collections.documents_by_id(collection.collection_id, [doc_id]).get(doc_id)
    if document is None:
        raise NotFoundError(
            f"There is no document {doc_id!r} in {collection.name}.", mend="Choose a pair from the queue instead."
        )
    return query, document


def save(workbench: Workbench, collection: Collection, name: str, draft: Draft) -> Saved:
    """Store what the person said. Sending a draft twice, or saying the same again, stores it once.

    Raises ConflictError where another answer was already given to this painting of the pair.
    """
    _, document = pair(workbench, collection, draft.query_id, draft.doc_id)
    now = mine(workbench, collection, name, draft.query_id, draft.doc_id)
    explanation, edited_from = own_words(draft.text, draft.started_from, now)
    kept = spans(now) if draft.spans is None and now is not None else draft.spans or ()
    evidence = evidence_of(explanation, kept, document.text) if draft.status is Status.JUDGED else ()
    said = (draft.status, draft.grade, explanation, evidence)
    if now is not None and (now.status, now.grade, now.explanation, now.evidence) == said:
        return Saved(judgment=now, at=now.created_at.astimezone())
    judgment = Judgment(
        event_id=draft.event_id,
        collection_id=collection.collection_id,
        query_id=draft.query_id,
        doc_id=draft.doc_id,
        assessor_id=workbench.store.assessors.ensure(name, AssessorKind.HUMAN).assessor_id,
        status=draft.status,
        grade=draft.grade,
        explanation=explanation,
        evidence=evidence,
        edited_from=edited_from,
        model_visible=draft.model_visible,
        seconds_spent=draft.seconds_spent,
        guideline_version=draft.guideline_version or collection.guideline_version,
        ranking_id=draft.ranking_id,
    )
    workbench.store.judgments.add(judgment)
    return Saved(judgment=judgment, at=datetime.now().astimezone())


def undo(
    workbench: Workbench,
    collection: Collection,
    name: str,
    *,
    target: str | None = None,
    event_id: str | None = None,
) -> Judgment | None:
    """Take back this person's newest event, or the `target`; None where nothing is left to take back. `event_id` is
    the undo's own: sent twice, it is done once."""
    me = person(workbench, name).assessor_id
    return workbench.store.judgments.undo(collection.collection_id, me, target=target, event_id=event_id)


def undone_words(undone: Judgment | None, doc_id: str) -> str:
    """What the screen says after an undo that was asked for on this document."""
    if undone is None:
        return "nothing is left to take back"
    if undone.doc_id != doc_id:
        return f"your newest judgment was of {undone.doc_id}: that one is taken back"
    return "taken back" if undone.status is Status.WITHDRAWN else "taken back: it is as it was before"


def mine(workbench: Workbench, collection: Collection, name: str, query_id: str, doc_id: str) -> Judgment | None:
    """What this person says of the pair now."""
    me = person(workbench, name).assessor_id
    found = workbench.store.judgments.current(
        collection.collection_id, assessor_ids=[me], query_ids=[query_id], doc_ids=[doc_id]
    )
    return found[0] if found else None


def own_words(text: str, started_from: Judgment | None, mine: Judgment | None) -> tuple[str | None, str | None]:
    """(explanation, edited_from) of a person's event. A text nobody touched isn't the person's."""
    text = text.strip()
    if not text:
        return None, None
    if mine is not None and mine.explanation is not None and mine.explanation.strip() == text:
        return mine.explanation, mine.edited_from
    if started_from is not None:
        untouched = (started_from.explanation or "").strip() == text
        return (None, None) if untouched else (text, started_from.event_id)
    return text, mine.edited_from if mine is not None else None


def evidence_of(explanation: str | None, marked: Sequence[Span], text: str) -> tuple[Evidence, ...]:
    """A judgment's evidence: what its explanation quotes, then what was marked and is not among that. Raises
    SettingsError for a mark that is not inside the text."""
    quoted = find_evidence(explanation, text) if explanation else ()
    places = {(evidence.start_char, evidence.end_char) for evidence in quoted}
    found = list(quoted)
    for start, end in sorted(set(marked)):
        if not 0 <= start < end <= len(text):
            raise SettingsError(
                f"A marked passage ({start} to {end}) is outside the document, which has {len(text)} characters.",
                mend="Reload the page and mark it again.",
            )
        if (start, end) not in places:
            found.append(Evidence(quote=text[start:end], start_char=start, end_char=end))
    return tuple(found)


def spans(judgment: Judgment) -> tuple[Span, ...]:
    """The passages a person marked, beside those that the explanation quotes."""
    quoted = set(quotes(judgment.explanation or ""))
    return tuple(
        (evidence.start_char, evidence.end_char)
        for evidence in judgment.evidence
        if evidence.start_char is not None and evidence.end_char is not None and evidence.quote not in quoted
    )
