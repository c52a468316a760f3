"""`whyrank run`: TREC runs kept for a collection, to rank from and to compare with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import console
from app.cli.ranking import CollectionName, Depth, Fusion, Json, MethodName, VersionName
from app.cli.session import Session, the_collection, the_version
from app.cli.training import followed, say_failure
from data.errors import NotFoundError
from data.records import JobState
from engine.ranking import DEFAULT_METHOD, method_named
from engine.ranking.fusion import DEFAULT_WEIGHT

if TYPE_CHECKING:
    from data.runs import GivenRun

run = typer.Typer(help="TREC runs of other systems to rank from, and rankings of many queries.", no_args_is_help=True)


@run.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A TREC run.", show_default=False)],
    collection: CollectionName = None,
    name: Annotated[str | None, typer.Option(help="What to call it; else the file's name.")] = None,
    as_json: Json = False,
) -> None:
    """Keep a run. Queries and documents that the collection does not have are refused with their lines.

    Example: whyrank run import run.bm25.trec --collection scifact --name bm25
    """
    from data.runs import Runs

    session = Session.of(context)
    with session.store() as store:
        made = Runs(session.settings.runs_path).add(store, the_collection(store, collection), file, name)
    if as_json:
        console.give_json(_facts(made))
    else:
        console.say(
            f"Kept the run {made.name}: {made.queries} queries. Rank from it: whyrank evaluate --run {made.name}"
        )


@run.command()
def make(
    context: typer.Context,
    collection: CollectionName = None,
    model: VersionName = None,
    method: MethodName = DEFAULT_METHOD,
    depth: Depth = 20,
    fusion: Fusion = DEFAULT_WEIGHT,
    queries: Annotated[int | None, typer.Option(min=1, help="Only the first so many; else all.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side; several need the extra `ray`.")] = 1,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; fail if the job fails.")] = False,
    actor: Annotated[str, typer.Option("--by", help="Who asks for it.")] = "command line",
    as_json: Json = False,
) -> None:
    """Rank many queries: a job that the worker runs. What was ranked before in the same way is kept, so a job that was
    broken off goes on where it stopped. `whyrank export run` writes the rankings as a TREC run.

    Example: whyrank run make --collection scifact --method pointwise-score --depth 20 --workers 4 --wait
    """
    from training import jobs
    from training.ranked import RankConfig, RankedBy

    session = Session.of(context)
    method_named(method)
    with session.store() as store:
        found = the_collection(store, collection)
        version = the_version(store, session.settings, found, model)
        query_ids = [query.query_id for query in store.collections.queries(found.collection_id)][:queries]
        if not query_ids:
            raise NotFoundError(f"The collection {found.name} has no queries.", mend="Import some with it.")
        with session.workbench(store) as workbench:
            config = RankConfig(
                systems=(RankedBy(version_id=version.version_id, method=method),),
                query_ids=tuple(query_ids),
                depth=depth,
                fusion_weight=fusion,
                workers=workers,
            )
            job = jobs.submit_ranking(workbench, found, config, actor)
        job = followed(session, store, job, wait=wait)
    if as_json:
        console.give_json(job)
    elif job.state is JobState.DONE and job.result is not None:
        console.say(f"{job.result['rankings']} rankings by {version.name}: whyrank export run OUT -c {found.name}")
    elif job.state.ended:
        say_failure(job)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(console.FAILED)


@run.command("list")
def list_(context: typer.Context, collection: CollectionName = None, as_json: Json = False) -> None:
    """List a collection's runs.

    Example: whyrank run list --collection scifact
    """
    from data.runs import Runs

    session = Session.of(context)
    with session.store() as store:
        found = Runs(session.settings.runs_path).list(the_collection(store, collection).collection_id)
    if as_json:
        console.give_json([_facts(each) for each in found])
        return
    console.give_table(("name", "queries", "documents"), [(r.name, r.queries, r.documents) for r in found])


@run.command()
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the run.", show_default=False)],
    collection: CollectionName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Delete a run; rankings that began with it stay.

    Example: whyrank run delete bm25 --collection scifact
    """
    from data.runs import Runs

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        runs = Runs(session.settings.runs_path)
        runs.get(found, name)
        console.confirm(f"Delete the run {name} of {found.name}?", yes=yes)
        runs.delete(found, name)
    console.say(f"Deleted the run {name}.")


def _facts(made: "GivenRun") -> dict[str, Any]:
    return {"name": made.name, "queries": made.queries, "documents": made.documents, "created_at": made.created_at}
