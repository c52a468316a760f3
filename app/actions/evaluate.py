"""What the Evaluate page does: read stored evaluations, start one, promote, roll back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.actions.jobs import Watch, watch
from app.actions.people import require
from app.actions.systems import BM25, ranked_id
from data.errors import SettingsError
from data.people import Person, Role
from data.records import (
    Alias,
    AliasEvent,
    AssessorKind,
    Collection,
    EvaluationRecord,
    Job,
    Query,
    Version,
    utc_now,
)
from engine.evaluation import PRIMARY
from engine.ranking import METHODS
from engine.workbench import Workbench
from training import gate, jobs, points, versions
from training.evaluations import evaluable
from training.measuring import EvaluateConfig

DOING, PROMOTING, ROLLING_BACK = "start an evaluation", "promote a version", "roll back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A stored evaluation with what is said of it."""

    record: EvaluationRecord
    version: Version
    champion_then: str | None
    """Name of the champion it was compared with."""
    verdict: gate.Verdict
    looks: int
    """How often this set of queries and labels was measured on, by evaluations and by points of learning curves."""
    queries: Mapping[str, Query]
    is_champion: bool
    newest: bool
    """Is it what a promotion would be decided by: the newest against the present champion?"""

    @property
    def report(self) -> Mapping[str, Any]:
        """The JSON of `engine.evaluation.Report`."""
        return self.record.report


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One line of the history of promotions."""

    event: AliasEvent
    version: str
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can be evaluated, and with what."""

    versions: Sequence[Version]
    methods: Sequence[str]
    queries: int
    """Held-out queries with people's labels and a relevant document."""
    labels: str
    """Whose labels these are."""
    pace: Mapping[str, float]
    """Method -> seconds a document took the last time."""

    def seconds(self, method: str, queries: int, depth: int) -> float | None:
        """About how long one version takes; None where this method was never evaluated."""
        return self.pace[method] * queries * depth if method in self.pace else None


def offer(workbench: Workbench, collection: Collection) -> Offer:
    """What the form of a new evaluation offers."""
    held, fit = evaluable(workbench, collection)
    workbench.base_version()
    return Offer(
        versions=workbench.store.versions.list(collection.collection_id),
        methods=list(METHODS),
        queries=len(fit),
        labels=held.words,
        pace={r.method: r.report["seconds_per_document"] for r in reversed(stored(workbench, collection))},
    )


def champion(workbench: Workbench, collection: Collection) -> Version:
    """The version that ranks now."""
    return workbench.champion(collection)


def stored(workbench: Workbench, collection: Collection) -> list[EvaluationRecord]:
    """Evaluations of a collection, newest first."""
    return workbench.store.evaluations.list(collection.collection_id)


def titles(workbench: Workbench, records: Sequence[EvaluationRecord]) -> dict[str, str]:
    """evaluation_id -> what the list calls it."""
    return {
        record.evaluation_id: f"{workbench.store.versions.get(record.version_id).name}, {record.method}, "
        f"{PRIMARY} {record.report['measures'][PRIMARY]['system']:.4f}, {record.report['queries']} queries, "
        f"{record.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
        for record in records
    }


def shown(workbench: Workbench, collection: Collection, record: EvaluationRecord) -> Shown:
    """All there is to say of a stored evaluation."""
    version = workbench.store.versions.get(record.version_id)
    then = record.report["champion_version_id"]
    now = champion(workbench, collection)
    newest = versions.newest_evaluation(workbench.store, collection, version, now)
    return Shown(
        record=record,
        version=version,
        champion_then=workbench.store.versions.get(then).name if then else None,
        is_champion=version.version_id == now.version_id,
        newest=newest is not None and newest.evaluation_id == record.evaluation_id,
        verdict=gate.verdict(record.report),
        looks=workbench.store.evaluations.looks(record.heldout_sha256)
        + points.looks(workbench.settings, record.heldout_sha256),
        queries={q.query_id: q for q in workbench.store.collections.queries(collection.collection_id)},
    )


def to_judge(workbench: Workbench, collection: Collection, given: Shown, query_id: str) -> str | None:
    """doc_id of the document that stands highest for a query and that no person has judged, else of the first one;
    None where the ranking is not stored."""
    store, report = workbench.store, given.report
    orders = store.rankings.orders(
        collection.collection_id,
        version_id=given.record.version_id,
        method=given.record.method,
        depth=report["depth"],
        query_ids=[query_id],
    )
    if not orders or not orders[0].places:
        return None
    said = store.judgments.current(collection.collection_id, kinds=[AssessorKind.HUMAN], query_ids=[query_id])
    judged = {judgment.doc_id for judgment in said if judgment.grade is not None}
    doc_ids = [place.doc_id for place in orders[0].places]
    return next((doc_id for doc_id in doc_ids if doc_id not in judged), doc_ids[0])


def system_ids(given: Shown) -> tuple[str, str]:
    """What an evaluation compared, as the Compare page names it: the system, and what it was held against."""
    champion, method = given.report["champion_version_id"], given.record.method
    return ranked_id(given.record.version_id, method), ranked_id(champion, method) if champion else BM25


def history(workbench: Workbench, collection: Collection) -> list[Move]:
    """Promotions and roll-backs, newest first."""
    names = {version.version_id: version.name for version in workbench.store.versions.list()}
    events = workbench.store.versions.alias_events(collection.collection_id)
    return [
        Move(
            event=event,
            version=names.get(event.version_id, event.version_id),
            previous=names.get(event.previous_version_id or "", event.previous_version_id),
        )
        for event in reversed(events)
        if event.alias is Alias.CHAMPION
    ]


def start(workbench: Workbench, collection: Collection, wanted: EvaluateConfig, by: Person) -> Job:
    """Write the job's row: measuring is long work, and the page does not wait for it."""
    require(by, Role.LEAD, DOING)
    return jobs.submit_evaluation(workbench, collection, wanted, by.name)


def newest_job(workbench: Workbench, collection: Collection) -> Watch | None:
    """The evaluation job started last, as it is now."""
    found = workbench.store.jobs.list(collection_id=collection.collection_id, kind=jobs.EVALUATE)
    return watch(found[0], utc_now()) if found else None


def promote(workbench: Workbench, collection: Collection, version: Version, by: Person) -> None:
    """Make a version the champion if the gate lets it pass; raises PromotionRefusedError with the reasons."""
    require(by, Role.LEAD, PROMOTING)
    versions.promote(workbench, collection, version, actor=by.name)


def override(workbench: Workbench, collection: Collection, version: Version, by: Person, reason: str) -> None:
    """Make a version the champion against the gate; the reason is stored for good."""
    require(by, Role.LEAD, PROMOTING)
    if not reason.strip():
        raise SettingsError(
            "Promoting against the gate needs a reason.",
            mend="Type why this version is to be the champion all the same; it is stored with your name.",
        )
    versions.promote(workbench, collection, version, actor=by.name, override_reason=reason.strip())


def rollback(workbench: Workbench, collection: Collection, by: Person) -> Version:
    """Go back to the champion before this one."""
    require(by, Role.LEAD, ROLLING_BACK)
    return versions.rollback(workbench, collection, actor=by.name)
