"""Students one by one, or as a list: add, change, deactivate, and look for what they have booked.

Bookings that begin after a change show the new name and class; others keep the old ones.
In ``save_student`` and ``save_students``, ``by`` None means that no account acts: the command line
or a script.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime

from booking_core.domain import timetable
from booking_core.domain.errors import ChangedMeanwhile, InvalidRequest, UnknownStudent
from booking_core.domain.model import Actor, Booking, Student
from booking_core.domain.rules import check_may
from booking_core.domain.validation import check_id, check_limit
from booking_core.school.administration import check_admin
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import students as store
from booking_core.storage.school.changes import SchoolTransaction
from booking_core.storage.school.students import BULK_SECONDS, change_students


@within_deadline
def save_student(
    db: Documents, student: Student, *, by: Actor | None = None, now: datetime | None = None
) -> Student:
    """Adds or replaces a student. Raises as ``save_students`` does."""
    save_students(db, [student], by=by, now=now)
    return student


@within_deadline(seconds=BULK_SECONDS)
def save_students(
    db: Documents,
    students: Iterable[Student],
    *,
    by: Actor | None = None,
    now: datetime | None = None,
) -> None:
    """Adds or replaces students, all of them or none.

    Raises AlreadyExists for a roll number that differs from another's in capitals only,
    InvalidRequest, NotAllowed, StoreUnavailable.
    """
    if isinstance(students, str) or not isinstance(students, Iterable):
        raise InvalidRequest("students", "must be a list of Student")
    students = list(students)
    for student in students:
        if not isinstance(student, Student):
            raise InvalidRequest("student", "must be a Student")
    check_admin(by)
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        store.put(tx, students)
        # How many, and no roll number: what is stored of a person must be erasable.
        tx.audit(by, "saved", "students", "", {"count": len(students)}, now)

    if students:
        change_students(db, work, now, seconds=BULK_SECONDS)


@within_deadline
def add_student(
    db: Documents, student: Student, *, by: Actor, now: datetime | None = None
) -> Student:
    """Adds one student.

    Raises AlreadyExists, also for a roll number that differs from another's in capitals only,
    NotAllowed, InvalidRequest, StoreUnavailable.
    """
    _check_student(student)
    check_may("administer", by)
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Student:
        store.insert(tx, student)
        tx.audit(by, "added", "student", "", {"class_name": student.class_name}, now)
        return student

    return change_students(db, work, now)


@within_deadline
def change_student(
    db: Documents, before: Student, after: Student, *, by: Actor, now: datetime | None = None
) -> Student:
    """``before``, as it was shown, becomes ``after``; the roll number stays.

    Raises ChangedMeanwhile where the stored student differs from ``before`` by now, NotAllowed,
    InvalidRequest, StoreUnavailable.
    """
    _check_student(before)
    _check_student(after)
    if before.id != after.id:
        raise InvalidRequest("id", "cannot be changed: bookings bear it")
    check_may("administer", by)
    now = moment(db, now)
    details = {
        "class_name": after.class_name,
        "fields": [
            field.name
            for field in fields(Student)
            if getattr(before, field.name) != getattr(after, field.name)
        ],
    }

    def work(tx: SchoolTransaction) -> Student:
        if not store.replace(tx, before, after):
            raise ChangedMeanwhile("this student")
        tx.audit(by, "changed", "student", "", details, now)
        return after

    return after if before == after else change_students(db, work, now)


@within_deadline
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
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Student:
        before = store.find(tx, student_id)
        if before is None:
            raise UnknownStudent(student_id)
        if before.active == active:
            return before
        store.set_active(tx, [student_id], active)
        action = "reactivated" if active else "deactivated"
        tx.audit(by, action, "student", "", {"class_name": before.class_name}, now)
        return Student(before.id, before.name, before.class_name, before.email, active)

    return change_students(db, work, now)


def _check_student(student: Student) -> None:
    if not isinstance(student, Student):
        raise InvalidRequest("student", "must be a Student")


@within_deadline
def bookings_ahead(
    db: Documents, student_ids: Iterable[str], *, now: datetime | None = None, limit: int = 1000
) -> list[Booking]:
    """Active bookings of these students that are not over, the next one first, at most ``limit``.

    Raises InvalidRequest, StoreUnavailable.
    """
    check_limit(limit)
    now, zone = moment(db, now), settings_of(db).zone
    if isinstance(student_ids, str) or not isinstance(student_ids, Iterable):
        raise InvalidRequest("student_ids", "must be a list of roll numbers")
    ids = {check_id(student_id, "student_id") for student_id in student_ids}
    today = now.astimezone(zone).date()
    ends = timetable.ends_ahead(today, now, zone)
    return booking_queries.active_ahead(db, ids, today=today, ends_ahead=ends, limit=limit)
