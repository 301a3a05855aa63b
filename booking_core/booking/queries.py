"""Finding bookings: the pages of the Bookings screen, the principal's queue, a student's week."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date as Date
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from booking_core.domain import timetable
from booking_core.domain.clock import clock
from booking_core.domain.errors import InvalidRequest, NotFound
from booking_core.domain.model import ACTIVE, Booking, Status
from booking_core.domain.timetable import DayPlan, fits
from booking_core.domain.validation import check_date, check_id, check_limit, check_now, check_text
from booking_core.storage import bookings as ledger
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents, settings_of
from booking_core.storage.documents import to_booking

PAGE = 50
QUEUE = 200  # of the principal's lists: more than anybody decides on in one go


def get_booking(db: Documents, booking_id: str) -> Booking:
    """The booking with its history. Raises InvalidRequest, NotFound, StoreUnavailable."""
    booking_id = str(booking_id) if isinstance(booking_id, UUID) else booking_id
    kept = ledger.read(db, check_id(booking_id, "booking_id"))
    if kept is None:
        raise NotFound("booking", booking_id)
    return to_booking(kept)


def find_bookings(
    db: Documents,
    *,
    date_from: Date | None = None,
    date_to: Date | None = None,
    ground_id: str | None = None,
    status: Status | Iterable[Status] | None = None,
    student_id: str | None = None,
    class_name: str | None = None,
    created_by: str | None = None,
    kind: str | None = "booking",
    after: Booking | None = None,
    limit: int = PAGE,
) -> list[Booking]:
    """Bookings newest first, at most ``limit`` (1 to 1000); dates are inclusive.

    ``after`` is the last booking of the page before: the next page begins behind it, found by
    index however far down it is. Raises InvalidRequest, StoreUnavailable.
    """
    condition: dict[str, Any] = {}
    if kind is not None:
        if kind not in ("booking", "closure"):
            raise InvalidRequest("kind", "must be booking or closure")
        condition["kind"] = kind
    dates: dict[str, str] = {}
    if date_from is not None:
        dates["$gte"] = check_date(date_from, "date_from").isoformat()
    if date_to is not None:
        dates["$lte"] = check_date(date_to, "date_to").isoformat()
    if date_from is not None and date_to is not None and date_from > date_to:
        raise InvalidRequest("date_to", "is before the first date")
    if dates:
        condition["date"] = dates
    for name, value in (
        ("ground_id", ground_id),
        ("student_id", student_id),
        ("created_by", created_by),
    ):
        if value is not None:
            condition[name] = check_id(value, name)
    if class_name is not None:
        condition["class_name"] = check_text(class_name, "class_name", required=True)
    if status is not None:
        condition["status"] = {"$in": _statuses(status)}
    check_limit(limit)
    if after is not None:
        if not isinstance(after, Booking):
            raise InvalidRequest("after", "must be a Booking")
        # The first half is implied by the second; it is there for the index's bounds.
        condition["created_at"] = {"$lte": after.created_at}
        condition["$or"] = [
            {"created_at": {"$lt": after.created_at}},
            {"created_at": after.created_at, "_id": {"$lt": after.id}},
        ]
    return ledger.find(db, condition, sort=[("created_at", -1), ("_id", -1)], limit=limit)


def pending_queue(db: Documents, *, limit: int = QUEUE) -> list[Booking]:
    """What waits for a decision, the oldest slot first; at most ``limit`` (1 to 1000)."""
    check_limit(limit)
    return ledger.find(
        db,
        # The kind leaves out what the system before this one may have left in the collection.
        {"status": Status.PENDING.value, "kind": "booking"},
        sort=[("date", 1), ("start", 1), ("_id", 1)],
        limit=limit,
    )


def approved_upcoming(
    db: Documents, *, now: datetime | None = None, limit: int = QUEUE
) -> list[Booking]:
    """Approved bookings that are not over, the next one first; ``limit`` from 1 to 1000."""
    check_limit(limit)
    now, zone = check_now(now) or clock(), settings_of(db).zone
    found = ledger.find(
        db,
        {
            "status": Status.APPROVED.value,
            "date": {"$gte": now.astimezone(zone).date().isoformat()},
            "kind": "booking",
        },
        sort=[("date", 1), ("start", 1), ("_id", 1)],
        limit=limit,
    )
    return [b for b in found if timetable.at(b.date, b.end, zone, closing=True) > now]


def decided_lately(db: Documents, *, limit: int = PAGE) -> list[Booking]:
    """What is not waiting any more, the latest change first; at most ``limit`` (1 to 1000)."""
    check_limit(limit)
    past = [status.value for status in Status if status is not Status.PENDING]
    return ledger.find(
        db,
        {"status": {"$in": past}, "kind": "booking"},
        sort=[("updated_at", -1), ("_id", -1)],
        limit=limit,
    )


def bookings_on(
    db: Documents, ground_id: str, from_date: Date, *, limit: int = 1000
) -> list[Booking]:
    """The active bookings of one ground on ``from_date`` and later, the next one first."""
    condition = {
        "ground_id": check_id(ground_id, "ground_id"),
        "status": {"$in": [status.value for status in ACTIVE]},
        "date": {"$gte": check_date(from_date, "from_date").isoformat()},
        "kind": "booking",
    }
    check_limit(limit)
    order = [("date", 1), ("start", 1), ("_id", 1)]
    return ledger.find(db, condition, sort=order, limit=limit)


def misfits(
    db: Documents, *, from_date: Date, plan: Callable[[Date], DayPlan] | None = None
) -> list[Booking]:
    """The active bookings of ``from_date`` and later that are no run of periods of their date.

    ``plan`` answers what a date looks like, such as that of a Calendar with a change that is not
    saved yet; None: as it is stored. Nothing is done to any of them. By date and time.
    """
    from_date = check_date(from_date, "from_date")
    of = cache(reference.load(db).plan if plan is None else plan)
    spans = ledger.spans_from(db, from_date)
    ids = [id for id, date, start, end in spans if not fits(of(date), start, end)]
    return ledger.of_ids(db, ids) if ids else []


def weeks_of(db: Documents, bookings: Iterable[Booking]) -> dict[str, list[Booking]]:
    """For each booking's id, the student's other active bookings of that week, by time."""
    bookings = list(bookings)
    found = ledger.of_weeks(db, map(_week, bookings))
    return {b.id: [other for other in found[_week(b)] if other.id != b.id] for b in bookings}


def week_of(db: Documents, student_id: str, date: Date) -> list[Booking]:
    """The student's active bookings in the ISO week of ``date``, by time.

    Those that count against the quota have a ``quota_window``.
    """
    pair = (check_id(student_id, "student_id"), _monday(check_date(date, "date")))
    return ledger.of_weeks(db, [pair])[pair]


def _week(booking: Booking) -> tuple[str, Date]:
    return str(booking.student_id), _monday(booking.date)


def _monday(date: Date) -> Date:
    return date - timedelta(days=date.weekday())


def _statuses(status: Any) -> list[str]:
    values = [status] if isinstance(status, str) else status
    if not isinstance(values, Iterable):
        raise InvalidRequest("status", "must be a Status")
    found = []
    for value in values:
        try:
            found.append(Status(value).value)
        except (ValueError, TypeError):
            raise InvalidRequest("status", f"no status {value!r}") from None
    return found
