"""How people come in: with a name on their own machine, or by a login with an identity provider (OpenID Connect).

The login is Streamlit's own (`st.login`), configured by the `[auth]` section of a secrets file. This module reads that
section once, so that a mistake in it is said before anybody is served, and never falls back to no login.
"""

import ipaddress
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from data.errors import SettingsError, misfits
from data.settings import Settings

LOOPBACK = "127.0.0.1"
WILDCARDS = {"0.0.0.0", "::"}
CALLBACK = "/oauth2callback"
DEFAULT_PROVIDER = "default"
SECRET_LENGTH = 32
"""Characters a cookie's secret must have at least: whoever guesses it signs in as anybody."""

_M = TypeVar("_M", bound=BaseModel)


class _Provider(BaseModel):
    """Where and how an identity provider is asked."""

    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1)
    server_metadata_url: str = Field(pattern=r"^https?://[^/]+/")


class _Auth(BaseModel):
    """What every provider shares."""

    redirect_uri: str = Field(pattern=rf"^https?://[^/]+(/.*)?{CALLBACK}$")
    cookie_secret: str = Field(min_length=SECRET_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """How people come in."""

    providers: tuple[str, ...] = ()
    """Names of the identity providers; none: a name is enough."""
    host: str | None = None
    """The host a login comes back to."""
    encrypted: bool = True
    """Does a login come back by https, or without leaving this machine?"""

    @property
    def local(self) -> bool:
        """Is there no login?"""
        return not self.providers


def read(settings: Settings) -> Entrance:
    """How people come in, by the secrets file. Raises SettingsError where a login is configured, but not rightly."""
    auth = _auth_section(settings)
    if auth is None:
        return Entrance()
    shared = _checked(_Auth, auth, "[auth]", settings)
    named = {name: value for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs"}
    for name, section in named.items():
        if "_" in name:
            raise _wrong(settings, f"the provider's name {name!r} has an underscore, which Streamlit can't use")
        _checked(_Provider, section, f"[auth.{name}]", settings)
    if "client_id" in auth or not named:
        _checked(_Provider, auth, "[auth]", settings)
        named = {DEFAULT_PROVIDER: auth, **named}
    back = urlsplit(shared.redirect_uri)
    return Entrance(
        providers=tuple(named),
        host=back.hostname,
        encrypted=back.scheme == "https" or is_loopback(back.hostname or ""),
    )


def check_address(settings: Settings, entrance: Entrance) -> None:
    """Raise SettingsError where others could come in without a login and nobody said that they may."""
    if entrance.local and not is_loopback(settings.address) and not settings.unauthenticated:
        raise SettingsError(
            f"On the address {settings.address} others can reach WhyRank, and there is no login.",
            mend="Configure one (docs/team.md, Who is who), or listen on 127.0.0.1. "
            "Where everybody who reaches it may do everything: WHYRANK_UNAUTHENTICATED=true.",
        )


def is_loopback(host: str) -> bool:
    """Does the host name this machine, and nobody else's?"""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reached_at(settings: Settings) -> str:
    """An address by which this machine itself reaches the app."""
    return LOOPBACK if settings.address in WILDCARDS else settings.address


def hosts(settings: Settings, entrance: Entrance) -> list[str]:
    """Every host name the app answers to; any other is refused, so that no foreign name can be bound to it."""
    own = [LOOPBACK, "localhost", reached_at(settings), entrance.host or ""]
    return list(dict.fromkeys(host for host in [*own, *_parts(settings.hosts)] if host))


def server_options(settings: Settings, entrance: Entrance) -> list[str]:
    """What Streamlit's server is told of this."""
    options = ["--server.address", settings.address]
    for host in hosts(settings, entrance):
        options += ["--server.allowedHosts", host]
    if not entrance.local:
        options += ["--secrets.files", str(settings.secrets.resolve())]
    return options


def readable_by_others(settings: Settings) -> bool:
    """May other users of this machine read the secrets file?"""
    return bool(settings.secrets.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _auth_section(settings: Settings) -> Mapping[str, Any] | None:
    path = settings.secrets
    if not path.exists() and path == Settings.model_fields["secrets"].default:
        return None
    try:
        section = tomllib.loads(path.read_text(encoding="utf-8")).get("auth")
    except OSError as error:
        raise SettingsError(
            f"The secrets file {path} can't be read: {error.strerror}.", mend="Mend or unset WHYRANK_SECRETS."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Without the parser's own words: they may quote a secret.
        raise SettingsError(f"The secrets file {path} is no valid TOML.", mend="Mend it.") from None
    if section is not None and not isinstance(section, Mapping):
        raise _wrong(settings, "[auth] is not a section")
    return section


def _checked(model: type[_M], values: Mapping[str, Any], where: str, settings: Settings) -> _M:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise _wrong(settings, f"{where} {misfits(error)}") from None


def _wrong(settings: Settings, why: str) -> SettingsError:
    return SettingsError(
        f"The login in {settings.secrets} can't be used: {why}.",
        mend="Complete it as docs/team.md (Who is who) shows; nobody is let in without it.",
    )


def _parts(text: str) -> Sequence[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
