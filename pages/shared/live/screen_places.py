"""The places for open screens: Streamlit keeps a session in memory for each of their WebSockets."""

from __future__ import annotations

import logging

import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from booking_core import StoreUnavailable
from pages.shared.live import cookies
from pages.shared.live.address import COOKIE
from pages.shared.live.client import address_of
from pages.shared.live.places import Places
from pages.shared.live.runtime import Services

log = logging.getLogger(__name__)

# At least so many, also where push serves fewer: a screen without a place shows nothing.
TOTAL = 2000
# Of one address without a session, for its wall displays. A school has one address for all of them.
OF_ADDRESS = 40
_TRY_LATER = 1013  # a close code of the registry of RFC 6455


class ScreenPlaces:
    """The places of this process. Lives on the server's event loop."""

    def __init__(self, shared: Services) -> None:
        self._shared = shared
        total = max(TOTAL, shared.settings.live_connections)
        self._places = Places(total, of_address=OF_ADDRESS)

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the WebSocket to Streamlit if there is a place for it.

        A page whose WebSocket is refused shows that it connects, and tries again by itself.
        """
        socket = WebSocket(scope, receive, send)
        account_id = await account_id_of(socket, self._shared)
        address = address_of(socket, self._shared.settings.trust_proxy)
        with self._places.take(account_id, address) as is_free:
            if is_free:
                await app(scope, receive, send)
            else:
                log.warning("a screen was refused: too many are open by one account or address")
                await send({"type": "websocket.close", "code": _TRY_LATER})


async def account_id_of(socket: WebSocket, shared: Services) -> str | None:
    """The signed-in account; None without a session, or while it cannot be read."""
    token = cookies.read(COOKIE, socket, shared)
    if not token or shared.db is None:
        return None
    try:
        person = await anyio.to_thread.run_sync(lambda: shared.sessions.known(token))
    except StoreUnavailable:
        return None
    return None if person is None else person.account.id
