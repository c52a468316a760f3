"""What `GET /metrics` tells, as Prometheus text: what the service did since it started, and the jobs of the home."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.actions import holding
from app.api.form import Reranked
from app.api.line import Line
from data.records import JobState
from data.settings import Settings
from data.store import Store

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper ends of the histogram's buckets: from a refusal to a hundred documents on a laptop."""


class Metrics:
    """The service's own figures, in a registry of their own: two services in one process don't mix."""

    def __init__(self, line: Line, store: Store, settings: Settings) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "whyrank_requests", "Requests answered, by path and status.", ("path", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "whyrank_request_seconds",
            "From the head of a request to the end of its answer, waiting included.",
            ("path",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._rankings = Counter(
            "whyrank_rankings", "Rankings made, by version.", ("version",), registry=self._registry
        )
        self._documents = Counter("whyrank_documents", "Documents ranked.", registry=self._registry)
        self._unreadable = Counter(
            "whyrank_unreadable_documents", "Documents whose answer could not be read.", registry=self._registry
        )
        self._tokens = Counter(
            "whyrank_tokens", "Tokens that the model read and wrote.", ("kind",), registry=self._registry
        )
        Gauge("whyrank_waiting_requests", "Requests that wait for the model.", registry=self._registry).set_function(
            lambda: line.waiting
        )
        Gauge("whyrank_running_requests", "Requests that the model works on.", registry=self._registry).set_function(
            lambda: line.running
        )
        self._registry.register(_Home(store, settings))

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request was answered. `path` is one of the service's own, or `other`: strangers don't name series."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def ranked(self, reranked: Reranked) -> None:
        """A ranking was made."""
        self._rankings.labels(reranked.version).inc()
        self._documents.inc(len(reranked.documents))
        self._unreadable.inc(sum(document.unreadable is not None for document in reranked.documents))
        self._tokens.labels("prompt").inc(reranked.tokens.prompt)
        self._tokens.labels("completion").inc(reranked.tokens.completion)

    def text(self) -> bytes:
        """All of it in Prometheus' text format. Reads the database; raises StoreError where it can't be used."""
        return generate_latest(self._registry)


class _Home(Collector):
    """What the database and the locks say at the moment of asking."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def collect(self) -> Iterable[Metric]:
        """Jobs by state, and whether a worker lives."""
        counted = self._store.jobs.count()
        jobs = GaugeMetricFamily("whyrank_jobs", "Jobs of this home, by state.", labels=["state"])
        for state in JobState:
            jobs.add_metric([state.value], counted.get(state, 0))
        yield jobs
        held = holding.is_held(holding.worker_lock(self._settings))
        yield GaugeMetricFamily("whyrank_worker_up", "Does a worker run on this home?", value=float(held))

    def describe(self) -> Iterable[Metric]:
        """Nothing yet: the database is asked when somebody asks the service."""
        return ()
