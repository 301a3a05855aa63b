"""Lists of bookings: the pages of the Bookings screen, the principal's queue, a student's week."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date as Date
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from booking_core.booking.parties import party_of
from booking_core.domain import rules
from booking_core.domain.errors import InvalidRequest, NotFound
from booking_core.domain.model import Actor, Booking, BookingRequest, Party, Status
from booking_core.domain.policy import Quota
from booking_core.domain.references import start_of_id
from booking_core.domain.timetable import DayPlan, ends_ahead, iso_week
from booking_core.domain.validation import check_date, check_id, check_limit, check_text
from booking_core.school.search import find_students
from booking_core.storage.bookings import pages as booking_pages
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import writes as stored_bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

PAGE = 50
MOST_STUDENTS = 100  # that a list of bookings is read for at a time
QUEUE = 200  # bookings in a list of the principal: more than one person decides on at a time


@within_deadline
def get_booking(db: Documents, booking_id: str) -> Booking:
    """The booking with its history. Raises InvalidRequest, NotFound, StoreUnavailable."""
    booking_id = str(booking_id) if isinstance(booking_id, UUID) else booking_id
    kept = stored_bookings.read(db, check_id(booking_id, "booking_id"))
    if kept is None:
        raise NotFound("booking", booking_id)
    return kept


@within_deadline
def find_bookings(
    db: Documents,
    *,
    order: booking_pages.Order = "asked",
    after: Booking | None = None,
    limit: int = PAGE,
    now: datetime | None = None,
    **filters: Any,
) -> list[Booking]:
    """Bookings in an ``order``, at most ``limit`` (1 to 1000).

    ``order``: "asked", the newest request first; "soonest" or "latest", by date and time.
    ``after`` is the last booking of the page before: the next page begins behind it, found by index
    at any depth. ``filters``: date_from and date_to, inclusive; ground_id; status, one or several;
    student_id, one or several, at most 100; class_name, in any spelling; created_by; reference;
    kind, "booking" (the default), "closure" or None for both; when, "ahead" for slots that end
    after ``now``, or "over". Raises InvalidRequest, StoreUnavailable.
    """
    if order not in ("asked", "soonest", "latest"):
        raise InvalidRequest("order", "must be asked, soonest or latest")
    checked = _filters(db, now, **filters)
    check_limit(limit)
    if after is not None and not isinstance(after, Booking):
        raise InvalidRequest("after", "must be a Booking")
    return booking_pages.page(db, checked, order=order, after=after, limit=limit)


@within_deadline
def count_bookings(
    db: Documents, *, most: int = 200, now: datetime | None = None, **filters: Any
) -> int:
    """How many bookings the ``filters`` of ``find_bookings`` let pass.

    ``most`` + 1 (``most`` from 1 to 1000) if there are more. Raises InvalidRequest,
    StoreUnavailable.
    """
    check_limit(most)
    return booking_pages.count(db, _filters(db, now, **filters), most)


def _filters(
    db: Documents,
    now: datetime | None,
    *,
    date_from: Date | None = None,
    date_to: Date | None = None,
    ground_id: str | None = None,
    status: Status | Iterable[Status] | None = None,
    student_id: str | Iterable[str] | None = None,
    class_name: str | None = None,
    created_by: str | None = None,
    reference: str | None = None,
    kind: str | None = "booking",
    when: str | None = None,
) -> booking_pages.Filters:
    if kind not in ("booking", "closure", None):
        raise InvalidRequest("kind", "must be booking or closure")
    if when not in ("ahead", "over", None):
        raise InvalidRequest("when", "must be ahead or over")
    first = None if date_from is None else check_date(date_from, "date_from")
    last = None if date_to is None else check_date(date_to, "date_to")
    if first is not None and last is not None and first > last:
        raise InvalidRequest("date_to", "is before the first date")
    if class_name is not None:
        class_name = check_text(class_name, "class_name", required=True)
    id_start = None if reference is None else start_of_id(reference)
    if reference is not None and id_start is None:
        raise InvalidRequest("reference", "must be that of a booking, such as K2562H31")
    now, zone = moment(db, now), settings_of(db).zone
    today = now.astimezone(zone).date()
    return booking_pages.Filters(
        first=first,
        last=last,
        ground_id=None if ground_id is None else check_id(ground_id, "ground_id"),
        statuses=None if status is None else _statuses(status),
        student_ids=None if student_id is None else _student_ids(student_id),
        class_name=class_name,
        created_by=None if created_by is None else check_id(created_by, "created_by"),
        id_start=id_start,
        kind=kind,
        is_ahead=None if when is None else when == "ahead",
        today=today,
        ends_ahead=() if when is None else ends_ahead(today, now, zone),
    )


def search_filters(known: reference.Reference, text: str) -> dict[str, Any]:
    """The filters of ``find_bookings`` for ``text`` as a user types it into a search field.

    ``student_id`` with the student of that roll number, or with all that ``find_students`` finds;
    or ``reference``. Empty without a text. Raises InvalidRequest, also for too many students.
    """
    text = check_text(text, "text")
    if not text.strip():
        return {}
    found = find_students(known, text)
    of_number = [student.id for student in found if student.id.lower() == text.strip().lower()]
    if not of_number and is_reference(text.strip()):
        return {"reference": text.strip()}
    if len(found) > MOST_STUDENTS and not of_number:
        raise InvalidRequest("text", f"matches more than {MOST_STUDENTS} students")
    return {"student_id": of_number or [student.id for student in found]}


def is_reference(text: Any) -> bool:
    """Whether ``text`` has the form of the reference of a booking, in any case."""
    return start_of_id(text) is not None


def _student_ids(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Iterable):
        raise InvalidRequest("student_id", "must be text")
    ids = [check_id(one, "student_id") for one in values]
    if len(ids) > MOST_STUDENTS:
        raise InvalidRequest("student_id", f"has more than {MOST_STUDENTS} students")
    return ids


@within_deadline
def pending_queue(db: Documents, *, limit: int = QUEUE) -> list[Booking]:
    """Requests that wait for a decision, the oldest slot first; at most ``limit`` (1 to 1000)."""
    check_limit(limit)
    return booking_queries.pending(db, limit)


@within_deadline
def approved_upcoming(
    db: Documents, *, now: datetime | None = None, limit: int = QUEUE
) -> list[Booking]:
    """Approved bookings that are not over, the next one first; ``limit`` from 1 to 1000."""
    check_limit(limit)
    now, zone = moment(db, now), settings_of(db).zone
    today = now.astimezone(zone).date()
    ends = ends_ahead(today, now, zone)
    return booking_queries.approved_ahead(db, today=today, ends_ahead=ends, limit=limit)


@within_deadline
def decided_lately(db: Documents, *, limit: int = PAGE) -> list[Booking]:
    """Bookings that wait no longer, the latest change first; at most ``limit`` (1 to 1000)."""
    check_limit(limit)
    return booking_queries.decided(db, limit)


@within_deadline
def bookings_on(
    db: Documents, ground_id: str, from_date: Date, *, limit: int = 1000
) -> list[Booking]:
    """The active bookings of one ground on ``from_date`` and later, the next one first."""
    ground_id = check_id(ground_id, "ground_id")
    from_date = check_date(from_date, "from_date")
    check_limit(limit)
    return booking_queries.active_of_ground(db, ground_id, from_date, limit)


@within_deadline
def misfits(
    db: Documents, *, from_date: Date, plan: Callable[[Date], DayPlan] | None = None
) -> list[Booking]:
    """The active bookings of ``from_date`` and later that are no run of periods of their date.

    ``plan`` returns the periods of a date, such as those of a Calendar with a change that is not
    saved yet; None: as stored. Reads only. By date and time.
    """
    from_date = check_date(from_date, "from_date")
    of = cache(reference.load(db).plan if plan is None else plan)
    held = booking_queries.held_from(db, from_date)
    ids = [
        id
        for id, slot, _ in held
        if not of(slot.date).of(slot.ground_id).fits(slot.start, slot.end)
    ]
    return booking_queries.of_ids(db, ids) if ids else []


@within_deadline
def weeks_of(db: Documents, bookings: Iterable[Booking]) -> dict[str, list[Booking]]:
    """For each booking's id, the other active bookings of its students in that week, by time."""
    bookings = list(bookings)
    found = booking_queries.of_weeks(db, (pair for b in bookings for pair in _weeks(b)))

    def others(booking: Booking) -> list[Booking]:
        of_all = {other.id: other for pair in _weeks(booking) for other in found[pair]}
        of_all.pop(booking.id, None)
        rest = list(of_all.values())
        if booking.set_place is not None:  # the other grounds of its set are no other bookings
            rest = [other for other in rest if other.series != booking.series]
        return sorted(rest, key=lambda other: (other.date, other.start))

    return {booking.id: others(booking) for booking in bookings}


@within_deadline
def week_of(db: Documents, student_id: str, date: Date) -> list[Booking]:
    """The student's active bookings in the ISO week of ``date``, by time.

    Those that count against the quota have a ``quota_window``.
    """
    pair = (check_id(student_id, "student_id"), _monday(check_date(date, "date")))
    return booking_queries.of_weeks(db, [pair])[pair]


@within_deadline
def quotas_of(db: Documents, request: BookingRequest, *, by: Actor) -> list[tuple[str, Quota]]:
    """The quota in the week of ``request``: of each named student, else of the class, the team or,
    for staff, of ``by``; each with a name.

    A class, a team and staff are left out where they have no limit. Raises UnknownStudent,
    UnknownClass, UnknownTeam, StoreUnavailable.
    """
    if not isinstance(request, BookingRequest):
        raise InvalidRequest("request", "must be a BookingRequest")
    rules.check_actor(by)
    known = reference.load(db)
    party, monday = party_of(known, request), _monday(request.date)
    if party.party is Party.STUDENTS:
        held = booking_queries.of_weeks(db, [(student.id, monday) for student in party.students])
        return [
            (student.name, Quota.of(held[(student.id, monday)], known.policy))
            for student in party.students
        ]
    limit = known.policy.quota_of(party.party)
    if limit is None:
        return []
    holder, pair = party.quota_holder(by.id), iso_week(request.date)
    [taken] = stored_bookings.taken_seats(db, [(holder, pair)]).values()
    name = by.name if party.party is Party.STAFF else party.party_name
    return [(name, Quota(len(taken), limit))]


def _weeks(booking: Booking) -> list[tuple[str, Date]]:
    return [(student.id, _monday(booking.date)) for student in booking.students]


def _monday(date: Date) -> Date:
    return date - timedelta(days=date.weekday())


def _statuses(status: Any) -> list[Status]:
    values = [status] if isinstance(status, str) else status
    if not isinstance(values, Iterable):
        raise InvalidRequest("status", "must be a Status")
    found = []
    for value in values:
        try:
            found.append(Status(value))
        except (ValueError, TypeError):
            raise InvalidRequest("status", f"no status {value!r}") from None
    return found
