"""`whyrank run`: TREC runs kept for a collection, to rank from and to compare with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import console
from app.cli.judgments import CollectionName
from app.cli.session import Session, the_collection

if TYPE_CHECKING:
    from data.runs import GivenRun

run = typer.Typer(help="TREC runs of other systems: first stages to rank from.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]


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
