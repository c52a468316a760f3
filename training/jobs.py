"""Jobs as the app sees them: a row is written, and everything else is read from it. A worker does the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from pydantic import BaseModel

from data.errors import NotFoundError
from data.records import Collection, Job, new_id, utc_now
from engine import models
from engine.pipeline import check_version
from engine.workbench import Workbench
from training import learning, making, teaching
from training import preview as previews
from training.evaluations import evaluable, require
from training.folders import curve_path as curve_path
from training.folders import folder as folder
from training.folders import log_path as log_path
from training.folders import made_path as made_path
from training.folders import teach_path as teach_path
from training.learning import LearnConfig
from training.making import MakeConfig
from training.measuring import EvaluateConfig
from training.preview import Preview
from training.ranked import RankConfig
from training.recipes import TrainConfig
from training.teaching import TeachConfig

TRAIN = "train"
EVALUATE = "evaluate"
LEARN = "learn"
RANK = "rank"
TEACH = "teach"
MAKE = "make-queries"


class Runner(Protocol):
    """What a kind of job does, in its own process."""

    def __call__(self, work: Any) -> Mapping[str, Any]:  # a training.work.Work; JSON values
        """Do the job and return its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A member of `JOBS`. The module is imported in the job's process: it brings torch."""

    name: str
    summary: str
    module: str

    @property
    def run(self) -> Runner:
        """The module's `run` function."""
        runner: Runner = import_module(self.module).run
        return runner


JOBS = {
    kind.name: kind
    for kind in (
        JobKind(name=TRAIN, summary="Train a version, then evaluate it against the champion.", module="training.loop"),
        JobKind(name=EVALUATE, summary="Evaluate a version against the champion.", module="training.measuring"),
        JobKind(
            name=LEARN, summary="Retrain with more and more corrections, and measure.", module="training.relearning"
        ),
        JobKind(name=TEACH, summary="Ask a teacher to judge and explain.", module="training.teacher"),
        JobKind(name=MAKE, summary="Have a teacher make queries of documents, and judge.", module="training.maker"),
        JobKind(name=RANK, summary="Rank queries with versions, to be compared.", module="training.ranked"),
    )
}


def preview(workbench: Workbench, collection: Collection, config: TrainConfig) -> Preview:
    """What the job would be trained on and measured with, and what stands against it."""
    return previews.preview(workbench.store, collection, config)


def submit(workbench: Workbench, collection: Collection, config: TrainConfig, actor: str) -> Job:
    """Write a training job for a worker to run.

    Raises before anything starts: TrainingError where there is nothing to learn from, ModelError where the base model
    is missing or the champion can't be continued.
    """
    problem = preview(workbench, collection, config).problem
    if problem is not None:
        raise problem
    models.resolve(workbench.settings.model, workbench.settings.models_path)
    if config.start_from == "champion":
        check_version(workbench.champion(collection), collection, config.method)
    return _add(workbench, TRAIN, collection, config, actor)


def submit_evaluation(workbench: Workbench, collection: Collection, config: EvaluateConfig, actor: str) -> Job:
    """Write an evaluation job for a worker to run.

    Raises before anything starts: NotFoundError where there is no such version or no held-out query with people's
    labels, IncompatibleVersionError where the version does not fit the collection or the method.
    """
    _, queries = evaluable(workbench, collection, limit=config.heldout_queries, seed=config.seed)
    require(queries, collection)
    check_version(workbench.store.versions.get(config.version_id), collection, config.method)
    return _add(workbench, EVALUATE, collection, config, actor)


def submit_learning(workbench: Workbench, collection: Collection, config: LearnConfig, actor: str) -> Job:
    """Write a learning-curve job for a worker to run.

    Raises before anything starts: TrainingError where there is nothing to correct or to measure with, ModelError where
    the base model is missing, IncompatibleVersionError where the champion does not fit the method.
    """
    problem = learning.preview(workbench, collection, config).problem
    if problem is not None:
        raise problem
    models.resolve(workbench.settings.model, workbench.settings.models_path)
    return _add(workbench, LEARN, collection, config, actor)


def submit_ranking(workbench: Workbench, collection: Collection, config: RankConfig, actor: str) -> Job:
    """Write a ranking job for a worker to run.

    Raises before anything starts: NotFoundError where a version or query is not there, IncompatibleVersionError where
    a version does not fit the collection or the method.
    """
    known = {query.query_id for query in workbench.store.collections.queries(collection.collection_id)}
    unknown = [query_id for query_id in config.query_ids if query_id not in known]
    if unknown:
        raise NotFoundError(
            f"The collection {collection.name} has no query {unknown[0]!r}.", mend="Choose some from its list."
        )
    for system in config.systems:
        check_version(workbench.store.versions.get(system.version_id), collection, system.method)
    return _add(workbench, RANK, collection, config, actor)


def submit_teaching(workbench: Workbench, collection: Collection, config: TeachConfig, actor: str) -> Job:
    """Write a teaching job for a worker to run.

    Raises before anything is asked: SettingsError for an address or a key that can't be used, NotFoundError where
    there is nothing to ask about, ConflictError where the assessor's name is the sample's.
    """
    problem = teaching.preview(workbench, collection, config).problem
    if problem is not None:
        raise problem
    return _add(workbench, TEACH, collection, config, actor)


def submit_making(workbench: Workbench, collection: Collection, config: MakeConfig, actor: str) -> Job:
    """Write a job for a worker that makes queries of documents.

    Raises before anything is asked: SettingsError for an address or a key that can't be used, NotFoundError where
    there is no document, RetrievalError where nothing can be retrieved for the judging.
    """
    problem = making.preview(workbench, collection, config).problem
    if problem is not None:
        raise problem
    return _add(workbench, MAKE, collection, config, actor)


def cancel(workbench: Workbench, job_id: str) -> Job:
    """Ask a job to stop: a running one does within a step, a waiting one at once."""
    workbench.store.jobs.request_cancel(job_id)
    # Claiming ends a waiting job that is to be cancelled; a running one can't be claimed, whatever its heartbeat.
    workbench.store.jobs.claim(job_id, pid=0, now=utc_now(), stale_after_seconds=float(10**9))
    return workbench.store.jobs.get(job_id)


def _add(workbench: Workbench, kind: str, collection: Collection, config: BaseModel, actor: str) -> Job:
    job = Job(
        job_id=new_id(),
        kind=kind,
        collection_id=collection.collection_id,
        config=config.model_dump(mode="json"),
        created_by=actor,
    )
    workbench.store.jobs.add(job)
    return job
