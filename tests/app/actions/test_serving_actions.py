"""Starting, watching and stopping vLLM, with a small program in its place."""

import shutil
import socket
import sys
import threading
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from app.actions import serving
from data.errors import ConflictError, IncompatibleVersionError, LMError, ModelError, SettingsError, WhyRankError
from data.records import Alias, AliasEvent, Version
from data.scales import DEFAULT_SCALE
from data.settings import Settings
from data.store import Store
from engine.serving import record
from engine.serving.command import Plan
from tests import tiny

KEY = "sk-key"
SERVER = """
import http.server, os, sys, time
port = int(sys.argv[sys.argv.index("--port") + 1])
print("(APIServer pid=7) INFO 11-21 20:05:37 [api.py:1] Loading weights", flush=True)
class Vllm(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        key = self.headers.get("authorization")
        allowed = self.path == "/health" or key == "Bearer " + os.environ.get("VLLM_API_KEY", "")
        self.send_response(200 if allowed else 401)
        self.end_headers()
        if self.path == "/metrics":
            self.wfile.write(b"vllm:num_requests_running{engine=\\"0\\"} 2.0\\n")
        if self.path == "/quit" and allowed:
            os._exit(3)
http.server.HTTPServer(("127.0.0.1", port), Vllm).serve_forever()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    vllm = tmp_path / "vllm"
    (vllm / "bin").mkdir(parents=True)
    return Settings(
        home=tmp_path / "home", model="m", vllm_home=vllm, lm_url=None, lm_api_key=SecretStr(KEY), device="cpu"
    )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Plan(
        model="m", model_path=tmp_path, adapters=(), port=port, max_length=2048, slots=8, rank=16, gpu=False, cores=(0,)
    )


def program(settings: Settings, text: str) -> None:
    """What stands in vLLM's place."""
    script = settings.vllm_path / "program.py"
    script.write_text(text)
    python = settings.vllm_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    python.chmod(0o755)
    settings.home.mkdir(exist_ok=True)


class Serving:
    """`serve` on a thread."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.stop, self.heard = threading.Event(), threading.Event()
        self.said: list[str] = []
        self.progress: list[str] = []
        self.error: WhyRankError | None = None
        self._thread = threading.Thread(target=self._serve, args=(settings, plan))

    def _serve(self, settings, plan):
        try:
            serving.serve(settings, plan, say=self._say, on_progress=self._progress, stop=self.stop)
        except WhyRankError as error:  # handed to the test
            self.error = error
        self.heard.set()

    def _say(self, words):
        self.said.append(words)
        self.heard.set()

    def _progress(self, words, *_):
        self.progress.append(words)

    def __enter__(self):
        self._thread.start()
        assert self.heard.wait(30)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.wait()

    def wait(self):
        self._thread.join(30)
        assert not self._thread.is_alive()


def test_it_is_ready_then_watched_then_gone(settings, plan):
    program(settings, SERVER)
    with Serving(settings, plan) as running:
        assert running.error is None
        assert f"http://127.0.0.1:{plan.port}/v1" in running.said[0]
        assert record.read(settings.served_path).url == plan.url
        assert serving.figures(settings).running == 2
        with pytest.raises(LMError, match="refused the key"):
            serving.figures(settings.model_copy(update={"lm_api_key": SecretStr("other")}))
        with pytest.raises(ConflictError, match="has a vLLM that runs"):
            serving.serve(settings, plan, say=print, on_progress=print, stop=threading.Event())
    assert record.read(settings.served_path) is None
    with pytest.raises(LMError, match="Nothing answers") as caught:
        serving.figures(settings, port=plan.port)
    assert "whyrank serve" in caught.value.mend
    assert KEY not in (settings.home / "logs" / "vllm.log").read_text()


def test_a_port_that_is_taken_is_said_before_anything_starts(settings, plan):
    program(settings, "raise SystemExit('started')")
    with socket.create_server(("127.0.0.1", plan.port)), Serving(settings, plan) as running:
        assert isinstance(running.error, SettingsError)
        assert "taken" in running.error.what
        assert "whyrank serve --port" in running.error.mend
    assert not (settings.home / "logs" / "vllm.log").exists()


def test_one_that_dies_while_starting_says_its_last_error(settings, plan):
    program(settings, "print('(EngineCore pid=3) ERROR 11-21 20:05:37 [core.py:9] ValueError: no such thing'); exit(1)")
    with Serving(settings, plan) as running:
        assert "did not start: ValueError: no such thing (exit code 1)" in running.error.what
        assert "vllm.log" in running.error.mend
    program(settings, "print('RuntimeError: another'); exit(1)")
    with Serving(settings, plan) as running:
        assert "another" in running.error.what
        assert "no such thing" not in running.error.what, "of this start only"


def test_one_that_ends_while_it_serves_is_said_and_leaves_no_record(settings, plan):
    program(settings, SERVER)
    with Serving(settings, plan) as running:
        httpx2.get(f"http://127.0.0.1:{plan.port}/quit", headers={"authorization": f"Bearer {KEY}"})
        running.wait()
        assert "ended by itself" in running.error.what
    assert record.read(settings.served_path) is None


@pytest.mark.parametrize(
    ("line", "code", "what", "mend"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried", 1, "not enough memory", "--slots"),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory", 1, "not enough memory", "--cache-gib"),
        (
            "ValueError: To serve at least one request with 9 GiB, larger than the available KV cache",
            1,
            "memory",
            "--max",
        ),
        ("Loading weights", -9, "it was killed", "smaller model"),
        ("OSError: [Errno 98] Address already in use", 1, "port is taken", "--port"),
        ("RuntimeError: LoRA weights have a shape mismatch", 1, "adapter does not fit", "WHYRANK_MODEL"),
        ("something", 4, "something (exit code 4)", "start it again"),
    ],
)
def test_reasons_have_their_mend(line, code, what, mend):
    said, how = serving.reason(["INFO starting", line], code)
    assert what in said
    assert mend in how
    assert serving.reason([], 1)[0].startswith("it said nothing")


def test_what_is_served_are_the_champions_of_this_base(tmp_path):
    home = tmp_path / "home"
    base = tiny.build(home / "models" / "m")
    settings = Settings(home=home, model="m", lm_url=None, device="cpu", document_tokens=64, explanation_tokens=32)
    with Store.open(settings.database_path) as store:
        store.versions.ensure_base("m")
        collections = [
            store.collections.add(name=f"c{number}", scale=DEFAULT_SCALE, documents=[], queries=[])
            for number in range(3)
        ]
        for name, of in (("good", "m"), ("other", "another-base"), ("unused", "m")):
            tiny.adapt(base, home / "versions" / name)
            version = Version(
                version_id=name,
                name=name,
                base_model=of,
                adapter_path=f"versions/{name}",
                collection_id=collections[0].collection_id,
            )
            store.versions.add(version)
        for collection, name in zip(collections, ("good", "other", "good"), strict=True):
            store.versions.move(
                AliasEvent(
                    collection_id=collection.collection_id,
                    alias=Alias.CHAMPION,
                    version_id=name,
                    previous_version_id=None,
                    reason="test",
                    actor="test",
                )
            )
        found = serving.plan(settings, store)
        assert [adapter.name for adapter in found.adapters] == ["good"]
        assert (found.slots, found.rank, found.gpu) == (8, 16, False)
        assert found.max_length == 1792
        assert found.model_path == base.resolve()

        shutil.rmtree(base)
        with pytest.raises(ModelError):
            serving.plan(settings, store)
        tiny.build(base, hidden=128)
        with pytest.raises(IncompatibleVersionError, match="trained on another base"):
            serving.plan(settings, store)


def test_a_container_beside_is_written_down_as_this_homes(settings, tmp_path):
    model = tiny.build(tmp_path / "model")
    settings = settings.model_copy(update={"model": str(model)})
    serving.beside(settings, "http://vllm:8000/v1/", rank=24)
    told = record.read(settings.served_path)
    assert (told.url, told.slots, told.rank, told.gpu) == ("http://vllm:8000/v1", 8, 32, True)
    assert told.model_path == str(model.resolve())


def test_a_container_beside_is_refused_while_one_is_served(settings, plan, tmp_path):
    model = tiny.build(tmp_path / "model")
    program(settings, SERVER)
    with Serving(settings, plan):
        with pytest.raises(ConflictError, match="has a vLLM that runs"):
            serving.beside(settings.model_copy(update={"model": str(model)}), "http://vllm:8000/v1")
        assert record.read(settings.served_path).url == plan.url
