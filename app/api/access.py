"""Who may ask the service: those with a key; without keys only who is on this machine, unless told otherwise."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.actions import entrance
from app.actions.entrance import Entrance
from data.errors import NotAllowedError, SettingsError
from data.settings import Settings, revealed

KEY_LENGTH = 16
"""Characters a key must have at least."""
_BEARER = "bearer "


class NoKeyError(NotAllowedError):
    """A request without a key that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may ask. Keys are kept as hashes, so that neither a log nor a traceback can show one."""

    hashes: tuple[bytes, ...] = field(default=(), repr=False)
    hosts: tuple[str, ...] = ()
    """Names the service answers to; none: any. Where a key is needed, a foreign name bound to it gains nothing."""

    @property
    def open(self) -> bool:
        """May everybody who reaches it ask?"""
        return not self.hashes

    def allows(self, authorization: str | None) -> bool:
        """Does this `Authorization` header hold a key? Takes the same time whatever is wrong with it."""
        if self.open:
            return True
        said = authorization or ""
        key = said[len(_BEARER) :].strip() if said[: len(_BEARER)].casefold() == _BEARER else ""
        found = _hash(key)
        # Every key is compared, and whole: the time tells neither which one nor how much of it fits.
        return any([hmac.compare_digest(found, known) for known in self.hashes])

    def check(self, authorization: str | None) -> None:
        """Raise NoKeyError where it holds none."""
        if not self.allows(authorization):
            raise NoKeyError(
                "No key came with the request, or a wrong one.",
                mend="Send it as `Authorization: Bearer KEY`; KEY is one of WHYRANK_API_KEY.",
            )

    def answers_to(self, host: str) -> bool:
        """Is this `Host` header one of the service's names?"""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
        return not self.hosts or name.strip("[]").casefold() in self.hosts


def read(settings: Settings) -> Access:
    """Who may ask, by the settings. Raises SettingsError for a weak key, and where others could come in without one."""
    keys = _keys(settings)
    address = settings.api_address
    if keys:
        return Access(hashes=tuple(map(_hash, keys)))
    if not entrance.is_loopback(address) and not settings.unauthenticated:
        raise SettingsError(
            f"On the address {address} others can reach the service, and there is no key.",
            mend="Set WHYRANK_API_KEY, or listen on 127.0.0.1. "
            "Where everybody who reaches it may ask: WHYRANK_UNAUTHENTICATED=true.",
        )
    own = entrance.hosts(settings.model_copy(update={"address": address}), Entrance())
    return Access(hosts=tuple(host.casefold() for host in (*own, "::1")))


def _keys(settings: Settings) -> Sequence[str]:
    text = revealed(settings.api_key) or ""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for key in keys:
        if len(key) < KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
            raise SettingsError(
                f"A key of WHYRANK_API_KEY is shorter than {KEY_LENGTH} characters, or has white space or unusual "
                "characters in it.",
                mend='Make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))". Several are parted by '
                "commas.",
            )
    if text and not keys:
        raise SettingsError("WHYRANK_API_KEY holds no key.", mend="Set it to a key, or unset it.")
    return keys


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", errors="surrogatepass")).digest()
