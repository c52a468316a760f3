"""The ASGI service: its three routes over one workbench.

A ranking runs on a thread, so that health, metrics and refusals answer at once while the model works. When the client
leaves, the ranking is told to stop, and its turn ends when it has: two passes never share the model.
"""

import asyncio
import threading
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.api import body, form
from app.api.access import Access, NoKeyError
from app.api.entry import Entry
from app.api.health import Health
from app.api.line import Line
from app.api.metrics import Metrics
from app.api.problems import on_left, on_problem
from app.api.reranking import LeftError, rerank
from data.errors import WhyRankError
from engine.workbench import Workbench

LOCAL_AT_ONCE = 1
SERVED_AT_ONCE = 4
"""A model server joins the requests of several rankings into its batches."""
METRICS_TYPE = "text/plain; version=0.0.4"


def service(workbench: Workbench, access: Access, *, collection: str | None = None) -> Entry:
    """The service. `collection`: whose champion ranks where a request names none."""
    settings = workbench.settings
    line = Line(at_once=SERVED_AT_ONCE if settings.lm_url else LOCAL_AT_ONCE, places=settings.api_waiting)
    metrics = Metrics(line, workbench.store, settings)
    asked = Service(workbench=workbench, access=access, line=line, metrics=metrics, collection=collection)
    routes = Starlette(
        routes=[
            Route("/v1/rerank", asked.rerank, methods=["POST"]),
            Route("/healthz", asked.health, methods=["GET"]),
            Route("/metrics", asked.figures, methods=["GET"]),
        ],
        exception_handlers={
            WhyRankError: on_problem,
            HTTPException: on_problem,
            Exception: on_problem,
            LeftError: on_left,
            ClientDisconnect: on_left,
        },
    )
    routes.router.redirect_slashes = False
    return Entry(routes, access=access, metrics=metrics)


class Service:
    """What the routes do."""

    def __init__(
        self, *, workbench: Workbench, access: Access, line: Line, metrics: Metrics, collection: str | None
    ) -> None:
        self._workbench = workbench
        self._access = access
        self._line = line
        self._metrics = metrics
        self._collection = collection
        self._health = Health(workbench)

    async def rerank(self, request: Request) -> Response:
        """`POST /v1/rerank`."""
        try:
            self._access.check(request.headers.get("authorization"))
        except NoKeyError:
            await body.drain(request)
            raise
        wanted = form.parse(await body.read(request), most_documents=self._workbench.settings.api_documents)
        facts = request.state.facts
        facts["documents"] = len(wanted.documents)
        reranked = await self._ranked(request, wanted)
        facts |= {"version": reranked.version, "tokens": reranked.tokens.prompt + reranked.tokens.completion}
        self._metrics.ranked(reranked)
        return JSONResponse(form.answer(wanted, reranked, request_id=request.state.request_id))

    async def health(self, request: Request) -> Response:
        """`GET /healthz`: open to everybody, as who watches a service has no key; the words are for who has one."""
        parts = await asyncio.to_thread(self._health.parts)
        trusted = self._access.allows(request.headers.get("authorization"))
        said: dict[str, Any] = {}
        for part in parts:
            said[part.name] = {"status": "ok" if part.error is None else "failed"}
            if part.error is not None and trusted:
                said[part.name] |= {"what": part.error.what, "mend": part.error.mend}
        well = all(part.error is None for part in parts)
        return JSONResponse({"status": "ok" if well else "failed", "parts": said}, status_code=200 if well else 503)

    async def figures(self, request: Request) -> Response:
        """`GET /metrics`."""
        self._access.check(request.headers.get("authorization"))
        return Response(await asyncio.to_thread(self._metrics.text), media_type=METRICS_TYPE)

    async def _ranked(self, request: Request, wanted: form.Wanted) -> form.Reranked:
        """A turn in the line and the ranking; LeftError when the client has left and the model is free again."""
        gone = asyncio.create_task(_gone(request))
        turn = asyncio.create_task(self._turn(wanted))
        try:
            await asyncio.wait({gone, turn}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                turn.cancel()
                await asyncio.wait({turn})
                raise LeftError
            return turn.result()
        finally:
            gone.cancel()
            turn.cancel()

    async def _turn(self, wanted: form.Wanted) -> form.Reranked:
        """Cancelled while it waits, it leaves the line; cancelled while the model works, it ends with that."""
        async with self._line.turn():
            left = threading.Event()
            work = asyncio.create_task(
                asyncio.to_thread(rerank, self._workbench, wanted, collection=self._collection, left=left)
            )
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                left.set()
                await asyncio.wait({work})
                # What became of it is of no interest any more; asked for, so that nobody calls it unnoticed.
                work.exception()
                raise


async def _gone(request: Request) -> None:
    """Returns when the client has closed its connection; nothing else comes after the body."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
