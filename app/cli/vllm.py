"""`whyrank serve`: vLLM with the champion's base and adapters, in an environment of its own."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import console
from app.cli.serving import stopping
from app.cli.session import Session
from engine.serving.command import Dtype

if TYPE_CHECKING:
    from data.settings import Settings
    from engine.serving.metrics import Figures


def serve(
    context: typer.Context,
    setup: Annotated[bool, typer.Option("--setup", help="Only set vLLM up where it is missing.")] = False,
    container: Annotated[bool, typer.Option("--container", help="Only print the docker command (GPU).")] = False,
    beside: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Only write down that the vLLM there, a container's on a GPU, is this home's."
        ),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only show what a running one does.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --status: JSON on stdout, and nothing else.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; else 8000.")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Adapters at once; else 8 or more.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, max=512, help="Largest rank of adapters that may come.")] = None,
    max_length: Annotated[
        int | None, typer.Option(min=256, help="Tokens of prompt and answer; else by the settings.")
    ] = None,
    cache_gib: Annotated[int, typer.Option(min=1, help="GiB for keys and values, without a GPU.")] = 1,
    dtype: Annotated[
        Dtype | None,
        typer.Option(help="Numbers it computes with; else float32 without a GPU, and the model's own with one."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Set vLLM up without asking.")] = False,
) -> None:
    """Serve the base model and every champion's adapter by vLLM on 127.0.0.1, until Ctrl-C. Where vLLM is missing it
    is set up in a folder of its own, once, after asking.

    Example: WHYRANK_LM_API_KEY=... whyrank serve
    """
    session = Session.of(context)
    settings = session.settings
    if status:
        _give_figures(settings, port, as_json)
        return
    if setup:
        _set_up(settings, yes=True)
        return
    from app.actions import serving
    from engine.serving import command

    if beside is not None:
        served = serving.beside(settings, beside, slots=slots, rank=rank)
        console.say(f"Versions are loaded into {served.url}: {served.slots} at once, up to rank {served.rank}.")
        return
    with session.store() as store:
        store.versions.ensure_base(settings.model)
        left_out = [v.name for v in serving.champions(store) if v.adapter_path and v.base_model != settings.model]
        wanted = serving.plan(
            settings,
            store,
            port=port or serving.DEFAULT_PORT,
            slots=slots,
            rank=rank,
            max_length=max_length,
            cache_gib=cache_gib,
            dtype=dtype,
        )
    if left_out:
        console.say(f"Not served, because they were trained on another base: {', '.join(left_out)}.")
    guarded = settings.lm_api_key is not None
    if container:
        typer.echo(command.container(wanted, versions_path=settings.versions_path, guarded=guarded))
        console.say("Put the key into VLLM_API_KEY first." if guarded else "Without WHYRANK_LM_API_KEY it has no key.")
        if guarded:
            then = f"whyrank serve --beside {wanted.url} --slots {wanted.slots} --rank {wanted.rank}"
            console.say(f"So that versions promoted later are loaded into it: {then}")
        else:
            console.say("A version promoted later is served after the container was started anew with a fresh command.")
        return
    _set_up(settings, yes=yes)
    if not guarded:
        console.say(
            "There is no key (WHYRANK_LM_API_KEY): whoever uses this machine can ask the model, and new versions need "
            "a restart, because adapters are loaded at run time only behind a key."
        )
    names = ", ".join(adapter.name for adapter in wanted.adapters) or "none"
    console.say(f"Starting vLLM with {wanted.model}, adapters: {names}. Its log: {settings.home}/logs/vllm.log")
    console.say(f"To rank with it: WHYRANK_LM_URL={wanted.url} whyrank app (and the same key, where there is one).")
    with stopping() as stop:
        with console.progress("Starting vLLM") as update:
            serving.serve(settings, wanted, say=console.say, on_progress=update, stop=stop)
        console.say("Stopped.")


def _set_up(settings: "Settings", *, yes: bool) -> None:
    from app.actions import holding
    from engine.serving import environment

    path, gpu = settings.vllm_path, environment.has_gpu(settings.device)
    found = environment.installed(path)
    if found is None:
        console.say(environment.inventory(path, gpu=gpu))
        console.confirm("Set it up now?", yes=yes)
        lock = settings.home / "vllm.setup"
        with (
            holding.hold(lock, what="vLLM is being set up already.", mend="Wait until that is done."),
            console.progress("Setting vLLM up") as update,
        ):
            lines = iter(range(1_000_000))
            environment.set_up(
                path,
                gpu=gpu,
                log=settings.home / "logs" / "vllm-setup.log",
                on_line=lambda line: update(line[:70], next(lines), None),
                base=os.environ,
            )
        found = environment.installed(path)
    console.say(f"vLLM {found} is in {path}.")


def _give_figures(settings: "Settings", port: int | None, as_json: bool) -> None:
    from app.actions import serving

    found: Figures = serving.figures(settings, port=port)
    if as_json:
        console.give_json(found)
        return
    hits = "nothing asked yet" if found.cache_hit_rate is None else f"{found.cache_hit_rate:.0%}"
    rows = [
        ("running", found.running),
        ("waiting", found.waiting),
        ("prompt tokens", found.prompt_tokens),
        ("generated tokens", found.generated_tokens),
        ("prefix cache hits", hits),
        ("cache in use", f"{found.cache_used:.0%}"),
    ]
    console.give_table(("what", "now, or since the start"), rows)
