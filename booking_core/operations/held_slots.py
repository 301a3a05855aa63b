"""Finds the stored booking that conflicts with a booking of an imported file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date as Date

from booking_core.domain import timetable
from booking_core.domain.model import Booking
from booking_core.storage import booking_queries as queries
from booking_core.storage.database import Documents


class HeldSlots:
    """Active bookings by the marks of time that they hold, of a ground and of a student."""

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self._held: dict[tuple[str, str | None, Date, int], Booking] = {}
        for booking in bookings:
            self.add(booking)

    def add(self, booking: Booking) -> None:
        for mark in timetable.marks(booking.start, booking.end):
            self._held[("ground", booking.ground_id, booking.date, mark)] = booking
            self._held[("student", booking.student_id, booking.date, mark)] = booking

    def reason(self, wanted: Booking) -> str | None:
        """Names the booking that conflicts with ``wanted``; None when there is none."""
        for what, id in (("ground", wanted.ground_id), ("student", wanted.student_id)):
            for mark in timetable.marks(wanted.start, wanted.end):
                holder = self._held.get((what, id, wanted.date, mark))
                if holder is None or holder.id == wanted.id:
                    continue
                span = f"{holder.start:%H:%M}-{holder.end:%H:%M}"
                if what == "student":
                    return f"{wanted.student_name} is on {holder.ground_id} then ({span})"
                who = holder.student_name or f"a closure ({holder.purpose})"
                return f"the slot is held by {who}, {span} ({holder.status.value})"
        return None


def held_slots_of(db: Documents, wanted: Sequence[Booking]) -> HeldSlots:
    """The stored bookings on the grounds, and of the students, and dates of ``wanted``."""
    return HeldSlots(
        queries.active_on_days(
            db,
            ((booking.ground_id, booking.date) for booking in wanted),
            ((str(booking.student_id), booking.date) for booking in wanted),
        )
    )
