"""Students who leave by a list: only students without any row, and many only when confirmed."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ADMIN

from booking_core import (
    ChangedMeanwhile,
    InvalidRequest,
    Student,
    apply_roster,
    load_reference,
    plan_roster,
    read_table,
    save_student,
)
from booking_core.school.roster import COLUMNS, RosterPlan, WrongRow, compare
from booking_core.storage.client.database import Documents
from booking_core.tables.table import Row

ASHA, RAVI = Student("A1", "Asha Rao", "8-A"), Student("A2", "Ravi Das", "8-B")


def rows(*lines: str) -> tuple[Row, ...]:
    text = "\n".join(("roll no,name,class,email", *lines))
    return read_table(text.encode(), "list.csv", COLUMNS).rows


def plan(*lines: str, known: tuple[Student, ...] = (ASHA, RAVI)) -> RosterPlan:
    return compare(rows(*lines), {student.id: student for student in known}, 0)


def active(db: Documents) -> list[str]:
    return sorted(s.id for s in load_reference(db).students.values() if s.active)


# Roll numbers as users type them


def test_a_roll_number_in_another_case_is_the_student_on_record() -> None:
    found = plan("a1,Asha Rao,9-A,", "a2,Ravi Das,8-B,")

    assert found.changed == ((ASHA, Student("A1", "Asha Rao", "9-A")),)
    assert (found.new, found.leaving, found.wrong, found.same) == ((), (), (), (3,))


def test_a_roll_number_in_two_spellings_is_a_duplicate_row() -> None:
    found = plan("a1,Asha Rao,8-A,", "A1,Asha Rao,8-A,", "A2,Ravi Das,8-B,")

    assert found.wrong == (WrongRow(3, "id", "A1 is in line 2 too"),)
    assert found.leaving == ()


def test_a_roll_number_in_either_normal_form_is_the_student_on_record() -> None:
    composed, decomposed = "É1", unicodedata.normalize("NFD", "É1")
    known = Student(composed, "Zoé", "8-A")

    found = plan(f"{decomposed},Zoé,8-A,", known=(known,))

    assert found.leaving == ()
    assert found.same == (2,)


# A student with a row does not leave


def test_a_student_with_an_invalid_row_does_not_leave() -> None:
    found = plan(
        "A1,,8-A,",
        "A2,Ravi Das",
        "a3,Uma,,",
        "A\u200b4,Nila,8-A,",
        "A 5,Omar,8-A,no address",
        known=(
            *(ASHA, RAVI, Student("A3", "Uma", "9-A"), Student("A4", "Nila", "8-A")),
            Student("A 5", "Omar", "8-A"),
        ),
    )

    assert len(found.wrong) == 5
    assert (found.leaving, found.unread) == ((), ())


def test_rows_without_a_readable_roll_number_are_in_the_plan() -> None:
    found = plan("A1,Asha Rao,8-A,", ",Ravi Das,8-B,", "#REF!,Uma,9-A,", "N1,Nila,,")

    assert [student.id for student in found.leaving] == ["A2"]
    assert [wrong.line for wrong in found.unread] == [3, 4]
    assert [wrong.line for wrong in found.wrong] == [3, 4, 5]


@given(
    st.lists(
        st.sampled_from(
            ["{id},Name,8-A,", "{id},,8-A,", "{id},Name", "{id},Name,8-A,x,y", "{id},"]
        ),
        min_size=6,
        max_size=6,
    ),
    st.lists(st.sampled_from([str.lower, str.upper, str.title]), min_size=6, max_size=6),
)
def test_no_student_with_a_row_leaves_however_invalid_the_row_is(
    lines: Any, spellings: Any
) -> None:
    known = tuple(Student(f"Roll {n}", "Name", "8-A") for n in range(6))

    found = plan(
        *(
            line.format(id=spell(student.id))
            for line, spell, student in zip(lines, spellings, known, strict=True)
        ),
        known=known,
    )

    assert found.leaving == ()
    assert found.new == ()


# Many students leave


@pytest.mark.parametrize(
    ("students", "leaving", "many"),
    [(200, 20, False), (200, 21, True), (3, 1, True), (5, 0, False)],
)
def test_more_than_a_tenth_of_the_active_students_count_as_many(
    students: int, leaving: int, many: bool
) -> None:
    known = [Student(f"S{n}", "Name", "8-A") for n in range(students)]
    gone = [Student(f"G{n}", "Name", "8-A", active=False) for n in range(50)]

    found = plan(
        "N1,New,8-A,",
        *(f"{student.id},Name,8-A," for student in known[leaving:]),
        known=(*known, *gone),
    )

    assert (len(found.leaving), found.active, found.many_leave) == (leaving, students, many)


@pytest.mark.parametrize("confirmed", [None, 0, 20, 22, -21, 21.5, "21", True])
def test_many_leaving_students_are_deactivated_only_with_their_number(
    db: Documents, confirmed: Any
) -> None:
    students = active(db)
    found = plan_roster(db, rows(*(f"{id},Name,8-A," for id in students[21:])))

    with pytest.raises(InvalidRequest, match="are 21 of 200 active students") as refused:
        apply_roster(db, found, by=ADMIN, deactivate_leaving=True, leaving_confirmed=confirmed)

    assert refused.value.field == "leaving"
    assert active(db) == students
    assert load_reference(db).students["S150"].name == "Student 150"

    apply_roster(db, found, by=ADMIN, deactivate_leaving=True, leaving_confirmed=21)

    assert active(db) == students[21:]


def test_few_leaving_students_need_no_number_and_are_deactivated_only_on_request(
    db: Documents,
) -> None:
    students = active(db)
    few = plan_roster(db, rows(*(f"{id},Name,8-A," for id in students[20:])))
    apply_roster(db, few, by=ADMIN, deactivate_leaving=True)
    assert active(db) == students[20:]

    nearly_all = plan_roster(db, rows("N1,New,8-A,"))
    apply_roster(db, nearly_all, by=ADMIN, deactivate_leaving=False)

    assert active(db) == ["N1", *students[20:]]


def test_the_confirmed_number_is_that_of_the_previewed_list(
    db: Documents,
) -> None:
    found = plan_roster(db, rows("N1,New,8-A,"))
    save_student(db, Student("S900", "Came meanwhile", "8-A"))

    with pytest.raises(ChangedMeanwhile):
        apply_roster(db, found, by=ADMIN, deactivate_leaving=True, leaving_confirmed=200)

    assert "N1" not in active(db)
