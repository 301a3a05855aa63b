"""The school's logo as the screens and the sign-in page show it, and the route that serves it.

Its address names no person and needs no session, since visitors of the sign-in page see it too.
"""

from __future__ import annotations

from typing import NamedTuple

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from booking_core import Logo, StoreUnavailable, school_logo
from booking_core.live import Scope
from pages.shared.live import etags, runtime
from pages.shared.live.address import LOGO, base
from pages.shared.live.runtime import Services

_KEY = "logo"
# An address with the digest of the content never gets another content.
_FOR_EVER = "public, max-age=31536000, immutable"


class ShownLogo(NamedTuple):
    """Where the logo is, and its size in pixels."""

    address: str
    width: int
    height: int


def shown(shared: Services) -> ShownLogo | None:
    """The logo; None for none, and where it was never read. Blocks."""
    try:
        return _shown(_read(shared))
    except StoreUnavailable:
        return None


def known(shared: Services) -> ShownLogo | None:
    """The logo as it was read last; None for none. Does not block."""
    return None if shared.db is None else _shown(shared.cache.peek(Scope.SCHOOL, _KEY))


def routes() -> list[Route]:
    """The route, below the base path of the app."""
    return [Route(f"{base()}/{LOGO}", _serve)]


async def _serve(request: Request) -> Response:
    shared = runtime.start()
    try:
        logo = await anyio.to_thread.run_sync(lambda: _read(shared))
    except StoreUnavailable:
        return PlainTextResponse(
            "The database cannot be reached", 503, {"cache-control": "no-store"}
        )
    if logo is None:
        return PlainTextResponse("Not found", 404, {"cache-control": "no-store"})
    etag = f'"{logo.digest}"'
    # Another digest: a page that was made before a change. It gets the present logo, uncached.
    is_named = request.query_params.get("v") == logo.digest
    headers = {"etag": etag, "cache-control": _FOR_EVER if is_named else "no-cache"}
    if etags.is_known(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(logo.png, media_type="image/png", headers=headers)


def _read(shared: Services) -> Logo | None:
    if shared.db is None:
        return None
    return shared.cached(Scope.SCHOOL, _KEY, lambda: school_logo(shared.db))


def _shown(logo: Logo | None) -> ShownLogo | None:
    if logo is None:
        return None
    return ShownLogo(f"{base()}/{LOGO}?v={logo.digest}", logo.width, logo.height)
