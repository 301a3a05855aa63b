"""The page of a link by which a reminder lets its reader cancel that booking, without signing in.

As on the page of ``mail_decisions``, a GET or HEAD changes nothing.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from booking_core import (
    BookingError,
    ChangedMeanwhile,
    LinkState,
    MailedRequest,
    StoreUnavailable,
    TooManyAttempts,
    cancel_by_mail,
    mailed_booking,
)
from pages.shared.auth.mail_decisions import answered, changes_of, check_form, facts_of
from pages.shared.auth.responses import message, page
from pages.shared.live.address import CANCEL, base
from pages.shared.live.runtime import Services
from pages.shared.text import mails, messages

PATH = f"{CANCEL}/{{token}}"


async def answer(request: Request, shared: Services) -> Response:
    """GET: the booking as it is now. POST: cancels it at the revision that the form names."""
    return await answered(request, shared, _answer, _said)


def _answer(shared: Services, token: str, address: str, form: dict[str, str] | None) -> Response:
    def look() -> MailedRequest:
        return mailed_booking(shared.db, token, address=address)

    if form is None:
        return _page(shared, look())
    revision = form.get("revision", "")
    check_form(form.get("do") == "cancel", revision)
    try:
        found = cancel_by_mail(shared.db, token, revision=int(revision), address=address)
    except (StoreUnavailable, TooManyAttempts):
        raise
    except ChangedMeanwhile:
        return _page(shared, look(), "It changed while you looked. Please look again.", 409)
    except BookingError as exc:
        return _page(shared, look(), messages.error(exc), 409)
    if found.state is LinkState.USED and found.booking is not None:
        place = mails.WRITING.place(found.booking.slot, shared.reference().grounds)
        return _said(shared, 200, "Cancelled", f"You cancelled your booking: {place}.")
    return _page(shared, found)


def _page(shared: Services, found: MailedRequest, problem: str = "", status: int = 200) -> Response:
    booking, account = found.booking, found.account
    if found.state is not LinkState.OPEN or booking is None or account is None:
        return _closed(shared, found)
    return page(
        shared,
        "cancel.html",
        status,
        who=f"You booked this as {account.name}.",
        facts=facts_of(shared, booking),
        changes=changes_of(shared, found),
        revision=booking.revision,
        problem=problem,
    )


def _closed(shared: Services, found: MailedRequest) -> Response:
    """The sentence about a link that cancels nothing."""
    match found.state:
        case LinkState.USED:
            text = "This link was used: it cancelled the booking."
        case LinkState.DECIDED if found.booking is not None:
            status = messages.STATUS[found.booking.status].lower()
            by = messages.decided_by(found.booking.last_decision)
            text = f"The booking is {status} already, {by}."
        case LinkState.BEGUN:
            text = "The booking has begun, and this link ended with it."
        case LinkState.OVER:
            text = (
                "This link is over: it ends at the start that the mail named, and when its account "
                "is signed out everywhere, changed or disabled."
            )
        case LinkState.NO_RIGHT:
            text = "The account of this mail may not cancel this booking now."
        case _:
            text = (
                "This link leads to no booking. It may be cut off, or have ended over a month ago."
            )
    status_code = 404 if found.state is LinkState.UNKNOWN else 410
    return _said(shared, status_code, "Nothing to cancel here", text)


def _said(shared: Services, status: int, title: str, text: str) -> Response:
    return message(shared, status, title, text, (f"{base()}/bookings", "Open your bookings"))
