"""The server: screens, routes, and the services that start and stop with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from pages.bookings import calendar_routes
from pages.reports import month
from pages.shared.auth import downloads, middleware, routes
from pages.shared.auth.demo import demo
from pages.shared.live import logo, runtime, streamlit_internals, websocket
from pages.wall import codes, sheets


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Connects to the database before the first screen is served; disconnects at the end.

    Prints the link to the demo, if there is one.
    Disconnecting takes less than ten seconds, even if the database does not answer.
    """
    shared = await anyio.to_thread.run_sync(runtime.start)
    await anyio.to_thread.run_sync(demo.announce, shared)
    streamlit_internals.keep_history_navigations()
    streamlit_internals.keep_finished_runs()
    streamlit_internals.limit_fragments()
    streamlit_internals.report_downloads(downloads.made)
    async with websocket.running(shared):
        yield {}
    await anyio.to_thread.run_sync(runtime.stop)


def on_script_error(exc: BaseException) -> bool:
    """Shows one sentence; the traceback is in the log. Returns True: the error is handled."""
    st.error("Something went wrong on this screen. Reload the page; nothing was changed by it.")
    return True


app = st.App(
    "pages/main.py",
    routes=[
        *websocket.routes(),
        *routes.routes(),
        *codes.routes(),
        *sheets.routes(),
        *month.routes(),
        *logo.routes(),
        *calendar_routes.routes(),
    ],
    lifespan=lifespan,
    middleware=[Middleware(middleware.SignInMiddleware)],
    on_script_error=on_script_error,
)
