"""The demo without passwords: a one-time link on the console opens it, on this computer only.

A user or program of this computer could send any request to the port, and a proxy can hide that a
request comes from elsewhere. So the browser shows a secret of this process, which it got from the
link; and the link is known to those who see the console.
"""

from __future__ import annotations

import secrets
import sys
import threading
from datetime import date as Date
from urllib.parse import urlencode

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response

from pages.shared.auth import oidc
from pages.shared.auth.forms import Refused
from pages.shared.auth.responses import redirect
from pages.shared.live.address import base
from pages.shared.live.client import is_this_computer
from pages.shared.live.runtime import Services

PATH = "signin/demo"
_COOKIE = "ground_booking_demo"


class Demo:
    """The secrets of this process."""

    def __init__(self) -> None:
        self._link_key = secrets.token_urlsafe(24)  # replaced when it is used
        self._cookie = secrets.token_urlsafe(24)
        self._is_announced = False
        self._lock = threading.Lock()

    def announce(self, shared: Services) -> None:
        """Prints the link when the database is connected, if it holds the demo."""

        def connected(_: Date | None) -> None:
            if shared.db is not None and not self._is_announced:
                self._is_announced = True
                if _is_demo(shared):
                    self._print_link()

        shared.subscribe(connected)
        connected(None)

    def is_near(self, shared: Services, request: Request) -> bool:
        """Whether there is a demo, and the request comes from this computer. Blocks."""
        return _is_demo(shared) and is_this_computer(request)

    def is_open(self, shared: Services, request: Request) -> bool:
        """Whether the request may use a demo account without a password. Blocks."""
        shown = request.cookies.get(_COOKIE, "")
        return _is_equal(shown, self._cookie) and self.is_near(shared, request)

    def open(self, shared: Services, request: Request) -> Response:
        """Opens the demo for the browser that comes by the link. Blocks. Raises Refused."""
        if not self.is_near(shared, request):
            raise Refused(404, "There is nothing at this address.")
        response = redirect(f"{base()}/signin")
        if self.is_open(shared, request):  # a browser may load a link more than once
            return response
        key = request.query_params.get("key", "")
        with self._lock:
            if request.method != "GET" or not _is_equal(key, self._link_key):
                raise Refused(
                    403,
                    "This link has been used, or the dashboard was started again since. The "
                    "newest link is printed where the dashboard was started: open that one.",
                )
            self._link_key = secrets.token_urlsafe(24)
        self._print_link()
        response.set_cookie(
            _COOKIE, self._cookie, path=f"{base()}/signin", httponly=True, samesite="lax"
        )
        return response

    def _print_link(self) -> None:
        host, port = st.get_option("browser.serverAddress"), st.get_option("server.port")
        address = f"http://{host}:{port}{base()}/{PATH}?{urlencode({'key': self._link_key})}"
        sys.stdout.write(f"\n  Open the demo: {address}\n  This link works once.\n\n")
        sys.stdout.flush()


def _is_demo(shared: Services) -> bool:
    return (
        shared.db is not None
        and shared.settings.mongodb_uri is None
        and not oidc.is_on()
        and bool(shared.reference().demo)
    )


def _is_equal(text: str, secret: str) -> bool:
    return secrets.compare_digest(text.encode("utf-8", "surrogatepass"), secret.encode())


demo = Demo()
