"""The cookie of a browser in which an account has signed in with its password."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from booking_core import BookingError
from booking_core.sessions import DEVICE_KEPT, remember_device
from pages.shared.live import cookies
from pages.shared.live.runtime import Services

log = logging.getLogger(__name__)

DEVICE_COOKIE = "ground_booking_device"


def shown_by(request: Request, shared: Services) -> str | None:
    """The cookie that the request shows; None without one."""
    return cookies.read(DEVICE_COOKIE, request, shared)


def set_on(response: Response, request: Request, shared: Services, token: str) -> None:
    """Adds the cookie to the response that starts the session ``token``. Blocks.

    Without a database there is no cookie, and the sign-in is valid all the same.
    """
    try:
        device = remember_device(shared.db, token, shown_by(request, shared))
    except BookingError as exc:
        log.warning("a browser is not remembered: %s", exc)
        return
    max_age = int(DEVICE_KEPT.total_seconds())
    cookies.set_on(response, DEVICE_COOKIE, device, max_age, request, shared)
