"""An OpenID provider over HTTP whose answers a test can spoil. It lets everybody in at once.

It checks what a provider has to: the client's secret, the redirect address, the PKCE verifier, and
that a code is used once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "grounds", "the client's secret"
KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": "one"}) for _ in range(2))
ALGORITHMS = JWSRegistry(algorithms=["RS256", "HS256"])
SECRETS = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "only for these tests, and long enough"
client_id = "grounds"
client_secret = "the client's secret"
server_metadata_url = "PROVIDER/.well-known/openid-configuration"
"""


class IdentityProvider:
    """The provider; ``restore`` makes it answer as it should."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.restore()

    def restore(self) -> None:
        self.claims: dict[str, Any] = {"email": "asha@school.example", "email_verified": True}
        self.metadata: dict[str, Any] = {}  # instead of its own; None: without this entry
        self.seconds_ahead = 0  # its clock
        self.key: RSAKey | OctKey = KEY
        self.algorithm = "RS256"
        self.status = {"metadata": 200, "token": 200, "jwks": 200}
        self.codes_are_reusable = False
        self.sends_id_token = True
        self.asked: list[dict[str, str]] = []  # of each authorization
        self._codes: dict[str, dict[str, str]] = {}

    def configuration(self) -> dict[str, Any]:
        own = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end?ui=small",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        } | self.metadata
        return {name: value for name, value in own.items() if value is not None}

    def authorize(self, asked: dict[str, str]) -> str:
        """The address to redirect to."""
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        self.asked.append(asked)
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, authorization: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self._codes.get(form["code"])
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = _base64(verifier)
        if (
            authorization != f"Basic {basic}"
            or asked is None
            or asked["redirect_uri"] != form["redirect_uri"]
            or (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge)
        ):
            return 400, {"error": "invalid_grant"}
        if not self.codes_are_reusable:
            del self._codes[form["code"]]
        answer = {"access_token": "for nothing", "token_type": "Bearer"}
        return 200, answer | ({"id_token": self._id_token(asked)} if self.sends_id_token else {})

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time()) + self.seconds_ahead
        own = {"iss": self.url, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 300}
        claims = own | {"nonce": asked["nonce"]} | self.claims
        header = {"alg": self.algorithm, "kid": "one"}
        if self.algorithm == "none":
            return "".join(f"{_base64(json.dumps(part).encode())}." for part in (header, claims))
        return jwt.encode(header, claims, self.key, registry=ALGORITHMS)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """The running provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            if path == "/authorize":
                self.send_response(302)
                self.send_header("location", provider.authorize(query))
                self.end_headers()
            elif path == "/jwks":
                keys = {"keys": [KEY.as_dict(private=False)]}
                self._answer(provider.status["jwks"], keys)
            else:
                self._answer(provider.status["metadata"], provider.configuration())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if provider.status["token"] != 200:
                self._answer(provider.status["token"], {})
                return
            self._answer(*provider.token(self.headers["authorization"], form))

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Writes nothing: the tests read the app's log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = IdentityProvider(server.server_port)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
