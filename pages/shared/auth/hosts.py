"""The hosts under which the app answers.

A page of another site can have the name of its host resolve to this server (DNS rebinding). For the
browser that page and the app then have one origin, so only the Host header tells them apart.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import HTTPConnection

from pages.shared.live.runtime import Services
from pages.shared.live.streamlit_internals import auth_section

log = logging.getLogger(__name__)

REFUSAL = "The dashboard does not answer under this address. Its PUBLIC_URL names the right one."
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_refused = threading.Event()


def is_answered(client: HTTPConnection, shared: Services) -> bool:
    """Whether the app answers under the host of the request; the first other host is logged.

    The hosts are those of this computer, of PUBLIC_URL and of the identity provider's
    ``redirect_uri``. Without the last two, a trusted proxy and a server that listens to other
    computers answer under every host: people reach those under names that nobody has configured.
    """
    hosts = client.headers.getlist("host")
    name = _name(f"//{hosts[0]}") if len(hosts) == 1 else None
    if name in _LOOPBACK:
        return True
    own = {_name(shared.settings.public_url or ""), _name(auth_section().get("redirect_uri") or "")}
    own.discard(None)
    if name in own or (not own and (shared.settings.trust_proxy or not _is_loopback_only())):
        return True
    if not _refused.is_set():
        _refused.set()
        log.warning("a request for the host %.100r was refused: is PUBLIC_URL right?", hosts)
    return False


def _name(address: str) -> str | None:
    """The host of an address, in lower case; None without a host."""
    try:
        parts = urlsplit(address)
        return None if parts.username is not None else (parts.hostname or "").rstrip(".") or None
    except ValueError:
        return None


def _is_loopback_only() -> bool:
    """Whether the server listens to this computer only."""
    address = str(st.get_option("server.address") or "")
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
