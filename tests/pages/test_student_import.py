"""The import of students: many leaving students are confirmed by their number, few at once."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from support import ADMIN, NOW

from booking_core import Student, load_reference, save_student
from booking_core.storage.client.database import BookingDatabase
from pages.shared.auth import session
from pages.shared.components import elements


class Screen:
    """The parts of an admin's screen that the import needs."""

    is_live = True

    def __init__(self, db: BookingDatabase) -> None:
        self.db = db
        self.change, self.now = nullcontext, lambda: NOW
        self.reference = lambda: load_reference(db)


def _import(shared):  # run as a separate script, without the names of this module
    from pages.admin.imports import students, wizard

    wizard.show(shared, students.KIND)


def text_of(lines: list[str]) -> bytes:
    return "\n".join(["id,name,class", *lines]).encode()


def file_of(*lines: str) -> SimpleNamespace:
    return SimpleNamespace(file_id="f1", name="list.csv", getvalue=lambda: text_of(list(lines)))


@pytest.fixture
def opened(db: BookingDatabase, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the import with an uploaded file of these students."""

    def open_with(*lines: str) -> AppTest:
        monkeypatch.setattr(st, "file_uploader", lambda *args, **options: file_of(*lines))
        monkeypatch.setattr(elements, "action_list", lambda data, key: None)
        monkeypatch.setattr(session, "actor", lambda: ADMIN)
        page = AppTest.from_function(_import, args=(Screen(db),), default_timeout=30).run()
        assert not page.exception
        return page

    return open_with


def students_from(first: int) -> list[str]:
    return [f"S{number:03d},Student {number},{number % 10 + 1}-A" for number in range(first, 200)]


def active(db: BookingDatabase) -> int:
    return sum(student.active for student in load_reference(db).students.values())


def tick(page: AppTest, label: str) -> AppTest:
    [box] = [box for box in page.checkbox if box.label == label]
    return box.check().run()


def save(page: AppTest) -> Any:
    return page.button("admin.students.import")


def test_many_leaving_students_are_deactivated_after_their_number_is_confirmed(
    db: BookingDatabase, opened: Any
) -> None:
    page = opened(*students_from(21), "N1,New,8-A")

    page = tick(page, "Deactivate the 21 of 200 active students whom the file does not name")
    assert "21 of 200 active students leave" in page.warning[0].value
    assert save(page).disabled
    page = tick(page, "Yes, deactivate 21 students")
    assert not save(page).disabled
    save(page).click().run()

    assert not page.exception
    assert active(db) == 180
    assert not load_reference(db).students["S020"].active


def test_few_leaving_students_need_no_second_confirmation(db: BookingDatabase, opened: Any) -> None:
    page = opened(*students_from(20))

    page = tick(page, "Deactivate the 20 of 200 active students whom the file does not name")
    save(page).click().run()

    assert active(db) == 180


def test_no_confirmation_is_needed_if_no_student_is_deactivated(
    db: BookingDatabase, opened: Any
) -> None:
    page = opened("N1,New,8-A")

    assert not page.warning
    save(page).click().run()

    assert (active(db), "N1" in load_reference(db).students) == (201, True)


def test_a_list_that_changed_meanwhile_is_confirmed_again(db: BookingDatabase, opened: Any) -> None:
    page = opened("S000,Student 0,1-A")
    page = tick(page, "Deactivate the 199 of 200 active students whom the file does not name")
    page = tick(page, "Yes, deactivate 199 students")
    save_student(db, Student("S900", "Came meanwhile", "8-A"))

    save(page).click().run()

    assert active(db) == 201
    assert "changed while you looked" in page.warning[0].value
    assert [(box.label, box.value) for box in page.checkbox] == [
        ("Deactivate the 200 of 201 active students whom the file does not name", True),
        ("Yes, deactivate 200 students", False),
    ]
    assert save(page).disabled


def test_rows_without_a_readable_roll_number_are_named_before_other_students_leave(
    db: BookingDatabase, opened: Any
) -> None:
    page = opened(*students_from(2), "?,Student 0,1-A", ",Student 1,2-A")

    page = tick(page, "Deactivate the 2 of 200 active students whom the file does not name")

    assert "2 rows without a roll number that can be read (line 200, 201)" in page.warning[0].value
