"""OpenID Connect with one provider, by Authlib: where to sign in and out, and whose ID token it is.

A client lives as long as one request. So no process keeps anything of a sign-in, and the request
that ends it may reach another one.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oidc.core import CodeIDToken
from joserfc.errors import ClaimError, JoseError

from booking_core import IdTokenOutOfTime
from pages.shared.auth import oidc
from pages.shared.auth.forms import Refused
from pages.shared.auth.oidc import Provider

log = logging.getLogger(__name__)

# Of the two clocks, as in the core, which limits the age of an ID token too.
_LEEWAY_SECONDS = 120
# Signatures by a key of the provider's own. A provider's metadata may list "none" too.
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_SIGN_OUT = "end_session_endpoint"
_UNREACHABLE = (
    "The identity provider does not answer as it should at the moment, so nobody can be signed in. "
    "Please try again in a minute."
)
_NOT_CONFIRMED = "The identity provider did not confirm this sign-in. Please sign in again."
_UNTRUSTED = (
    "The answer of the identity provider cannot be verified, so you are not signed in. Please sign "
    "in again."
)


class Authorization(NamedTuple):
    """Where to sign in, and what the browser has to bring back or the provider to confirm."""

    url: str
    state: str
    nonce: str
    verifier: str


class Identity(NamedTuple):
    """What a verified ID token says; ``email`` may be unverified."""

    email: str
    is_verified: bool
    issued_at: datetime


class _Claims(CodeIDToken):  # type: ignore[misc]  # Authlib has no types
    """The claims of an ID token. ``validate`` raises IdTokenOutOfTime if the clocks differ."""

    def validate(self, now: float | None = None, leeway: int = 0) -> None:
        try:
            super().validate(now, leeway)
        except ClaimError as exc:
            issued_at = self.get("iat")
            times = issued_at, self.get(exc.claim)
            if exc.claim in ("exp", "iat", "nbf") and all(
                isinstance(t, int | float) for t in times
            ):
                raise IdTokenOutOfTime(round(time.time() - issued_at)) from exc
            raise


async def authorize(provider: Provider) -> Authorization:
    """A new sign-in at the provider. Raises Refused."""
    client = await _connected(provider)
    nonce = generate_token(32)
    made = await client.create_authorization_url(
        oidc.redirect_uri(), nonce=nonce, state=generate_token(32)
    )
    return Authorization(made["url"], made["state"], nonce, made["code_verifier"])


async def identify(provider: Provider, code: str, *, nonce: str, verifier: str) -> Identity:
    """Who signed in, by the authorization code. Raises Refused, IdTokenOutOfTime."""
    client = await _connected(provider)
    try:
        token = await client.fetch_access_token(
            oidc.redirect_uri(), code=code, code_verifier=verifier
        )
        claims: dict[str, Any] | None = await client.parse_id_token(
            token,
            nonce=nonce,
            claims_cls=_Claims,
            claims_options={
                "iss": {"essential": True, "value": client.server_metadata["issuer"]},
                "aud": {"essential": True, "value": provider.client_id},
            },
            leeway=_LEEWAY_SECONDS,
        )
    except AuthlibBaseError as exc:
        log.warning("the provider %r confirms no sign-in: %.300s", provider.name, exc)
        raise Refused(403, _NOT_CONFIRMED) from exc
    except httpx.HTTPError as exc:
        raise _unreachable(provider, exc) from exc
    except (JoseError, ValueError, TypeError) as exc:
        log.warning("an ID token of %r is not accepted: %.300s", provider.name, exc)
        raise Refused(403, _UNTRUSTED) from exc
    if claims is None:
        log.warning("the provider %r sent no ID token: is openid in its scope?", provider.name)
        raise Refused(403, _UNTRUSTED)
    try:
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise Refused(403, _UNTRUSTED) from exc
    return Identity(str(claims.get("email") or ""), provider.is_verified(claims), issued_at)


async def sign_out_url(provider: Provider) -> str | None:
    """Where the provider ends its own session; None if it offers none. Raises Refused."""
    client = await _connected(provider)
    endpoint = client.server_metadata.get(_SIGN_OUT)
    if not _is_address(endpoint):
        return None
    # Providers redirect back to addresses that they know. They know this one.
    back = {"client_id": provider.client_id, "post_logout_redirect_uri": oidc.redirect_uri()}
    return str(add_params_to_uri(endpoint, back))


async def _connected(provider: Provider) -> Any:
    """Authlib's client of the provider, with its metadata. Raises Refused."""
    # Imported here: the import warns about the version of httpx, also where no provider is used.
    from authlib.integrations.starlette_client import OAuth

    asked = {
        "scope": "openid email profile",
        "prompt": "select_account",
        "code_challenge_method": "S256",
    }
    client = OAuth().register(
        provider.name or "default",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=provider.metadata_url,
        client_kwargs=asked | provider.client_kwargs,
    )
    try:
        metadata = await client.load_server_metadata()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as exc:
        raise _unreachable(provider, exc) from exc
    wrong = [name for name in _ENDPOINTS if not _is_address(metadata.get(name))]
    if wrong or not isinstance(metadata.get("issuer"), str):
        raise _unreachable(provider, ValueError(f"metadata without {wrong or 'issuer'}"))
    listed = metadata.get("id_token_signing_alg_values_supported")
    signatures = [one for one in _SIGNATURES if isinstance(listed, list) and one in listed]
    # Only these: Authlib passes the metadata on as options of the HTTP client.
    kept = {name: metadata.get(name) for name in (*_ENDPOINTS, _SIGN_OUT, "issuer", "_loaded_at")}
    client.server_metadata = kept | {
        "id_token_signing_alg_values_supported": signatures or ["RS256"]
    }
    return client


def _unreachable(provider: Provider, exc: Exception) -> Refused:
    log.warning("the provider %r does not answer as it should: %r", provider.name, exc)
    return Refused(503, _UNREACHABLE)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))
