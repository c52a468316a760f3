"""Runs inside vLLM: nothing but its health is told without the key.

vLLM's own check covers `/v1` and a few more. With adapters loadable at run time there is also `POST /adapters`, with
the same power and no check, and `/invocations`, which answers chats. This file needs nothing but Python: it is loaded
in vLLM's environment (`--middleware whyrank_guard.Guard`), where WhyRank is not.
"""

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

OPEN = frozenset({"/health"})
Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Guard:
    """ASGI middleware: 401 for every request without the key of VLLM_API_KEY, whatever its path or method."""

    def __init__(self, app: App) -> None:
        self._app = app
        key = os.environ.get("VLLM_API_KEY", "")
        if not key:
            raise ValueError("The guard needs a key in VLLM_API_KEY.")
        self._expected = f"Bearer {key}".encode()

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or scope.get("path") in OPEN or self._has_key(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            body = b'{"error": "Unauthorized"}'
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _has_key(self, scope: Message) -> bool:
        given = [value for name, value in scope.get("headers") or () if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)
