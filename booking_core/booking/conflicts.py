"""The error for a lost claim: its holder, since when, and the nearest slots that are free."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime
from functools import cache

from booking_core.booking.boards import availability_of
from booking_core.booking.preconditions import ROUNDS
from booking_core.booking.seats import holder_name
from booking_core.booking.steps import log_step
from booking_core.domain import timetable
from booking_core.domain.availability import Availability, nearest
from booking_core.domain.claims import (
    QUOTA,
    STAFF,
    STUDENT,
    BusyMarks,
    HeldPlaces,
    claims_of,
    kind_of,
    people_of,
    seat_of,
)
from booking_core.domain.errors import (
    GroundClosed,
    QuotaReached,
    SlotTaken,
    StudentBusy,
    SupervisorBusy,
)
from booking_core.domain.model import Booking, Slot
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, shared
from booking_core.storage.school import data as reference


class _Day:
    """The free slots of one day, shared by the losers of one race.

    ``holders``: each claim of the day, on retired grounds too, and the id of its booking.
    """

    def __init__(self, free: Availability, holders: Mapping[str, str]) -> None:
        self._free_instead, self._lock = cache(free.free_instead), threading.Lock()
        self._holders = holders

    def alternatives(self, wanted: Booking) -> list[Slot]:
        """Up to three free slots, nearest first, at which the people of ``wanted`` are
        free."""
        with self._lock:  # computed once for all who lost the same slot
            free = self._free_instead(wanted.slot, wanted.game)
        people = people_of(wanted)
        return nearest(free, BusyMarks(people, wanted.date, self._holders, but=wanted.id))


def raise_lost(
    db: Documents,
    known: reference.Reference,
    wanted: Booking,
    claim: str,
    now: datetime,
    tried: int,
) -> None:
    """Raises the error for a lost ``claim``; returns when another try may win.

    That is so for a seat of the quota, whose count then decides, and for a claim whose holder
    has left since.
    """
    if kind_of(claim) == QUOTA:
        quota = known.policy.quota_of(wanted.party) or 0
        if tried < ROUNDS + quota:
            return
        week = timetable.iso_week(wanted.date)
        raise QuotaReached(lost_holder(wanted, claim), week, quota, quota, wanted.party)
    if (error := error_for(db, known, wanted, claim, now)) is not None:
        log_step(wanted.id, "refused", layer="index", reason=type(error).__name__)
        raise error
    if tried >= ROUNDS:
        # The holder comes and goes, or cannot be read: the index decides all the same.
        if kind_of(claim) == STUDENT:
            raise StudentBusy(None)
        if kind_of(claim) == STAFF:
            raise SupervisorBusy(None)
        slot = wanted.slot
        raise SlotTaken(slot.ground_id, slot.date, slot.start, slot.end, None, None)


def lost_holder(wanted: Booking, claim: str) -> str:
    """Whose quota is reached where ``claim``, a seat, was lost."""
    seat = seat_of(claim)
    return holder_name(wanted, "" if seat is None else seat[0])


def error_for(
    db: Documents, known: reference.Reference, wanted: Booking, claim: str, now: datetime
) -> GroundClosed | SlotTaken | StudentBusy | SupervisorBusy | None:
    """The error for ``wanted``, which lost ``claim``; None when nobody holds it any more."""
    # Losers of one race share the read of the day, which begins after each of them has lost.
    date = wanted.date
    day, holder = shared(db, ("lost", date, claim), lambda: _read(db, known, date, claim, now))
    if holder is None or holder.id == wanted.id:
        return None
    log_step(wanted.id, "lost", claim=_public(claim), holder=holder.id)
    log_step(wanted.id, "refreshed", date=wanted.date)
    return _error(day, wanted, claim, holder)


def error_on(
    wanted: Booking, free: Availability, held: list[Booking]
) -> GroundClosed | SlotTaken | StudentBusy | SupervisorBusy | None:
    """The error for ``wanted`` on a day on which ``held`` are active; None if its claims are free.

    Seats of the quota are left out. ``free`` is what that day has left.
    """
    holders = {claim: booking for booking in held for claim in claims_of(booking)}
    for claim in sorted(claims_of(wanted)):
        holder = holders.get(claim)
        if holder is not None and holder.id != wanted.id and kind_of(claim) != QUOTA:
            day = _Day(free, {claim: booking.id for claim, booking in holders.items()})
            return _error(day, wanted, claim, holder)
    return None


def _error(
    day: _Day, wanted: Booking, claim: str, holder: Booking
) -> GroundClosed | SlotTaken | StudentBusy | SupervisorBusy:
    alternatives = day.alternatives(wanted) if wanted.kind == "booking" else []
    if kind_of(claim) == STUDENT:
        return StudentBusy(holder, holder.people_held_since, alternatives)
    if kind_of(claim) == STAFF:
        return SupervisorBusy(holder, holder.people_held_since, alternatives)
    if holder.kind == "closure" and wanted.kind == "booking":
        return GroundClosed(holder.ground_id, holder.purpose, alternatives)
    slot = wanted.slot
    return SlotTaken(
        slot.ground_id, slot.date, slot.start, slot.end, holder, holder.held_since, alternatives
    )


def _read(
    db: Documents, known: reference.Reference, date: Date, claim: str, now: datetime
) -> tuple[_Day, Booking | None]:
    """The day, and the holder of ``claim``."""
    holders, holder = booking_queries.holders_of_date(db, date, claim)
    free = availability_of(db, known, date, now, HeldPlaces(date, holders))
    return _Day(free, holders), holder


def _public(claim: str) -> str:
    """A claim without the roll number of a student or the sign-in name of a supervisor."""
    kind, holder, rest = claim.split("|", 2)
    return claim if kind == "ground" else f"{kind}|{'*' * min(len(holder), 3)}|{rest}"
