"""The guard inside vLLM, as an ASGI application is called."""

import asyncio

import pytest

from engine.serving.inside.whyrank_guard import Guard

KEY = "sk-key"


@pytest.fixture
def ask(monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", KEY)

    def ask(path: str, *headers: tuple[bytes, bytes], kind: str = "http") -> list[str]:
        seen = []

        async def app(scope, receive, send):
            seen.append("passed")

        async def send(message):
            seen.append(str(message.get("status") or message.get("code") or message["type"]))

        scope = {"type": kind, "path": path, "headers": list(headers)}
        asyncio.run(Guard(app)(scope, None, send))
        return seen

    return ask


RIGHT = (b"authorization", b"Bearer sk-key")


def test_with_the_key_everything_passes(ask):
    assert ask("/v1/models", RIGHT) == ["passed"]
    assert ask("/adapters", RIGHT) == ["passed"]


@pytest.mark.parametrize("path", ["/v1/models", "/adapters", "/invocations", "/metrics", "/health/", "//health", ""])
def test_without_it_nothing_but_health_does(ask, path):
    for headers in ((), ((b"authorization", b"Bearer "),), ((b"authorization", b"Bearer SK-KEY"),), (RIGHT, RIGHT)):
        assert ask(path, *headers)[0] == "401"
    assert ask("/health") == ["passed"]


def test_a_websocket_is_closed(ask):
    assert ask("/v1/realtime", kind="websocket") == ["1008"]


def test_without_a_key_there_is_no_guard(monkeypatch):
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    with pytest.raises(ValueError, match="needs a key"):
        Guard(None)
