"""`whyrank judgments`: labels in and out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.collections import Grades, LabelKind
from app.cli.session import Session, the_collection
from data.records import AssessorKind

judgments = typer.Typer(help="What assessors say of (query, document) pairs.", no_args_is_help=True)


class Format(StrEnum):
    """File formats of judgments."""

    TREC = "trec"
    JSONL = "jsonl"


class FileFormat(StrEnum):
    """What a file of judgments may be."""

    TREC = "trec"
    JSONL = "jsonl"
    CSV = "csv"


CollectionName = Annotated[
    str | None, typer.Option("--collection", "-c", help="Collection; may be left out where there is only one.")
]


@judgments.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file of judgments.", show_default=False)],
    format: Annotated[
        FileFormat | None,
        typer.Option(help="trec: qrels, or BEIR's table; jsonl, csv: whole judgments. Found out where not said."),
    ] = None,
    collection: CollectionName = None,
    assessor: Annotated[str | None, typer.Option(help="Whose judgments these are.")] = None,
    kind: Annotated[LabelKind | None, typer.Option(help="Whether that is a person or a teacher model.")] = None,
    grade: Grades = None,
    actor: Annotated[str, typer.Option("--by", help="Who imports them.")] = "command line",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")] = False,
) -> None:
    """Import judgments. Pairs that are not in the collection are refused with their lines; nothing is kept then.

    Example: whyrank judgments import teacher.binary.tsv -c dl19 --assessor gpt4 --kind teacher --grade 0=0 --grade 1=3
    """
    from data.importing_judgments import FORMATS, import_judgments, judgments_format
    from data.labels import grades_said

    grades = grades_said(grade or ())
    with Session.of(context).store() as store:
        found = the_collection(store, collection)
        form = format.value if format else judgments_format(file)
        console.say(f"{file.name} is {FORMATS[form]}.")
        given = AssessorKind(kind) if kind else None
        count = import_judgments(
            store, found, file, format=form, assessor=assessor, kind=given, grades=grades, by=actor
        )
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
    """Print judgments, or write them to a file. With a manifest, and in more formats: `whyrank export`.

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
