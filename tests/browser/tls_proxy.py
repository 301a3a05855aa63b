"""A proxy that ends TLS in front of the app, as a school's own would; tests can cut it.

A test can also silence its WebSockets: they stay open, and pass nothing on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine
from typing import Any

import trustme
from app_server import AppServer


class TlsProxy:
    """``https://127.0.0.1:port`` in front of ``http://127.0.0.1:upstream``."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._pairs: set[asyncio.StreamWriter] = set()
        self._sockets: set[asyncio.StreamWriter] = set()  # both ends of the WebSockets
        self._silent: set[asyncio.StreamWriter] = set()
        self.is_down = False  # refuses new connections
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        AppServer.by_port[self.port] = AppServer.by_port[upstream]

    def cut(self) -> None:
        """Drops every connection, as a failing network does."""
        self._run(self._cut())

    def silence(self) -> None:
        """Passes nothing on over the present WebSockets, as a router that has forgotten them."""
        self._silent |= self._sockets

    def close(self) -> None:
        self._server.close()
        self.cut()
        self._run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _cut(self) -> None:
        for writer in list(self._pairs):
            writer.transport.abort()

    async def _finish(self) -> None:
        """Waits until every connection has ended: the loop must not stop before."""
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._pairs |= {writer, far_writer}
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" in request.lower():
                self._sockets |= {writer, far_writer}
            far_writer.write(request)
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except asyncio.IncompleteReadError:
            pass  # a connection without a request
        finally:
            for end in (writer, far_writer):
                self._pairs.discard(end)
                self._sockets.discard(end)
                self._silent.discard(end)
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if writer not in self._silent:
                    writer.write(data)
                    await writer.drain()
            writer.close()
