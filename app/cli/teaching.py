"""`whyrank teach`: have a larger model judge and explain, make queries of documents, and combine several models."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import console
from app.cli.ranking import CollectionName, Json
from app.cli.session import Session, the_collection
from app.cli.training import fields_of, followed, say_failure
from data.errors import SettingsError
from data.records import Collection, Job, JobState

if TYPE_CHECKING:
    from data.settings import Settings
    from engine.workbench import Workbench
    from training.teaching import Preview

    About = Callable[[Workbench, Collection], dict[str, object]]

teach = typer.Typer(
    help="Have a teacher, any OpenAI-compatible model, judge and explain, or make queries; combine several teachers.",
    invoke_without_command=True,
)
Url = Annotated[str | None, typer.Option(help="The server, up to /v1; else WHYRANK_TEACHER_URL.")]
ModelName = Annotated[str | None, typer.Option(help="The teacher's model; else WHYRANK_TEACHER_MODEL.")]
TeachDepth = Annotated[int, typer.Option(min=1, max=1000, help="BM25's best documents per query.")]
Requests = Annotated[int, typer.Option(min=1, help="Budget: most requests.")]
Tokens = Annotated[int | None, typer.Option(min=1, help="Budget: most tokens, prompts and answers.")]
Money = Annotated[float | None, typer.Option(help="Budget: most money; needs the prices.")]
PromptPrice = Annotated[float, typer.Option(min=0, help="Price of a million prompt tokens.")]
CompletionPrice = Annotated[float, typer.Option(min=0, help="Price of a million answer tokens.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests at once, of each process.")]
Workers = Annotated[
    int, typer.Option(min=1, help="Processes that ask, on one budget; several need the extra `ray`, and seldom pay.")
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="name (of the assessor), form, document_tokens, answer_tokens, temperature, timeout_seconds, seed.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked, and what it may cost.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end; fail if the job fails.")]
By = Annotated[str, typer.Option("--by", help="Who asks for it.")]
_TOLD = ("depth", "requests", "tokens", "money", "prompt_price", "completion_price", "concurrency", "workers")
"""Options that are told to the job by their own names."""


@teach.callback()
def ask(
    context: typer.Context,
    collection: CollectionName = None,
    url: Url = None,
    model: ModelName = None,
    split: Annotated[str, typer.Option(help="Queries: train, development, heldout, or all.")] = "train",
    queries: Annotated[int | None, typer.Option(min=1, help="Most queries; a sample where there are more.")] = None,
    query: Annotated[list[str] | None, typer.Option("--query", help="This query_id instead; may be repeated.")] = None,
    disagreement: Annotated[
        int | None, typer.Option(min=1, help="So many pairs of the disagreement queue instead of BM25's.")
    ] = None,
    depth: TeachDepth = 10,
    requests: Requests = 1000,
    tokens: Tokens = None,
    money: Money = None,
    prompt_price: PromptPrice = 0.0,
    completion_price: CompletionPrice = 0.0,
    concurrency: Concurrency = 8,
    workers: Workers = 1,
    options: Options = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    actor: By = "command line",
    as_json: Json = False,
) -> None:
    """Have a teacher judge and explain BM25's documents of the queries: a job that the worker runs.

    The key is read from WHYRANK_TEACHER_API_KEY, and sent to WHYRANK_TEACHER_URL only. Answers are kept: the same
    question to the same model is never asked twice.

    Example: whyrank teach -c scifact --queries 50 --money 2 --prompt-price 0.15 --completion-price 0.6 --wait
    """
    if context.invoked_subcommand is not None:
        return
    from app.actions import teach as actions

    def about(workbench: "Workbench", found: Collection) -> dict[str, object]:
        return {
            "split": None if split == "all" else split,
            "queries": queries,
            "query_ids": tuple(query or ()),
            "pairs": actions.disagreeing(workbench, found, disagreement) if disagreement else (),
        }

    _ask(context, actions, "queries", about)


@teach.command("queries")
def make_queries(
    context: typer.Context,
    collection: CollectionName = None,
    url: Url = None,
    model: ModelName = None,
    documents: Annotated[int, typer.Option(min=1, help="Most documents to make a query of, drawn by the seed.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    judge: Annotated[bool, typer.Option(help="Have the teacher judge BM25's documents of the queries made.")] = True,
    depth: TeachDepth = 10,
    requests: Requests = 1000,
    tokens: Tokens = None,
    money: Money = None,
    prompt_price: PromptPrice = 0.0,
    completion_price: CompletionPrice = 0.0,
    concurrency: Concurrency = 8,
    workers: Workers = 1,
    options: Options = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    actor: By = "command line",
    as_json: Json = False,
) -> None:
    """Have a teacher make training queries of the collection's own documents, and judge what BM25 finds for them.

    Queries near one of an evaluation, of any collection, are dropped; the others get ids that begin with made-. The
    budget is one for all. Answers are kept: run again, nothing is asked twice.

    Example: whyrank teach queries -c notes --documents 50 --depth 10 --requests 600 --wait
    """
    from app.actions import making as actions

    _ask(context, actions, "documents", lambda *_: {"documents": documents, "seed": seed, "judge": judge})


@teach.command()
def combine(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the combination, an assessor of its own.")],
    teachers: Annotated[list[str], typer.Argument(help="The teachers, by name; two at least.")],
    collection: CollectionName = None,
    how: Annotated[str, typer.Option(help="majority (ties are left out) or mean (halves go down).")] = "majority",
    actor: Annotated[str, typer.Option("--by", help="Who asks for it.")] = "command line",
    as_json: Json = False,
) -> None:
    """Make one more teacher of several: its grades are the majority or the mean of theirs. Again: brings it up to date.

    Example: whyrank teach combine panel gpt-x qwen-y --collection scifact --how majority
    """
    from app.actions import combining, people

    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, collection)
        with session.workbench(store) as workbench:
            made = combining.combine(workbench, found, name, teachers, how, people.command_line(actor))
    console.say(
        f"{made.name}, the {made.how} of {', '.join(made.teachers)}: {made.graded:,} of {made.pairs:,} pairs graded "
        f"({made.too_few:,} graded by one alone, {made.tied:,} tied); {made.new_judgments:,} new judgments."
    )
    if as_json:
        console.give_json(made)


def _ask(context: typer.Context, actions: Any, things: str, about: "About") -> None:
    """The job of a command: what it would ask of how many `things`, its start, and what became of it. `actions`: the
    module of `app.actions` that does it. Options that both commands have are taken from the context by their names."""
    from app.actions import people

    given = context.params
    session = Session.of(context)
    with session.store() as store:
        found = the_collection(store, given["collection"])
        with session.workbench(store) as workbench:
            wanted = actions.config(
                {
                    **_of_teacher(session.settings, given["url"], given["model"]),
                    **about(workbench, found),
                    **{name: given[name] for name in _TOLD},
                    **fields_of(given["options"] or []),
                }
            )
            seen = actions.preview(workbench, found, wanted)
            _say_preview(seen, things)
            if given["dry_run"]:
                if given["as_json"]:
                    figures = {name: getattr(seen, name) for name in ("pairs", "tokens", "cost")}
                    console.give_json({things: seen.queries, **figures})
                return
            job = actions.start(workbench, found, wanted, people.command_line(given["actor"]))
            job = followed(session, store, job, wait=given["wait"])
            words = actions.outcome(workbench, job)
    _give_outcome(job, words, as_json=given["as_json"])


def _say_preview(seen: "Preview", things: str) -> None:
    """What would be asked; raises what stands against it."""
    from app.actions.teach import would_ask

    for warning in seen.warnings:
        console.say(f"Note: {warning}")
    if seen.problem is not None:
        raise seen.problem
    console.say(would_ask(seen, things))


def _give_outcome(job: Job, words: Sequence[str], *, as_json: bool) -> None:
    """What an ended job did and spent, and why it failed where it did; ends the command where it did."""
    if job.state.ended:
        for sentence in words:
            console.say(sentence)
        if job.state is not JobState.DONE:
            say_failure(job)
    if as_json:
        console.give_json(job)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(console.FAILED)


def _of_teacher(settings: "Settings", url: str | None, model: str | None) -> dict[str, str]:
    """Who is asked; raises SettingsError where that is not said."""
    return {
        "url": _given(url or settings.teacher_url, "address", "--url", "WHYRANK_TEACHER_URL"),
        "model": _given(model or settings.teacher_model, "model", "--model", "WHYRANK_TEACHER_MODEL"),
    }


def _given(value: str | None, what: str, option: str, variable: str) -> str:
    if not value:
        raise SettingsError(f"The teacher's {what} is not given.", mend=f"Give it with {option}, or set {variable}.")
    return value
