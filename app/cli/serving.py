"""`whyrank app`, `whyrank worker`, `whyrank api`, `whyrank metrics` and `whyrank doctor`."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session
from data import logs


def app(context: typer.Context) -> None:
    """Serve the app (on 127.0.0.1, unless WHYRANK_ADDRESS says otherwise) with its worker, until Ctrl-C.

    Example: WHYRANK_PORT=8600 whyrank app
    """
    from app.actions import launch

    with stopping() as stop:
        console.say("Starting the app and its worker ...")
        settings = Session.of(context).settings
        page, jobs = launch.app_command(settings), launch.worker_command()
        launch.serve(settings, page=page, worker=jobs, say=console.say, stop=stop)
        console.say("Stopped. A job that was running goes on at the next start.")


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, for what stops in order; after Ctrl-C the command ends as interrupted."""
    stop = threading.Event()
    asked: list[int] = []

    def on_signal(number: int, _: object) -> None:
        asked.append(number)
        stop.set()
        console.say("Stopping ...")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in asked:
        raise typer.Exit(console.INTERRUPTED)


def worker(context: typer.Context) -> None:
    """Run jobs in the foreground, until Ctrl-C. `whyrank app` starts one by itself.

    Example: whyrank worker
    """
    from training.worker import run_worker

    settings = Session.of(context).settings
    logs.set_up(settings.log or "text")
    run_worker(settings)


def api(
    context: typer.Context,
    collection: Annotated[
        str | None, typer.Option("--collection", "-c", help="Whose champion ranks where a request names no collection.")
    ] = None,
) -> None:
    """Serve POST /v1/rerank for search stacks (on 127.0.0.1:8502, unless WHYRANK_API_* says otherwise), until Ctrl-C.

    Example: WHYRANK_API_KEY=$(cat key) whyrank api --collection sample
    """
    from app.api import server

    session = Session.of(context)
    access = server.checked(session.settings)
    with session.store() as store:
        if collection is not None:
            store.collections.get(collection)
        with session.workbench(store) as workbench:
            with console.progress("Loading the model"):
                workbench.base_lm()
            asked = server.serve(workbench, access, collection=collection, say=console.say)
    console.say("Stopped.")
    if asked == signal.SIGINT:
        raise typer.Exit(console.INTERRUPTED)


def metrics(context: typer.Context) -> None:
    """Print what the home holds and what waits, as Prometheus text: what GET /metrics of `whyrank api` tells of it.

    Example: whyrank metrics > whyrank.prom.new && mv whyrank.prom.new whyrank.prom
    """
    from app.actions import vitals

    typer.echo(vitals.text(Session.of(context).settings), nl=False)


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")] = False,
) -> None:
    """Say what is there and what is missing, with the mend. Exit code 1 where something needed is missing.

    Example: whyrank doctor
    """
    from app.actions.doctor import MISSING, examine

    checks = []
    with console.progress("Looking") as update:
        for check in examine(Session.of(context).settings):
            checks.append(check)
            update(f"Looked at: {check.name}", len(checks), None)
    if as_json:
        console.give_json(checks)
    else:
        console.give_table(("what", "state", "found", "mend"), [(c.name, c.state, c.words, c.mend) for c in checks])
    if any(check.state == MISSING for check in checks):
        raise typer.Exit(console.FAILED)
