"""The server: its screens and routes, and the services that start and stop with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware

from pages.shared import guard, push, services, sign_in_routes


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Connects before the first screen; closes the connection after the last.

    The end takes less than ten seconds, also while the database hangs.
    """
    shared = await anyio.to_thread.run_sync(services.start)
    async with push.running(shared):
        yield {}
    await anyio.to_thread.run_sync(services.stop)


def on_script_error(exc: BaseException) -> bool:
    """Shows one sentence in place of a traceback, which is in the log."""
    st.error("Something went wrong on this screen. Reload the page; nothing was changed by it.")
    return True


app = st.App(
    "pages/main.py",
    routes=[*push.routes(), *sign_in_routes.routes()],
    lifespan=lifespan,
    middleware=[Middleware(guard.Guard)],
    on_script_error=on_script_error,
)
