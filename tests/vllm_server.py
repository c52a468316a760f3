"""A real vLLM with the tiny random model, started as `whyrank serve` starts it; one for all tests."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.actions import serving
from data.errors import WhyRankError
from data.settings import Settings
from engine.lm.base import Adapter
from engine.lm.openai import OpenAILM
from engine.serving import command, environment
from engine.serving.command import Dtype, Plan
from engine.serving.swap import Swap
from tests import tiny

KEY = "a-key-of-the-tests"
HIDDEN = 128
"""Four heads of 32: vLLM computes no narrower ones on a CPU."""


@dataclass(frozen=True, kw_only=True)
class RunningVllm:
    """The server, and what it serves."""

    settings: Settings
    """Of a home whose vLLM this is, with its address and key."""
    plan: Plan
    ended: list[WhyRankError]
    """Why it is no more, where it ended by itself."""

    def kill(self) -> None:
        """SIGKILL, to all its processes at once."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = path.read_bytes().split(b"\0")
                if b"--port" in words and words[words.index(b"--port") + 1] == str(self.plan.port).encode():
                    os.killpg(os.getpgid(int(path.parent.name)), signal.SIGKILL)

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        return self.plan.adapters

    def lm(self, **options) -> OpenAILM:
        """Its model, as the workbench opens it."""
        given = {"timeout_seconds": 120.0, "tokenizer_path": self.plan.model_path, "retries": 1, **options}
        load = Swap(self.settings.served_path).load
        return OpenAILM(self.plan.url, self.plan.model, api_key=KEY, load=load, **given)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running(
    home: Path, model_path: Path, adapters: tuple[Adapter, ...], *, slots: int = 4, dtype: Dtype | None = None
) -> Iterator[RunningVllm]:
    """vLLM with this model until the block ends. Skips where vLLM is not set up (make test-vllm)."""
    vllm_path = Settings().vllm_path
    if environment.installed(vllm_path) is None:
        pytest.skip(f"vLLM is not in {vllm_path}: make test-vllm sets it up")
    port = free_port()
    plan = Plan(
        model="tested",
        model_path=model_path,
        adapters=adapters,
        port=port,
        max_length=2048,
        slots=slots,
        rank=command.rank_for(adapters),
        gpu=False,
        cores=serving.cores_for(0),
        dtype=dtype,
    )
    settings = Settings(
        home=home, model="tested", lm_url=plan.url, lm_api_key=SecretStr(KEY), vllm_home=vllm_path, device="cpu"
    )
    stop, ready, failed = threading.Event(), threading.Event(), []

    def serve() -> None:
        try:
            serving.serve(settings, plan, say=lambda _: ready.set(), on_progress=lambda *_: None, stop=stop)
        except WhyRankError as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert ready.wait(timeout=600), "vLLM was not ready in ten minutes"
        assert not failed, failed
        yield RunningVllm(settings=settings, plan=plan, ended=failed)
    finally:
        stop.set()
        thread.join(timeout=90)


@contextmanager
def tiny_vllm(folder: Path) -> Iterator[RunningVllm]:
    """With the tiny model and two adapters, "v1" and "v2"."""
    base = tiny.build(folder / "model", hidden=HIDDEN)
    adapters = tuple(Adapter(name=f"v{seed}", path=tiny.adapt(base, folder / f"v{seed}", seed=seed)) for seed in (1, 2))
    with running(folder / "home", base, adapters) as server:
        yield server
