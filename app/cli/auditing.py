"""`whyrank audit`."""

from typing import Annotated

import typer

from app.cli import console
from app.cli.session import Session
from data.audit import Action


def audit(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    action: Annotated[Action | None, typer.Option(help="Only of this kind.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")] = False,
) -> None:
    """Show who promoted versions, installed the default student, imported, deleted, changed rules and gave roles, the
    newest first.

    Example: whyrank audit --limit 20 --json
    """
    with Session.of(context).store() as store:
        entries = store.audit.list(limit=limit, action=action)
    if as_json:
        console.give_json(entries)
        return
    rows = [
        (f"{e.created_at:%Y-%m-%d %H:%M:%S}", e.actor or "-", e.action.value, e.subject, _words(e.details))
        for e in entries
    ]
    console.give_table(("when (UTC)", "who", "what", "of", "details"), rows)


def _words(details: object) -> str:
    if not isinstance(details, dict):
        return ""
    return ", ".join(f"{name} {value}" for name, value in details.items() if value not in (None, ""))
