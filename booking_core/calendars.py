"""Calendars to subscribe to, and the secret address of a user's own: the public names."""

from booking_core.access.calendar_addresses import (
    account_of_calendar,
    calendar_address_made_at,
    make_calendar_address,
    revoke_calendar_address,
)
from booking_core.insight.calendars import (
    CALENDAR_TYPE,
    CalendarPlan,
    booking_event,
    ground_calendar,
    own_calendar,
    school_calendar,
    write_calendar,
)

__all__ = [
    "CALENDAR_TYPE",
    "CalendarPlan",
    "account_of_calendar",
    "booking_event",
    "calendar_address_made_at",
    "ground_calendar",
    "make_calendar_address",
    "own_calendar",
    "revoke_calendar_address",
    "school_calendar",
    "write_calendar",
]
