"""Reads calendars back by icalendar and by the time zones of dateutil."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import icalendar
from dateutil import tz
from support import NOW

from booking_core.calendars import (
    CalendarPlan,
    ground_calendar,
    own_calendar,
    school_calendar,
    write_calendar,
)
from booking_core.storage.client.database import Documents


def parsed(text: bytes) -> icalendar.Calendar:
    """The calendar; fails for a line that a parser cannot read."""
    calendar = icalendar.Calendar.from_ical(text)
    assert isinstance(calendar, icalendar.Calendar)
    for component in calendar.walk():
        assert component.errors == [], component.errors
    return calendar


def events_of(text: bytes) -> dict[str, icalendar.Event]:
    """UID -> its only event."""
    events = parsed(text).walk("VEVENT")
    found = {str(event["UID"]): event for event in events}
    assert len(found) == len(events)
    return found


def zone_of(text: bytes) -> tz.tzrange:
    """The time zone of a calendar, as another library reads it."""
    return tz.tzical(io.StringIO(text.decode().replace("\r\n", "\n"))).get()


def plans(db: Documents, now: datetime = NOW) -> dict[str, CalendarPlan]:
    """The calendars of the school, of a ground and of an account."""
    return {
        "school": school_calendar(db, now=now),
        "ground": ground_calendar(db, "ground-1", now=now),
        "own": own_calendar(db, "meera", now=now),
    }


def texts(db: Documents, now: datetime = NOW) -> dict[str, bytes]:
    """As ``plans``, as iCalendar."""
    return {name: write_calendar(db, plan) for name, plan in plans(db, now).items()}


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)
