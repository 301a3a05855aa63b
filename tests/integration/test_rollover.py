"""The rollover of all classes at the end of the school year."""

from __future__ import annotations

from typing import Any

import pytest
from support import ADMIN, NOW, at_once, audit_entry, of_type, student_id

from booking_core import (
    ChangedMeanwhile,
    InvalidRequest,
    Student,
    classes_of,
    load_reference,
    roll_over,
    roll_over_plan,
    save_student,
    save_students,
    set_active,
    suggest_roll_over,
)
from booking_core.storage.database import Documents


def test_chains_and_swaps_of_classes_move_each_student_once(make_db: Any) -> None:
    db = make_db(school=False)
    classes = ("8-A", "9-A", "10-A", "11-X", "11-Y", "$name", "LKG")
    save_students(db, [Student(f"T{n}", "T", name) for n, name in enumerate(classes)])
    save_student(db, Student("OFF", "T", "8-A", active=False))

    mapping = {
        "8-A": "9-A",
        "9-A": "10-A",
        "10-A": None,
        "11-X": "11-Y",
        "11-Y": "11-X",
        "$name": "$class_name",
        "LKG": "LKG",
    }
    plan = roll_over_plan(db, mapping)
    roll_over(db, mapping, by=ADMIN, revision=plan.revision, now=NOW)

    known = load_reference(db).students
    assert [known[f"T{n}"].class_name for n in range(7)] == [
        "9-A", "10-A", "10-A", "11-Y", "11-X", "$class_name", "LKG",
    ]  # fmt: skip
    assert [s.id for s in known.values() if not s.active] == ["T2", "OFF"]
    assert known["OFF"].class_name == "8-A"
    assert (plan.moving, [s.id for s in plan.leaving], plan.joined) == (5, ["T2"], ())
    details = audit_entry(db, "rolled over")["details"]
    assert (details["moved"], details["deactivated"]) == (5, 1)


def test_classes_that_would_merge_are_named(db: Documents) -> None:
    plan = roll_over_plan(db, {"1-A": "2-A", "3-A": "5-A", "4-A": "5-A", "5-A": "6-B"})

    assert plan.joined == ("2-A", "5-A")


def test_a_rollover_of_an_outdated_list_is_refused(db: Documents) -> None:
    plan = roll_over_plan(db, {"1-A": "2-A"})
    set_active(db, "S001", False, by=ADMIN)

    with pytest.raises(ChangedMeanwhile):
        roll_over(db, {"1-A": "2-A"}, by=ADMIN, revision=plan.revision)

    assert load_reference(db).students["S000"].class_name == "1-A"


def test_of_two_rollovers_at_the_same_moment_one_succeeds(db: Documents) -> None:
    mapping = suggest_roll_over(classes_of(load_reference(db).students.values()))
    revision = roll_over_plan(db, mapping).revision

    outcomes = at_once(*[lambda: roll_over(db, mapping, by=ADMIN, revision=revision)] * 4)

    assert outcomes.count(None) == 1
    assert len(of_type(outcomes, ChangedMeanwhile)) == 3
    assert load_reference(db).students[student_id(0)].class_name == "2-A"


@pytest.mark.parametrize("mapping", [{"77-Z": "78-Z"}, {"1-A": " "}, {"1-A": "x" * 121}, "1-A"])
def test_an_invalid_rollover_is_refused(db: Documents, mapping: Any) -> None:
    with pytest.raises(InvalidRequest):
        roll_over(db, mapping, by=ADMIN)


def test_the_suggestion_promotes_each_class_and_lets_the_highest_leave() -> None:
    assert suggest_roll_over(["8-A", "9-A", "10-A", "LKG"]) == {
        "8-A": "9-A", "9-A": "10-A", "10-A": None,
    }  # fmt: skip
    assert suggest_roll_over(["VIII B", "IX_B", "Class I", "Exam"]) == {
        "VIII B": "IX B", "IX_B": None, "Class I": "Class II",
    }  # fmt: skip
    assert suggest_roll_over(["Class 08", "Class 09 Science", "12"]) == {
        "Class 08": "Class 09", "Class 09 Science": "Class 10 Science", "12": None,
    }  # fmt: skip
    assert suggest_roll_over([]) == {}
