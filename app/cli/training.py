"""`whyrank train`: write a job, and wait for it if wanted."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import console
from app.cli.session import Session, the_collection
from data.errors import SettingsError, misfits
from data.records import Job, JobState

if TYPE_CHECKING:
    from data.store import Store
    from training.recipes import TrainConfig

POLL_SECONDS = 0.5
_ENDED = {JobState.FAILED: "failed", JobState.CANCELLED: "was cancelled"}


def train(
    context: typer.Context,
    recipe: Annotated[str, typer.Option(help="How to train; an unknown name lists them.")],
    collection: Annotated[
        str | None, typer.Option("--collection", "-c", help="Collection; may be left out where there is only one.")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A field of the recipe, e.g. epochs=2.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; fail if the job fails.")] = False,
    actor: Annotated[str, typer.Option("--by", help="Who asks for it.")] = "command line",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")] = False,
) -> None:
    """Train a new version on the collection's judgments: a job that the worker runs.

    Example: whyrank train --recipe correct --collection sample --set epochs=2 --wait
    """
    from training import jobs

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        config = _config(recipe, options or [])
        with session.workbench(store) as workbench:
            job = jobs.submit(workbench, found, config, actor)
        job = followed(session, store, job, wait=wait)
    if job.state.ended:
        console.say(f"Its log: {jobs.log_path(session.settings, job.job_id)}")
        _say_outcome(job, found.name)
    if as_json:
        console.give_json(job)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(console.FAILED)


def _config(recipe: str, options: Sequence[str]) -> "TrainConfig":
    """The recipe with the fields given; raises SettingsError for a field that is unknown or can't be used."""
    from pydantic import ValidationError

    from training.recipes import TrainConfig, field_names, nested, recipe_named

    recipe_named(recipe)
    try:
        return TrainConfig.model_validate(nested({"recipe": recipe, **fields_of(options)}))
    except ValidationError as error:
        raise SettingsError(
            f"The recipe can't be used with these fields: {misfits(error)}.",
            mend=f"Fields are: {', '.join(field_names(recipe))}.",
        ) from None


def fields_of(options: Sequence[str]) -> dict[str, Any]:
    """Name -> value, as text, of every `--set NAME=VALUE`."""
    fields: dict[str, Any] = {}
    for option in options:
        name, sign, value = option.partition("=")
        if not sign:
            raise SettingsError(f"--set {option} has no value.", mend="Write it as --set NAME=VALUE.")
        fields[name.strip()] = value.strip()
    return fields


def followed(session: Session, store: "Store", job: Job, *, wait: bool) -> Job:
    """The job as it is once that is said; with `wait` at its end, by a worker of its own where none runs."""
    from app.actions import holding, launch

    console.say(f"Job {job.job_id} is waiting for the worker.")
    alive = holding.is_held(holding.worker_lock(session.settings))
    if not wait:
        if not alive:
            console.say("No worker runs on this home: start one with `whyrank app` or `whyrank worker`.")
        return job
    if not alive:
        console.say("No worker runs on this home: one is started for this job.")
    with nullcontext() if alive else launch.own_worker(session.settings):
        return _ended(store, job.job_id, own_worker=not alive)


def _ended(store: "Store", job_id: str, *, own_worker: bool) -> Job:
    """Watch a job until it has ended."""
    try:
        return _watched(store, job_id)
    except KeyboardInterrupt:
        console.say(f"Job {job_id} goes on {'when a worker runs: whyrank worker' if own_worker else 'without you'}.")
        raise


def _watched(store: "Store", job_id: str) -> Job:
    stage = ""
    with console.progress("Waiting for the worker") as update:
        while True:
            job = store.jobs.get(job_id)
            if job.stage and job.stage != stage:
                stage = job.stage
                console.say(f"Job {job_id}: {stage}")
            losses = store.jobs.metrics(job_id, names=["loss"])
            loss = f", loss {losses[-1].value:.3f}" if losses else ""
            if job.state is not JobState.QUEUED:
                update(f"{job.stage or job.state.value}{loss}", job.progress, 1.0)
            if job.state.ended:
                return job
            time.sleep(POLL_SECONDS)


def say_failure(job: Job) -> None:
    """How a job ended that did not come to its end."""
    console.say(f"Error: the job {_ENDED[job.state]}. {job.error or ''} {job.mend or ''}".strip())


def _say_outcome(job: Job, collection: str) -> None:
    """How an ended job ended, and what can be done now."""
    if job.state is not JobState.DONE:
        say_failure(job)
        return
    result = job.result or {}
    console.say(f"Made the version {result.get('version')} from {result.get('examples')} examples.")
    if result.get("promote"):
        console.say(f"The gate lets it pass: whyrank model promote {result.get('version')} --collection {collection}")
    for refusal in result.get("refusals", ()):
        console.say(f"The gate refuses it: {refusal}")
