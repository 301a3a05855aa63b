"""What sign-in by a password and by a code of the second factor share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from booking_core import Account
from booking_core.sessions import SignedIn, must_set_up_second_factor
from pages.shared.auth import device_cookie, own_sessions, session_cookie
from pages.shared.auth.responses import redirect
from pages.shared.live.address import base
from pages.shared.live.client import address_of
from pages.shared.live.runtime import Services

T = TypeVar("T")

SECOND_FACTOR = "secondfactor"


async def attempt(
    request: Request, shared: Services, verb: Callable[..., SignedIn], *shown: str
) -> SignedIn:
    """What ``verb`` of the core answers to ``shown``, such as a name and a password.

    It counts the attempt by the client's address, and for a known browser by its cookie. Raises
    what ``verb`` raises.
    """
    return await off_loop(
        lambda: verb(
            shared.db,
            *shown,
            address=address_of(request, shared.settings.trust_proxy),
            device=device_cookie.shown_by(request, shared),
            browser=own_sessions.browser_of(request),
        )
    )


async def go_on(
    request: Request, shared: Services, account: Account, token: str, to: str
) -> Response:
    """The redirect of ``account`` to ``to``, with the cookie of its new session.

    It leads first to the page of what the account must do before.
    """

    response = redirect(await off_loop(lambda: first_page(shared, account, to)))
    return await session_cookie.start(response, request, shared, token, by_password=True)


def first_page(shared: Services, account: Account, to: str) -> str:
    """The page of what ``account`` must do before it sees any screen, which leads back to ``to``;
    else ``to``."""
    back = f"?next={quote(to, safe='')}"
    if account.must_change:
        return f"{base()}/password{back}"
    if must_set_up_second_factor(account, shared.reference().policy):
        return f"{base()}/{SECOND_FACTOR}{back}"
    return to


async def off_loop(work: Callable[[], T]) -> T:
    """The result of ``work()``, run in a thread, because it blocks."""
    return await anyio.to_thread.run_sync(work)
