"""Writing judgment events: the rules every event must keep, wherever it comes from."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.errors import ConflictError, NotFoundError, SettingsError
from data.records import AssessorKind, Judgment, Status
from data.scales import Scale
from data.schema import assessors, collections, documents, judgments, queries
from data.store.database import flat
from data.store.dialects import one_of

BATCH = 1000
"""Events checked and written at once."""

JUDGMENT_COLUMNS = tuple(judgments.c[name] for name in Judgment.__dataclass_fields__)


def newest_events(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[int]]:
    """Sequence numbers of the newest event of every (assessor, query, document) that meets the conditions.

    Computed rather than kept in a table of its own: grouping reads one covering index in its order (0.1 s for 100,000
    events, a few ms for a query's), and there is no second truth that could come apart from the events."""
    return (
        sa.select(sa.func.max(judgments.c.sequence).label("sequence"))
        .where(*conditions)
        .group_by(judgments.c.query_id, judgments.c.doc_id, judgments.c.assessor_id)
    )


def insert_events(
    connection: Connection, given: Iterable[Judgment], *, imported: bool = False, undoes: str | None = None
) -> int:
    """Write the events that are not stored yet and return their number. A person's explanation that is the one it
    started from is not the person's: it is stored as None. `imported` events may have started from an event that is
    not in this store (they were checked where they were made); others raise NotFoundError then."""
    rules = _Rules(connection, imported=imported)
    rest = iter(given)
    added = 0
    while batch := list(islice(rest, BATCH)):
        rows = [{**flat(judgment), "undoes": undoes} for judgment in rules.fresh(batch)]
        if rows:
            connection.execute(judgments.insert(), rows)
        added += len(rows)
    return added


class _Rules:
    """What an event must keep to; holds what it has looked up for the time of one transaction."""

    def __init__(self, connection: Connection, *, imported: bool) -> None:
        self._connection = connection
        self._imported = imported
        self._scales: dict[str, Scale] = {}
        self._kinds: dict[str, AssessorKind] = {}

    def fresh(self, batch: Sequence[Judgment]) -> list[Judgment]:
        """The events to be written: checked, and without those that are stored already."""
        wanted = {judgment.event_id for judgment in batch}
        wanted |= {judgment.edited_from for judgment in batch if judgment.edited_from is not None}
        query = sa.select(*JUDGMENT_COLUMNS).where(one_of(judgments.c.event_id, sorted(wanted)))
        known = {row["event_id"]: Judgment(**row) for row in self._connection.execute(query).mappings()}
        fresh = []
        for judgment in batch:
            self._check_grade(judgment)
            checked = self._own_explanation(judgment, known)
            stored = known.get(checked.event_id)
            if stored is None:
                fresh.append(checked)
                known[checked.event_id] = checked
            elif not _same(stored, checked):
                raise ConflictError(
                    f"Event {checked.event_id} is already stored with another content.",
                    mend="Judgment events are never changed: send a new event with an id of its own.",
                )
        self._check_pairs(fresh)
        return fresh

    def _check_grade(self, judgment: Judgment) -> None:
        if (judgment.status is Status.JUDGED) != (judgment.grade is not None):
            raise SettingsError(
                f"A judgment is {judgment.status.value!r} with the grade {judgment.grade}.",
                mend="Give a grade with the status 'judged', and none with any other.",
            )
        if judgment.collection_id not in self._scales:
            query = sa.select(collections.c.scale).where(collections.c.collection_id == judgment.collection_id)
            scale = self._connection.execute(query).scalar_one_or_none()
            if scale is None:
                raise _not_there("collection", judgment.collection_id)
            self._scales[judgment.collection_id] = scale
        if judgment.grade is not None:
            self._scales[judgment.collection_id].level(judgment.grade)

    def _own_explanation(self, judgment: Judgment, known: dict[str, Judgment]) -> Judgment:
        if not (judgment.explanation or "").strip():
            judgment = replace(judgment, explanation=None)
        if self._kind(judgment.assessor_id) is not AssessorKind.HUMAN:
            return judgment
        if judgment.explanation is None or judgment.edited_from is None:
            return judgment
        origin = known.get(judgment.edited_from)
        if origin is None:
            if self._imported:
                return judgment
            raise _not_there("judgment event", judgment.edited_from)
        # Their own earlier words stay theirs when only the grade is changed.
        if origin.assessor_id == judgment.assessor_id or _words(origin.explanation) != _words(judgment.explanation):
            return judgment
        return replace(judgment, explanation=None)

    def _kind(self, assessor_id: str) -> AssessorKind:
        if assessor_id not in self._kinds:
            query = sa.select(assessors.c.kind).where(assessors.c.assessor_id == assessor_id)
            kind = self._connection.execute(query).scalar_one_or_none()
            if kind is None:
                raise _not_there("assessor", assessor_id)
            self._kinds[assessor_id] = AssessorKind(kind)
        return self._kinds[assessor_id]

    def _check_pairs(self, fresh: Sequence[Judgment]) -> None:
        for collection_id in {judgment.collection_id for judgment in fresh}:
            mine = [judgment for judgment in fresh if judgment.collection_id == collection_id]
            self._check_ids("query", queries.c.query_id, collection_id, {judgment.query_id for judgment in mine})
            self._check_ids("document", documents.c.doc_id, collection_id, {judgment.doc_id for judgment in mine})

    def _check_ids(self, noun: str, column: sa.Column[Any], collection_id: str, ids: set[str]) -> None:
        inside = column.table.c.collection_id == collection_id
        there = set(self._connection.execute(sa.select(column).where(inside, one_of(column, sorted(ids)))).scalars())
        if missing := sorted(ids - there):
            raise _not_there(noun, missing[0])


def _same(stored: Judgment, sent: Judgment) -> bool:
    """Is it the same event? A second submit may have looked at the clock again."""
    return replace(stored, created_at=sent.created_at, seconds_spent=sent.seconds_spent) == sent


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def _not_there(noun: str, key: str) -> NotFoundError:
    return NotFoundError(f"A judgment names a {noun} that is not stored: {key!r}.", mend="Look at its ids again.")
