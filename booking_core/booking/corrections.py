"""The rules for a slot that is over: those of the school as it was on that day."""

from __future__ import annotations

from booking_core.domain import rules
from booking_core.domain.errors import GroundRetired
from booking_core.domain.model import Booking, Ground, Slot
from booking_core.domain.timetable import DayPlan
from booking_core.school.history import plans_between
from booking_core.storage.client.database import Documents
from booking_core.storage.school.data import Reference


def check_past_place(db: Documents, known: Reference, slot: Slot, game: str) -> None:
    """As ``rules.check_place``, by the timetable and the grounds that the day of ``slot`` had.

    Raises UnknownGround for a ground that is not in ``known`` either, StoreUnavailable.
    """
    plan, ground = _school_of(db, known, slot)
    rules.check_place(plan, slot.start, slot.end, ground, game)


def check_past_request(db: Documents, known: Reference, booking: Booking) -> None:
    """As ``rules.check_still_valid``, by the school that the day of ``booking`` had.

    Students may have left since. Raises as ``check_past_place``.
    """
    plan, ground = _school_of(db, known, booking.slot)
    rules.check_still_valid(booking, ground=ground, students=(), plan=plan)


def _school_of(db: Documents, known: Reference, slot: Slot) -> tuple[DayPlan, Ground]:
    day = plans_between(db, slot.date, slot.date)[slot.date]
    ground = next((ground for ground in day.grounds if ground.id == slot.ground_id), None)
    if ground is None:
        raise GroundRetired(known.ground(slot.ground_id).id)
    return day.plan, ground
