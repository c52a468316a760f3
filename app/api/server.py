"""The service behind uvicorn, on an address of this machine, until it is told to stop."""

import signal
import socket
from collections.abc import Callable

import uvicorn

from app.actions import launch
from app.api import access as accesses
from app.api.access import Access
from app.api.service import service
from data import logs
from data.errors import SettingsError
from data.settings import Settings
from engine.workbench import Workbench

STOP_SECONDS = 30
"""Rankings that are under way may end; after that they are told to stop."""

Say = Callable[[str], None]


def checked(settings: Settings) -> Access:
    """Who may ask. Raises SettingsError where nobody or everybody could, or the port is taken."""
    access = accesses.read(settings)
    if settings.api_port == settings.port and settings.api_address == settings.address:
        raise SettingsError(
            f"The service and the app would share port {settings.port}.",
            mend="Choose another port for the service: WHYRANK_API_PORT=8502",
        )
    launch.check_port(settings.api_port, settings.api_address)
    return access


def serve(workbench: Workbench, access: Access, *, collection: str | None, say: Say) -> int | None:
    """Serve until SIGINT or SIGTERM, and return which it was. Rankings under way get some time to end."""
    settings = workbench.settings
    logs.set_up(settings.log or "json")
    host = f"[{settings.api_address}]" if ":" in settings.api_address else settings.api_address

    def ready() -> None:
        say(f"The rerank service is ready: http://{host}:{settings.api_port}/v1/rerank (Ctrl-C stops it)")
        if access.open:
            say("It is not authenticated: whoever reaches that address may ask. Set WHYRANK_API_KEY to change that.")

    server = _Server(config(workbench, access, collection=collection), ready)
    asked: list[int] = []
    # uvicorn stops at a signal, and then sends it to who had it before: here it must not end the process unclosed.
    before = {n: signal.signal(n, lambda number, _: asked.append(number)) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return asked[-1] if asked else None


class _Server(uvicorn.Server):
    """Calls `ready` once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def config(workbench: Workbench, access: Access, *, collection: str | None = None) -> uvicorn.Config:
    """How uvicorn serves it: HTTP only, no log and no headers of its own."""
    settings = workbench.settings
    return uvicorn.Config(
        service(workbench, access, collection=collection),
        host=settings.api_address,
        port=settings.api_port,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
