"""`whyrank pool`: evaluation queues, judged blind, fair to every system in them."""

from typing import Annotated, Any

import typer

from app.cli import console
from app.cli.ranking import CollectionName, Json
from app.cli.session import Session, the_collection
from app.cli.training import followed, say_failure
from data.errors import NotFoundError
from data.pooling import Pool
from data.records import JobState

pool = typer.Typer(help="Evaluation queues: top documents of several systems, judged blind.", no_args_is_help=True)


@pool.command()
def make(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the queue.", show_default=False)],
    collection: CollectionName = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="bm25, VERSION or VERSION:METHOD; several times. Else BM25, champion and challenger."),
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="Held-out queries at most; a sample where there are more.")] = 50,
    depth: Annotated[int, typer.Option(min=1, max=100, help="Documents of each system.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample and the shuffle.")] = 0,
    rank: Annotated[bool, typer.Option("--rank", help="Let a job make missing rankings, and wait for it.")] = False,
    actor: Annotated[str, typer.Option("--by", help="Who makes it.")] = "command line",
    as_json: Json = False,
) -> None:
    """Pool the first documents of several systems for held-out queries, shuffled, to be judged blind on Judge.

    Example: whyrank pool make spring --collection scifact --system bm25 --system student-1 --queries 30 --rank
    """
    from app.actions import people, pools

    session = Session.of(context)
    by = people.command_line(actor)
    with session.store() as store:
        found = the_collection(store, collection)
        with session.workbench(store) as workbench:
            offered = pools.offer(workbench, found)
            chosen = [_system_id(offered, wanted) for wanted in system or ()] or list(offered.opening)
            wanted = pools.Wanted(name=name, system_ids=tuple(chosen), queries=queries, depth=depth, seed=seed)
            job = pools.rank_missing(workbench, found, wanted, by) if rank else None
            if job is not None:
                job = followed(session, store, job, wait=True)
                if job.state is not JobState.DONE:
                    say_failure(job)
                    raise typer.Exit(console.FAILED)
            made = pools.make(workbench, found, wanted, by)
    console.say(f"Made the queue {made.name}: {len(made.pairs)} pairs of {', '.join(made.systems)}. Judge it on Judge.")
    if as_json:
        console.give_json(_facts(made))


@pool.command("list")
def list_(context: typer.Context, collection: CollectionName = None, as_json: Json = False) -> None:
    """The collection's queues, newest first, with how far they are judged.

    Example: whyrank pool list --collection scifact
    """
    from app.actions import pools

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        with session.workbench(store) as workbench:
            given = [pools.progress(workbench, found, made) for made in store.pools.list(found.collection_id)]
    if as_json:
        console.give_json([{**_facts(p.pool), "judged": p.decided} for p in given])
        return
    rows = [(p.pool.name, len(p.pool.pairs), p.decided, ", ".join(p.pool.systems)) for p in given]
    console.give_table(("queue", "pairs", "judged", "systems"), rows)


@pool.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the queue.", show_default=False)],
    collection: CollectionName = None,
    as_json: Json = False,
) -> None:
    """How far a queue is judged, by whom, and Judged@10 of each system before and now.

    Example: whyrank pool show spring --collection scifact
    """
    from app.actions import pools

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        stored = {made.name: made for made in store.pools.list(found.collection_id)}
        if name not in stored:
            raise NotFoundError(f"There is no queue {name!r}.", mend=f"Use one of: {', '.join(stored) or 'none yet'}.")
        with session.workbench(store) as workbench:
            given = pools.progress(workbench, found, stored[name])
    if as_json:
        people = dict(given.people)
        judged = {system: {"when_made": before, "now": now} for system, before, now in given.judged}
        console.give_json({**_facts(given.pool), "judged": given.decided, "people": people, "judged_at_10": judged})
        return
    console.say(f"{given.decided} of {len(given.pool.pairs)} pairs judged.")
    console.give_table(("assessor", "judged"), given.people)
    console.give_table(
        ("system", "Judged@10 when made", "now"),
        [(s, f"{before:.2f}", f"{now:.2f}") for s, before, now in given.judged],
    )


def _system_id(offered: Any, wanted: str) -> str:  # an app.actions.pools.Offer, which is slow to import
    """The offered system that a word on the command line means; the word itself where there is none."""
    for system in offered.systems:
        version = system.name.partition(" by ")[0]
        if wanted in (system.system_id, version, f"{version}:{system.method}"):
            return str(system.system_id)
    return wanted


def _facts(made: Pool) -> dict[str, Any]:
    return {
        "pool_id": made.pool_id,
        "name": made.name,
        "systems": list(made.systems),
        "depth": made.depth,
        "pairs": len(made.pairs),
        "created_by": made.created_by,
        "created_at": made.created_at,
    }
