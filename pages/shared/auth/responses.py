"""HTTP responses of the sign-in routes."""

from __future__ import annotations

from starlette.responses import HTMLResponse, RedirectResponse, Response

from booking_core import BookingError
from pages.shared.auth import html as html
from pages.shared.live.address import base
from pages.shared.live.runtime import Services
from pages.shared.text import messages


def unavailable(shared: Services, problem: BookingError | None = None) -> Response:
    """The page without a database, which reloads itself: for ``problem``, or before the first."""
    title, text = shared.not_connected()
    if problem is not None:
        title, text = messages.not_connected(problem, None)
    path = f"{base()}/signin"
    response = message(shared, 503, title, text, (path, "Try again"))
    response.headers["refresh"] = f"2; url={path}"
    return response


def message(
    shared: Services, status: int, title: str, text: str, link: tuple[str, str] | None = None
) -> Response:
    """A page with one message; ``link`` is (address, label)."""
    return page(html.message(base(), shared.settings.school_name, title, text, link), status)


def page(text: str, status: int = 200) -> Response:
    """The response with a page of ``sign_in_html``."""
    response = HTMLResponse(text, status)
    response.headers["content-security-policy"] = html.content_security_policy(base())
    response.headers["cache-control"] = "no-store"
    return response


def redirect(address: str) -> Response:
    """A redirect to a GET request, not to be cached."""
    return RedirectResponse(address, 303, {"cache-control": "no-store"})
