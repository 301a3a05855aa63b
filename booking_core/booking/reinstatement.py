"""Giving back what a closure displaced, once it is lifted and where the slot is still free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from booking_core.booking import conflicts as refusals
from booking_core.booking.claims import free_seat
from booking_core.booking.notices import notice_document
from booking_core.booking.preconditions import ROUNDS, already_decided, must_exist
from booking_core.domain import rules, timetable
from booking_core.domain.clock import moment
from booking_core.domain.errors import GroundRetired, InThePast, SlotTaken, StudentInactive
from booking_core.domain.model import Actor, Booking, Decision, Status
from booking_core.domain.validation import check_booking_id, check_date, check_limit
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage import school_data as reference
from booking_core.storage import transactions as unit
from booking_core.storage.database import Documents, settings_of

_BATCH = 500  # of displaced bookings, looked at together


def find_reinstatable(
    db: Documents, *, from_date: Date, now: datetime | None = None, limit: int = 200
) -> list[Booking]:
    """What closures displaced and ``reinstate`` would give back, by date and time.

    A closure holds its slots until it is lifted: what is free again needs no other sign of that.
    Of ``from_date`` and later; at most ``limit`` (1 to 1000). Where two want one slot, both are
    among them: the first to be given back has it. Raises InvalidRequest, StoreUnavailable.
    """
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    now, zone = moment(now), settings_of(db).zone
    known = reference.load(db)

    def look(looking: unit.Unit) -> list[Booking]:
        found: list[Booking] = []
        rows = looking.displaced(from_date)
        while len(found) < limit and (batch := list(islice(rows, _BATCH))):
            found += reinstatable_of(looking, batch, known, now, zone)
        return found[:limit]

    return unit.reading(db, look)


def reinstate(db: Documents, booking_id: str, *, by: Actor, now: datetime | None = None) -> Booking:
    """Gives a displaced booking its slot back, with the status that it had; who booked is told.

    It claims its cells and its seat again, through the same indexes as everybody. Raises
    NotAllowed, NotFound, AlreadyDecided (it was revoked by a person, or given back before),
    InThePast, GroundRetired, StudentInactive, GroundClosed, SlotTaken, StudentBusy, QuotaReached.
    """
    rules.check_may("close", by)
    booking_id = check_booking_id(booking_id)
    now = moment(now)
    zone = settings_of(db).zone
    known = reference.load(db)
    quota = known.policy.quota
    seat: d.Document | None = None
    for _ in range(ROUNDS):
        kept = must_exist(db, booking_id)
        if not _displaced(kept):
            raise already_decided(kept)
        booking = d.to_booking(kept)
        starts_at = timetable.at(booking.date, booking.start, zone)
        if starts_at <= now:
            raise InThePast(starts_at)
        if known.ground(booking.ground_id).retired:
            raise GroundRetired(booking.ground_id)
        student = known.student(str(booking.student_id))
        if not student.active:
            raise StudentInactive(student.id)
        window, held = booking.quota_window, booking.quota_seat
        # A seat beyond the quota was given while it was higher.
        beyond = held is not None and quota is not None and held >= quota
        if seat is None and beyond and window is not None and quota is not None:
            seat = free_seat(db, student.id, window, quota, booking_id)
        entry = d.decision_document(
            Decision(now, by.id, by.name, "reinstated"), [booking.date.isoformat()]
        )
        fields: d.Document = {"status": kept["history"][-1]["was"], "updated_at": now}
        change: d.Document = {
            "$set": fields | ({"quota": seat} if seat else {}),
            "$inc": {"revision": 1},
            "$push": {"history": entry},
        }
        if window is not None and quota is None:  # the quota was lifted since
            change["$unset"] = {"quota": ""}

        def work(
            step: unit.Unit, kept: d.Document = kept, change: d.Document = change
        ) -> Booking | None:
            changed = step.update(
                {
                    "_id": booking_id,
                    "status": Status.REVOKED.value,
                    "revision": kept["revision"],
                },
                change,
            )
            if changed is not None:
                step.notify([notice_document("reinstated", changed, by, "", now)])
            return changed

        try:
            changed = unit.run(db, work)
        except ledger.IndexRefused as refused:
            refusals.explain(db, refused, refusals.holder_of(db, known, kept, now), kept)
            if refused.index == schema.QUOTA_SEAT and window is not None and quota is not None:
                seat = free_seat(db, student.id, window, quota, booking_id)
            continue
        if changed is not None:
            return changed
    raise SlotTaken(booking.ground_id, booking.date, booking.start, booking.end, None, None)


def reinstatable_of(
    looking: unit.Unit,
    rows: Sequence[d.Document],
    known: reference.Reference,
    now: datetime,
    zone: ZoneInfo,
) -> list[Booking]:
    """Of ``rows``, the displaced ones not begun, whose slot and whose student are free.

    Without those of a ground that is retired, or of a student who left. By date and time.
    """
    asked = [
        b
        for b in (d.to_booking(row) for row in rows if _displaced(row))
        if timetable.at(b.date, b.start, zone) > now
        and b.ground_id in known.grounds
        and not known.grounds[b.ground_id].retired
        and str(b.student_id) in known.students
        and known.students[str(b.student_id)].active
    ]
    if not asked:
        return []
    dates = sorted({b.date.isoformat() for b in asked})
    taken: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for row in looking.held_on(sorted({b.ground_id for b in asked}), dates):
        taken[(row["ground_id"], row["date"])].update(row["cells"])
    students = sorted({str(b.student_id) for b in asked})
    for row in looking.of_students(students, dates):
        taken[(row["student_id"], row["date"])].update(row["cells"])
    free = [
        b
        for b in asked
        if not set(timetable.marks(b.start, b.end))
        & (
            taken[(b.ground_id, b.date.isoformat())]
            | taken[(str(b.student_id), b.date.isoformat())]
        )
    ]
    return sorted(free, key=lambda b: (b.date, b.start, b.ground_id))


def _displaced(row: d.Document) -> bool:
    """Whether a closure was the last that happened to it."""
    return bool(
        row["status"] == Status.REVOKED.value and row["history"][-1]["action"] == "displaced"
    )
