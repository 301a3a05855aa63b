"""Erasing a student who left: what is stored of the person goes, and the figures stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_core.domain import timetable
from booking_core.domain.errors import StudentStays, UnknownStudent
from booking_core.domain.model import Actor
from booking_core.domain.rules import check_may
from booking_core.domain.validation import check_id
from booking_core.storage import erasures
from booking_core.storage.access import erasure as account_erasure
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import erasure as store
from booking_core.storage.school import students
from booking_core.storage.school.changes import SchoolTransaction
from booking_core.storage.school.data import load
from booking_core.storage.school.students import BULK_SECONDS, change_students

# Longer than any verb may take: what a verb sent before the erasure is stored by then, or never.
_LATEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing a student would do.

    ``bookings`` stay for the figures; ``worded`` of these have a purpose or a reason, which goes.
    ``elsewhere`` other bookings, closures and changes mention the full name or the roll number in
    a purpose or a reason: these stay, because only a reader can tell which person they mean.
    """

    bookings: int
    worded: int
    elsewhere: int


@within_deadline(seconds=BULK_SECONDS)
def erasure_of(db: Documents, student_id: str, *, by: Actor) -> Erasure:
    """What erasing would do; writes nothing.

    Raises UnknownStudent, NotAllowed, InvalidRequest, StoreUnavailable.
    """
    student_id = check_id(student_id, "student_id")
    check_may("administer", by)
    return Erasure(*store.count_mentions(db, load(db).student(student_id)))


@within_deadline(seconds=BULK_SECONDS)
def erase_student(db: Documents, student_id: str, *, by: Actor, now: datetime | None = None) -> int:
    """Erases an inactive student with nothing booked ahead; returns how many bookings stay.

    These keep class, ground, times, game and status, under a pseudonym of this erasure; an
    imported one gets another id, because its own is made from the roll number.
    ``finish_erasures`` has to follow after five minutes. Raises StudentStays, UnknownStudent,
    NotAllowed, InvalidRequest, StoreUnavailable.
    """
    student_id = check_id(student_id, "student_id")
    check_may("administer", by)
    now, zone = moment(db, now), settings_of(db).zone
    today = now.astimezone(zone).date()
    ends = timetable.ends_ahead(today, now, zone)
    pseudonym = store.new_pseudonym()

    def work(tx: SchoolTransaction) -> int:
        student = students.find(tx, student_id)
        if student is None:
            raise UnknownStudent(student_id)
        if student.active:
            raise StudentStays(student_id)
        held = store.held_from(tx, student_id, today)
        ahead = sum(booking.date > today or booking.end in ends for booking in held)
        if ahead:
            raise StudentStays(student_id, ahead)
        students.delete(tx, student_id)
        count = store.take_out(tx, student_id, pseudonym)
        store.note(tx, student_id, pseudonym, now + _LATEST)
        details = {"class_name": student.class_name, "bookings": count}
        tx.audit(by, "erased", "student", "", details, now)
        return count

    return change_students(db, work, now, seconds=BULK_SECONDS)


@within_deadline(seconds=BULK_SECONDS)
def finish_erasures(db: Documents, *, now: datetime | None = None) -> int:
    """Takes those erased more than five minutes ago out of what came in late.

    That is a booking or a decision which was checked before the erasure and written after it, by a
    process that was paused in between or ended before it looked again; and of an account, what
    ``erase_account`` left. Returns how many bookings there were; any process may call it at any
    time. Raises InvalidRequest, StoreUnavailable.
    """
    now = moment(db, now)
    students_due = erasures.notes_due(db, erasures.STUDENT, now)
    accounts_due = erasures.notes_due(db, erasures.ACCOUNT, now)
    return sum(store.finish(db, pseudonym) for pseudonym in students_due) + sum(
        account_erasure.finish(db, pseudonym) for pseudonym in accounts_due
    )
