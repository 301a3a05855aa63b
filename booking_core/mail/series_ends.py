"""Mails that a series ends in two weeks, to those who booked it.

It is one mail for each series: its id follows from that of the series, so of several processes one
makes it, and a series whose last date changes later is not mailed again. It names the last date,
and is deleted unsent where that has changed meanwhile: then the next last date decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import urlencode
from uuid import UUID, uuid5

from booking_core.domain import mail as timing
from booking_core.domain.mail import Mail
from booking_core.domain.model import Account, Booking
from booking_core.mail.composing import MailLine, MailWriting, Recipient, compose
from booking_core.storage import mails
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

_NAMES = UUID("0c8a3f4e-94f5-4f0c-8d0e-5d3f4a5a7b61")
_BOOK = "book"  # the screen on which the next series is booked
_WEEK = timedelta(days=7)


def gather(db: Documents, readers: Mapping[str, Account], now: datetime) -> None:
    """Makes the mails that are due; ``readers`` are the accounts that get mail, by id."""
    first, last = timing.series_ends(now, settings_of(db).zone)
    due = _due(db, booking_queries.approved_between(db, first, last), now)
    for id in due.keys() - mails.stored_ids(db, due):
        booking = due[id]
        if booking.created_by in readers:
            mails.queue(db, Mail(id, booking.created_by, now, (), asks=False, reminds=booking.id))


def _due(db: Documents, bookings: Iterable[Booking], now: datetime) -> dict[str, Booking]:
    """Those of ``bookings``, by date and time, with which a series ends, by the ids of its mail."""
    zone = settings_of(db).zone
    told = {
        booking.series: booking
        for booking in bookings
        # The grounds of a set have a series too, of one date.
        if booking.series is not None
        and booking.set_place is None
        and timing.is_series_end_due(booking, now, zone)
    }
    if not told:
        return {}
    first = min(booking.date for booking in told.values())
    last = booking_queries.last_dates_of_series(db, told, first)
    return {
        str(uuid5(_NAMES, series)): booking
        for series, booking in told.items()
        if last.get(series) == booking.date
    }


def composed(
    db: Documents, mail: Mail, account: Account, email: str, writing: MailWriting, now: datetime
) -> EmailMessage | None:
    """The mail as of now; None if it is another one, or its date is not the last any more."""
    due = _due(db, booking_queries.of_ids(db, [mail.reminds]), now)
    booking = due.get(mail.id)
    if booking is None or booking.created_by != account.id:
        return None
    settings, school = settings_of(db), reference.load(db)
    place = writing.place(booking.slot, school.grounds)
    address, label = {"ground": booking.ground_id}, "Open Book"
    next_week = booking.date + _WEEK
    if next_week <= school.policy.last_date(now, settings.zone):
        address |= {
            "date": next_week.isoformat(),
            "from": f"{booking.start:%H:%M}",
            "to": f"{booking.end:%H:%M}",
        }
        label = f"Open Book on {writing.day(next_week)}"
    return compose(
        settings,
        Recipient(account.name, email),
        id=mail.id,
        at=now.astimezone(settings.zone),
        subject=f"Your series ends: {place}",
        lines=[
            MailLine(
                "The last date of your series:", place, f"for {booking.whom}, {booking.game}."
            ),
            MailLine("To go on after it, choose a slot on Book and press", "Repeat…", "there."),
        ],
        link=(f"{_BOOK}?{urlencode(address)}", label),
        why="You get this mail because you booked this series.",
    )
