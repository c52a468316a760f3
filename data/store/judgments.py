"""Judgments: append-only events, and the current view over them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.audit import AuditEntry
from data.errors import ConflictError
from data.records import DECIDED, Assessor, AssessorKind, Judgment, Status, new_id, utc_now
from data.schema import assessors, judgments
from data.store.assessors import insert_missing
from data.store.audit import note
from data.store.database import Database
from data.store.dialects import one_of, unindexed
from data.store.events import BATCH, JUDGMENT_COLUMNS, insert_events, newest_events


class Judgments:
    """The store's judgment events. "Newest" is the order they were stored in, never the clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, judgment: Judgment) -> bool:
        """Store an event; when this returns, it is on disk. False: it was stored before (a double submit). Raises
        ConflictError for a stored id with other content, SettingsError for a grade that is off the scale or does not
        fit the status, NotFoundError for ids that are not there.

        A person's explanation that equals the one it was `edited_from` is stored as None: nobody wrote it."""
        return self.add_many([judgment]) == 1

    def add_many(
        self,
        given: Iterable[Judgment],
        *,
        assessors: Iterable[Assessor] = (),
        imported: bool = False,
        noted: AuditEntry | None = None,
    ) -> int:
        """Store events in one transaction, all or none; returns how many were new. `assessors` that are not stored
        yet are stored along. `imported` events may start from events this store does not have. `noted` goes into the
        audit log, with the number."""
        with self._database.write() as connection:
            insert_missing(connection, assessors)
            added = insert_events(connection, given, imported=imported)
            if noted is not None:
                note(connection, replace(noted, details={**noted.details, "judgments": added}))
            return added

    def current(
        self,
        collection_id: str,
        *,
        kinds: Sequence[AssessorKind] | None = None,
        assessor_ids: Sequence[str] | None = None,
        query_ids: Sequence[str] | None = None,
        doc_ids: Sequence[str] | None = None,
    ) -> list[Judgment]:
        """The newest event of every (assessor, query, document), in the order they were stored; withdrawn ones are
        left out. None: no filter; an empty sequence: nothing."""
        conditions = [judgments.c.collection_id == collection_id]
        if kinds is not None:
            of_kind = sa.select(assessors.c.assessor_id).where(assessors.c.kind.in_(kinds))
            conditions.append(judgments.c.assessor_id.in_(of_kind))
        for column, values in (
            (judgments.c.assessor_id, assessor_ids),
            (judgments.c.query_id, query_ids),
            (judgments.c.doc_id, doc_ids),
        ):
            if values is not None:
                conditions.append(one_of(column, values))
        query = (
            sa.select(*JUDGMENT_COLUMNS)
            .where(judgments.c.sequence.in_(newest_events(*conditions)), judgments.c.status != Status.WITHDRAWN)
            .order_by(judgments.c.sequence)
        )
        with self._database.read() as connection:
            return [Judgment(**row) for row in connection.execute(query).mappings()]

    def newest(self) -> int:
        """Sequence number of the event stored last, of any collection; 0 where there is none."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(judgments.c.sequence))).scalar_one() or 0

    def history(self, collection_id: str, query_id: str, doc_id: str) -> list[Judgment]:
        """All events of a pair, by all assessors, oldest first."""
        query = _events(
            judgments.c.collection_id == collection_id,
            judgments.c.query_id == query_id,
            judgments.c.doc_id == doc_id,
        )
        with self._database.read() as connection:
            return [Judgment(**row) for row in connection.execute(query).mappings()]

    def find(self, event_id: str) -> Judgment | None:
        """The event of that id; None where it is not stored."""
        with self._database.read() as connection:
            return _by_id(connection, event_id)

    def undo(
        self, collection_id: str, assessor_id: str, *, target: str | None = None, event_id: str | None = None
    ) -> Judgment | None:
        """Take back the assessor's newest event that was not taken back yet: a new event restores what the pair was
        before it (or withdraws), and is returned. Undoing again walks further back; None: nothing is left.

        `target` names the event to be taken back instead, and `event_id` the undo itself: sent twice, it is one. None
        also where the target is not there, or was taken back before; raises ConflictError where the assessor has said
        something else of that pair since."""
        with self._database.write() as connection:
            if event_id is not None and (done := _by_id(connection, event_id)) is not None:
                return done
            standing = _standing(connection, collection_id, assessor_id, target=target, limit=1)
            if not standing:
                return None
            undone, sequence = standing[0]
            if target is not None:
                _check_newest_of_pair(connection, undone, sequence)
            restored = _state_before(connection, undone, sequence)
            if event_id is not None:
                restored = replace(restored, event_id=event_id)
            # The state was checked when it was first stored.
            insert_events(connection, [restored], imported=True, undoes=undone.event_id)
            return restored

    def standing(self, collection_id: str, assessor_id: str, *, limit: int) -> list[Judgment]:
        """The assessor's newest events that an undo could take back, newest first."""
        with self._database.read() as connection:
            return [judgment for judgment, _ in _standing(connection, collection_id, assessor_id, limit=limit)]

    def tally(self, collection_id: str, assessor_id: str, since: datetime) -> tuple[int, int]:
        """How many pairs the assessor has graded or said can't be judged: in all, and `since` then."""
        newest = newest_events(judgments.c.collection_id == collection_id, judgments.c.assessor_id == assessor_id)
        late = sa.func.count(sa.case((judgments.c.created_at >= since, 1)))
        query = sa.select(sa.func.count(), late).where(
            judgments.c.sequence.in_(newest), judgments.c.status.in_(DECIDED)
        )
        with self._database.read() as connection:
            every, lately = connection.execute(query).one()
        return every, lately

    def counts(self, collection_id: str) -> dict[str, dict[Status, int]]:
        """Current judgments by assessor and status."""
        newest = newest_events(judgments.c.collection_id == collection_id)
        query = (
            sa.select(judgments.c.assessor_id, judgments.c.status, sa.func.count())
            .where(judgments.c.sequence.in_(newest), judgments.c.status != Status.WITHDRAWN)
            .group_by(judgments.c.assessor_id, judgments.c.status)
        )
        found: dict[str, dict[Status, int]] = {}
        with self._database.read() as connection:
            for assessor_id, status, count in connection.execute(query):
                found.setdefault(assessor_id, {})[Status(status)] = count
        return found

    def event_counts(self, collection_id: str) -> dict[str, int]:
        """Events, replaced and undone ones too, by assessor."""
        query = (
            sa.select(judgments.c.assessor_id, sa.func.count())
            .where(judgments.c.collection_id == collection_id)
            .group_by(judgments.c.assessor_id)
        )
        with self._database.read() as connection:
            return {assessor_id: count for assessor_id, count in connection.execute(query)}

    def events(self, collection_id: str) -> Iterator[Judgment]:
        """Every event, oldest first. Page by page: a reader that stops half-way leaves no transaction open."""
        last = 0
        while True:
            query = sa.select(judgments.c.sequence, *JUDGMENT_COLUMNS).where(
                judgments.c.collection_id == collection_id, judgments.c.sequence > last
            )
            with self._database.read() as connection:
                rows = connection.execute(query.order_by(judgments.c.sequence).limit(BATCH)).mappings().all()
            for row in rows:
                yield Judgment(**{name: row[name] for name in row if name != "sequence"})
            if len(rows) < BATCH:
                return
            last = rows[-1]["sequence"]


def _events(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    return sa.select(*JUDGMENT_COLUMNS).where(*conditions).order_by(judgments.c.sequence)


def _by_id(connection: Connection, event_id: str) -> Judgment | None:
    row = connection.execute(_events(judgments.c.event_id == event_id)).mappings().first()
    return None if row is None else Judgment(**row)


def _standing(
    connection: Connection, collection_id: str, assessor_id: str, *, target: str | None = None, limit: int
) -> list[tuple[Judgment, int]]:
    """The newest events, with their sequence numbers, that neither are an undo nor were undone; newest first."""
    later = judgments.alias()
    query = (
        sa.select(judgments.c.sequence, *JUDGMENT_COLUMNS)
        .where(
            judgments.c.collection_id == collection_id,
            judgments.c.assessor_id == assessor_id,
            # Nearly all events undo nothing, where an assessor's own are a few and already in order.
            unindexed(judgments.c.undoes).is_(None),
            ~sa.exists().where(later.c.undoes == judgments.c.event_id),
        )
        .order_by(judgments.c.sequence.desc())
        .limit(limit)
    )
    if target is not None:
        query = query.where(judgments.c.event_id == target)
    rows = connection.execute(query).mappings().all()
    return [(Judgment(**{name: row[name] for name in row if name != "sequence"}), row["sequence"]) for row in rows]


def _of_pair(judgment: Judgment) -> tuple[sa.ColumnElement[bool], ...]:
    """Which events are of the same pair and assessor."""
    return (
        judgments.c.collection_id == judgment.collection_id,
        judgments.c.query_id == judgment.query_id,
        judgments.c.doc_id == judgment.doc_id,
        judgments.c.assessor_id == judgment.assessor_id,
    )


def _check_newest_of_pair(connection: Connection, judgment: Judgment, sequence: int) -> None:
    later = judgments.alias()
    query = sa.select(sa.func.count()).where(
        *_of_pair(judgment),
        judgments.c.sequence > sequence,
        judgments.c.undoes.is_(None),
        ~sa.exists().where(later.c.undoes == judgments.c.event_id),
    )
    if connection.execute(query).scalar_one():
        raise ConflictError(f"Another answer was given to {judgment.doc_id!r} since.", mend="Take that one back first.")


def _state_before(connection: Connection, undone: Judgment, sequence: int) -> Judgment:
    """A new event that says what the assessor had said of the pair before that event."""
    before = (
        _events(*_of_pair(undone), judgments.c.sequence < sequence)
        .order_by(None)
        .order_by(judgments.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(before).mappings().first()
    if row is not None:
        return replace(Judgment(**row), event_id=new_id(), created_at=utc_now())
    return Judgment(
        event_id=new_id(),
        collection_id=undone.collection_id,
        query_id=undone.query_id,
        doc_id=undone.doc_id,
        assessor_id=undone.assessor_id,
        status=Status.WITHDRAWN,
        guideline_version=undone.guideline_version,
    )
