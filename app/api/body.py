"""The body of a request, whole or refused: its kind, its size, and how long it may take."""

import asyncio
from http import HTTPStatus

from starlette.requests import Request

from app.api.problems import RefusedError

BYTES = 8 << 20
SECONDS = 30.0
"""A body that has not come whole by then is given up."""
_DRAINED_BYTES = 4 * BYTES


async def read(request: Request) -> bytes:
    """The whole body; raises RefusedError for one that is not JSON by its header, too large or too slow."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # Also what keeps a web page from sending one to a service on its reader's machine.
        await drain(request)
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body is not said to be JSON.",
            mend="Send the header `Content-Type: application/json`.",
        )
    pieces, size = [], 0
    try:
        async with asyncio.timeout(SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size <= BYTES:
                    pieces.append(piece)
                elif size > _DRAINED_BYTES:
                    break
    except TimeoutError:
        raise RefusedError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The body did not come within {SECONDS:.0f} s.",
            mend="Send it faster, or send less.",
        ) from None
    if size > BYTES:
        raise RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is larger than {BYTES >> 20} MiB.",
            mend="Send fewer or shorter documents: of each only the first tokens are read (WHYRANK_DOCUMENT_TOKENS).",
        )
    return b"".join(pieces)


async def drain(request: Request) -> None:
    """Read a body away. A client that is still sending would not hear why it is refused."""
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > _DRAINED_BYTES:
                    return
    except TimeoutError:
        return
