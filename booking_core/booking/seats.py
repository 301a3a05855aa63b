"""Seats of a quota: the claims that hold a party to so many active bookings a week."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from itertools import count

from booking_core.domain import timetable
from booking_core.domain.errors import QuotaReached
from booking_core.domain.model import Booking, Party
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
    """``wanted`` with the seats of its party's quota in its week; raises QuotaReached.

    Each named student takes one of a student's quota. A booking that stays in its week keeps its
    seats. The first seat is tried without a read, since
    most bookings are a student's first of the week; the seats are counted first once a seat was
    lost (``count_seats``), and in weeks that were open when the quota was lowered: there, more
    seats may be held than the quota has, while the first one is free.
    """
    if wanted.set_place:
        return wanted
    quota, window = known.policy.quota_of(wanted.party), timetable.iso_week(wanted.date)
    if before is not None and timetable.iso_week(before.date) == window and not count_seats:
        return wanted
    if quota is None:
        return wanted.seated(None, ())
    recount = known.recount_until
    monday = wanted.date - timedelta(days=wanted.date.weekday())
    holders = [holder for holder, _ in wanted.quota_holders]
    if not count_seats and (recount is None or monday > recount):
        return wanted.seated(window, [0] * len(holders))
    held = bookings.taken_seats(db, [(holder, window) for holder in holders], wanted.id)
    seats = [free_seat(wanted, holder, window, quota, taken) for (holder, _), taken in held.items()]
    return wanted.seated(window, seats)


def exchanged_seats(
    known: reference.Reference,
    before: Booking,
    wanted: Booking,
    taken: Mapping[tuple[str, str], set[int]],
) -> Booking:
    """``wanted``, which is ``before`` for another party, with its seats of the quota.

    Who has a seat of ``before`` keeps it; the others take free ones, which are added to those that
    are ``taken``. Where all stay who were in the party, a booking without seats stays so. Raises
    QuotaReached.
    """
    quota, window = known.policy.quota_of(wanted.party), timetable.iso_week(wanted.date)
    holders, kept = [holder for holder, _ in wanted.quota_holders], dict(before.quota_holders)
    if quota is None or (before.quota_window is None and kept.keys() == set(holders)):
        return wanted.seated(None, ())
    seats = []
    for holder in holders:
        if (seat := kept.get(holder)) is None:
            seat = free_seat(wanted, holder, window, quota, taken[(holder, window)])
            taken[(holder, window)].add(seat)
        seats.append(seat)
    return wanted.seated(window, seats)


def free_seat(wanted: Booking, holder: str, window: str, quota: int, taken: Collection[int]) -> int:
    """The first seat of the holder's week that is not ``taken``; raises QuotaReached.

    The held seats are counted, since seats beyond the quota are held where it was higher once.
    """
    if not Quota(len(taken), quota).has_room:
        raise QuotaReached(holder_name(wanted, holder), window, quota, len(taken), wanted.party)
    return next(seat for seat in count() if seat not in taken)


def take_seats(
    wanted: Booking, window: str, quota: int, taken: Mapping[tuple[str, str], set[int]]
) -> list[int]:
    """A free seat for each holder of ``wanted``, added to those that are ``taken``.

    Raises QuotaReached, and takes none then.
    """
    held = [taken[(holder, window)] for holder, _ in wanted.quota_holders]
    seats = [
        free_seat(wanted, holder, window, quota, of_holder)
        for (holder, _), of_holder in zip(wanted.quota_holders, held, strict=True)
    ]
    for of_holder, seat in zip(held, seats, strict=True):
        of_holder.add(seat)
    return seats


def holder_name(wanted: Booking, holder: str) -> str:
    """The name of one of ``wanted.quota_holders``: for a student, the roll number."""
    if wanted.party is Party.STUDENTS:
        return holder
    return wanted.created_by_name if wanted.party is Party.STAFF else wanted.party_name
