"""`whyrank judgments`: labels in and out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.collections import LabelKind
from app.cli.session import Session, the_collection
from data.records import AssessorKind

judgments = typer.Typer(help="What assessors say of (query, document) pairs.", no_args_is_help=True)


class Format(StrEnum):
    """File formats of judgments."""

    TREC = "trec"
    JSONL = "jsonl"


CollectionName = Annotated[
    str | None, typer.Option("--collection", "-c", help="Collection; may be left out where there is only one.")
]


@judgments.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file of judgments.", show_default=False)],
    format: Annotated[Format, typer.Option(help="trec: qrels; jsonl: whole judgments with explanations.")],
    collection: CollectionName = None,
    assessor: Annotated[str | None, typer.Option(help="Whose judgments these are.")] = None,
    kind: Annotated[LabelKind | None, typer.Option(help="Whether that is a person or a teacher model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")] = False,
) -> None:
    """Import judgments. Pairs that are not in the collection are refused with their lines; nothing is kept then.

    Example: whyrank judgments import qrels.txt --collection scifact --format trec --assessor experts --kind human
    """
    from data.importing import import_judgments

    with Session.of(context).store() as store:
        found = the_collection(store, collection)
        given = AssessorKind(kind) if kind else None
        count = import_judgments(store, found, file, format=format.value, assessor=assessor, kind=given)
    if as_json:
        console.give_json({"collection": found.name, "judgments": count})
    else:
        console.say(f"Imported {count} judgments into {found.name}.")


@judgments.command()
def export(
    context: typer.Context,
    format: Annotated[Format, typer.Option(help="trec: qrels; jsonl: whole judgments with explanations.")],
    collection: CollectionName = None,
    assessor: Annotated[str | None, typer.Option(help="Only this assessor's.")] = None,
    kind: Annotated[AssessorKind | None, typer.Option(help="Only assessors of this kind.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; else stdout.")] = None,
) -> None:
    """Export judgments.

    Example: whyrank judgments export --collection scifact --format trec --kind human --output qrels.txt
    """
    from data.importing import export_judgments

    with Session.of(context).store() as store:
        found = the_collection(store, collection)
        kinds = None if kind is None else [kind]
        text = export_judgments(store, found, format=format.value, kinds=kinds, assessor=assessor)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        console.say(f"Wrote {len(text.splitlines())} lines to {output}.")
