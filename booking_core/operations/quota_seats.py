"""Gives the active bookings of an imported file their seats of the quota of their party."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from booking_core.domain import timetable
from booking_core.domain.model import Booking
from booking_core.domain.policy import Policy
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents

Line = tuple[int, Booking]  # the line of a file and its booking


def _weeks(booking: Booking, policy: Policy) -> list[tuple[str, str]]:
    """Each holder of a seat of an active booking, and its ISO week; empty without a quota."""
    if not booking.status.is_active or policy.quota_of(booking.party) is None:
        return []
    window = timetable.iso_week(booking.date)
    return [(holder, window) for holder, _ in booking.quota_holders]


def runs(chunk: Sequence[Line], policy: Policy) -> Iterator[list[Line]]:
    """Splits ``chunk`` so that no run has two active bookings of one holder and week.

    Within a run, a row that the index refuses would leave a gap before the seat of the next row.
    A gap is a free seat, so the holder could book more than the quota.
    """
    run: list[Line] = []
    seen: set[tuple[str, str]] = set()
    for line, booking in chunk:
        weeks = _weeks(booking, policy)
        if not seen.isdisjoint(weeks):
            yield run
            run, seen = [], set()
        run.append((line, booking))
        seen.update(weeks)
    yield run


def seated(db: Documents, wanted: Sequence[Booking], policy: Policy) -> list[Booking]:
    """``wanted``, the active ones with the lowest free seat of each holder's week.

    The quota refuses no booking of the past, so a seat may be beyond it.
    """
    weeks_of = [_weeks(booking, policy) for booking in wanted]
    taken = bookings.taken_seats(db, [week for weeks in weeks_of for week in weeks])
    made = []
    for booking, weeks in zip(wanted, weeks_of, strict=True):
        if weeks:
            seats = [next(n for n in count() if n not in taken[week]) for week in weeks]
            booking = booking.seated(weeks[0][1], seats)
        made.append(booking)
    return made
