"""The page “Mail”: which mails the user gets, where the school has a mail server."""

from __future__ import annotations

from starlette.responses import Response

from booking_core import MailWish, get_account, set_mail_wish
from pages.shared.auth.forms import Refused
from pages.shared.auth.responses import page, redirect
from pages.shared.live.runtime import Services
from pages.shared.live.session_cache import Person
from pages.shared.text.mails import WISHES

PATH = "mail"


def show(shared: Services, person: Person, to: str) -> Response:
    """The page. Blocks; raises Refused without a mail server, NotFound, StoreUnavailable."""
    _check(shared)
    account = get_account(shared.db, person.account.id)  # the page may follow a change of it
    wishes = [(wish.value, *WISHES[wish], wish is account.mail) for wish in MailWish]
    return page(shared, "own_mail.html", email=account.email, wishes=wishes, next_path=to)


def save(shared: Services, person: Person, form: dict[str, str], to: str) -> Response:
    """Stores the wish that the form names; a redirect to the screen of before. Blocks.

    Raises Refused, NotFound, StoreUnavailable.
    """
    _check(shared)
    try:
        wish = MailWish(form.get("wish", ""))
    except ValueError as exc:
        raise Refused(400, "Choose one of the three, please.") from exc
    set_mail_wish(shared.db, wish, by=person.account.actor)
    return redirect(to)


def _check(shared: Services) -> None:
    if shared.settings.smtp_host is None:
        raise Refused(404, "There is nothing at this address.")
