"""HTTP responses of the sign-in routes."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from booking_core import BookingError, TooManyAttempts
from pages.shared.auth import templates
from pages.shared.live import logo
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
    return page(shared, "message.html", status, title=title, text=text, link=link)


def page(shared: Services, template: str, status: int = 200, **values: Any) -> Response:
    """The response with the page of a template, which says what its ``values`` are."""
    school, shown = shared.settings.school_name, logo.known(shared)
    text = templates.render(template, school, logo=shown, **values)
    response = HTMLResponse(text, status)
    response.headers["content-security-policy"] = templates.content_security_policy(base())
    response.headers["cache-control"] = "no-store"
    return response


def too_many(response: Response, exc: TooManyAttempts) -> Response:
    """``response`` with the header that says how many seconds to wait."""
    response.headers["retry-after"] = str(exc.wait_seconds)
    return response


def redirect(address: str) -> Response:
    """A redirect to a GET request, not to be cached."""
    return RedirectResponse(address, 303, {"cache-control": "no-store"})
