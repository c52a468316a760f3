"""Every error as an answer: a status, and JSON with what happened and the mend."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.api.access import NoKeyError
from app.api.form import BodyError
from app.api.line import FullError
from data.errors import (
    ConflictError,
    IncompatibleVersionError,
    LMError,
    ModelError,
    NotFoundError,
    SettingsError,
    StoreError,
    WhyRankError,
)

CLIENT_LEFT = 499
"""What nginx writes for a client that did not wait; nobody receives it."""
UNEXPECTED = 500
_STATUS: Mapping[type[WhyRankError], int] = {
    BodyError: 422,
    NoKeyError: 401,
    NotFoundError: 404,
    ConflictError: 409,
    IncompatibleVersionError: 409,
    FullError: 429,
    SettingsError: 422,
    LMError: 503,
    ModelError: 503,
    StoreError: 503,
}


class RefusedError(WhyRankError):
    """A request that can't be taken for its form or size."""

    def __init__(self, status: int, what: str, *, mend: str) -> None:
        super().__init__(what, mend=mend)
        self.status = status


def status_of(error: WhyRankError) -> int:
    """The status of the error's nearest class."""
    if isinstance(error, RefusedError):
        return error.status
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), UNEXPECTED)


async def on_problem(request: Request, error: Exception) -> Response:
    """An error that says what to do, or one of the routes' (no such path, no such method)."""
    if isinstance(error, WhyRankError):
        request.state.facts["error"] = type(error).__name__
        return _told(request, status_of(error), error.what, error.mend, _headers(error))
    if isinstance(error, HTTPException):
        what = "There is nothing here." if error.status_code == 404 else "This can't be asked in that way."
        mend = "Ask POST /v1/rerank, GET /healthz or GET /metrics."
        return _told(request, error.status_code, what, mend, error.headers)
    return _told(
        request,
        UNEXPECTED,
        "Something unexpected happened.",
        "Look for this request's id in the service's log, and report what stands there.",
    )


async def on_left(request: Request, error: Exception) -> Response:
    """Nobody is there any more to be answered."""
    return Response(status_code=CLIENT_LEFT)


def _headers(error: WhyRankError) -> Mapping[str, str] | None:
    if isinstance(error, FullError):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, NoKeyError) else None


def _told(
    request: Request, status: int, what: str, mend: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return told(request.state.request_id, status, what, mend, headers)


def told(request_id: str, status: int, what: str, mend: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer. `message` is what the clients of Cohere and others show."""
    content = {"message": f"{what} {mend}", "what": what, "mend": mend, "request_id": request_id}
    return JSONResponse(content, status_code=status, headers=headers)
