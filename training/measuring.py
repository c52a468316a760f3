"""The evaluation job: measure a version on the held-out queries, without training anything."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field, field_validator

from engine.pipeline import Plan
from engine.ranking import DEFAULT_METHOD, method_named
from engine.ranking.fusion import DEFAULT_WEIGHT
from training import gate
from training.evaluations import evaluate_version
from training.options import Options
from training.work import Work


class EvaluateConfig(Options):
    """Everything an evaluation job can be told."""

    version_id: str = Field(description="Version to measure.")
    method: str = Field(default=DEFAULT_METHOD, description="Ranking method.")
    depth: int = Field(default=10, ge=1, le=1000, description="Documents per query.")
    fusion_weight: float = Field(
        default=DEFAULT_WEIGHT, ge=0, le=1, description="Weight of the first stage in the order, 0 to 1."
    )
    heldout_queries: int = Field(default=50, ge=1, le=100_000, description="Most queries; a seeded sample of them.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Of the sample.")

    @field_validator("method")
    @classmethod
    def _known_method(cls, name: str) -> str:
        return method_named(name).name


def run(work: Work) -> Mapping[str, Any]:
    """A `training.jobs.Runner`. The result names the version and the gate's verdict."""
    config = EvaluateConfig(**work.job.config)
    workbench = work.workbench
    version = workbench.store.versions.get(config.version_id)
    stored = workbench.store.evaluations.list(work.collection.collection_id)
    record = next((record for record in stored if record.job_id == work.job.job_id), None)
    if record is None:  # else the process died after its last step
        work.stage("evaluating", 0.0, 1.0)
        plan = replace(
            Plan.of(workbench.settings), method=config.method, depth=config.depth, fusion_weight=config.fusion_weight
        )
        record = evaluate_version(
            workbench,
            work.collection,
            version,
            plan=plan,
            limit=config.heldout_queries,
            seed=config.seed,
            on_progress=lambda _, done, total: work.progress(done / (total or 1)),
            should_stop=work.should_stop,
            job_id=work.job.job_id,
        )
    verdict = gate.verdict(record.report)
    return {
        "version_id": version.version_id,
        "version": version.name,
        "evaluation_id": record.evaluation_id,
        "promote": verdict.promote,
        "refusals": list(verdict.refusals),
    }
