"""Push: the WebSocket route ``/live`` notifies every open screen of a change at once.

A message holds a version, the server's clock and the database's last heartbeat, and no names. The
live client of the screen then reruns its fragment, as it does after a poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import date as Date

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.shared.live.address import base
from pages.shared.live.client import address_of
from pages.shared.live.days import Days
from pages.shared.live.places import Places
from pages.shared.live.runtime import Services
from pages.shared.live.screen_places import account_id_of
from pages.shared.live.streamlit_internals import is_url_from_allowed_origins

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
# A burst causes two messages, one at its beginning and one at its end.
GAP_SECONDS = 0.1
# A client that does not read fills its buffers; it is disconnected after this time. The server's
# pings detect a client that is gone without closing.
BLOCKED_SECONDS = 10.0
_WATCH_SECONDS = 0.25  # how soon screens are notified that the database is lost or reached again
# Close codes of RFC 6455 and its registry.
_POLICY, _TRY_LATER = 1008, 1013


class Hub:
    """The open screens of this process. Lives on the server's event loop."""

    def __init__(self, shared: Services) -> None:
        self._shared = shared
        self._screens: set[_Screen] = set()
        self._places = Places(shared.settings.live_connections)
        self._loop = asyncio.get_running_loop()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follows the changes while the context is open; closes all connections at its end."""
        unsubscribe = self._shared.subscribe(self._changed)
        tasks = [
            asyncio.create_task(work()) for work in (self._watch_database, self._send_heartbeats)
        ]
        try:
            yield
        finally:
            unsubscribe()
            for task in tasks:
                task.cancel()
            for screen in list(self._screens):
                await screen.close(1001, "the server stops")

    async def serve(self, socket: WebSocket) -> None:
        """Serves one screen until its connection ends."""
        if not _same_origin(socket):
            log.warning("a live connection from origin %s was refused", socket.headers["origin"])
            await socket.close(_POLICY)
            return
        try:
            text = socket.query_params.get("date")
            days = Days.parse(text) if text else None
        except ValueError:
            await socket.close(_POLICY)
            return
        account_id = await account_id_of(socket, self._shared)
        address = address_of(socket, self._shared.settings.trust_proxy)
        await socket.accept()
        with self._places.take(account_id, address) as is_free:
            if not is_free:
                # Accepted first: a browser reads the close code only of an open connection.
                await socket.close(_TRY_LATER, "too many live connections; this screen polls")
                return
            screen = _Screen(socket, self._shared, days)
            self._screens.add(screen)
            try:
                await screen.serve()
            finally:
                self._screens.discard(screen)

    def _changed(self, date: Date | None) -> None:
        """Runs in the feed's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server is stopping
            self._loop.call_soon_threadsafe(self._wake, date)

    def _wake(self, date: Date | None) -> None:
        for screen in self._screens:
            if date is None or screen.days is None or date in screen.days:
                screen.wake.set()

    async def _watch_database(self) -> None:
        live = self._shared.is_live
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._shared.is_live != live:
                live = not live
                self._wake(None)

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for screen in self._screens:
                screen.is_due = True
                screen.wake.set()


class _Screen:
    """One connection. It has no queue: ``wake`` is set when the newest version must be sent."""

    def __init__(self, socket: WebSocket, shared: Services, days: Days | None) -> None:
        self._socket, self._shared, self.days = socket, shared, days
        self.wake = asyncio.Event()
        self.is_due = True  # a heartbeat
        self.wake.set()

    async def serve(self) -> None:
        send = asyncio.create_task(self._send())
        listen = asyncio.create_task(self._listen())
        try:
            await asyncio.wait((send, listen), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (send, listen):
                task.cancel()
            for result in await asyncio.gather(send, listen, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
                    log.debug("a live connection ended: %r", result)
            await self.close(1000, "")

    async def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError, TimeoutError):
            await asyncio.wait_for(self._socket.close(code, reason), 1)

    async def _send(self) -> None:
        """Sends each new version, and a heartbeat when one is due."""
        sent = ""
        while True:
            await self.wake.wait()
            self.wake.clear()
            version = self._shared.version(self.days)
            is_new = version != sent
            if not is_new and not self.is_due:
                continue
            sent, self.is_due = version, False
            async with asyncio.timeout(BLOCKED_SECONDS):
                await self._socket.send_json(self._shared.heartbeat() | {"version": version})
            if is_new:
                await asyncio.sleep(GAP_SECONDS)

    async def _listen(self) -> None:
        """Returns when the client has disconnected, or has sent a message, which is an error."""
        with contextlib.suppress(WebSocketDisconnect):
            await self._socket.receive_text()
            await self.close(_POLICY, "this connection is for listening")


def _same_origin(socket: WebSocket) -> bool:
    """Whether a page of this app opens the connection, or a client without an origin.

    Every browser sends an origin.
    """
    origin = socket.headers.get("origin")
    return (
        origin is None
        or origin.partition("://")[2] == socket.headers.get("host")
        or is_url_from_allowed_origins(origin)
    )


_hub: Hub | None = None


@contextlib.asynccontextmanager
async def running(shared: Services) -> AsyncIterator[None]:
    """Push while the context is open."""
    global _hub
    _hub = Hub(shared)
    try:
        async with _hub.running():
            yield
    finally:
        _hub = None


async def _live(socket: WebSocket) -> None:
    if _hub is None:
        await socket.close(_TRY_LATER)
        return
    await _hub.serve(socket)


def routes() -> list[WebSocketRoute]:
    """The route ``/live``, below the base path of the app."""
    return [WebSocketRoute(f"{base()}/live", _live)]
