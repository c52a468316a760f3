"""An OpenAI-compatible server over HTTP: one attempt at a request, and what each way of failing means.

Plain httpx2 instead of the `openai` client that is built on it: vLLM's `/tokenize` is not part of that client, its
typed answers hide what is broken in them, and retries have to be ours anyway (callbacks, half a stream, the circuit).
It also loads in a fifth of the time.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from pydantic import SecretStr

from data.errors import LMError, SettingsError
from engine.lm.completions import error_words
from engine.lm.retrying import TransientError

TOTAL_TIMES = 10
"""An attempt that trickles on for this many time-outs is given up."""
_AGAIN = {408, 425, 429, 500, 502, 503, 504, 529}


class RefusedError(LMError):
    """The server understood and said no (`status`): asking the same again is no use."""

    def __init__(self, what: str, *, mend: str, status: int) -> None:
        super().__init__(what, mend=mend)
        self.status = status


class Server:
    """Where the server is and how to get in. The key is shown nowhere: not in errors, logs or reprs."""

    def __init__(
        self, url: str, *, api_key: str | None, timeout_seconds: float, connections: int, variables: str = "WHYRANK_LM"
    ) -> None:
        """`variables`: how the settings that hold address and key begin, for errors to name them."""
        self._variables = variables
        parts = _checked_url(url, variables)
        self.host = parts.netloc.decode("ascii")
        self.api = str(parts).rstrip("/")
        """Address of the API, without a slash at the end."""
        self.root = self.api.removesuffix("/v1")
        """Address that vLLM's own routes hang on."""
        self.total_seconds = timeout_seconds * TOTAL_TIMES
        """Longest time of one attempt."""
        self._key = _checked_key(api_key, variables)
        self._timeout = httpx2.Timeout(timeout_seconds, pool=None)
        self._limits = httpx2.Limits(max_connections=None, max_keepalive_connections=connections)
        # Made once: reading the system's certificates takes longer than a request. Plain http has nothing to verify.
        self._verify = httpx2.create_ssl_context() if parts.scheme == "https" else False

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Connection"]:
        """A client for the length of one call, in the caller's own event loop."""
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        async with httpx2.AsyncClient(
            headers=headers,
            timeout=self._timeout,
            limits=self._limits,
            verify=self._verify,
            follow_redirects=False,  # a redirect would take the key and the prompts to another place
        ) as client:
            yield Connection(self, client)

    def refused(self, response: httpx2.Response, body: str) -> Exception:
        """The error for a status that is not 200."""
        status = response.status_code
        said = error_words(body)
        if status in _AGAIN:
            return TransientError(f"{self.host} answered {status}: {said}", wait_seconds=_retry_after(response))
        if status in {401, 403}:
            # What the server says here may repeat the key.
            what = f"{self.host} refused the key ({status})."
            mend = f"Set {self._variables}_API_KEY to a key it accepts."
        elif response.is_redirect:
            place = self.redacted(response.headers.get("location", "").partition("?")[0])
            what = f"{self.host} redirects to {place} ({status}); redirects are not followed."
            mend = f"Set {self._variables}_URL to the address it redirects to, if you trust it."
        elif status == 404:
            what = f"{self.host} does not know what was asked for (404): {said}"
            mend = f"Look at {self.api}/models: the model must be one of those, and the address mostly ends in /v1."
        else:
            what = f"{self.host} refused the request ({status}): {said}"
            mend = "Look into the server's log; where a prompt is too long, lower WHYRANK_DOCUMENT_TOKENS."
        return RefusedError(what, mend=mend, status=status)

    def redacted(self, text: str) -> str:
        """`text` without the key."""
        return text.replace(self._key.get_secret_value(), "…") if self._key else text


class Connection:
    """An open client. Every method makes one attempt: TransientError where another may help, else LMError."""

    def __init__(self, server: Server, client: httpx2.AsyncClient) -> None:
        self.server = server
        self._client = client

    async def ask(self, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """POST `body` (GET without one) and return the JSON object that comes back."""
        async with self._attempt(url, body) as response:
            text = self.server.redacted((await response.aread()).decode("utf-8", errors="replace"))
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise TransientError(f"the answer of {self.server.host} is not JSON") from error
        if not isinstance(answer, dict):
            raise TransientError(f"the answer of {self.server.host} is not a JSON object")
        return answer

    async def lines(self, url: str, body: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        """POST `body` and give the lines that come back, as they come."""
        async with self._attempt(url, body) as response:
            async for line in response.aiter_lines():
                yield self.server.redacted(line)

    @asynccontextmanager
    async def _attempt(self, url: str, body: Mapping[str, Any] | None) -> AsyncIterator[httpx2.Response]:
        method = "GET" if body is None else "POST"
        try:
            async with (
                asyncio.timeout(self.server.total_seconds),
                self._client.stream(method, url, json=body) as response,
            ):
                if response.status_code != 200:
                    text = self.server.redacted((await response.aread()).decode("utf-8", errors="replace"))
                    raise self.server.refused(response, text)
                yield response
        except (httpx2.TimeoutException, TimeoutError) as error:
            raise TransientError(f"{self.server.host} took too long") from error
        except httpx2.HTTPError as error:
            why = self.server.redacted(str(error)) or type(error).__name__
            raise TransientError(f"the connection to {self.server.host} failed: {why}") from error


def _checked_url(url: str, variables: str) -> httpx2.URL:
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        parts = httpx2.URL("")
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise SettingsError(
            "The language model server's address is not an http address.",
            mend=f"Set {variables}_URL to something like http://127.0.0.1:8000/v1.",
        )
    if parts.userinfo or parts.query:
        raise SettingsError(
            "The language model server's address has a name, a password or a query in it.",
            mend=f"Give the bare address in {variables}_URL, and the key in {variables}_API_KEY.",
        )
    return parts


def _checked_key(key: str | None, variables: str) -> SecretStr | None:
    """A key that a header can hold; the HTTP library's complaint about another one would show it."""
    if not key:
        return None
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise SettingsError(
            "The key of the language model server has white space or unusual characters in it.",
            mend=f"Set {variables}_API_KEY to the key alone, without line breaks.",
        )
    return SecretStr(key)


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds the server asks to wait: a number or a date."""
    said = response.headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
