"""Viewers without a browser: clients of Streamlit's protocol and of the live connection."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from pages.shared.live.address import COOKIE

from .measure import clock

T = TypeVar("T")
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Viewer:
    """One open screen: its session, its live connection, and its polling fallback."""

    def __init__(self, port: int, token: str, page: str, query: str, floor_seconds: float) -> None:
        self._port, self._token, self._page, self._query = port, token, page, query
        self._floor = floor_seconds
        self._live = self._timer = self._pulse = ""  # two fragments and a widget, by their ids
        self.version = ""
        self.rendered_at = 0.0
        self._run: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._news = asyncio.Event()

    async def open(self) -> None:
        self._run = asyncio.create_task(self._view())
        await asyncio.wait_for(self._ready.wait(), 60)

    async def close(self) -> None:
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    async def _view(self) -> None:
        base = f"ws://127.0.0.1:{self._port}"
        cookie = {"Cookie": f"{COOKIE}={self._token}"}
        async with (
            connect(
                f"{base}/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
                additional_headers=cookie,
                max_size=None,
            ) as session,
            connect(f"{base}/live{self._query}", additional_headers=cookie) as live,
            asyncio.TaskGroup() as tasks,
        ):
            first = BackMsg()
            first.rerun_script.page_name = self._page
            await self._request(session, first)
            await self._request(session, self._rerun(self._live))  # reports that push arrives
            tasks.create_task(self._receive(live))
            self._ready.set()
            while True:
                try:
                    async with asyncio.timeout(self._floor):
                        await self._news.wait()
                except TimeoutError:
                    await self._request(session, self._rerun(self._timer))
                    continue
                self._news.clear()
                await self._request(session, self._rerun(self._live))
                self.rendered_at = clock()

    async def _receive(self, live: ClientConnection) -> None:
        async for text in live:
            version = json.loads(text)["version"]
            if self.version and version != self.version:
                self._news.set()
            self.version = version

    def _rerun(self, fragment: str) -> BackMsg:
        message = BackMsg()
        message.rerun_script.fragment_id = fragment
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.json_value = self._pulse, '{"mode": "push"}'
        return message

    async def _request(self, session: ClientConnection, message: BackMsg) -> None:
        await session.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await session.recv(decode=False))
            element = answer.delta.new_element
            if element.bidi_component.component_name.endswith("live_client"):
                self._live, self._pulse = answer.delta.fragment_id, element.bidi_component.id
            if "autorefresh" in element.component_instance.component_name:
                self._timer = answer.delta.fragment_id
            if answer.WhichOneof("type") == "script_finished":
                if answer.script_finished not in FINISHED:
                    raise RuntimeError(f"a run ended with {answer.script_finished}")
                return


class Crowd:
    """Viewers on an event loop of their own."""

    def __init__(self, port: int, token: str, page: str, query: str, floor_seconds: float) -> None:
        self._what = (port, token, page, query, floor_seconds)
        self.viewers: list[Viewer] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def grow(self, count: int) -> None:
        """Opens viewers until there are ``count``; returns when each shows its screen."""

        async def open_all() -> None:
            for _ in range(count - len(self.viewers)):
                viewer = Viewer(*self._what)
                await viewer.open()
                self.viewers.append(viewer)

        self._do(open_all())

    def shrink(self, count: int) -> None:
        """Closes viewers, oldest first, until ``count`` are left."""

        async def close_some() -> None:
            while len(self.viewers) > count:
                await self.viewers.pop(0).close()

        self._do(close_some())

    def close(self) -> None:
        self.shrink(0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(300)
