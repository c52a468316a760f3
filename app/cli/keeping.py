"""`whyrank backup` and `whyrank restore`."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The new file.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Write database and trained versions into one file, also while WhyRank runs. Indexes and base models are not
    in it: they can be made again.

    Example: whyrank backup whyrank-monday.tar
    """
    from app.actions import keeping

    session = Session.of(context)
    with session.store() as store:
        kept = keeping.backup(session.settings, store, file)
    _give("Wrote", file, kept, as_json)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `whyrank backup` wrote.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of what is there; the database it replaces is kept as a file in WHYRANK_HOME. A backup
    of SQLite goes into PostgreSQL as well, and the other way round.

    Example: whyrank restore whyrank-monday.tar
    """
    from app.actions import keeping

    settings = Session.of(context).settings
    if (present := keeping.present(settings)) is not None:
        console.confirm(f"Replace the database {present} by {file}?", yes=yes)
    kept = keeping.restore(settings, file)
    _give("Restored", file, kept, as_json)


def _give(done: str, file: Path, kept: dict[str, int], as_json: bool) -> None:
    if as_json:
        console.give_json({"file": file, "rows": kept})
    else:
        console.say(f"{done} {file}: {', '.join(f'{count} {table}' for table, count in kept.items() if count)}.")
