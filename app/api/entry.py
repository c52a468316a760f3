"""What every request passes: its id, the name it is asked by, its line in the log, and its place in the metrics."""

import logging
import time
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.access import Access
from app.api.metrics import Metrics
from app.api.problems import UNEXPECTED, told
from data import logs

PATHS = ("/v1/rerank", "/healthz", "/metrics")
REQUEST_ID = "X-Request-Id"
_QUIET = {"/healthz", "/metrics"}
"""Asked every few seconds: they stand in the log only when something is wrong."""


class Entry:
    """ASGI: wraps the routes."""

    def __init__(self, app: ASGIApp, *, access: Access, metrics: Metrics) -> None:
        self._app = app
        self._access = access
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = logs.request_id(headers.get(REQUEST_ID))
        facts: dict[str, Any] = {}
        scope["state"] = {**scope.get("state", {}), "request_id": request_id, "facts": facts}
        status = UNEXPECTED
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            with logs.bound(request_id=request_id):
                if self._access.answers_to(headers.get("host", "")):
                    await self._app(scope, receive, answer)
                else:
                    await _misdirected(request_id)(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the service goes on, and the log says where it was
            facts |= logs.of_error(error)
        finally:
            self._tell(scope, request_id, status, time.perf_counter() - started, facts)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float, facts: dict[str, Any]) -> None:
        # A path or method of a stranger's making may hold anything, a key too.
        path = scope["path"] if scope["path"] in PATHS else "other"
        self._metrics.answered(path, status, seconds)
        if path in _QUIET and status == 200:
            return
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
        said = {"request_id": request_id, "method": method, "path": path, "status": status}
        level = logging.ERROR if status == UNEXPECTED else logging.INFO
        logs.write("request", {**said, "ms": round(1000 * seconds, 1), **facts}, level=level)


def _misdirected(request_id: str) -> JSONResponse:
    what = "The service does not answer to the name it was asked by."
    mend = "Ask it as 127.0.0.1 or localhost, or add the name to WHYRANK_HOSTS."
    return told(request_id, HTTPStatus.MISDIRECTED_REQUEST, what, mend)
