"""Changes of single students."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support import ADMIN, MEERA, NOW, audit_entry, booked

from booking_core import (
    AlreadyExists,
    ChangedMeanwhile,
    InvalidRequest,
    Student,
    StudentInactive,
    UnknownStudent,
    add_student,
    bookings_ahead,
    cancel,
    change_student,
    find_students,
    load_reference,
    set_active,
)
from booking_core.storage.client.database import Documents

ASHA = Student("A1", "Asha Rao", "8-A", "asha@example.org")
RAVI = Student("A2", "Ravi Das", "8-B")


def students(db: Documents) -> dict[str, Student]:
    return load_reference(db).students


def test_a_student_is_added_once(db: Documents) -> None:
    add_student(db, ASHA, by=ADMIN)

    with pytest.raises(AlreadyExists) as caught:
        add_student(db, Student("A1", "Other", "9-A"), by=ADMIN)

    assert (caught.value.what, caught.value.id) == ("student", "A1")
    assert students(db)["A1"] == ASHA


def test_a_change_of_an_outdated_student_is_refused(db: Documents) -> None:
    seen = students(db)["S001"]
    change_student(db, seen, Student("S001", "Student 1", "9-Z"), by=ADMIN)

    with pytest.raises(ChangedMeanwhile):
        change_student(db, seen, Student("S001", "Student One", "2-A"), by=ADMIN)

    assert students(db)["S001"].class_name == "9-Z"
    assert audit_entry(db, "changed")["details"] == {"class_name": "9-Z", "fields": ["class_name"]}


def test_the_roll_number_cannot_be_changed(db: Documents) -> None:
    with pytest.raises(InvalidRequest, match="id: cannot be changed"):
        change_student(db, students(db)["S001"], Student("S999", "Student 1", "2-A"), by=ADMIN)


def test_a_deactivated_student_keeps_bookings_and_gets_no_new_ones(db: Documents) -> None:
    booking = booked(db, student=1)
    ended = cancel(db, booked(db, student=1, start=12).id, by=MEERA, now=NOW)

    ahead = bookings_ahead(db, ["S001", "S002"], now=NOW)
    set_active(db, "S001", False, by=ADMIN, now=NOW)

    assert [found.id for found in ahead] == [booking.id]
    assert ended.status.value == "Cancelled"
    assert bookings_ahead(db, ["S001"], now=NOW) == ahead
    assert bookings_ahead(db, ["S001"], now=NOW + timedelta(days=2)) == []
    with pytest.raises(StudentInactive):
        booked(db, student=1, start=14)
    set_active(db, "S001", True, by=ADMIN, now=NOW)
    assert booked(db, student=1, start=14).student_id == "S001"


def test_deactivating_twice_is_one_entry_of_the_audit_log(db: Documents) -> None:
    set_active(db, "S001", False, by=ADMIN)
    set_active(db, "S001", False, by=ADMIN)

    assert audit_entry(db, "deactivated")["details"] == {"class_name": "2-A"}


def test_an_unknown_student_cannot_be_deactivated(db: Documents) -> None:
    with pytest.raises(UnknownStudent):
        set_active(db, "S999", False, by=ADMIN)


def test_a_change_of_one_student_renews_the_search_index_and_reads_no_other_anew(
    db: Documents,
) -> None:
    before = load_reference(db)
    seen = before.students["S001"]
    assert find_students(before, "changed") == []
    index = before.of_students("search", lambda students, earlier: earlier)

    change_student(db, seen, replace(seen, name="Changed Name"), by=ADMIN)

    after = load_reference(db)
    assert [s.id for s in find_students(after, "changed")] == ["S001"]
    renewed = after.of_students("search", lambda students, earlier: earlier)
    assert renewed.first_part is index.first_part
    others = after.students.keys() - {"S001"}
    assert others
    assert all(after.students[id] is before.students[id] for id in others)
