"""Active bookings ahead that a change of the school has left without a place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from booking_core.domain.model import Booking, Slot
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

NO_STUDENT, NO_GROUND = "of unknown students", "on unknown grounds"
RETIRED, NO_SCHOOL = "on retired grounds", "on days without school"
OTHER_SURFACES = "on surfaces that their ground does not have"
NO_PERIOD = "outside the periods of their day"
_SECONDS = 20.0  # of all that is booked ahead
_SHOWN = 3  # bookings of a kind


@within_deadline(seconds=_SECONDS)
def find(db: Documents, now: datetime) -> Mapping[str, tuple[int, list[Booking]]]:
    """The bookings after ``now`` that no rule allows: fault -> (how many, the first three).

    Reads the index of upcoming bookings. Raises StoreUnavailable.
    """
    zone, known = settings_of(db).zone, reference.load(db)
    ids: defaultdict[str, list[str]] = defaultdict(list)
    today = now.astimezone(zone).date()
    surfaces = {
        id: surfaces
        for id, ground_id, surfaces in booking_queries.surfaces_from(db, today)
        if ground_id in known.grounds and surfaces != known.grounds[ground_id].surfaces
    }
    for id, slot, student_ids in booking_queries.held_from(db, today):
        wrong = _wrong(known, slot, student_ids) or (OTHER_SURFACES if id in surfaces else "")
        if wrong and not slot.has_begun(now, zone):
            ids[wrong].append(id)
    return {
        wrong: (len(found), booking_queries.of_ids(db, found[:_SHOWN]))
        for wrong, found in ids.items()
    }


def _wrong(known: reference.Reference, slot: Slot, student_ids: Iterable[str]) -> str:
    """The fault of a booking of ``slot``; "" for none."""
    if any(student_id not in known.students for student_id in student_ids):
        return NO_STUDENT
    ground = known.grounds.get(slot.ground_id)
    plan = known.plan(slot.date).of(slot.ground_id)
    if ground is None:
        return NO_GROUND
    if ground.retired:
        return RETIRED
    if not plan.periods:
        return NO_SCHOOL
    return "" if plan.fits(slot.start, slot.end) else NO_PERIOD
