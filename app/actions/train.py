"""What the Train page does: show what would be trained, start a job, watch it, cancel it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from app.actions import holding
from app.actions.jobs import curves as jobs_curves
from app.actions.people import require
from data.errors import SettingsError, misfits
from data.people import Person, Role
from data.records import AssessorKind, Collection, Job, Split
from engine.workbench import Workbench
from training import jobs
from training.preview import Preview
from training.recipes import RECIPES, Recipe, TrainConfig, nested

SOURCES = {AssessorKind.HUMAN: "people", AssessorKind.TEACHER: "teachers", AssessorKind.STUDENT: "students"}
LEARN, MAKE, TEACH = jobs.LEARN, jobs.MAKE, jobs.TEACH
DOING, CANCELLING = "train a version", "cancel a job"
USES = {Split.TRAIN: "training", Split.DEVELOPMENT: "development", Split.HELDOUT: "held out for evaluation"}


def recipes() -> Sequence[Recipe]:
    """Every recipe there is."""
    return tuple(RECIPES.values())


def config(values: Mapping[str, object]) -> TrainConfig:
    """The config of a form's values; raises SettingsError with the field that does not fit."""
    try:
        return TrainConfig.model_validate(nested(values))
    except ValidationError as error:
        raise SettingsError(f"An option does not fit: {misfits(error)}.", mend="Change it under Options.") from None


def preview(workbench: Workbench, collection: Collection, wanted: TrainConfig) -> Preview:
    """What would be trained on if the job started now."""
    return jobs.preview(workbench, collection, wanted)


def by_source_and_grade(found: Preview) -> list[tuple[str, dict[int, int]]]:
    """Rows per grade for each source that has any."""
    counts: dict[AssessorKind, dict[int, int]] = {}
    for row in found.chosen.rows:
        grades = counts.setdefault(row.source, {})
        grades[row.grade] = grades.get(row.grade, 0) + 1
    return [(SOURCES[source], grades) for source, grades in sorted(counts.items())]


def start(workbench: Workbench, collection: Collection, wanted: TrainConfig, by: Person) -> Job:
    """Write the job's row; raises TrainingError where there is nothing to train on, NotAllowedError."""
    require(by, Role.LEAD, DOING)
    return jobs.submit(workbench, collection, wanted, by.name)


def curves(workbench: Workbench, job_id: str) -> dict[str, list[tuple[int, float]]]:
    """A job's figures over its steps."""
    return jobs_curves(workbench.store.jobs.metrics(job_id))


def cancel(workbench: Workbench, job_id: str, by: Person) -> Job:
    """Ask a job to stop. Raises NotAllowedError."""
    require(by, Role.LEAD, CANCELLING)
    return jobs.cancel(workbench, job_id)


def log_path(workbench: Workbench, job_id: str) -> Path:
    """Where a job's log lies."""
    return jobs.log_path(workbench.settings, job_id)


def worker_alive(workbench: Workbench) -> bool:
    """Does a worker of this home run?"""
    return holding.is_held(holding.worker_lock(workbench.settings))
