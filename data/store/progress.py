"""Progress: how much was judged, by whom, when and how fast, counted by the database.

No query here reads a text, and each goes over a collection's events once: what people see is a few hundred numbers,
while the events may be a hundred thousand.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from data.progress import Overview, Pace, Quarter, Tally
from data.records import DECIDED, Status
from data.schema import judgments
from data.settling import by_pair, resolve
from data.store.assessors import PEOPLE
from data.store.database import Database
from data.store.dialects import epoch_seconds
from data.store.events import newest_events
from data.store.gradings import Gradings

_SECONDS = 900


class Progress:
    """The store's figures of judging."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def overview(self, collection_id: str) -> Overview:
        """Current judgments by assessor and status, and how the pairs stand.

        The newest events are found by grouping `ix_judgments_newest`, a covering index in the order of the groups, so
        without a sort; a few columns are then read by row number, once for both counts (SQLite keeps a table that is
        used twice). Where a settlement stands beside different grades, `resolve` decides: those pairs are few.
        """
        said = _said(collection_id)
        by_assessor = sa.select(
            sa.literal("assessor"),
            said.c.assessor_id,
            sa.cast(said.c.status, sa.String),
            sa.func.count(sa.case((said.c.model_visible.is_(False), 1))),
            sa.func.count(),
            sa.literal(0),
            sa.literal(0),
        ).group_by(said.c.assessor_id, said.c.status)
        pairs = (
            sa.select(
                sa.func.max(sa.case((sa.and_(said.c.is_person, said.c.status.in_(DECIDED)), 1), else_=0)).label("done"),
                sa.func.min(sa.case((said.c.is_person, said.c.grade))).label("low"),
                sa.func.max(sa.case((said.c.is_person, said.c.grade))).label("high"),
                sa.func.max(sa.case((said.c.settles.is_not(None), 1), else_=0)).label("settled"),
            )
            .group_by(said.c.query_id, said.c.doc_id)
            .subquery()
        )
        apart = pairs.c.low < pairs.c.high
        of_pairs = sa.select(
            sa.literal("pairs"),
            sa.literal(""),
            sa.literal(""),
            sa.func.count(sa.case((sa.and_(apart, pairs.c.settled == 0), 1))),
            sa.func.count(sa.case((sa.and_(apart, pairs.c.settled == 1), 1))),
            sa.func.count(),
            sa.func.count(sa.case((pairs.c.done == 1, 1))),
        )
        with self._database.read() as connection:
            found = connection.execute(sa.union_all(by_assessor, of_pairs)).all()
        rows = [row for row in found if row[0] == "assessor"]
        *_, open_ones, settled, known, done = next(row for row in found if row[0] != "assessor")
        return Overview(
            tallies=tuple(
                Tally(assessor_id=who, status=Status(status), blind=blind, in_sight=count - blind)
                for _, who, status, blind, count, *_ in rows
            ),
            pairs=known,
            decided=done,
            conflicts=open_ones + (self._reopened(collection_id) if settled else 0),
        )

    def _reopened(self, collection_id: str) -> int:
        disputed = by_pair(Gradings(self._database).disputed(collection_id)).values()
        return sum(resolve(said).open for said in disputed if any(grading.settles for grading in said))

    def quarters(self, collection_id: str, since: datetime | None = None) -> list[Quarter]:
        """When people judged, oldest first: events that graded or said can't be judged, whether they were replaced
        since or not; undos and what they took back don't count.

        People's events come by `ix_judgments_assessor`, so a teacher's hundred thousand cost nothing; what was taken
        back is looked up in `uq_judgments_undoes` alone.
        """
        quarter = epoch_seconds(judgments.c.created_at).op("/")(_SECONDS)
        undo = judgments.alias()
        query = (
            sa.select(judgments.c.assessor_id, quarter.label("quarter"), sa.func.count())
            .where(
                *_of_people(collection_id),
                judgments.c.undoes.is_(None),
                ~sa.exists().where(undo.c.undoes == judgments.c.event_id),
            )
            .group_by(judgments.c.assessor_id, sa.text("quarter"))
            .order_by(sa.text("quarter"))
        )
        if since is not None:
            query = query.where(judgments.c.created_at >= since)
        with self._database.read() as connection:
            return [
                Quarter(assessor_id=who, start=_EPOCH + timedelta(seconds=number * _SECONDS), judged=count)
                for who, number, count in connection.execute(query)
            ]

    def paces(self, collection_id: str) -> list[Pace]:
        """The median time of each person's judgments, to a tenth of a second.

        The database counts the tenths: a few thousand numbers to fetch, where the times themselves are a hundred
        thousand, and half of what sorting them in a window function takes.
        """
        tenths = sa.cast(sa.func.round(judgments.c.seconds_spent * 10), sa.Integer)
        query = (
            sa.select(judgments.c.assessor_id, tenths.label("tenths"), sa.func.count())
            .where(*_of_people(collection_id), judgments.c.seconds_spent.is_not(None))
            .group_by(judgments.c.assessor_id, sa.text("tenths"))
            .order_by(judgments.c.assessor_id, sa.text("tenths"))
        )
        found: dict[str, list[tuple[int, int]]] = {}
        with self._database.read() as connection:
            for who, tenth, count in connection.execute(query):
                found.setdefault(who, []).append((tenth, count))
        return [
            Pace(assessor_id=who, median_seconds=_median(counts) / 10, timed=sum(count for _, count in counts))
            for who, counts in found.items()
        ]


def _median(counts: Sequence[tuple[int, int]]) -> float:
    """The median of rising values, each with how often it came: the mean of the middle one or two."""
    whole = sum(count for _, count in counts)
    places, middle = ((whole - 1) // 2, whole // 2), []
    reached = 0
    for value, count in counts:
        middle += [value for place in places if reached <= place < reached + count]
        reached += count
    return sum(middle) / 2


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _said(collection_id: str) -> sa.CTE:
    """Everybody's current word on every pair, narrow."""
    newest = newest_events(judgments.c.collection_id == collection_id).subquery()
    names = ("query_id", "doc_id", "assessor_id", "status", "grade", "model_visible", "settles")
    return (
        sa.select(*(judgments.c[name] for name in names), judgments.c.assessor_id.in_(PEOPLE).label("is_person"))
        .join_from(newest, judgments, judgments.c.sequence == newest.c.sequence)
        .where(judgments.c.status != Status.WITHDRAWN)
        .cte("said")
    )


def _of_people(collection_id: str) -> tuple[Any, ...]:
    return (
        judgments.c.collection_id == collection_id,
        judgments.c.assessor_id.in_(PEOPLE),
        judgments.c.status.in_(DECIDED),
    )
