"""What `whyrank teach queries` and the Teacher page do: show what a teacher would be asked, start a job that makes
queries, read how far it is and what it made.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.actions import jobs as watching
from app.actions import teach
from app.actions.people import require
from app.actions.teach import Told
from data.people import Person
from data.records import Collection, Job
from engine.workbench import Workbench
from training import jobs, making
from training.budget import Spent
from training.making import MakeConfig, config_of
from training.teaching import Preview

config = config_of
_SPENT = (*Spent.__dataclass_fields__, "tokens", "cost")


def preview(workbench: Workbench, collection: Collection, wanted: MakeConfig) -> Preview:
    """What would be asked if the job started now."""
    return making.preview(workbench, collection, wanted)


def start(workbench: Workbench, collection: Collection, wanted: MakeConfig, by: Person) -> Job:
    """Write the job's row; raises where there is nothing to ask, or nobody can be asked there. NotAllowedError."""
    require(by, *teach.needed(workbench, wanted.teaching))
    return jobs.submit_making(workbench, collection, wanted, by.name)


def told(workbench: Workbench, job: Job) -> Told | None:
    """What a job has done and spent, its manifest: the result, or as far as it is; None before it began to ask."""
    found = watching.told(job, manifest(workbench, job))
    judged = None if job.result is not None else teach.told(workbench, job)
    if found is None or judged is None:
        return found
    # While the queries made are judged, only the teaching writes down how far it is.
    return {**found, "judged": judged, **{name: judged[name] for name in _SPENT}}


def manifest(workbench: Workbench, job: Job) -> Path:
    """Where a job's manifest is, every query with its document and summary in it."""
    return jobs.made_path(workbench.settings, job.job_id)


def made(workbench: Workbench, job: Job) -> Sequence[Mapping[str, Any]]:
    """The queries a job made, as its manifest has them (`training.making.Made`); none where there is no manifest."""
    try:
        found: list[dict[str, Any]] = json.loads(manifest(workbench, job).read_text(encoding="utf-8"))["made"]
    except FileNotFoundError:
        return []
    return found


def words(found: Told | None) -> list[str]:
    """What a job did and spent, in sentences; none before it began."""
    if found is None:
        return []
    said = [
        f"{found['queries']:,} queries made of {found['documents']:,} documents, {found['new_queries']:,} of them new; "
        f"{found['asked']:,} answers asked for, {found['kept']:,} kept from before."
    ]
    if found["unreadable"]:
        said.append(f"{found['unreadable']:,} answers could not be read.")
    for name, what in (("refused", "Refused"), ("dropped", "Dropped")):
        if found[name]:
            said.append(f"{what}: {', '.join(f'{count:,} {reason}' for reason, count in found[name].items())}.")
    if found["unanswered"]:
        said.append(f"{found['unanswered']:,} documents got no answer; the log says why. Start again to ask of those.")
    judged = found["judged"]
    if judged is not None:
        grades = ", ".join(f"{count:,} of grade {grade}" for grade, count in judged["by_grade"].items())
        said.append(
            f"{found['assessor']}: {judged['graded']:,} of {judged['pairs']:,} pairs graded"
            f"{f' ({grades})' if grades else ''}, {judged['unreadable']:,} answers unreadable."
        )
    said.append(
        f"{found['requests']:,} requests, {found['prompt_tokens']:,} prompt tokens, {found['completion_tokens']:,} "
        f"answer tokens, {found['cost']:.4f} spent."
    )
    if found["stopped"]:
        said.append(f"Stopped: {found['stopped']} {found['not_asked']:,} documents were not asked about.")
    if judged is not None and judged["stopped"]:
        said.append(f"Stopped: {judged['stopped']} {judged['not_asked']:,} pairs were not asked about.")
    return said


def outcome(workbench: Workbench, job: Job) -> list[str]:
    """The same of a job by its row, and where its manifest is; none before it began."""
    found = told(workbench, job)
    return [f"Its manifest: {manifest(workbench, job)}", *words(found)] if found is not None else []
