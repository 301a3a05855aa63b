"""The cookie of a browser in which an account has signed in with its password."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from booking_core import BookingError, remember_device
from booking_core.access.devices import KEPT
from pages.shared.live.address import base
from pages.shared.live.client import is_https
from pages.shared.live.runtime import Services

log = logging.getLogger(__name__)

DEVICE_COOKIE = "ground_booking_device"


def set_on(response: Response, request: Request, shared: Services, token: str) -> None:
    """Adds the cookie to the response that starts the session ``token``. Blocks.

    Without a database there is no cookie, and the sign-in is valid all the same.
    """
    try:
        device = remember_device(shared.db, token, request.cookies.get(DEVICE_COOKIE))
    except BookingError as exc:
        log.warning("a browser is not remembered: %s", exc)
        return
    response.set_cookie(
        DEVICE_COOKIE,
        device,
        max_age=int(KEPT.total_seconds()),
        path=base() or "/",
        secure=is_https(request, shared),
        httponly=True,
        samesite="lax",
    )
