"""A file compared with the list of students, and applied to it."""

from __future__ import annotations

from typing import Any

import pytest
from support import ADMIN, HEAD, MEERA, NOW, at_once, audit_entry, of_type

from booking_core import (
    ChangedMeanwhile,
    NotAllowed,
    RosterPlan,
    Student,
    add_student,
    apply_roster,
    change_student,
    classes_of,
    load_reference,
    plan_roster,
    read_table,
    roll_over,
    save_student,
    set_active,
    suggest_roll_over,
)
from booking_core.school.roster import COLUMNS, WrongRow, compare
from booking_core.storage import audit_log
from booking_core.storage.client.database import Documents
from booking_core.tables.table import Row

ASHA = Student("A1", "Asha Rao", "8-A", "asha@example.org")
RAVI = Student("A2", "Ravi Das", "8-B")


def rows(*lines: str, header: str = "roll no,name,class,email") -> tuple[Row, ...]:
    text = "\n".join((header, *lines))
    return read_table(text.encode(), "list.csv", COLUMNS).rows


def students(db: Documents) -> dict[str, Student]:
    return load_reference(db).students


# The plan of a file


def test_a_plan_separates_new_changed_leaving_and_unchanged_students() -> None:
    known = {s.id: s for s in (ASHA, RAVI, Student("A3", "Uma", "9-A"))}

    plan = compare(
        rows("A1,Asha Rao,9-A,asha@example.org", "A2,Ravi Das,8-B,", "N1,Nila,8-A,n@x.org"),
        known,
        7,
    )

    assert plan == RosterPlan(
        7,
        new=(Student("N1", "Nila", "8-A", "n@x.org"),),
        changed=((ASHA, Student("A1", "Asha Rao", "9-A", "asha@example.org")),),
        leaving=(known["A3"],),
        same=(3,),
        active=3,
    )
    assert plan.unchanged == 1


def test_a_file_without_addresses_keeps_the_stored_ones() -> None:
    plan = compare(rows("A1,Asha Rao,8-A", header="id,name,class"), {"A1": ASHA}, 0)

    assert (plan.changed, plan.unchanged) == ((), 1)


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        (",Uma,8-A,", "id", "is missing"),
        ("A?,Uma,8-A,", "id", "may hold letters, digits and"),
        ("A9,,8-A,", "name", "is missing"),
        ("A9,Uma,,", "class", "is missing"),
        ("A9,Uma,8-A,no address", "email", "is no e-mail address"),
        ("A9,Uma", "class", "is missing"),
        ("A9,Uma,8-A,,,x", "the row", "has 6 columns, the header 4"),
        ("A9,Uma,2026-05-10,", "class", "is a date in cell C3 (2026-05-10)"),
        ("A9,Uma,10-May,", "class", "is a date in cell C3 (10-May)"),
        ("1.23457E+11,Uma,8-A,", "id", "is rounded in cell A3 (1.23457E+11)"),
        ("A9,Uma \u202egnp.exe,8-A,", "name", "a character that cannot be used"),
        (f"A9,{'n' * 121},8-A,", "name", "longer than 120"),
        ("N1,Nila,8-A,", "id", "N1 is in line 2 too"),
        ("n1,Nila,8-A,", "id", "n1 is in line 2 too"),
    ],
)
def test_an_invalid_row_is_named_with_its_line_its_field_and_the_reason(
    line: str, field: str, problem: str
) -> None:
    plan = compare(rows("N1,Nila,8-A,", line), {"A1": ASHA}, 0)

    [wrong] = plan.wrong
    assert (wrong.line, wrong.field) == (3, field)
    assert problem in wrong.problem
    assert [student.id for student in plan.new] == ["N1"]


def test_of_rows_for_one_student_that_differ_none_is_used() -> None:
    plan = compare(rows("N1,Nila,8-A,", "A1,Asha Rao,8-A,", "n1,Other,8-B,"), {"A1": ASHA}, 0)

    assert [(wrong.line, wrong.problem) for wrong in plan.wrong] == [
        (2, "N1 is in line 4 too, with other details"),
        (4, "n1 is in line 2 too, with other details"),
    ]
    assert (plan.new, plan.leaving) == ((), ())


def test_a_stored_roll_number_is_found_in_the_digits_of_another_script() -> None:
    known = {"101": Student("101", "Asha", "8-A"), "१०२": Student("१०२", "Ravi", "8-A")}

    plan = compare(rows("१०१,Asha,8-A,", "१०२,Ravi,8-A,", "٣,Uma,8-B,"), known, 0)

    assert (plan.same, plan.leaving) == ((2, 3), ())
    assert [student.id for student in plan.new] == ["3"]


def test_a_roll_number_in_scientific_form_is_used_if_a_student_has_it() -> None:
    known = {"1E+5": Student("1E+5", "Asha", "8-A")}

    assert compare(rows("1E+5,Asha,8-A,"), known, 0).same == (2,)


def test_an_inactive_student_neither_leaves_nor_returns_by_being_named() -> None:
    gone = Student("A1", "Asha Rao", "8-A", active=False)
    absent = Student("A2", "Ravi Das", "8-B", active=False)

    plan = compare(rows("A1,Asha Rao,9-A,"), {"A1": gone, "A2": absent}, 0)

    assert plan.changed == ((gone, Student("A1", "Asha Rao", "9-A", active=False)),)
    assert (plan.inactive, plan.leaving) == ((as_inactive(gone),), ())


def as_inactive(student: Student) -> Student:
    return Student(student.id, student.name, "9-A", active=False)


# Applying the plan


def test_a_plan_is_written_only_when_it_is_applied(db: Documents) -> None:
    before = students(db)
    plan = plan_roster(db, rows("S000,Student Zero,2-A,", "N1,Nila,8-A,"))
    assert students(db) == before

    apply_roster(db, plan, by=ADMIN, deactivate_leaving=False, now=NOW)

    known = students(db)
    assert known["S000"] == Student("S000", "Student Zero", "2-A")
    assert known["N1"] == Student("N1", "Nila", "8-A")
    assert all(student.active for student in known.values())
    entry = audit_entry(db, "imported")
    assert (entry["by"], entry["id"]) == ("admin", "")
    assert entry["details"] == {
        "new": 1,
        "changed": 1,
        "deactivated": 0,
        "unchanged": 0,
        "wrong": 0,
    }


def test_leaving_students_are_deactivated_on_request(db: Documents) -> None:
    plan = plan_roster(db, rows("S000,Student 0,1-A,"))

    apply_roster(db, plan, by=ADMIN, deactivate_leaving=True, leaving_confirmed=199)

    assert [s.id for s in students(db).values() if s.active] == ["S000"]
    assert audit_entry(db, "imported")["details"]["deactivated"] == 199


def test_invalid_rows_are_left_out(db: Documents) -> None:
    plan = plan_roster(db, rows("N1,Nila,8-A,", ",Nobody,8-A,"))

    apply_roster(db, plan, by=ADMIN, deactivate_leaving=False)

    assert plan.wrong == (WrongRow(3, "id", "is missing"),)
    assert len(students(db)) == 201


def test_a_plan_that_changes_nothing_writes_nothing(db: Documents) -> None:
    revision = load_reference(db).students_revision

    apply_roster(
        db, plan_roster(db, rows("S000,Student 0,1-A,")), by=ADMIN, deactivate_leaving=False
    )

    assert load_reference(db).students_revision == revision


def test_a_plan_of_an_outdated_list_is_refused(db: Documents) -> None:
    plan = plan_roster(db, rows("N1,Nila,8-A,"))
    save_student(db, Student("S000", "Somebody else", "3-C"))

    with pytest.raises(ChangedMeanwhile):
        apply_roster(db, plan, by=ADMIN, deactivate_leaving=True, leaving_confirmed=200)

    assert "N1" not in students(db)
    assert all(student.active for student in students(db).values())
    assert db["audit"].count_documents({"action": "imported"}) == 0


def test_of_several_confirmations_at_the_same_moment_one_is_applied(db: Documents) -> None:
    plans = [plan_roster(db, rows(f"N{n},Nila {n},8-A,")) for n in range(6)]

    outcomes = at_once(
        *[
            lambda plan=plan: apply_roster(db, plan, by=ADMIN, deactivate_leaving=False)
            for plan in plans
        ]
    )

    assert outcomes.count(None) == 1
    assert len(of_type(outcomes, ChangedMeanwhile)) == 5
    assert sum(id.startswith("N") for id in students(db)) == 1
    assert db["audit"].count_documents({"action": "imported"}) == 1


def test_an_import_that_fails_halfway_changes_nothing(
    db: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_roster(db, rows("N1,Nila,8-A,"))
    before = students(db)

    def fail(*args: Any) -> None:
        raise RuntimeError("the audit log cannot be written")

    monkeypatch.setattr(audit_log, "write", fail)
    with pytest.raises(RuntimeError, match="audit log"):
        apply_roster(db, plan, by=ADMIN, deactivate_leaving=True, leaving_confirmed=200)

    assert students(db) == before


def test_a_school_of_twenty_thousand_students_is_one_transaction(make_db: Any) -> None:
    db = make_db(school=False)
    before = load_reference(db).students_revision
    lines = rows(*(f"R{n:05d},Student {n},{n % 12 + 1}-A," for n in range(20_000)))

    apply_roster(db, plan_roster(db, lines), by=ADMIN, deactivate_leaving=False)
    roll_over(db, suggest_roll_over(classes_of(students(db).values())), by=ADMIN)

    known = students(db)
    assert len(known) == 20_000
    assert (known["R00000"].class_name, known["R00011"].active) == ("2-A", False)
    assert load_reference(db).students_revision == before + 2


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=lambda actor: actor.role.value)
def test_only_an_admin_changes_students(db: Documents, by: Any) -> None:
    before = students(db)
    plan = plan_roster(db, rows("N1,Nila,8-A,"))
    for attempt in (
        lambda: apply_roster(db, plan, by=by, deactivate_leaving=True),
        lambda: add_student(db, ASHA, by=by),
        lambda: change_student(db, before["S001"], Student("S001", "X", "2-A"), by=by),
        lambda: set_active(db, "S001", False, by=by),
        lambda: roll_over(db, {"1-A": "2-A"}, by=by),
    ):
        with pytest.raises(NotAllowed):
            attempt()

    assert students(db) == before
