"""Facts about the client of a request or WebSocket, with and without a proxy in between."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

import streamlit as st
from starlette.requests import HTTPConnection

from pages.shared.live.runtime import Services

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_TLS = ("https", "wss")  # Traefik calls a WebSocket by TLS the latter
# Beginnings of the names of the headers by which a proxy reveals itself.
_FORWARDING = (
    "forwarded",
    "via",
    "x-forwarded",
    "x-real-ip",
    "x-original",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-",
)


def address_of(client: HTTPConnection, trust_proxy: bool) -> str:
    """The client's network address, the key under which attempts and places are counted.

    Of IPv6 it is the network of 64 bits, in which a client chooses its address freely. The server
    takes the address that a proxy on this computer sends. Unless that proxy is trusted, all
    forwarded requests share one count, because a client can invent an address to get a new one.
    """
    if "x-forwarded-for" in client.headers and not trust_proxy:
        return "forwarded"
    try:
        address = ipaddress.ip_address(client.client.host if client.client else "")
    except ValueError:  # a proxy has passed on a text of the client
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


def is_this_computer(request: HTTPConnection) -> bool:
    """Whether the request comes from a browser on this computer, without a proxy."""
    host = request.headers.get("host", "").lower()
    name = host[: host.rfind(":")] if re.search(r":\d+$", host) else host
    if name not in _LOOPBACK_NAMES or request.client is None:
        return False
    if any(name.startswith(_FORWARDING) for name in request.headers):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def is_https(request: HTTPConnection, shared: Services) -> bool:
    """Whether the browser uses TLS, to this server or to a proxy before it."""
    return request.url.scheme in _TLS or is_screen_https(request.headers, shared)


def is_screen_https(headers: Mapping[str, str], shared: Services) -> bool:
    """The same of the WebSocket of a screen, of which only the headers are known."""
    return (
        bool(st.get_option("server.sslCertFile"))
        or headers.get("x-forwarded-proto", "").strip().lower() in _TLS
        or (shared.settings.public_url or "").startswith("https:")
    )
