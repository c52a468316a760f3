"""`whyrank export`: a collection's judgments, rankings and training data as files with a manifest."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import console
from app.cli.judgments import CollectionName
from app.cli.session import Session, the_collection, the_version
from data.records import AssessorKind

if TYPE_CHECKING:
    from data.orders import Stock
    from data.records import Collection
    from data.store import Store


class Format(StrEnum):
    """What can be taken away."""

    TREC_QRELS = "trec-qrels"
    TREC_RUN = "trec-run"
    BEIR = "beir"
    JSONL = "jsonl"
    CSV = "csv"
    TRL_SFT = "trl-sft"
    TRL_GRPO = "trl-grpo"
    TRL_DPO = "trl-dpo"


class Conflicts(StrEnum):
    """What becomes of pairs that got different grades."""

    REFUSE = "refuse"
    LEAVE_OUT = "leave-out"
    MAJORITY = "majority"
    HIGHEST = "highest"
    LOWEST = "lowest"
    NEWEST = "newest"


def export(
    context: typer.Context,
    format: Annotated[Format, typer.Argument(help="What to take away.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="A new folder, or a new file NAME.zip.", show_default=False)],
    collection: CollectionName = None,
    kind: Annotated[
        list[AssessorKind] | None,
        typer.Option(help="Only assessors of this kind; may be given more than once. Labels are people's otherwise."),
    ] = None,
    assessor: Annotated[str | None, typer.Option(help="Only this assessor's.")] = None,
    conflicts: Annotated[
        Conflicts, typer.Option(help="Of qrels and BEIR: what becomes of pairs with different grades.")
    ] = Conflicts.REFUSE,
    model: Annotated[str | None, typer.Option(help="Of a run: the version that ranked.")] = None,
    method: Annotated[str | None, typer.Option(help="Of a run: the method. Of TRL: its answers' form.")] = None,
    depth: Annotated[int | None, typer.Option(help="Of a run: documents ranked per query.")] = None,
    fusion: Annotated[float | None, typer.Option(help="Of a run: weight of the first stage.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON on stdout.")] = False,
) -> None:
    """Take a collection's data away, with a manifest of what it is: counts, filters, scale, SHA-256 of each file.

    Example: whyrank export trec-qrels qrels --collection scifact --conflicts majority
    """
    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        stock = _system(session, store, found, (model, method, depth, fusion)) if format is Format.TREC_RUN else None
        with session.workbench(store) as workbench:
            from app.actions import takeaway
            from engine.ranking import DEFAULT_METHOD

            wanted = takeaway.Wanted(
                format=format.value,
                kinds=tuple(kind or ()),
                assessor=assessor,
                conflicts=conflicts.value,
                system=stock,
                method=method or DEFAULT_METHOD,
            )
            manifest = takeaway.write(workbench, found, wanted, out)
    if as_json:
        console.give_json(manifest)
        return
    counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in manifest["counts"].items())
    console.say(f"Wrote {', '.join(manifest['files'])} and manifest.json to {out}: {counts}.")


def _system(
    session: Session,
    store: "Store",
    collection: "Collection",
    asked: tuple[str | None, str | None, int | None, float | None],
) -> "Stock | None":
    """The only system that fits what was said; None where it is left to the export to say which there are."""
    model, method, depth, fusion = asked
    version_id = None if model is None else the_version(store, session.settings, collection, model).version_id
    wanted = {"version_id": version_id, "method": method, "depth": depth, "fusion_weight": fusion}
    fitting = [
        made
        for made in store.rankings.stock(collection.collection_id)
        if all(value is None or getattr(made, name) == value for name, value in wanted.items())
    ]
    if len(fitting) == 1 or not any(value is not None for value in wanted.values()):
        return fitting[0] if len(fitting) == 1 else None
    from data.errors import NotFoundError

    names = {version.version_id: version.name for version in store.versions.list()}
    there = "; ".join(
        f"{names[made.version_id]} by {made.method}, depth {made.depth}, fusion {made.fusion_weight:g}"
        for made in store.rankings.stock(collection.collection_id)
    )
    raise NotFoundError(
        f"{'Several systems fit' if fitting else 'No stored ranking fits'} these options.",
        mend=f"Stored here: {there}." if there else "Rank queries first: whyrank evaluate.",
    )
