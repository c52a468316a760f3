"""Serve the champion's base and adapters by vLLM, in an environment of its own: start it, watch it, stop it."""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

import httpx2

from app.actions import children, holding, launch
from data.errors import LMError, ModelError
from data.records import Alias, Version
from data.settings import Settings, revealed
from data.store import Store
from engine import models
from engine.lm import adapters, weights
from engine.lm.base import Adapter
from engine.serving import command, environment, metrics, record
from engine.serving.command import HOST, Dtype, Plan
from engine.serving.metrics import Figures

START_SECONDS = 1800.0
"""A large model on a cold disk, compiled for its GPU."""
DEFAULT_PORT = 8000
OnProgress = Callable[[str, float, float | None], None]
_PREFIX = re.compile(r"^(?:\(\w+ pid=\d+\) )?(?:[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d (?:\[[^\]]*\] )?)?")
_MEMORY = re.compile(
    r"out of memory|OutOfMemoryError|MemoryError|can.?t allocate memory|cannot allocate memory|bad_alloc"
    r"|No available memory for the cache|Free memory on device|larger than the available KV cache",
    re.IGNORECASE,
)
_ADAPTER = re.compile(r"(?:lora|adapter).*(?:mismatch|shape|not supported|unsupported|unexpected)", re.IGNORECASE)
_ERROR = re.compile(r"\b\w*(?:Error|Exception)\b: .+")


def plan(
    settings: Settings,
    store: Store,
    *,
    port: int = DEFAULT_PORT,
    slots: int | None = None,
    rank: int | None = None,
    max_length: int | None = None,
    cache_gib: int = 1,
    dtype: Dtype | None = None,
) -> Plan:
    """What to serve: the base of the settings with the adapter of every collection's champion.

    Raises ModelError where the base is not on this machine, IncompatibleVersionError where an adapter does not fit it.
    """
    base = models.local(settings.model, settings.models_path)
    given = tuple(
        Adapter(name=version.version_id, path=(settings.home / version.adapter_path).resolve())
        for version in champions(store)
        if version.adapter_path is not None and version.base_model == settings.model
    )
    for adapter in given:
        adapters.check_fits(adapter, weights.layers(base))
    return Plan(
        model=settings.model,
        model_path=base.resolve(),
        adapters=given,
        port=port,
        max_length=max_length
        or command.length_for(settings.document_tokens, settings.explanation_tokens, _context_tokens(base)),
        slots=command.slots_for(given, slots),
        rank=command.rank_for(given, rank),
        gpu=environment.has_gpu(settings.device),
        cores=cores_for(settings.threads),
        cache_gib=cache_gib,
        dtype=dtype,
    )


def champions(store: Store) -> list[Version]:
    """Every version that ranks for a collection, each once."""
    found = [store.versions.alias(c.collection_id, Alias.CHAMPION) for c in store.collections.list()]
    versions = [store.versions.default(), *(version for version in found if version is not None)]
    return list({version.version_id: version for version in versions}.values())


def serve(
    settings: Settings, wanted: Plan, *, say: Callable[[str], None], on_progress: OnProgress, stop: threading.Event
) -> None:
    """Run vLLM until `stop` is set; returns when it has ended.

    Raises SettingsError where it is not installed or the port is taken, ConflictError where this home's vLLM runs
    already, LaunchError with the reason where it does not start or ends by itself.
    """
    python = environment.python(settings.vllm_path)
    log = settings.home / "logs" / "vllm.log"
    held = f"{settings.home} has a vLLM that runs."
    with (
        holding.hold(settings.home / "vllm.running", what=held, mend="Use that one, or stop it with Ctrl-C."),
        children.ended_at_exit() as processes,
    ):
        launch.check_port(wanted.port, HOST, mend="Stop that, or choose another: whyrank serve --port 8100")
        key = revealed(settings.lm_api_key)
        started = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        begins = log.stat().st_size if log.exists() else 0
        process = children.start(
            [str(python), *command.arguments(wanted, guarded=key is not None)],
            variables=command.variables(wanted, api_key=key, base=os.environ),
            cwd=settings.home,
            log=log,
        )
        processes.append(process)
        watched = _Watched(process=process, log=log, begins=begins)
        try:
            while not stop.wait(launch.POLL_SECONDS):
                watched.check("vLLM did not start")
                if launch.answers(HOST, wanted.port, "/health"):
                    break
                seconds = time.monotonic() - started
                if seconds > START_SECONDS:
                    raise launch.LaunchError(
                        f"vLLM was not ready after {START_SECONDS:.0f} s.",
                        mend=f"Look at {log}; the last lines say why.",
                    )
                on_progress(f"vLLM starts: {watched.last_line()[:70]}", seconds, None)
            if not stop.is_set():
                record.write(settings.served_path, _record(wanted))
                say(f"vLLM is ready after {time.monotonic() - started:.0f} s: {wanted.url} (Ctrl-C stops it)")
                on_progress("vLLM is ready", 1, 1)
            while not stop.wait(launch.POLL_SECONDS):
                watched.check("vLLM ended by itself")
        finally:
            settings.served_path.unlink(missing_ok=True)


def beside(settings: Settings, url: str, *, slots: int | None = None, rank: int | None = None) -> record.Served:
    """Write down that the vLLM at `url`, which somebody else starts on a GPU with this home's folders at the same paths
    (a container), is this home's: versions are loaded into it. Raises ModelError where the base is not here,
    ConflictError where `whyrank serve` runs one of this home's already."""
    base = models.local(settings.model, settings.models_path)
    served = record.Served(
        url=url.rstrip("/"),
        model=settings.model,
        model_path=str(base.resolve()),
        slots=command.slots_for((), slots),
        rank=command.rank_for((), rank),
        gpu=True,
        loaded=(),
    )
    mend = "Stop that one first, or use it."
    with holding.hold(settings.home / "vllm.running", what=f"{settings.home} has a vLLM that runs.", mend=mend):
        record.write(settings.served_path, served)
    return served


def _record(wanted: Plan) -> record.Served:
    return record.Served(
        url=wanted.url,
        model=wanted.model,
        model_path=str(wanted.model_path),
        slots=wanted.slots,
        rank=wanted.rank,
        gpu=wanted.gpu,
        loaded=tuple(adapter.name for adapter in wanted.adapters),
    )


class _Watched:
    """The process and what it wrote to its log since it began."""

    def __init__(self, *, process: "subprocess.Popen[bytes]", log: Path, begins: int) -> None:
        self._process = process
        self._log = log
        self._begins = begins

    def check(self, what: str) -> None:
        """LaunchError with the reason where it is no more."""
        if self._process.poll() is None:
            return
        why, mend = reason(self._lines(), self._process.returncode)
        raise launch.LaunchError(f"{what}: {why}", mend=f"{mend} The log is {self._log}.")

    def last_line(self) -> str:
        """What it says now."""
        lines = self._lines(4096)
        return lines[-1] if lines else "..."

    def _lines(self, most: int = 200_000) -> list[str]:
        with self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._begins, size - most))
            text = file.read().decode("utf-8", errors="replace")
        stripped = (_PREFIX.sub("", line).strip() for line in text.splitlines())
        return [line for line in stripped if line]


def reason(lines: Sequence[str], exit_code: int) -> tuple[str, str]:
    """Why vLLM ended, and the mend, from what it wrote and its exit code."""
    errors = [match[0] for line in lines if (match := _ERROR.search(line))]
    said = " / ".join(dict.fromkeys(error[:300] for error in errors[-2:])) or (lines[-1][:300] if lines else "")
    text = "\n".join(lines)
    lacked_memory = _MEMORY.search(text) is not None
    if exit_code == -9 or lacked_memory:
        return (
            f"there was not enough memory ({said or 'it was killed'})."
            if lacked_memory
            else "it was killed, as the system does where memory runs out.",
            "Close other programs, or lower --slots, --cache-gib or --max-length, or take a smaller model.",
        )
    if "ddress already in use" in text:
        return "the port is taken.", "Choose another: whyrank serve --port 8100."
    if _ADAPTER.search("\n".join(errors)):
        return (
            f"an adapter does not fit ({said}).",
            "Promote a version that was trained on this base, or set WHYRANK_MODEL to the base it was trained on.",
        )
    return f"{said or 'it said nothing'} (exit code {exit_code}).", "See what it says, mend that, and start it again."


def figures(settings: Settings, *, port: int | None = None) -> Figures:
    """What the vLLM of the settings, or of this machine's port, says of itself. LMError where none answers."""
    served = record.read(settings.served_path)
    url = settings.lm_url or (served.url if served else f"http://{HOST}:{DEFAULT_PORT}/v1")
    if port is not None:
        url = f"http://{HOST}:{port}/v1"
    root = url.rstrip("/").removesuffix("/v1")
    key = revealed(settings.lm_api_key)
    try:
        response = httpx2.get(f"{root}/metrics", headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=5.0)
    except httpx2.HTTPError as error:
        raise LMError(f"Nothing answers at {root}.", mend="Start it: whyrank serve") from error
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise LMError(f"{root} refused the key.", mend="Set WHYRANK_LM_API_KEY to the key it was started with.")
    found = metrics.read(response.text) if response.status_code == HTTPStatus.OK else None
    if found is None:
        raise LMError(f"{root} is no vLLM: it has no figures of one.", mend="Look at WHYRANK_LM_URL, or give --port.")
    return found


def _context_tokens(path: Path) -> int:
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        return int(config.get("text_config", config)["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} does not say how long its context is.", mend="Give --max-length.") from error


def cores_for(threads: int) -> tuple[int, ...]:
    """The CPUs this process may use, as many as the settings allow."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return tuple(cores[:threads] if threads else cores)
