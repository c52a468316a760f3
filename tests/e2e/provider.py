"""A small identity provider (OpenID Connect, authorization code with PKCE) on this machine, for a real sign-in.

It asks nobody for a password: its page lists the people it knows, and whom one clicks one is. What it refuses it keeps
in `refused`, so that a test sees what the other side got wrong.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "whyrank"
CLIENT_SECRET = "known-to-both-sides-only"
LIFETIME_SECONDS = 300


class Provider:
    """Knows people by subject, with the claims it makes of each."""

    def __init__(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        self.people = people
        self.refused: list[str] = []
        self.signed_out = 0
        self.key = RSAKey.generate_key(2048, {"kid": "test", "use": "sig", "alg": "RS256"}, private=True)
        self.codes: dict[str, dict[str, str]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def secrets_toml(self) -> str:
        """The login as WhyRank's secrets file says it."""
        return (
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(32)}"\n'
            f'client_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\n'
            f'server_metadata_url = "{self.issuer}/.well-known/openid-configuration"\n'
        )

    def metadata(self) -> dict[str, Any]:
        """What a client learns of it first (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def page(self, asked: Mapping[str, str]) -> str:
        """Whom one can be."""
        links = "".join(
            f'<p><a href="/consent?{html.escape(urlencode({**asked, "sub": sub}))}">{html.escape(sub)}</a></p>'
            for sub in self.people
        )
        return f"<!doctype html><title>Who are you?</title><h1>Who are you?</h1>{links}"

    def consent(self, asked: dict[str, str]) -> str:
        """Where the browser goes next, with a code."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: Mapping[str, str], client: str) -> dict[str, Any] | None:
        """The identity token of a code; None where the request is not right."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or client != f"{CLIENT_ID}:{CLIENT_SECRET}":
            self.refused.append(f"code or client: {client}")
        elif asked.get("code_challenge") != challenge or form.get("redirect_uri") != asked["redirect_uri"]:
            self.refused.append("code verifier or redirect address")
        else:
            now = int(time.time())
            claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": asked["sub"], "iat": now}
            claims |= {"exp": now + LIFETIME_SECONDS, "nonce": asked["nonce"], **self.people[asked["sub"]]}
            signed = jwt.encode({"alg": "RS256", "kid": "test"}, claims, self.key)
            return {"access_token": "none", "token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "id_token": signed}
        return None


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, asked = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            if path == "/.well-known/openid-configuration":
                self._json(provider.metadata())
            elif path == "/keys":
                self._json({"keys": [provider.key.as_dict(private=False)]})
            elif path == "/authorize":
                self._send(200, provider.page(asked).encode(), "text/html")
            elif path == "/consent":
                self._go(provider.consent(asked))
            elif path == "/logout":
                provider.signed_out += 1
                self._go(asked["post_logout_redirect_uri"])
            else:
                self._send(404, b"", "text/plain")

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            scheme, _, given = self.headers.get("Authorization", "").partition(" ")
            client = base64.b64decode(given).decode() if scheme == "Basic" else ""
            found = provider.token(form, client)
            self._json(found) if found else self._send(400, b'{"error": "invalid_grant"}', "application/json")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), "application/json")

        def _go(self, where: str) -> None:
            self.send_response(302)
            self.send_header("Location", where)
            self.end_headers()

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def provider(people: Mapping[str, Mapping[str, Any]]) -> Iterator[Provider]:
    """A provider, for as long as the block runs."""
    made = Provider(people)
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
