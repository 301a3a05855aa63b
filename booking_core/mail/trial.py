"""A mail that tries whether the mail server takes mail of this application."""

from __future__ import annotations

from uuid import uuid4

from booking_core.domain import rules
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor
from booking_core.domain.validation import check_email
from booking_core.mail.composing import MailLine, Recipient, compose
from booking_core.mail.server import MailServer
from booking_core.settings import Settings
from booking_core.storage.client.database import Documents, present, settings_of

_WHY = "Somebody asked for this test mail in the dashboard or on its command line."


def send_test_mail(db: Documents, email: str, *, by: Actor | None) -> str:
    """Sends a test mail to ``email`` at once; a sentence with what the server answered.

    ``by`` None stands for the command line. Takes half a minute at most. Raises InvalidRequest for
    the address and without a mail server, NotAllowed, MailRefused, MailServerFailed.
    """
    if by is not None:
        rules.check_may("administer", by)
    address = check_email(email)
    if address is None:
        raise InvalidRequest("email", "is missing")
    settings: Settings = settings_of(db)
    message = compose(
        settings,
        Recipient(by.name if by is not None else address, address),
        id=str(uuid4()),
        at=present(db).astimezone(settings.zone),
        subject="Test mail of the ground bookings",
        lines=[MailLine("", "Mail works.", "The dashboard can send you its notices.")],
        link=("", "Open the dashboard"),
        why=_WHY,
    )
    with MailServer(settings) as server:
        return f"{server.send(message)}."
