"""Stored bookings of several students, as other programs may have left them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from booking_core import Booking, Decision, NamedStudent, Status
from booking_core.storage import documents
from booking_core.storage.readable import Unreadable
from booking_core.storage.school import erasure

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)


def booking(**changes) -> Booking:
    values = {
        "id": "b",
        "ground_id": "ground-1",
        "date": date(2026, 11, 24),
        "start": time(9),
        "end": time(10),
        "status": Status.PENDING,
        "student_id": "S1",
        "student_name": "Asha",
        "class_name": "9-A",
        "game": "Football",
        "purpose": "",
        "created_by": "meera",
        "created_by_name": "Meera",
        "created_at": AT,
        "updated_at": AT,
        "history": (Decision(AT, "meera", "Meera", "requested"),),
    }
    return Booking(**(values | changes))


def document(**changes):
    pair = booking(
        others=(NamedStudent("S2", "Ravi", "9-B", 1),), quota_window="2026-W48", quota_seat=0
    )
    return documents.booking_document(pair) | changes


def test_a_booking_of_two_students_is_read_as_it_was_written():
    read = documents.to_booking(document())
    assert [(s.id, s.name, s.class_name, s.seat) for s in read.students] == [
        ("S1", "Asha", "9-A", 0),
        ("S2", "Ravi", "9-B", 1),
    ]
    assert documents.booking_document(read) == document()


@pytest.mark.parametrize(
    "wrong",
    [
        {"student_id": ["S1"]},
        {"student_id": []},
        {"student_id": ["S1", 7]},
        {"student_name": "Asha"},
        {"class_name": ["9-A", "9-B", "9-C"]},
        {"quota": {"window": "2026-W48", "seat": [0]}},
        {"quota": {"window": "", "seat": [0, 1, 2]}},
        {"quota": {"window": "2026-W48", "seat": [0, True]}},
        {"party": "nobody"},
        {"party": "team"},
        {"supervisor": {"id": "meera"}},
        {"supervisor": "meera"},
        {"set_place": "first"},
    ],
)
def test_a_booking_whose_lists_do_not_agree_is_unreadable(wrong):
    with pytest.raises(Unreadable):
        documents.to_booking(document(**wrong))


def test_only_what_can_be_read_gets_the_present_names_of_its_students():
    assert documents.is_for_students(document())
    assert not documents.is_for_students(document(student_name="Asha"))
    assert not documents.is_for_students(document(student_id=["S1", 3]))
    assert not documents.is_for_students(document(party="staff"))


def test_a_closure_takes_no_seat_whatever_its_document_has():
    closure = booking(kind="closure", student_id=None, student_name="", class_name="", game="")
    stored = documents.booking_document(closure) | {"quota": {"window": "2026-W48", "seat": 0}}
    read = documents.to_booking(stored)
    assert read.quota_window is None
    assert "quota" not in documents.booking_document(read)


@pytest.mark.parametrize(
    ("ids", "names"),
    [("S1", "Asha"), (["S1"], "Asha"), (["S1", "S2"], ["Asha", "Ravi"])],
)
def test_an_erased_student_leaves_no_name(ids, names):
    classes = ["9-A", "9-B"] if isinstance(names, list) else "9-A"
    seat = [0, 1] if isinstance(names, list) else 0
    row = document(student_id=ids, student_name=names, class_name=classes)
    row |= {"quota": {"window": "2026-W48", "seat": seat}}
    after = erasure.without_student(row, "S1", "former-1")
    assert "Asha" not in str(after)
    assert "S1" not in str(after)
    assert ("Ravi" in str(after)) == isinstance(names, list)
