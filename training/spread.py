"""Rankings made by several processes side by side: for more queries than one process ranks in time.

Each process opens the workbench of the home for itself; query ids go out, rankings come back, and only this process
writes. Against a server (vLLM) each of them keeps as many queries open as one process does; without one each loads the
model.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from data.records import Collection, Query, Ranking, Version
from data.settings import Settings
from engine.pipeline import Plan
from engine.workbench import SERVED_OPEN_QUERIES, Workbench
from training import actors


def rankings(
    collection: Collection, version: Version, queries: Sequence[Query], plan: Plan, *, workers: int, cluster: bool
) -> Iterator[Ranking]:
    """Each query's ranking, in no order, as soon as its batch is done. `cluster`: this is a Ray job, and its processes
    are the cluster's; else they are this machine's, and its alone. Raises SettingsError where Ray is not installed, and
    what a process raised."""
    yield from actors.made(
        actors.started(workers, cluster=cluster),
        _Ranker,
        (collection.collection_id, version.version_id, plan),
        [query.query_id for query in queries],
        workers=workers,
        batch=min(SERVED_OPEN_QUERIES, -(-len(queries) // workers)),
    )


class _Ranker:
    """One process's workbench. Its settings are the environment's."""

    def __init__(self, collection_id: str, version_id: str, plan: Plan) -> None:
        self._opened = ExitStack()
        workbench = self._opened.enter_context(Workbench.open(Settings()))
        self._store = workbench.store
        self._collection = workbench.store.collections.get(collection_id)
        self._pipeline = workbench.pipeline(self._collection, workbench.store.versions.get(version_id))
        self._plan = plan

    def __call__(self, query_ids: Sequence[str]) -> Sequence[Ranking]:
        queries = [self._store.collections.query(self._collection.collection_id, query_id) for query_id in query_ids]
        return self._pipeline.rank(queries, self._plan)
