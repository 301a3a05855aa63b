"""Book and Bookings search students with the search of the admin's list."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from booking_core import Reference, Student

STUDENTS = (
    Student("S001", "Seán O’Brien", "10-A"),
    Student("S002", "Sana Gupta", "8-A"),
    Student("S003", "Łukasz Nowak", "8-B"),
    Student("S004", "Jürgen Müller", "9-B"),
    Student("S005", "Nguyễn Văn Đức", "11-A"),
    Student("S006", "Left Already", "12-A", active=False),
    Student("S007", "Asha Rao", "8-A"),
    Student("S008", "Asha Das", "9-A"),
)


def screen(known):
    from pages.shared.components.student_box import student_box

    student_box(known, key="box", active=True, placeholder="Name, roll number or class")


@pytest.fixture
def page():
    known = Reference(students={student.id: student for student in STUDENTS})
    return AppTest.from_function(screen, args=(known,), default_timeout=30).run()


@pytest.mark.parametrize(
    ("typed", "id"),
    [
        ("obrien", "S001"),
        ("o'brien", "S001"),
        ("gupta sana", "S002"),
        ("lukasz", "S003"),
        ("muller", "S004"),
        ("nguyen", "S005"),
        ("gupts", "S002"),
        ("s007", "S007"),
    ],
)
def test_a_search_with_one_result_chooses_that_student(page, typed, id):
    page.text_input[0].input(typed).run()

    assert page.selectbox[0].value == id


def test_a_search_with_several_results_narrows_the_list(page):
    assert len(page.selectbox[0].options) == len(STUDENTS) - 1

    page.text_input[0].input("asha").run()

    assert page.selectbox[0].value is None
    assert page.selectbox[0].options == ["Asha Rao · 8-A · S007", "Asha Das · 9-A · S008"]


def test_a_choice_is_kept_during_a_search_for_another_student(page):
    page.selectbox[0].select("S002").run()

    page.text_input[0].input("asha").run()

    assert page.selectbox[0].value == "S002"
    assert len(page.selectbox[0].options) == 3
    page.text_input[0].input("left already").run()
    assert page.selectbox[0].options == ["Sana Gupta · 8-A · S002"]
