"""How the command line speaks: data to stdout, everything else to stderr, one line per error, an exit code.

With `--json` stdout holds JSON and nothing else. Texts of documents, models and files are printed as they are:
neither rich's markup nor terminal control characters in them do anything.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from data import disk
from data.errors import ImportRefusedError, PromotionRefusedError, WhyRankError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """The text without characters that steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str) -> None:
    """A message for the person, on stderr."""
    typer.echo(plain(text), err=True)


def give_json(value: Any) -> None:
    """Print a value as JSON on stdout. Records become objects; a figure that is not a number becomes null."""
    typer.echo(json.dumps(_jsonable(value), ensure_ascii=False, indent=2, allow_nan=False))


def give_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows on stdout: a table on a terminal, tab-separated lines into a pipe."""
    cells = [["" if value is None else plain(str(value)) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(columns), *cells]:
            typer.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, float, float | None], None]]:
    """A progress bar on stderr, where that is a terminal: the function takes (what is done now, amount done, amount in
    all or None)."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task(escape(title), total=None)

        def update(words: str, done: float, total: float | None) -> None:
            bar.update(task, description=escape(plain(words)), completed=done, total=total)

        yield update


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is lost; `yes` answers it. Ends the command with exit code 1 on no."""
    if yes:
        return
    typer.echo(f"{plain(question)} [y/N] ", err=True, nl=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        say("Nothing was changed.")
        raise typer.Exit(FAILED)


class Commands(TyperGroup):
    """The root command. Whatever goes wrong below it ends in one line on stderr and an exit code."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the root's own options."""
        with errors_as_lines(debug=False):
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with errors_as_lines(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


@contextmanager
def errors_as_lines(*, debug: bool) -> Iterator[None]:
    """Turn what is raised inside into one line and an exit code; with `debug` unexpected errors pass through."""
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped.")
        raise typer.Exit(INTERRUPTED) from None
    except WhyRankError as error:
        _say_error(error)
        raise typer.Exit(FAILED) from None
    except typer.TyperException as error:
        _say_usage(error)
        raise typer.Exit(error.exit_code) from None
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except Exception as error:
        if debug:
            raise
        if (known := disk.problem(error)) is not None:
            _say_error(known)
            raise typer.Exit(FAILED) from None
        say(
            f"Error: something unexpected happened ({type(error).__name__}: {_one_line(str(error))}). "
            "Run it again as `whyrank --debug ...` for the whole story, and report that."
        )
        raise typer.Exit(FAILED) from error


def _say_error(error: WhyRankError) -> None:
    if isinstance(error, ImportRefusedError):
        for row in error.rows:
            say(_one_line(str(row)))
        if error.count > len(error.rows):
            say(f"... and {error.count - len(error.rows)} more")
    if isinstance(error, PromotionRefusedError):
        for reason in (reason for reason in error.reasons if reason not in error.what):
            say(f"- {_one_line(reason)}")
    say(f"Error: {_one_line(error.what)} {_one_line(error.mend)}")


def _say_usage(error: typer.TyperException) -> None:
    message = error.format_message()
    if not message:  # the group was called without a command: its help is printed already
        return
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "whyrank"
    say(f"Error: {_one_line(message).rstrip('.')}. See: {command} --help")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _jsonable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and value - value != 0.0:  # infinite or not a number
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
