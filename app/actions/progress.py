"""What the Progress page does: who judged how much, when and how fast, and what is left."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from app.actions.opinions import who
from data.progress import Pace, Quarter, Tally
from data.records import Assessor, AssessorKind, Collection, Status
from engine.workbench import Workbench

DAYS, HOURS = 30, 48
NAMED = 8
"""People who have a colour of their own in a chart; those beyond are drawn together."""
OTHERS = "everybody else"
QUARTERS_PER_HOUR = 4
_KINDS = (AssessorKind.HUMAN, AssessorKind.TEACHER, AssessorKind.STUDENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One assessor's figures."""

    assessor: Assessor
    by_status: Mapping[Status, int]
    """Current judgments."""
    blind: float | None
    """Share of their grades given while no model's answer was in sight; None for models, and where there is none."""
    median_seconds: float | None
    """None: no time is known, as for what was imported."""
    per_hour: float | None
    """Pairs per hour of work in the last `DAYS`; None: none judged then, or none whose time is known (an import). A
    quarter of an hour in which they judged anything is one of work."""
    today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A pool of pairs, and how many of them nobody has decided yet."""

    name: str
    pairs: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far a collection is."""

    rows: tuple[Row, ...]
    """People first, the busiest first."""
    pairs: int
    decided: int
    conflicts: int
    queues: tuple[Queue, ...]
    days: Mapping[str, Mapping[str, int]]
    """Name -> day (ISO) -> judged; every day of the last `DAYS`."""
    hours: Mapping[str, Mapping[str, int]]
    """Name -> hour (ISO) -> judged; every hour of the last `HOURS`."""

    @property
    def left(self) -> int:
        """Pairs that somebody, or a model, spoke of and no person has decided."""
        return self.pairs - self.decided

    @property
    def blind(self) -> float | None:
        """Share of people's grades that were given blind."""
        grades = [(row.blind, row.by_status.get(Status.JUDGED, 0)) for row in self.rows if row.blind is not None]
        whole = sum(count for _, count in grades)
        return sum(share * count for share, count in grades) / whole if whole else None


def report(workbench: Workbench, collection: Collection, zone: tzinfo | None, now: datetime) -> Report:
    """Look at a collection's judgments. `zone`: whose days and hours are meant; None: the app's own."""
    store, collection_id = workbench.store, collection.collection_id
    overview = store.progress.overview(collection_id)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = (midnight - timedelta(days=DAYS - 1)).astimezone(UTC)
    quarters = store.progress.quarters(collection_id, first_day)
    assessors = store.assessors.by_id()
    paces = {pace.assessor_id: pace for pace in store.progress.paces(collection_id)}
    names = _named(quarters, assessors)
    days = [(now.astimezone(zone).date() - timedelta(days=back)).isoformat() for back in reversed(range(DAYS))]
    hours = [_hour(now - timedelta(hours=back), zone) for back in reversed(range(HOURS))]
    return Report(
        rows=_rows(overview.tallies, assessors, paces, quarters, _today(zone, now)),
        pairs=overview.pairs,
        decided=overview.decided,
        conflicts=overview.conflicts,
        queues=_queues(workbench, collection),
        days=_series(quarters, names, days, lambda start: start.astimezone(zone).date().isoformat()),
        hours=_series(quarters, names, hours, lambda start: _hour(start, zone)),
    )


def _today(zone: tzinfo | None, now: datetime) -> Callable[[datetime], bool]:
    today: date = now.astimezone(zone).date()
    return lambda start: start.astimezone(zone).date() == today


def _hour(when: datetime, zone: tzinfo | None) -> str:
    return f"{when.astimezone(zone):%Y-%m-%d %H:00}"


def _rows(
    tallies: Sequence[Tally],
    assessors: Mapping[str, Assessor],
    paces: Mapping[str, Pace],
    quarters: Sequence[Quarter],
    is_today: Callable[[datetime], bool],
) -> tuple[Row, ...]:
    by_assessor: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_assessor.setdefault(tally.assessor_id, []).append(tally)
    worked: dict[str, list[Quarter]] = {}
    for quarter in quarters:
        worked.setdefault(quarter.assessor_id, []).append(quarter)
    rows = []
    for assessor_id, given in by_assessor.items():
        graded = next((tally for tally in given if tally.status is Status.JUDGED), None)
        is_person = assessors[assessor_id].kind is AssessorKind.HUMAN
        mine = worked.get(assessor_id, ())
        rows.append(
            Row(
                assessor=assessors[assessor_id],
                by_status={tally.status: tally.count for tally in given},
                blind=graded.blind / graded.count if graded and is_person else None,
                median_seconds=paces[assessor_id].median_seconds if assessor_id in paces else None,
                per_hour=(
                    sum(q.judged for q in mine) * QUARTERS_PER_HOUR / len(mine)
                    if mine and assessor_id in paces
                    else None
                ),
                today=sum(q.judged for q in mine if is_today(q.start)),
            )
        )
    return tuple(sorted(rows, key=lambda row: (_KINDS.index(row.assessor.kind), -row.by_status.get(Status.JUDGED, 0))))


def _named(quarters: Sequence[Quarter], assessors: Mapping[str, Assessor]) -> dict[str, str]:
    """assessor_id -> the name in charts: the busiest have their own."""
    judged: Counter[str] = Counter()
    for quarter in quarters:
        judged[quarter.assessor_id] += quarter.judged
    busiest = [assessor_id for assessor_id, _ in judged.most_common(NAMED)]
    return {key: who(assessors[key]) if key in busiest else OTHERS for key in [*busiest, *judged]}


def _series(
    quarters: Sequence[Quarter], names: Mapping[str, str], steps: Sequence[str], step_of: Callable[[datetime], str]
) -> dict[str, dict[str, int]]:
    series = {name: dict.fromkeys(steps, 0) for name in dict.fromkeys(names.values())}
    for quarter in quarters:
        step = step_of(quarter.start)
        mine = series[names[quarter.assessor_id]]
        if step in mine:
            mine[step] += quarter.judged
    return {name: counts for name, counts in series.items() if any(counts.values())}


def _queues(workbench: Workbench, collection: Collection) -> tuple[Queue, ...]:
    found = []
    for pool in workbench.store.pools.list(collection.collection_id):
        decided = set().union(*workbench.store.pools.decided(pool).values())
        found.append(Queue(name=pool.name, pairs=len(pool.pairs), left=len(pool.pairs) - len(decided)))
    return tuple(found)
