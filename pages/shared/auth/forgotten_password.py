"""The pages for a forgotten password: asking for a link by mail, and the link itself.

The answer is the same whatever is typed. Opening the link changes nothing: programs that look for
harm in mails open it too.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from booking_core import BookingError, StoreUnavailable, TooManyAttempts
from booking_core.sessions import (
    SHORTEST_PASSWORD,
    account_of_password_link,
    ask_for_new_password,
    set_forgotten_password,
)
from pages.shared.auth import session_cookie
from pages.shared.auth.forms import Refused, form_of
from pages.shared.auth.responses import message, page, too_many
from pages.shared.auth.signing_in import off_loop
from pages.shared.live.address import FORGOTTEN, NEW_PASSWORD, base
from pages.shared.live.client import address_of
from pages.shared.live.runtime import Services
from pages.shared.text import messages

PATH, LINK_PATH = FORGOTTEN, f"{NEW_PASSWORD}/{{token}}"
_AWAY = "The database cannot be reached, so nothing was done. Please try again."
_NOT_KNOWN = (
    "The database has stopped answering, and it is not known whether your password was changed. "
    "Try to sign in with the new one first."
)
_OVER = (
    "This link sets no password: it was used, is older than 30 minutes or cut off, or its account "
    "was changed since. Ask for another on the sign-in page."
)
_DONE = "Your new password is stored. Sign in with it."


def is_offered(shared: Services) -> bool:
    """Whether a mail can have a link to a new password."""
    settings = shared.settings
    return settings.smtp_host is not None and settings.public_url is not None


async def ask(request: Request, shared: Services) -> Response:
    """GET: the form for a name. POST: has a link sent, if an account has that name."""
    if not is_offered(shared):
        raise Refused(404, "There is nothing at this address.")

    def shown(problem: str = "", status: int = 200, *, is_sent: bool = False) -> Response:
        contact = shared.settings.contact
        return page(
            shared, "forgotten.html", status, problem=problem, is_sent=is_sent, contact=contact
        )

    if request.method != "POST":
        return shown()
    form = await form_of(request)
    if not shared.is_usable:
        return message(shared, 503, *shared.not_connected())
    address = address_of(request, shared.settings.trust_proxy)
    name = form.get("name", "")
    try:
        await off_loop(lambda: ask_for_new_password(shared.db, name, address=address))
    except TooManyAttempts as exc:
        return too_many(shown(messages.error(exc), 429), exc)
    except StoreUnavailable:
        return shown(_AWAY, 503)
    shared.send_mail_soon()
    return shown(is_sent=True)


async def choose(request: Request, shared: Services) -> Response:
    """GET: the form of a link. POST: stores the new password."""
    form = await form_of(request, by_link=True) if request.method == "POST" else None
    if not shared.is_usable:
        return message(shared, 503, *shared.not_connected())
    token = request.path_params["token"]
    address = address_of(request, shared.settings.trust_proxy)
    try:
        return await off_loop(lambda: _choose(shared, token, address, form))
    except TooManyAttempts as exc:
        return too_many(_said(shared, 429, "Not now", messages.error(exc)), exc)
    except StoreUnavailable as exc:
        text = _AWAY if form is None or exc.nothing_happened else _NOT_KNOWN
        return _said(shared, 503, "Not reached", text)


def _choose(shared: Services, token: str, address: str, form: dict[str, str] | None) -> Response:
    account = account_of_password_link(shared.db, token, address=address)
    if account is None:
        return _said(shared, 410, "Link over", _OVER)

    def ask_again(problem: str = "", status: int = 200) -> Response:
        return page(
            shared,
            "forgotten_password.html",
            status,
            account_id=account.id,
            problem=problem,
            shortest=SHORTEST_PASSWORD,
        )

    if form is None:
        return ask_again()
    if form.get("new") != form.get("again"):
        return ask_again("The new password was typed in two ways. Please type it again.", 422)
    try:
        changed = set_forgotten_password(shared.db, token, form.get("new", ""), address=address)
    except (StoreUnavailable, TooManyAttempts):
        raise
    except BookingError as exc:
        return ask_again(messages.error(exc).replace("The password", "The new password", 1), 422)
    if changed is None:
        return _said(shared, 410, "Link over", _OVER)
    response = _said(shared, 200, "Password changed", _DONE)
    session_cookie.delete(response)  # the change has ended a session of this browser too
    return response


def _said(shared: Services, status: int, title: str, text: str) -> Response:
    return message(shared, status, title, text, (f"{base()}/signin", "Sign in"))
