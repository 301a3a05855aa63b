"""The session cookie: set when a session starts, deleted when it ends."""

from __future__ import annotations

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from booking_core.sessions import LONGEST_SESSION
from pages.shared.auth import device_cookie, sign_outs
from pages.shared.live import cookies
from pages.shared.live.address import COOKIE
from pages.shared.live.runtime import Services


async def start(
    response: Response,
    request: Request,
    shared: Services,
    token: str,
    *,
    by_password: bool = False,
) -> Response:
    """Ends the session of the request; ``response`` with the cookie of the new one.

    ``by_password``: the browser is known to the account from now on.
    """
    await end(request, shared)
    cookies.set_on(response, COOKIE, token, int(LONGEST_SESSION.total_seconds()), request, shared)
    if by_password:
        await anyio.to_thread.run_sync(
            lambda: device_cookie.set_on(response, request, shared, token)
        )
    return response


async def end(request: Request, shared: Services) -> None:
    """Ends the session of the request, now or as soon as the database can be reached."""
    token = cookies.read(COOKIE, request, shared)
    if token:
        await anyio.to_thread.run_sync(lambda: sign_outs.sign_out(shared, token))


def delete(response: Response) -> None:
    """Deletes the cookie."""
    cookies.delete_on(response, COOKIE)
