"""Students one by one: find, add, change, deactivate, and erase what is said of a leaver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from booking_core.domain import timetable
from booking_core.domain.clock import moment
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Booking, Student
from booking_core.domain.rules import check_may
from booking_core.domain.validation import check_id, check_limit
from booking_core.school.rollover import class_place
from booking_core.storage import booking_queries
from booking_core.storage import school_data as reference
from booking_core.storage import students as store
from booking_core.storage.database import Documents, settings_of


def find_students(
    students: Iterable[Student],
    text: str = "",
    *,
    class_name: str | None = None,
    active: bool | None = None,
) -> list[Student]:
    """Those in whose roll number, name, class or address each word of ``text`` occurs.

    By class, the lowest first, then by name.
    """
    wanted = text.casefold().split()
    found = [
        student
        for student in students
        if (class_name is None or student.class_name == class_name)
        and (active is None or student.active == active)
        and all(word in _said(student) for word in wanted)
    ]
    place = {name: class_place(name) for name in {s.class_name for s in found}}
    return sorted(found, key=lambda s: (place[s.class_name], s.name, s.id))


def _said(student: Student) -> str:
    parts = (student.id, student.name, student.class_name, student.email or "")
    return "\n".join(parts).casefold()


def add_student(
    db: Documents, student: Student, *, by: Actor, now: datetime | None = None
) -> Student:
    """Adds one student. Raises AlreadyExists, NotAllowed, InvalidRequest, StoreUnavailable."""
    if not isinstance(student, Student):
        raise InvalidRequest("student", "must be a Student")
    check_may("administer", by)
    store.insert(db, student, by, moment(now))
    return student


def change_student(
    db: Documents, before: Student, after: Student, *, by: Actor, now: datetime | None = None
) -> Student:
    """``before``, as it was shown, becomes ``after``; the roll number stays.

    Raises ChangedMeanwhile when somebody else changed it first, NotAllowed, InvalidRequest.
    """
    if not isinstance(before, Student) or not isinstance(after, Student):
        raise InvalidRequest("student", "must be a Student")
    if before.id != after.id:
        raise InvalidRequest("id", "cannot be changed: bookings bear it")
    check_may("administer", by)
    if before != after:
        store.replace(db, before, after, by, moment(now))
    return after


def set_active(
    db: Documents, student_id: str, active: bool, *, by: Actor, now: datetime | None = None
) -> Student:
    """Deactivates a student, who then cannot be booked for, or reactivates one.

    Bookings stay as they are. Raises UnknownStudent, NotAllowed, InvalidRequest, StoreUnavailable.
    """
    student_id = check_id(student_id, "student_id")
    if not isinstance(active, bool):
        raise InvalidRequest("active", "must be true or false")
    check_may("administer", by)
    return store.set_active(db, student_id, active, by, moment(now))


def bookings_ahead(
    db: Documents, student_ids: Iterable[str], *, now: datetime | None = None, limit: int = 1000
) -> list[Booking]:
    """Active bookings of these students that are not over, the next one first; 1 to 1000.

    Raises InvalidRequest, StoreUnavailable.
    """
    check_limit(limit)
    now, zone = moment(now), settings_of(db).zone
    ids = {check_id(student_id, "student_id") for student_id in student_ids}
    today = now.astimezone(zone).date()
    ends = timetable.ends_ahead(today, now, zone)
    return booking_queries.active_ahead(db, ids, today=today, ends_ahead=ends, limit=limit)


def _is_ahead(db: Documents, booking: Booking, now: datetime) -> bool:
    zone = settings_of(db).zone
    return timetable.at(booking.date, booking.end, zone, closing=True).timestamp() > now.timestamp()


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing a student would do.

    ``bookings`` stay for the figures; of these ``worded`` have a purpose or a reason, which goes.
    ``elsewhere`` is how many other bookings, closures and changes have the full name or the roll
    number in their own words: these stay, for nobody but a reader can tell whom they mean.
    """

    bookings: int
    worded: int
    elsewhere: int


def erasure_of(db: Documents, student_id: str, *, by: Actor) -> Erasure:
    """Looks only. Raises UnknownStudent, NotAllowed, InvalidRequest, StoreUnavailable."""
    student_id = check_id(student_id, "student_id")
    check_may("administer", by)
    return Erasure(*store.words_about(db, reference.load(db).student(student_id)))


def erase_student(db: Documents, student_id: str, *, by: Actor, now: datetime | None = None) -> int:
    """Erases what is said of a student who left; how many bookings stay for the figures.

    Those keep class, ground, times, game and status, and are a "Former student"'s; one that was
    imported gets another id, for its own is made from the roll number. Only of who is inactive and
    has nothing booked ahead. Raises StudentStays, UnknownStudent, NotAllowed,
    InvalidRequest, StoreUnavailable.
    """
    student_id = check_id(student_id, "student_id")
    check_may("administer", by)
    now = moment(now)
    today = now.astimezone(settings_of(db).zone).date().isoformat()
    return store.erase(db, student_id, lambda booking: _is_ahead(db, booking, now), today, by, now)
