"""Was everything that was acknowledged stored, once, as it was said? Asked after many writers, and after kills."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.records import DECIDED, Judgment, Status
from data.settling import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is wrong; all empty: nothing is."""

    lost: tuple[str, ...]
    """Events that were acknowledged and are not there."""
    doubled: tuple[str, ...]
    """Events that are there twice, or that nobody sent."""
    changed: tuple[str, ...]
    """Events that are there with another pair or grade."""

    @property
    def clean(self) -> bool:
        """Is nothing wrong?"""
        return not (self.lost or self.doubled or self.changed)


def audit(sent: Iterable[Mapping[str, Any]], acknowledged: Iterable[str], stored: Sequence[Judgment]) -> Audit:
    """`sent`: all strokes, as the browser sends them; `acknowledged`: event ids of those that were called saved;
    `stored`: every event of the people who sent them. What was sent and not acknowledged may be there or not."""
    by_id = {stroke["event_id"]: stroke for stroke in sent}
    times = Counter(event.event_id for event in stored)
    return Audit(
        lost=tuple(sorted(set(acknowledged) - times.keys())),
        doubled=tuple(sorted(event_id for event_id, count in times.items() if count > 1 or event_id not in by_id)),
        changed=tuple(e.event_id for e in stored if e.event_id in by_id and not _same(by_id[e.event_id], e)),
    )


def decided_by_several(stored: Iterable[Judgment]) -> dict[Pair, int]:
    """Pair -> how many people decided on it, where these are several; `stored` oldest first."""
    newest: dict[tuple[Pair, str], Status] = {}
    for event in stored:
        newest[(event.query_id, event.doc_id), event.assessor_id] = event.status
    people: defaultdict[Pair, int] = defaultdict(int)
    for (pair, _), status in newest.items():
        people[pair] += status in DECIDED
    return {pair: count for pair, count in people.items() if count > 1}


def _same(stroke: Mapping[str, Any], event: Judgment) -> bool:
    if (stroke["query_id"], stroke["doc_id"]) != (event.query_id, event.doc_id):
        return False
    # What an undo brings back was said before, and audited then.
    return stroke["kind"] == "undo" or stroke.get("grade") == event.grade
