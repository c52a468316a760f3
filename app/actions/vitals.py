"""What a home tells whoever watches it, as Prometheus text: what is stored and what waits, whoever made it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.actions import holding
from data.census import SECONDS, Census
from data.errors import StoreError
from data.records import AssessorKind, JobState, Status, utc_now
from data.schema import REVISION
from data.settings import Settings
from data.store import Store
from data.store.place import place_of
from training.heartbeat import STALE_SECONDS


def text(settings: Settings) -> str:
    """All of it. Makes and migrates nothing: raises StoreError where there is no database, or an older one."""
    place = place_of(settings.database_path, settings.database_url)
    if not place.exists() or place.revision() != REVISION:
        raise StoreError(
            f"{place.name} does not exist, or is of another version of WhyRank.",
            mend="The next start makes or migrates it: whyrank app. Does WHYRANK_HOME name the right folder?",
        )
    with Store.open(settings.database_path, settings.database_url) as store:
        registry = CollectorRegistry()
        registry.register(Home(store, settings))
        return generate_latest(registry).decode()


class Home(Collector):
    """What the database and the locks say at the moment of asking."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def collect(self) -> Iterable[Metric]:
        """Every figure. Raises StoreError where the database can't be read."""
        now = utc_now()
        found = self._store.counts.home(now=now, stale_after_seconds=STALE_SECONDS)
        yield from _rankings(found)
        yield from _judgments(found)
        yield _jobs(found)
        yield GaugeMetricFamily("whyrank_jobs_waiting", "Jobs that a worker should run.", value=found.waiting)
        waits = 0.0 if found.waiting_since is None else max(0.0, (now - found.waiting_since).total_seconds())
        yield GaugeMetricFamily(
            "whyrank_jobs_longest_wait_seconds", "How long the one waits that has waited longest; 0: none.", value=waits
        )
        held = holding.is_held(holding.worker_lock(self._settings))
        yield GaugeMetricFamily("whyrank_worker_up", "Does a worker run on this home?", value=float(held))

    def describe(self) -> Iterable[Metric]:
        """Nothing yet: the database is asked when somebody asks for the figures."""
        return ()


def _rankings(found: Census) -> Iterable[Metric]:
    made = GaugeMetricFamily(
        "whyrank_stored_rankings", "Rankings stored, by version and method.", labels=["version", "method"]
    )
    took = HistogramMetricFamily(
        "whyrank_stored_ranking_seconds", "Seconds the model took for a stored ranking.", labels=["version", "method"]
    )
    for each in found.rankings:
        labels = [each.version, each.method]
        made.add_metric(labels, each.rankings)
        ends = [(str(end), float(count)) for end, count in zip(SECONDS, each.at_most, strict=True)]
        took.add_metric(labels, [*ends, ("+Inf", float(each.timed))], each.seconds)
    yield made
    yield took


def _judgments(found: Census) -> Iterable[Metric]:
    documents = GaugeMetricFamily(
        "whyrank_stored_documents",
        "Documents of rankings that people asked for, by version.",
        labels=["version"],
    )
    unreadable = GaugeMetricFamily(
        "whyrank_stored_unreadable_documents", "Those whose answer could not be read.", labels=["version"]
    )
    for each in found.answers:
        documents.add_metric([each.version], each.documents)
        unreadable.add_metric([each.version], each.unreadable)
    yield documents
    yield unreadable
    said = GaugeMetricFamily(
        "whyrank_judgments", "Judgment events stored, by kind of assessor and status.", labels=["kind", "status"]
    )
    for kind in AssessorKind:
        for status in Status:
            said.add_metric([kind.value, status.value], found.judgments.get((kind, status), 0))
    yield said


def _jobs(found: Census) -> Metric:
    jobs = GaugeMetricFamily("whyrank_jobs", "Jobs of this home, by state.", labels=["state"])
    for state in JobState:
        jobs.add_metric([state.value], found.jobs.get(state, 0))
    return jobs
