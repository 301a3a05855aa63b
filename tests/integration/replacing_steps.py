"""Helpers of the tests about replacing a booking."""

from __future__ import annotations

from datetime import time

from support import DAY, HEAD, NOW, request_for

from booking_core import Slot, replace_booking

WHY = "the final of the district"


def replaced(db, booking, *, by=HEAD, move_to=None, student=2, now=NOW, **changed):
    """Replaces ``booking`` as shown; ``changed`` are other arguments of the verb."""
    asked = request_for(
        student=student, ground=booking.ground_id, on=booking.date, start=booking.start
    )
    given = {"reason": WHY, "expected": booking.revision, "request": asked} | changed
    return replace_booking(db, booking.id, by=by, move_to=move_to, now=now, **given)


def at(hour, ground="ground-1", on=DAY):
    return Slot(ground, on, time(hour), time(hour + 1))
