"""Reminders of bookings that begin soon, to those who booked them.

A reminder is one mail for each booking: its id follows from that of the booking, so of several
processes one makes it. It is deleted unsent where the booking was moved or has ended meanwhile.
Several grounds that were booked at once have one mail, which names all that are approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import UUID, uuid5

from booking_core.booking.mail_decisions import make_links
from booking_core.domain import mail as timing
from booking_core.domain.mail import Mail
from booking_core.domain.model import Account, Booking, Ground, Status
from booking_core.mail.composing import MailLine, MailWriting, Recipient, compose
from booking_core.storage import mails
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.mail_links import Purpose
from booking_core.storage.school import data as reference

CANCEL_PATH = "cancel"  # the page on which a link of a mail cancels a booking
_NAMES = UUID("6f3f1c0e-5a0c-4a86-9c43-0b7e52a9c1d5")


def gather(db: Documents, readers: Mapping[str, Account], now: datetime) -> None:
    """Makes the mails that are due; ``readers`` are the accounts that get mail, by id."""
    hours, zone = reference.load(db).policy.remind_hours, settings_of(db).zone
    if not hours:
        return
    first = now.astimezone(zone).date()
    last = (now + timedelta(hours=hours)).astimezone(zone).date()
    due = {
        _id_of(booking): booking
        # Of several grounds, the mail is about the first that is approved.
        for booking in sorted(
            booking_queries.approved_between(db, first, last),
            key=lambda booking: -(booking.set_place or 0),
        )
        if booking.created_by in readers and timing.is_reminder_due(booking, hours, now, zone)
    }
    for id in due.keys() - mails.stored_ids(db, due):
        booking = due[id]
        mails.queue(db, Mail(id, booking.created_by, now, (), asks=False, reminds=booking.id))


def _id_of(booking: Booking) -> str:
    """The id of the mail about the present start of ``booking``: each start has one."""
    # The grounds of a set have one time and one party.
    of = booking.id if booking.set_place is None else booking.series
    return str(uuid5(_NAMES, f"{of} {booking.date} {booking.start}"))


def composed(
    db: Documents, mail: Mail, account: Account, email: str, writing: MailWriting, now: datetime
) -> EmailMessage | None:
    """The reminder as of now; None if its booking was moved or has ended, or the school wants none.

    It has a link that cancels the booking where PUBLIC_URL is set.
    """
    school, settings = reference.load(db), settings_of(db)
    found = booking_queries.of_ids(db, [mail.reminds])
    if not found or found[0].created_by != account.id:
        return None
    [booking] = found
    if mail.id != _id_of(booking):  # moved since: its new start has a mail of its own
        return None
    if not timing.is_reminder_due(booking, school.policy.remind_hours, now, settings.zone):
        return None
    link = None
    # The first of several grounds does not end before the others.
    if settings.public_url is not None and booking.set_place is None:
        tokens = make_links(db, account, mail.id, found, now, Purpose.CANCEL)
        link = (f"{CANCEL_PATH}/{tokens[booking.id]}", "Cancel this date") if tokens else None
    place = writing.place(booking.slot, school.grounds)
    lines = [MailLine("You have booked", place, f"for {booking.whom}, {booking.game}.", link)]
    subject = f"Reminder: {place}"
    if others := _others_of_set(db, booking, school.grounds):
        lines.append(MailLine("At the same time:", ", ".join(others), ""))
        subject += f", and {len(others)} more"
    return compose(
        settings,
        Recipient(account.name, email),
        id=mail.id,
        at=now.astimezone(settings.zone),
        subject=subject,
        lines=lines,
        link=("bookings", "Open your bookings"),
        why=f"You get this mail because you booked {'these grounds' if others else 'this ground'}.",
    )


def _others_of_set(db: Documents, first: Booking, grounds: Mapping[str, Ground]) -> list[str]:
    """The names of the other grounds that were booked with ``first`` and are approved too."""
    if first.set_place is None or first.series is None:
        return []
    others = [
        booking
        for booking in booking_queries.of_series(db, first.series)
        if booking.id != first.id and booking.status is Status.APPROVED
    ]
    ids = [one.ground_id for one in sorted(others, key=lambda one: one.set_place or 0)]
    return [grounds[id].name if id in grounds else id for id in ids]
