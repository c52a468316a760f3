"""The ranking job: rank queries with versions, and keep the rankings, so that systems can be compared on them.

Nothing is measured, so queries without labels can be ranked too, and nobody looks at a held-out set.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field, field_validator

from engine.pipeline import Plan
from engine.ranking import DEFAULT_METHOD, method_named
from engine.ranking.fusion import DEFAULT_WEIGHT
from training.evaluations import stored_rankings
from training.options import Options
from training.work import Work


class RankedBy(Options):
    """A version by a method."""

    version_id: str = Field(description="Version that ranks.")
    method: str = Field(default=DEFAULT_METHOD, description="Ranking method.")

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str) -> str:
        return method_named(name).name


class RankConfig(Options):
    """Everything a ranking job can be told."""

    systems: tuple[RankedBy, ...] = Field(min_length=1, description="Each ranks every query.")
    query_ids: tuple[str, ...] = Field(min_length=1, description="Queries to rank.")
    depth: int = Field(default=10, ge=1, le=1000, description="Documents per query.")
    fusion_weight: float = Field(
        default=DEFAULT_WEIGHT, ge=0, le=1, description="Weight of the first stage in the order, 0 to 1."
    )
    workers: int = Field(
        default=1, ge=1, le=256, description="Processes that rank side by side; several need the extra `ray`."
    )


def run(work: Work) -> Mapping[str, Any]:
    """A `training.jobs.Runner`. The result counts the rankings there are now; those kept from before were not made
    again."""
    config = RankConfig(**work.job.config)
    workbench, collection = work.workbench, work.collection
    queries = [workbench.store.collections.query(collection.collection_id, query_id) for query_id in config.query_ids]
    rankings = 0
    for number, system in enumerate(config.systems):
        version = workbench.store.versions.get(system.version_id)
        work.stage(f"ranking with {version.name}", number / len(config.systems), (number + 1) / len(config.systems))
        plan = replace(
            Plan.of(workbench.settings), method=system.method, depth=config.depth, fusion_weight=config.fusion_weight
        )
        rankings += len(
            stored_rankings(
                workbench,
                collection,
                version,
                queries,
                plan=plan,
                workers=config.workers,
                on_progress=lambda _, done, total: work.progress(done / (total or 1)),
                should_stop=work.should_stop,
            )
        )
    return {"rankings": rankings, "queries": len(queries)}
