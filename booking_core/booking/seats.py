"""Seats of the quota: the claims that hold a student to so many active bookings a week."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

from booking_core.domain import timetable
from booking_core.domain.errors import QuotaReached
from booking_core.domain.model import Booking
from booking_core.domain.policy import Quota
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents
from booking_core.storage.school import data as reference


def with_seat(
    db: Documents,
    known: reference.Reference,
    wanted: Booking,
    *,
    before: Booking | None = None,
    count_seats: bool = False,
) -> Booking:
    """``wanted`` with a seat of the student's quota in its week; raises QuotaReached.

    A booking that stays in its week keeps its seat. The first seat is tried without a read, since
    most bookings are a student's first of the week; the seats are counted first once a seat was
    lost (``count_seats``), and in weeks that were open when the quota was lowered: there, more
    seats may be held than the quota has, while the first one is free.
    """
    quota, window = known.policy.quota, timetable.iso_week(wanted.date)
    if before is not None and timetable.iso_week(before.date) == window and not count_seats:
        return wanted
    if quota is None:
        return replace(wanted, quota_window=None, quota_seat=None)
    recount = known.recount_until
    monday = wanted.date - timedelta(days=wanted.date.weekday())
    seat = 0
    if count_seats or (recount is not None and monday <= recount):
        seat = free_seat(db, str(wanted.student_id), window, quota, wanted.id)
    return replace(wanted, quota_window=window, quota_seat=seat)


def free_seat(db: Documents, student_id: str, window: str, quota: int, but: str) -> int:
    """The first free seat of the student's week; raises QuotaReached.

    The held seats are counted, since seats beyond the quota are held where it was higher once.
    """
    taken = bookings.taken_seats(db, [(student_id, window)], but)[(student_id, window)]
    if not Quota(len(taken), quota).has_room:
        raise QuotaReached(student_id, window, quota, len(taken))
    return next(seat for seat in count() if seat not in taken)
