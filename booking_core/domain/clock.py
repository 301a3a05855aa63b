"""Moments: of this process's clock, in the precision that the database keeps, and of a local time.

What compares with the present takes ``storage.database.present``: the server's clock counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from zoneinfo import ZoneInfo

from booking_core.domain.validation import minutes


def clock() -> datetime:
    """This moment, in UTC and whole milliseconds: the precision of BSON."""
    return to_millis(datetime.now(UTC))


def to_millis(moment: datetime) -> datetime:
    """``moment`` in UTC, cut to whole milliseconds."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def at(date: Date, when: time, zone: ZoneInfo, *, closing: bool = False) -> datetime:
    """The aware moment of a local time; with ``closing``, 00:00 is the end of ``date``."""
    if closing and minutes(when) == 0:
        date += timedelta(days=1)
    return datetime.combine(date, when, tzinfo=zone)
