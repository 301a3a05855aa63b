"""Gives the active bookings of an imported file their seats of the quota."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date as Date
from datetime import timedelta
from itertools import count

from booking_core.domain import timetable
from booking_core.domain.model import Booking
from booking_core.storage.bookings import queries
from booking_core.storage.client.database import Documents

Line = tuple[int, Booking]  # the line of a file and its booking


def _weeks(booking: Booking) -> list[tuple[str, Date]]:
    """Each student and the Monday of an active booking: the quota counts their weeks.

    Empty for another party, which takes no seat by an import.
    """
    if not booking.status.is_active:
        return []
    monday = booking.date - timedelta(booking.date.weekday())
    return [(student.id, monday) for student in booking.students]


def runs(chunk: Sequence[Line]) -> Iterator[list[Line]]:
    """Splits ``chunk`` so that no run has two active bookings of one student and week.

    Within a run, a row that the index refuses would leave a gap before the seat of the next row.
    A gap is a free seat, so the student could book more than the quota.
    """
    run: list[Line] = []
    seen: set[tuple[str, Date]] = set()
    for line, booking in chunk:
        weeks = _weeks(booking)
        if not seen.isdisjoint(weeks):
            yield run
            run, seen = [], set()
        run.append((line, booking))
        seen.update(weeks)
    yield run


def seated(db: Documents, bookings: Sequence[Booking]) -> list[Booking]:
    """``bookings``, the active ones with the lowest free quota seat of each student's week.

    The quota refuses no booking of the past, so a seat may be beyond it.
    """
    # By the students' dates: this read has an index, one by the weeks of the quota has none.
    held = queries.of_weeks(db, [week for booking in bookings for week in _weeks(booking)])
    return [_with_seats(booking, held) if _weeks(booking) else booking for booking in bookings]


def _with_seats(booking: Booking, held: Mapping[tuple[str, Date], Sequence[Booking]]) -> Booking:
    seats = []
    for week in _weeks(booking):
        taken = {
            student.seat
            for other in held[week]
            for student in other.students
            if student.id == week[0]
        }
        seats.append(next(number for number in count() if number not in taken))
    return booking.seated(timetable.iso_week(booking.date), seats)
