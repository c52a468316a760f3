"""Counts of the whole home, for whoever watches it every few seconds.

Judgments and rankings are only ever added, and go with their collection. So what was counted once stays counted, by
collection: each count reads what came since, and leaves out collections that are gone. Only the first one of a process
goes over everything. No text is read, and nothing of a ranking's documents, whose JSON takes longer to parse than all
the rest to count: which of them were unreadable is told by the judgments that `Workbench.record` makes of them.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from data.census import SECONDS, Answers, Census, Rankings
from data.records import AssessorKind, Status
from data.schema import assessors, collections, judgments, rankings, versions
from data.store.database import Database
from data.store.jobs import count_by_state, count_waiting

_Figures = list[float]


class Counts:
    """The store's counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        seconds = sa.type_coerce(rankings.c.seconds, sa.JSON)["rank"].as_float()
        at_most = (sa.func.count(sa.case((seconds <= end, 1))) for end in SECONDS)
        self._rankings = _Growing(
            rankings,
            ("version_id", "method"),
            (sa.func.count(), sa.func.count(seconds), sa.func.coalesce(sa.func.sum(seconds), 0.0), *at_most),
        )
        statuses = (sa.func.count(sa.case((judgments.c.status == status, 1))) for status in Status)
        self._judgments = _Growing(judgments, ("assessor_id",), statuses)

    def home(self, *, now: datetime, stale_after_seconds: float) -> Census:
        """Everything, as it is now; a job without a sign of life for so long waits."""
        with self._lock, self._database.read() as connection:
            there = set(connection.execute(sa.select(collections.c.collection_id)).scalars())
            names = connection.execute(sa.select(versions.c.version_id, versions.c.name))
            named = {version_id: name for version_id, name in names}
            kinds = connection.execute(sa.select(assessors.c.assessor_id, assessors.c.kind, assessors.c.version_id))
            who = {assessor_id: (kind, version_id) for assessor_id, kind, version_id in kinds}
            made = self._rankings.counted(connection, there)
            said = self._judgments.counted(connection, there)
            waiting, waiting_since = count_waiting(connection, now, stale_after_seconds)
            jobs = count_by_state(connection)
        by_kind: defaultdict[tuple[AssessorKind, Status], int] = defaultdict(int)
        by_version: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for (assessor_id,), counts in said.items():
            kind, version_id = who[assessor_id]
            for status, count in zip(Status, counts, strict=True):
                by_kind[kind, status] += int(count)
            if version_id is not None:
                by_version[named[version_id]][0] += int(sum(counts))
                by_version[named[version_id]][1] += int(counts[list(Status).index(Status.UNREADABLE)])
        return Census(
            rankings=tuple(
                Rankings(
                    version=named[version_id],
                    method=method,
                    rankings=int(count),
                    timed=int(timed),
                    seconds=float(seconds),
                    at_most=tuple(int(each) for each in at_most),
                )
                for (version_id, method), (count, timed, seconds, *at_most) in sorted(made.items())
            ),
            answers=tuple(
                Answers(version=version, documents=documents, unreadable=unreadable)
                for version, (documents, unreadable) in sorted(by_version.items())
            ),
            judgments={key: count for key, count in by_kind.items() if count},
            jobs=jobs,
            waiting=waiting,
            waiting_since=waiting_since,
        )


class _Growing:
    """Figures of a table whose rows are never changed, by collection and by `names`. Each is added up."""

    def __init__(self, table: sa.Table, names: tuple[str, ...], figures: Iterable[sa.ColumnElement[Any]]) -> None:
        self._sequence = table.c.sequence
        keys = (table.c.collection_id, *(table.c[name] for name in names))
        self._query = sa.select(*keys, *figures).group_by(*keys)
        self._width = len(keys)
        self._seen = 0
        self._counted: dict[tuple[str, ...], _Figures] = {}

    def counted(self, connection: Connection, there: set[str]) -> dict[tuple[str, ...], _Figures]:
        """The figures of the collections that are `there`, by `names`."""
        newest = connection.execute(sa.select(sa.func.max(self._sequence))).scalar_one() or 0
        # Without a condition SQLite goes by the assessors' index, which has the groups in order: half the time.
        since = self._query.where(self._sequence > self._seen) if self._seen else self._query
        for row in connection.execute(since):
            key, figures = tuple(row[: self._width]), list(row[self._width :])
            self._counted[key] = _sum(self._counted.get(key), figures)
        # The newest rows may have gone with their collection; their numbers are not given again.
        self._seen = max(self._seen, newest)
        self._counted = {key: figures for key, figures in self._counted.items() if key[0] in there}
        found: dict[tuple[str, ...], _Figures] = {}
        for (_, *names), figures in self._counted.items():
            found[tuple(names)] = _sum(found.get(tuple(names)), figures)
        return found


def _sum(first: _Figures | None, second: _Figures) -> _Figures:
    return second if first is None else [a + b for a, b in zip(first, second, strict=True)]
