"""Rankings made by several processes side by side, as Ray Data actors: for more queries than one process ranks in time.

Each process opens the workbench of the home for itself; query ids go out, rankings come back, and only this process
writes. Against a server (vLLM) each of them keeps as many queries open as one process does; without one each loads the
model.
"""

import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from data.errors import SettingsError, WhyRankError
from data.records import Collection, Query, Ranking, Version
from data.settings import Settings
from engine.pipeline import Plan
from engine.workbench import SERVED_OPEN_QUERIES, Workbench


def rankings(
    collection: Collection, version: Version, queries: Sequence[Query], plan: Plan, *, workers: int, cluster: bool
) -> Iterator[Ranking]:
    """Each query's ranking, in no order, as soon as its batch is done. `cluster`: this is a Ray job, and its processes
    are the cluster's; else they are this machine's, and its alone. Raises SettingsError where Ray is not installed, and
    what a process raised."""
    data = _ray_data(workers, cluster=cluster)
    rows = [{"query_id": query.query_id} for query in queries]
    batch = min(SERVED_OPEN_QUERIES, -(-len(rows) // workers))
    made = data.from_items(rows, override_num_blocks=-(-len(rows) // batch)).map_batches(
        _Ranker,
        fn_constructor_args=(collection.collection_id, version.version_id, plan),
        batch_size=batch,
        num_cpus=1,
        concurrency=workers,
    )
    try:
        for row in made.iter_rows():
            ranking: Ranking = pickle.loads(row["ranking"])
            yield ranking
    except Exception as error:
        raise _ours(error) from error


class _Ranker:
    """One process's workbench. Its settings are the environment's."""

    def __init__(self, collection_id: str, version_id: str, plan: Plan) -> None:
        self._opened = ExitStack()
        workbench = self._opened.enter_context(Workbench.open(Settings()))
        self._store = workbench.store
        self._collection = workbench.store.collections.get(collection_id)
        self._pipeline = workbench.pipeline(self._collection, workbench.store.versions.get(version_id))
        self._plan = plan

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        queries = [self._store.collections.query(self._collection.collection_id, str(i)) for i in batch["query_id"]]
        return {"ranking": [pickle.dumps(ranking) for ranking in self._pipeline.rank(queries, self._plan)]}


def _ray_data(workers: int, *, cluster: bool) -> Any:
    try:
        import ray.data
    except ImportError as error:
        raise SettingsError(
            "Several processes side by side need Ray, which is not installed.",
            mend="pip install --no-deps -r requirements-ray.lock, or ask for one worker.",
        ) from error
    if cluster:
        ray.init(address="auto", ignore_reinit_error=True, log_to_driver=False)
    else:
        # Unasked, Ray would join a cluster that happens to run here, whose processes have other settings: another home,
        # another database. And it would report its use to its makers.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        ray.init(
            address="local",
            num_cpus=workers + 1,  # as many as were asked for, however few cores there are
            ignore_reinit_error=True,
            log_to_driver=False,
            include_dashboard=False,
        )
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray.data


def _ours(error: BaseException) -> BaseException:
    """The error of ours that Ray has wrapped, else Ray's own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, WhyRankError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return error
