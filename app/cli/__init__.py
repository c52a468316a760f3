"""The command line. `whyrank --help` lists the commands; each has a help text with an example."""

from importlib.metadata import version
from typing import Annotated

import typer

from app.cli import auditing, console, evaluating, exporting, keeping, learning, ranking, serving, training, vllm
from app.cli.collections import collection
from app.cli.judgments import judgments
from app.cli.models import model
from app.cli.pools import pool
from app.cli.runs import run
from app.cli.teaching import teach

cli = typer.Typer(
    name="whyrank",
    cls=console.Commands,
    help="A workbench where a small language model re-ranks documents, says why, is corrected, and learns from it. "
    "Commands act as an admin: whoever types them has the files. --by says whose name is kept.",
    epilog="Settings are WHYRANK_* variables: WHYRANK_HOME (where everything lies), WHYRANK_MODEL, WHYRANK_PORT ...",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"whyrank {version('whyrank')}")
        raise typer.Exit


@cli.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an unexpected error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that stand before the command; `console.Commands` reads `debug`."""


cli.command()(serving.app)
cli.command()(serving.worker)
cli.command()(vllm.serve)
cli.command()(serving.api)
cli.command()(serving.metrics)
cli.command()(serving.doctor)
cli.add_typer(model, name="model")
cli.add_typer(collection, name="collection")
cli.command()(ranking.rank)
cli.add_typer(judgments, name="judgments")
cli.add_typer(run, name="run")
cli.command()(exporting.export)
cli.command()(training.train)
cli.add_typer(teach, name="teach")
cli.command()(evaluating.evaluate)
cli.add_typer(pool, name="pool")
cli.command()(learning.learn)
cli.command()(keeping.backup)
cli.command()(keeping.restore)
cli.command()(auditing.audit)


def main() -> None:
    """Run the command line of this process."""
    cli(prog_name="whyrank")
