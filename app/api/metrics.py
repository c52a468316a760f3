"""What `GET /metrics` tells, as Prometheus text: what the service did since it started, and what the home holds."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from app.actions.vitals import Home
from app.api.form import Reranked
from app.api.line import Line
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
            "whyrank_rankings", "Rankings made for requests, by version.", ("version",), registry=self._registry
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
        self._registry.register(Home(store, settings))

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
