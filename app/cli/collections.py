"""`whyrank collection`: import, install the sample, list, index, rename, delete."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli import console
from app.cli.session import Session
from data.errors import SettingsError
from data.records import AssessorKind, Collection

if TYPE_CHECKING:
    from engine.workbench import Workbench

collection = typer.Typer(help="Documents, queries and the rules they are judged by.", no_args_is_help=True)

LabelKind = Literal["human", "teacher"]
Name = Annotated[str, typer.Argument(help="Name of the collection.", show_default=False)]
Grades = Annotated[
    list[str] | None,
    typer.Option(help="What a grade of the labels is here, as 1=3; once per grade, where they are on another scale."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]


@collection.command("import")
def import_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name for the new collection.", show_default=False)],
    path: Annotated[
        Path,
        typer.Argument(
            help="A JSONL, CSV or Parquet file; a folder: BEIR, BRIGHT, texts; or ir_datasets:ID.", show_default=False
        ),
    ],
    format: Annotated[
        str | None, typer.Option(help="jsonl, csv, parquet, beir, bright or texts; found out where not said.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column of a CSV or Parquet file, as id=NAME, title=NAME or text=NAME.")
    ] = None,
    qrels: Annotated[Path | None, typer.Option(help="Labels: TREC qrels or BEIR tsv.")] = None,
    grade: Grades = None,
    split: Annotated[
        str | None, typer.Option(help="Only the labels of this split: train, dev, test. Of BRIGHT: the domain.")
    ] = None,
    documents: Annotated[
        int | None, typer.Option(help="Of ir_datasets: only the first so many documents, and their labels.")
    ] = None,
    assessor: Annotated[str | None, typer.Option(help="Whose labels these are; needed to import them.")] = None,
    kind: Annotated[LabelKind | None, typer.Option(help="Whether that is a person or a teacher model.")] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="Label scale: trec-dl (0-3), interank (0-2), prorank (0-1), five-level (0-4). Where not said, that of "
            "the folder's manifest, else trec-dl.",
            show_default=False,
        ),
    ] = None,
    actor: Annotated[str, typer.Option("--by", help="Who imports it.")] = "command line",
    as_json: Json = False,
) -> None:
    """Import documents, queries and labels, and index them. Nothing is kept of a file with bad rows.

    Example: whyrank collection import scifact data/scifact --split train --assessor experts --kind human
    """
    from data.importing import import_collection
    from data.labels import grades_said
    from data.scales import scale_named
    from data.sources import source_of

    session = Session.of(context)
    wanted_scale = None if scale is None else scale_named(scale)
    source = source_of(path, format=format, columns=_columns(column), split=split, documents=documents)
    console.say(f"{path} is {source.words}.")
    with session.store() as store:
        with console.progress(f"Importing {name}") as update:
            made = import_collection(
                store,
                name=name,
                path=source,
                qrels=qrels,
                grades=grades_said(grade or ()),
                split=split,
                assessor=assessor,
                kind=AssessorKind(kind) if kind else None,
                scale=wanted_scale,
                by=actor,
                on_progress=update,
            )
        console.say(f"Imported {made.documents} documents and {made.queries} queries as {made.name}.")
        with session.workbench(store) as workbench:
            made = _index(workbench, made)
    _give(made, as_json)


@collection.command("sample")
def sample_(context: typer.Context, as_json: Json = False) -> None:
    """Install and index the sample collection, where it is not there yet.

    Example: whyrank collection sample
    """
    from data import sample

    session = Session.of(context)
    with session.store() as store:
        made = sample.install(store, by="command line")
        if made.index_path is None or not (session.settings.home / made.index_path).is_dir():
            with session.workbench(store) as workbench:
                made = _index(workbench, made)
    _give(made, as_json)


@collection.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the collections.

    Example: whyrank collection list --json
    """
    with Session.of(context).store() as store:
        found = store.collections.list()
    if as_json:
        console.give_json([_facts(each) for each in found])
        return
    rows = [(c.name, c.documents, c.queries, c.scale.name, c.index_backend or "no index") for c in found]
    console.give_table(("name", "documents", "queries", "scale", "index"), rows)


@collection.command()
def rebuild(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Build the index anew; the old one serves until the new one is there.

    Example: whyrank collection rebuild scifact
    """
    session = Session.of(context)
    with session.store() as store:
        found = store.collections.get(name)
        with session.workbench(store) as workbench:
            found = _index(workbench, found)
    _give(found, as_json)


@collection.command()
def rename(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(help="Its new name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Give a collection another name.

    Example: whyrank collection rename scifact claims
    """
    with Session.of(context).store() as store:
        found = store.collections.rename(store.collections.get(name).collection_id, new_name)
    _give(found, as_json)


@collection.command()
def delete(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Delete a collection with its judgments, rankings, jobs and index.

    Example: whyrank collection delete scifact
    """
    session = Session.of(context)
    with session.store() as store:
        found = store.collections.get(name)
        with session.workbench(store) as workbench:
            from app.actions import collections, people

            hanging = collections.hanging(workbench, found)
            along = ", ".join(f"{count} {what}" for what, count in hanging.items() if count) or "nothing else"
            console.confirm(f"Delete {found.name} and with it {along}?", yes=yes)
            collections.delete(workbench, found, people.command_line("command line"), found.name)
    console.say(f"Deleted {found.name}.")


def _columns(said: list[str] | None) -> dict[str, str]:
    """Use -> column, from `id=NAME`."""
    found: dict[str, str] = {}
    for each in said or ():
        use, is_one, name = each.partition("=")
        if not (is_one and use.strip() and name.strip()) or use.strip() in found:
            raise SettingsError(f"{each!r} can't be understood here.", mend="Say it once, like --column id=NAME.")
        found[use.strip()] = name.strip()
    return found


def _index(workbench: "Workbench", found: Collection) -> Collection:
    with console.progress(f"Indexing {found.name}") as update:
        built = workbench.build_index(found, lambda done: update(f"Indexing {found.name}", done, found.documents))
    if built.index_note:
        console.say(f"Note: {built.index_note}")
    return built


def _facts(found: Collection) -> dict[str, Any]:
    return {
        "name": found.name,
        "collection_id": found.collection_id,
        "documents": found.documents,
        "queries": found.queries,
        "scale": found.scale.name,
        "index": found.index_backend,
        "index_note": found.index_note,
        "source": found.source,
        "created_at": found.created_at,
    }


def _give(found: Collection, as_json: bool) -> None:
    if as_json:
        console.give_json(_facts(found))
    else:
        console.say(f"{found.name}: {found.documents} documents, indexed with {found.index_backend or 'nothing yet'}.")
