"""Gives the active bookings of an imported file their seats of the quota."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date as Date
from datetime import timedelta
from itertools import count

from booking_core.domain import timetable
from booking_core.domain.model import Booking
from booking_core.storage.bookings import queries
from booking_core.storage.client.database import Documents

Line = tuple[int, Booking]  # the line of a file and its booking


def _week(booking: Booking) -> tuple[str, Date] | None:
    """The student and the Monday of an active booking: the quota counts its week.

    None for another party, which takes no seat by an import.
    """
    if not booking.status.is_active or booking.student_id is None:
        return None
    return booking.student_id, booking.date - timedelta(booking.date.weekday())


def runs(chunk: Sequence[Line]) -> Iterator[list[Line]]:
    """Splits ``chunk`` so that no run has two active bookings of one student and week.

    Within a run, a row that the index refuses would leave a gap before the seat of the next row.
    A gap is a free seat, so the student could book more than the quota.
    """
    run: list[Line] = []
    weeks: set[tuple[str, Date]] = set()
    for line, booking in chunk:
        week = _week(booking)
        if week in weeks:
            yield run
            run, weeks = [], set()
        run.append((line, booking))
        if week is not None:
            weeks.add(week)
    yield run


def seated(db: Documents, bookings: Sequence[Booking]) -> list[Booking]:
    """``bookings``, the active ones with the lowest free quota seat of their student's week.

    The quota refuses no booking of the past, so a seat may be beyond it.
    """
    weeks = [_week(booking) for booking in bookings]
    # By the students' dates: this read has an index, one by the weeks of the quota has none.
    held = queries.of_weeks(db, [week for week in weeks if week is not None])
    return [
        booking if week is None else _with_seat(booking, held[week])
        for booking, week in zip(bookings, weeks, strict=True)
    ]


def _with_seat(booking: Booking, held: Sequence[Booking]) -> Booking:
    taken = {
        student.seat
        for other in held
        for student in other.students
        if student.id == booking.student_id
    }
    seat = next(number for number in count() if number not in taken)
    return replace(booking, quota_window=timetable.iso_week(booking.date), quota_seat=seat)
