"""Is the service able to rank? Each part is looked at: the database, and the model here or on its server."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from data.errors import LMError, WhyRankError
from engine.workbench import Workbench

ASK_SECONDS = 3.0
KEPT_SECONDS = 5.0
"""How long a server's answer counts: who asks for health often does not ask the server as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that ranking needs. `error`: what is wrong with it, and the mend."""

    name: str
    error: WhyRankError | None = None


class Health:
    """Asked from any thread."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._lock = threading.Lock()
        self._asked = -KEPT_SECONDS
        self._server: WhyRankError | None = None

    def parts(self) -> tuple[Part, ...]:
        """Every part, looked at now."""
        return (self._part("database", self._read_database), self._part("model", self._look_at_model))

    def _part(self, name: str, look: Callable[[], None]) -> Part:
        try:
            look()
        except WhyRankError as error:
            return Part(name=name, error=error)
        return Part(name=name)

    def _read_database(self) -> None:
        self._workbench.store.jobs.count()

    def _look_at_model(self) -> None:
        if not self._workbench.settings.lm_url:
            self._workbench.base_lm()  # loaded before the service listens; ModelError where that is no longer so
            return
        with self._lock:
            if time.monotonic() - self._asked >= KEPT_SECONDS:
                self._server = self._ask_server(self._workbench.settings.lm_url)
                self._asked = time.monotonic()
            if self._server is not None:
                raise self._server

    def _ask_server(self, url: str) -> LMError | None:
        key = self._workbench.settings.lm_api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        try:
            status = httpx2.get(f"{url.rstrip('/')}/models", headers=headers, timeout=ASK_SECONDS).status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            # Without its words: they may repeat the key.
            return LMError("The model's server does not answer.", mend="See whether it runs (WHYRANK_LM_URL).")
        if status != httpx2.codes.OK:
            return LMError(
                f"The model's server answered {status}.", mend="Look at WHYRANK_LM_URL, WHYRANK_LM_API_KEY and its log."
            )
        return None
