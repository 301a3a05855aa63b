"""Mails that wait for the mail server, and when they are due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking_core.domain.clock import at as moment_of
from booking_core.domain.model import Booking, Status

# A mail waits until so long nothing more has happened to its reader: what one step did to many is
# one mail, and a screen offers to undo a change for 10 s.
QUIET = timedelta(seconds=12)
LONGEST_WAIT = timedelta(minutes=2)  # for that quiet
DIGEST_AT = time(7)  # of the one mail a day, in the school's time
GIVE_UP_AFTER = timedelta(hours=48)
SERIES_ENDS_IN = timedelta(days=14)  # from the mail that says so to the last date
_SERIES_END_TOLD = timedelta(days=3)  # from when that is due: a worker may have been away
_PAUSES_MINUTES = (1, 2, 4, 8, 15, 30, 60)  # between two tries
_BETWEEN_REQUESTS = timedelta(minutes=15)  # between two mails about requests that wait


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to the account ``to``, gathered ``at``: notices, and whether it says what waits.

    ``tries`` counts those before now, ``answer`` is that of the server to the last one.
    ``password``: it has the link to a new password instead, and ``to`` is "-" if no account was
    named. ``reminds``: the id of the booking of which it reminds ``to`` instead, of the last date
    of a series of ``to``, or of the delegation to ``to``; else "". The id of the mail tells which.
    ``day_list``: it has the list of this day for a caretaker instead, and ``to`` is "-".
    """

    id: str
    to: str
    at: datetime
    notices: tuple[str, ...]
    asks: bool
    tries: int = 0
    answer: str = ""
    password: bool = False
    reminds: str = ""
    day_list: Date | None = None


def pause_after(tries: int) -> timedelta:
    """How long to wait after so many tries that failed."""
    return timedelta(minutes=_PAUSES_MINUTES[min(tries, len(_PAUSES_MINUTES)) - 1])


def due_at(moments: Sequence[datetime]) -> datetime:
    """When to mail what happened at ``moments``, of which there is one at least."""
    return min(max(moments) + QUIET, min(moments) + LONGEST_WAIT + QUIET)


def last_digest(now: datetime, zone: ZoneInfo) -> datetime:
    """The moment of the last mail a day, at ``now`` or before."""
    today = now.astimezone(zone).date()
    found = moment_of(today, DIGEST_AT, zone)
    return found if found <= now else moment_of(today - timedelta(days=1), DIGEST_AT, zone)


def asks_at(
    asked: Sequence[datetime],
    begins: Sequence[datetime],
    last: datetime | None,
    *,
    again_hours: int,
    soon_hours: int,
) -> datetime | None:
    """When to mail that requests wait: one at least, ``asked`` at and whose slots begin at these.

    ``last`` is when a mail has said so before; None: none has. It is said again so many hours
    later, and so many before a slot begins; 0 for neither. None if no mail is due.
    """
    if last is None:
        return due_at(asked)
    causes = [last + timedelta(hours=again_hours)] if again_hours else []
    if fresh := [moment for moment in asked if moment > last]:
        causes.append(due_at(fresh))
    if soon_hours:
        soon = [moment - timedelta(hours=soon_hours) for moment in begins]
        causes += [moment for moment in soon if moment > last]
    return max(min(causes), last + _BETWEEN_REQUESTS) if causes else None


def is_reminder_due(booking: Booking, hours: int, now: datetime, zone: ZoneInfo) -> bool:
    """Whether to remind the author of ``booking`` now, if that is due so long before its start.

    Only of an approved one. What was booked, moved or decided later than the reminder was due needs
    none: its author has done it, or has just read of it.
    """
    starts_at = booking.slot.starts_at(zone).timestamp()
    due_at = starts_at - hours * 3600
    changed_at = booking.history[-1].at if booking.history else booking.created_at
    return (
        hours > 0
        and booking.status is Status.APPROVED
        and changed_at.timestamp() <= due_at <= now.timestamp() < starts_at
    )


def series_ends(now: datetime, zone: ZoneInfo) -> tuple[Date, Date]:
    """From which last date to which one a mail that a series ends is due now.

    It is due at the hour of the one mail a day, so nobody gets it at night.
    """
    last = last_digest(now, zone).astimezone(zone).date() + SERIES_ENDS_IN
    return last - _SERIES_END_TOLD + timedelta(days=1), last


def is_series_end_due(last: Booking, now: datetime, zone: ZoneInfo) -> bool:
    """Whether to tell the author of a series that it ends with the date ``last``, as of now.

    Who booked it later than that was due needs no such mail.
    """
    first, final = series_ends(now, zone)
    due_at = moment_of(last.date - SERIES_ENDS_IN, DIGEST_AT, zone)
    return (
        last.status is Status.APPROVED
        and first <= last.date <= final
        and last.created_at.timestamp() < due_at.timestamp()
    )


def is_day_list_due(
    when: time | None, today: Date, ends: Sequence[time], now: datetime, zone: ZoneInfo
) -> bool:
    """Whether to mail the list of ``today`` now: from ``when`` on, until the last of its ``ends``.

    These are of the periods of the day; without any there is no school, and no list.
    """
    if when is None or not ends:
        return False
    last = max(moment_of(today, end, zone, closing=True).timestamp() for end in ends)
    return moment_of(today, when, zone).timestamp() <= now.timestamp() < last
