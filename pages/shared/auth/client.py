"""Facts about the client of an HTTP request, with and without a proxy in between."""

from __future__ import annotations

import ipaddress
import re

from starlette.requests import Request

from pages.shared.live.runtime import Services

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_FORWARDING = ("forwarded", "via", "x-real-ip")


def address_of(request: Request, trust_proxy: bool) -> str:
    """The client's network address, the key under which failed sign-ins are counted.

    The server takes the address that a proxy on this computer sends. Unless that proxy is trusted,
    all forwarded requests share one count, because a client can invent an address to get a new one.
    """
    if "x-forwarded-for" in request.headers and not trust_proxy:
        return "forwarded"
    return request.client.host if request.client else "unknown"


def is_this_computer(request: Request) -> bool:
    """Whether the request comes from a browser on this computer, without a proxy."""
    host = request.headers.get("host", "").lower()
    name = host[: host.rfind(":")] if re.search(r":\d+$", host) else host
    if name not in _LOOPBACK_NAMES or request.client is None:
        return False
    if any(h.startswith("x-forwarded") or h in _FORWARDING for h in request.headers):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def is_https(request: Request, shared: Services) -> bool:
    """Whether the browser uses TLS, to this server or to a proxy before it."""
    return (
        request.url.scheme == "https"
        or request.headers.get("x-forwarded-proto", "").strip().lower() == "https"
        or (shared.settings.public_url or "").startswith("https:")
    )
