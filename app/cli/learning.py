"""`whyrank learn`: what more and more corrections bring, as a curve."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import console
from app.cli.ranking import CollectionName, Json
from app.cli.session import Session, the_collection
from app.cli.training import fields_of, followed, say_failure
from data.errors import ConflictError, SettingsError
from data.records import JobState


def learn(
    context: typer.Context,
    collection: CollectionName = None,
    counts: Annotated[str, typer.Option(help="Numbers of corrections to train with.")] = "0,25,100",
    seeds: Annotated[str, typer.Option(help="Each draws another order of corrections.")] = "0",
    recipe: Annotated[str, typer.Option(help="How every point is trained.")] = "correct",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A field of the recipe (epochs=2) or of the curve: heldout=20 holds out so many labelled queries and "
            "corrects the others; once_from, pool_depth, per_visit, fusion_weight, assume_unlabelled_zero.",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; fail if the job fails.")] = False,
    actor: Annotated[str, typer.Option("--by", help="Who asks for it.")] = "command line",
    png: Annotated[Path | None, typer.Option(help="Draw the curve into this new file; needs --wait.")] = None,
    as_json: Json = False,
) -> None:
    """Retrain the champion with more and more of people's corrections, and measure each on held-out queries: a job.

    What was measured before is taken from disk, so that the same command with more counts or seeds trains only these.

    Example: whyrank learn --collection dl19 --counts 0,25,100 --seeds 0,1,2 --set heldout=20 --wait --png curve.png
    """
    from app.actions import learn as actions
    from app.actions import people
    from training import jobs

    _check_picture(png, wait=wait)
    values: dict[str, object] = {
        "recipe": recipe,
        "counts": actions.numbers(counts, "Numbers of corrections"),
        "seeds": actions.numbers(seeds, "Seeds"),
    }
    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        config = actions.config({**values, **fields_of(options or [])})
        with session.workbench(store) as workbench:
            job = actions.start(workbench, found, config, people.command_line(actor))
        job = followed(session, store, job, wait=wait)
    if job.state.ended:
        console.say(f"Its log: {jobs.log_path(session.settings, job.job_id)}")
    if job.state is JobState.DONE and job.result is not None:
        _give(job.result, found.name, png, as_json=as_json)
    elif job.state.ended:
        say_failure(job)
    if as_json:
        console.give_json(job)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(console.FAILED)


def _check_picture(png: Path | None, *, wait: bool) -> None:
    """Whatever would keep the picture from being written is told before hours of training."""
    if png is None:
        return
    if not wait:
        raise SettingsError("A picture is drawn from a finished curve.", mend="Add --wait.")
    if png.exists():
        raise ConflictError(f"{png} already exists.", mend="Name a new file with --png.")
    if not png.parent.is_dir():
        raise SettingsError(f"There is no folder {png.parent}.", mend="Make it, or name another file with --png.")
    from app.actions import pictures

    pictures.require_browser()


def _give(curve: Mapping[str, Any], collection: str, png: Path | None, *, as_json: bool) -> None:
    from app.actions import learn as actions
    from app.actions import pictures
    from training.curve import Level, words

    for level in curve["levels"]:
        console.say(words(Level(**level)))
    console.say(actions.conclusion(curve)[1])
    for warning in curve["warnings"]:
        console.say(f"Note: {warning}")
    if not as_json:
        lines = actions.rows(curve)
        console.give_table(list(lines[0]), [[_cell(value) for value in line.values()] for line in lines])
    if png is not None:
        png.write_bytes(pictures.png(pictures.both(curve["levels"], curve["bm25"], f"Learning curve of {collection}")))
        console.say(f"Drew the curve into {png}.")


def _cell(value: object) -> object:
    return f"{value:.4f}" if isinstance(value, float) else value
