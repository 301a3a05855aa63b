"""Hand-made boards of a school day for the tests of the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from support import GROUNDS, HOURLY

from booking_core import Board, Booking, DayPlan, Status

KOLKATA = ZoneInfo("Asia/Kolkata")
MONDAY = date(2026, 11, 23)


def board_at(now, *bookings, periods=HOURLY.periods, zone=KOLKATA, grounds=GROUNDS):
    local = now.astimezone(zone)
    return Board(
        date=local.date(),
        plan=DayPlan(local.date(), tuple(periods), "regular" if periods else None),
        grounds=tuple(grounds),
        now=now,
        zone=zone,
        bookings=bookings,
        loaded_at=now,
    )


def booking(start, end, *, ground="ground-1", status=Status.APPROVED, kind="booking", **changes):
    made = datetime(2026, 11, 20, tzinfo=UTC)
    values = {
        "id": f"{ground}-{start}",
        "ground_id": ground,
        "date": MONDAY,
        "start": start,
        "end": end,
        "status": status,
        "student_id": "S001",
        "student_name": "Asha Rao",
        "class_name": "10-A",
        "game": "Football" if kind == "booking" else "",
        "purpose": "" if kind == "booking" else "Net repair",
        "created_by": "meera",
        "created_by_name": "Meera",
        "created_at": made,
        "updated_at": made,
        "kind": kind,
    }
    return Booking(**(values | changes))


def at(hour, minute=0, second=0, zone=KOLKATA, day=MONDAY):
    return datetime.combine(day, time(hour, minute, second), tzinfo=zone)
