"""What the Teacher page and `whyrank teach` do: show what a teacher would be asked, start a job, read how far it is."""

from collections.abc import Mapping
from typing import Any

from app.actions import jobs as watching
from app.actions import queue
from app.actions.jobs import Watch
from app.actions.people import require
from app.actions.queue import Choice, Strategy
from data.people import Person, Role
from data.records import Collection, Job
from data.settling import Pair
from engine.workbench import Workbench
from training import jobs, teaching
from training.teaching import Preview, TeachConfig, config_of, same_address

config = config_of
DOING = "ask a teacher"
KINDS = (jobs.TEACH, jobs.MAKE)
ELSEWHERE = "ask a teacher at another address than that of WHYRANK_TEACHER_URL"
"""Requests go out from the machine WhyRank runs on: a lead may ask where its admin said, and no other place."""
Told = Mapping[str, Any]
"""What a teaching job has done and spent: `training.teacher.Told`."""


def preview(workbench: Workbench, collection: Collection, wanted: TeachConfig) -> Preview:
    """What would be asked if the job started now."""
    return teaching.preview(workbench, collection, wanted)


def start(workbench: Workbench, collection: Collection, wanted: TeachConfig, by: Person) -> Job:
    """Write the job's row; raises where there is nothing to ask, or nobody can be asked there. NotAllowedError."""
    require(by, *needed(workbench, wanted))
    return jobs.submit_teaching(workbench, collection, wanted, by.name)


def needed(workbench: Workbench, wanted: TeachConfig) -> tuple[Role, str]:
    """The role it takes, and for what."""
    known = same_address(wanted.url, workbench.settings.teacher_url)
    return (Role.LEAD, DOING) if known else (Role.ADMIN, ELSEWHERE)


def disagreeing(workbench: Workbench, collection: Collection, most: int) -> tuple[Pair, ...]:
    """The first pairs of the queue that is shown to people first: student against teacher, then where the student is
    unsure, then what stands high; those no person judged."""
    standings = workbench.store.standings.of(collection.collection_id, "")
    laid_out = queue.lay_out(standings, Choice(strategy=Strategy.USEFUL), most=most)
    return tuple(item.pair for item in laid_out.items)


def told(workbench: Workbench, job: Job) -> Told | None:
    """What a job has done and spent: its result, or as far as it is; None before it began to ask."""
    return watching.told(job, jobs.teach_path(workbench.settings, job.job_id))


def watches(workbench: Workbench, collection: Collection) -> list[Watch]:
    """The collection's jobs that ask a teacher, newest first."""
    return [each for each in watching.watches(workbench, collection) if each.job.kind in KINDS]


def how_asked(job: Job) -> Mapping[str, Any]:
    """What a job was told of the teacher and the budget, as `TeachConfig` has it."""
    found: Mapping[str, Any] = job.config.get("teaching") or job.config
    return found


def title(job: Job) -> str:
    """A job in a list of choices."""
    what = "Queries by " if job.kind == jobs.MAKE else ""
    model, when = how_asked(job).get("model", "?"), job.created_at.astimezone()
    return f"{what}{model}, {when:%Y-%m-%d %H:%M:%S}, {job.state.value} ({job.job_id[:8]})"


def would_ask(seen: Preview, things: str) -> str:
    """What a job would ask, in a sentence. `things`: what it is asked about, `queries` or `documents`."""
    price = f", {seen.cost:.4f}" if seen.cost else ""
    return f"{seen.queries:,} {things}, {seen.pairs:,} pairs; at most about {seen.tokens:,} tokens{price}."


def words(found: Told) -> list[str]:
    """What a job did and spent, in sentences."""
    said = [
        f"{found['assessor']}: {found['graded']:,} of {found['pairs']:,} pairs graded; {found['asked']:,} answers "
        f"asked for, {found['kept']:,} kept from before.",
        f"{found['requests']:,} requests, {found['prompt_tokens']:,} prompt tokens, {found['completion_tokens']:,} "
        f"answer tokens, {found['cost']:.4f} spent.",
    ]
    if found["unreadable"]:
        said.append(f"{found['unreadable']:,} answers could not be read: kept as they are, and no grades.")
    if found["unanswered"]:
        said.append(f"{found['unanswered']:,} pairs got no answer; the log says why. Start again to ask those alone.")
    if found["estimated"]:
        said.append(f"The server did not count the tokens of {found['estimated']:,} answers: four characters each.")
    if found["stopped"]:
        said.append(f"Stopped: {found['stopped']} {found['not_asked']:,} pairs were not asked about.")
    return said


def outcome(workbench: Workbench, job: Job) -> list[str]:
    """The same of a job by its row; none before it began to ask."""
    found = told(workbench, job)
    return words(found) if found is not None else []
