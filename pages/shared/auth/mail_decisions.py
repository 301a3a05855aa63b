"""The page of a link by which a mail lets its reader decide a request, without signing in.

Programs that look for harm in mails open the link too: a GET or HEAD changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from booking_core import (
    Booking,
    BookingError,
    ChangedMeanwhile,
    Decision,
    InvalidRequest,
    LinkState,
    MailedRequest,
    StoreUnavailable,
    TooManyAttempts,
    ask_by_mail,
    decide_by_mail,
    mailed_request,
)
from pages.shared.auth.forms import Refused, form_of
from pages.shared.auth.responses import message, page, too_many
from pages.shared.auth.signing_in import off_loop
from pages.shared.live.address import DECIDE, base
from pages.shared.live.client import address_of
from pages.shared.live.runtime import Services
from pages.shared.text import formats, mails, messages
from pages.shared.text.payloads import questions_of, slot_title

PATH = f"{DECIDE}/{{token}}"
_DONE = {"approve": "Approved", "reject": "Rejected"}
_ASK = "ask"
_NOTHING_TYPED = {"reason": "", "question": ""}
_LONGEST_REASON = 500
_AWAY = "The database cannot be reached, so nothing was changed. Load this page again."
_UNKNOWN_OUTCOME = (
    "The database has stopped answering, and it is not known whether anything was changed. Load "
    "this page again: it says so."
)


async def answer(request: Request, shared: Services) -> Response:
    """GET: the request as it is now. POST: decides it at the revision that the form names."""
    return await answered(request, shared, _answer, _said)


async def answered(
    request: Request,
    shared: Services,
    answer_form: Callable[[Services, str, str, dict[str, str] | None], Response],
    said: Callable[[Services, int, str, str], Response],
) -> Response:
    """What ``answer_form`` returns for token, address and the form of a POST, or ``said`` of why
    there is no answer."""
    form = await form_of(request, by_link=True) if request.method == "POST" else None
    if not shared.is_usable:
        return message(shared, 503, *shared.not_connected())
    token = request.path_params["token"]
    address = address_of(request, shared.settings.trust_proxy)
    try:
        return await off_loop(lambda: answer_form(shared, token, address, form))
    except TooManyAttempts as exc:
        return too_many(said(shared, 429, "Not now", messages.error(exc)), exc)
    except StoreUnavailable as exc:
        text = _AWAY if form is None or exc.nothing_happened else _UNKNOWN_OUTCOME
        return said(shared, 503, "Not reached", text)


def _answer(shared: Services, token: str, address: str, form: dict[str, str] | None) -> Response:
    def look() -> MailedRequest:
        return mailed_request(shared.db, token, address=address)

    if form is None:
        return _page(shared, look())
    verb, revision, reason = form.get("do", ""), form.get("revision", ""), form.get("reason", "")
    check_form(verb in (*_DONE, _ASK), revision)
    question = form.get("question", "")
    typed = {"reason": reason, "question": question}
    try:
        if verb == _ASK:
            found = ask_by_mail(shared.db, token, question, revision=int(revision), address=address)
        else:
            reason = reason if verb == "reject" else ""
            found = decide_by_mail(
                shared.db, token, verb, revision=int(revision), reason=reason, address=address
            )
    except (StoreUnavailable, TooManyAttempts):
        raise
    except ChangedMeanwhile:
        return _page(shared, look(), "It changed while you looked. Please look again.", typed, 409)
    except InvalidRequest as exc:
        return _page(shared, look(), messages.error(exc), typed, 422)
    except BookingError as exc:
        return _page(shared, look(), messages.error(exc), typed, 409)
    if found.state is LinkState.USED and found.booking is not None:
        return _done(shared, found)
    return _page(shared, found)


def _page(
    shared: Services,
    found: MailedRequest,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """``typed``: field -> the text that was typed, which is offered again."""
    booking, account = found.booking, found.account
    if found.state is not LinkState.OPEN or booking is None or account is None:
        return _closed(shared, found)
    asked_at = formats.moment(booking.created_at, shared.settings.zone)
    facts = [*facts_of(shared, booking), ("Asked by", f"{booking.created_by_name}, {asked_at}")]
    if said := questions_of(booking):
        facts.append(("Questions", "\n".join(said)))
    waiting = [entry.reason for entry in booking.questions if entry.by == account.id]
    return page(
        shared,
        "decide.html",
        status,
        who=f"You decide as {account.name}.",
        facts=facts,
        changes=changes_of(shared, found),
        revision=booking.revision,
        problem=problem,
        typed=typed or _NOTHING_TYPED,
        author=booking.created_by_name,
        may_ask=booking.created_by != account.id,
        waiting=waiting,
        longest=_LONGEST_REASON,
    )


def check_form(is_ours: bool, revision: str) -> None:
    """Raises Refused for a form that is not that of the page."""
    if not is_ours or not (revision.isascii() and revision.isdecimal() and len(revision) < 9):
        raise Refused(400, "This form cannot be read.")


def facts_of(shared: Services, booking: Booking) -> list[tuple[str, str]]:
    """The name and value of what a page tells of a booking."""
    return [
        ("Where", slot_title(booking.slot, shared.reference().grounds)),
        ("When", formats.full_time(booking.slot, shared.now().date())),
        ("For", booking.whom),
        ("Game", booking.game),
        *([("Supervisor", booking.supervisor_name)] if booking.supervisor_name else []),
        *([("Purpose", booking.purpose)] if booking.purpose else []),
    ]


def changes_of(shared: Services, found: MailedRequest) -> list[str]:
    """What has changed since the mail, a sentence each."""
    if not found.is_changed:
        return []
    return [_change(shared, entry) for entry in found.since] or ["Its details were changed."]


def _change(shared: Services, entry: Decision) -> str:
    done = f"{messages.done(entry).capitalize()} {messages.decided_by(entry)}"
    if entry.action in ("asked", "answered") and entry.reason:
        return f"{done}: {entry.reason}"
    if entry.moved_from is None:
        return f"{done}."
    place = mails.WRITING.place(entry.moved_from, shared.reference().grounds)
    return f"{done}, from {place}."


def _done(shared: Services, found: MailedRequest) -> Response:
    booking = found.booking
    assert booking is not None
    did = _DONE[found.action]
    place = mails.WRITING.place(booking.slot, shared.reference().grounds)
    text = f"You {did.lower()} the request of {booking.created_by_name}: {place}."
    return _said(shared, 200, did, text)


def _closed(shared: Services, found: MailedRequest) -> Response:
    """The sentence about a link that decides nothing."""
    match found.state:
        case LinkState.USED:
            text = f"This link was used: it {_DONE[found.action].lower()} the request."
        case LinkState.DECIDED if found.booking is not None:
            status = messages.STATUS[found.booking.status].lower()
            by = messages.decided_by(found.booking.last_decision)
            text = f"The request waits no more: it is {status}, {by}."
        case LinkState.BEGUN:
            text = "The slot of this request has begun, and this link ended with it."
        case LinkState.OVER:
            text = (
                "This link is over: it ends after seven days, and when its account is signed out "
                "everywhere, changed or disabled."
            )
        case LinkState.NO_RIGHT:
            text = "The account of this mail may not decide on this request from a mail now."
        case _:
            text = (
                "This link leads to no request. It may be cut off, or have ended over a month ago."
            )
    status_code = 404 if found.state is LinkState.UNKNOWN else 410
    return _said(shared, status_code, "Nothing to decide here", text)


def _said(shared: Services, status: int, title: str, text: str) -> Response:
    return message(shared, status, title, text, (f"{base()}/approvals", "Open Approvals"))
