"""The rollover of all classes at the end of the school year."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from support import ADMIN, NOW, at_once, audit_entry, of_type, student_id

from booking_core import (
    ChangedMeanwhile,
    InvalidRequest,
    Student,
    classes_of,
    find_students,
    load_reference,
    roll_over,
    roll_over_plan,
    save_student,
    save_students,
    set_active,
    suggest_roll_over,
)
from booking_core.school.rollover import ClassMove
from booking_core.storage.client.database import Documents


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


@pytest.mark.parametrize(
    "mapping",
    [
        {"77-Z": "78-Z"},
        {"1-A": " "},
        {"1-A": "x" * 121},
        {"1-A": 2},
        {1: "2-A"},
        {"1-A": "2-A", "1 – a": "3-A"},
        "1-A",
    ],
)
def test_an_invalid_rollover_is_refused(db: Documents, mapping: Any) -> None:
    with pytest.raises(InvalidRequest):
        roll_over(db, mapping, by=ADMIN)


@pytest.mark.parametrize(
    "target", ["2-A\n", "2\r\n-A", "2-A\u2028B", "2\u200b-A", "\ufeff2-A", "2\u00ad-A", "2-A\u202e"]
)
def test_a_class_with_a_line_end_or_an_invisible_character_is_refused_as_a_target(
    db: Documents, target: str
) -> None:
    for verb in (roll_over_plan, partial(roll_over, by=ADMIN)):
        with pytest.raises(InvalidRequest, match="contains") as refused:
            verb(db, {"1-A": target})
        assert refused.value.field == "class_name"
    assert load_reference(db).students["S000"].class_name == "1-A"


def test_all_spellings_of_a_class_roll_over_together(make_db: Any) -> None:
    db = make_db(school=False)
    spellings = ("8-A", "8-A", "8-a", "8 - A", "8–A", "8\u2011A", "８-A")
    save_students(db, [Student(f"T{n}", "T", name) for n, name in enumerate(spellings)])
    save_students(db, [Student("N0", "N", "9 – A"), Student("L0", "L", "10-a")])

    classes = classes_of(load_reference(db).students.values())
    mapping = suggest_roll_over(classes)
    plan = roll_over_plan(db, mapping)
    roll_over(db, mapping, by=ADMIN, revision=plan.revision)

    assert classes == {"8-A": 7, "9 – A": 1, "10-a": 1}
    assert mapping == {"8-A": "9 – A", "9 – A": "10-a", "10-a": None}
    assert (plan.moving, [s.id for s in plan.leaving], plan.joined) == (8, ["L0"], ())
    known = load_reference(db).students
    assert {known[f"T{n}"].class_name for n in range(7)} == {"9 – A"}
    assert (known["N0"].class_name, known["L0"].active) == ("10-a", False)


def test_any_spelling_of_a_class_names_it_in_a_rollover(db: Documents) -> None:
    save_student(db, Student("T0", "T", "1–a"))
    mapping = {"1 - A": "Two", "3-A": "５-A", "4-A": "5 - a"}

    plan = roll_over_plan(db, mapping)
    roll_over(db, mapping, by=ADMIN, revision=plan.revision)

    assert plan.joined == ("5-A",)
    assert plan.moves[0] == ClassMove("1 - A", "Two", 21)
    known = load_reference(db).students
    assert (known["T0"].class_name, known["S000"].class_name) == ("Two", "Two")
    assert known["S002"].class_name == "５-A"


def test_a_class_that_leaves_does_so_in_all_its_spellings(db: Documents) -> None:
    save_student(db, Student("T0", "T", "10 – a"))

    plan = roll_over_plan(db, {"10-A": None})
    roll_over(db, {"10-A": None}, by=ADMIN)

    known = load_reference(db).students.values()
    assert len(plan.leaving) == 21
    assert {s.id for s in known if not s.active} == {s.id for s in plan.leaving}


def test_a_class_may_get_another_spelling_in_a_rollover(db: Documents) -> None:
    save_student(db, Student("T0", "T", "1–a"))

    roll_over(db, {"1-A": "1 A"}, by=ADMIN)
    roll_over(db, {"1 A": "1 a"}, by=ADMIN)

    known = load_reference(db).students
    assert {known[id].class_name for id in ("T0", "S000")} == {"1 a"}


def test_students_are_filtered_by_any_spelling_of_their_class(db: Documents) -> None:
    save_student(db, Student("T0", "T", "1–a"))
    known = load_reference(db)

    found = find_students(known, class_name="1 - A")

    assert len(found) == 21
    assert found == find_students(known, class_name="1–a")
    assert [s.id for s in found if s.class_name != "1-A"] == ["T0"]
    with pytest.raises(InvalidRequest):
        find_students(known, class_name="")


def test_all_spellings_of_a_class_have_one_place_in_a_list_of_students() -> None:
    students = [Student("1", "Cora", "viii – b"), Student("2", "Asha", "VIII-B")]
    students += [Student("3", "Bela", "VIII - B"), Student("4", "Anna", "9-A")]

    assert [s.name for s in find_students(students)] == ["Asha", "Bela", "Cora", "Anna"]


def test_numbers_of_other_scripts_are_raised_in_their_own_script() -> None:
    classes = ["कक्षा ८", "कक्षा ९", "الصف ٠٧", "８-A", "১ম শ্রেণি", "99"]

    assert suggest_roll_over(classes) == {
        "कक्षा ८": "कक्षा ९",
        "कक्षा ९": "कक्षा १०",
        "الصف ٠٧": "الصف ٠٨",
        "８-A": "９-A",
        "১ম শ্রেণি": "২ম শ্রেণি",
        "99": None,
    }


@pytest.mark.parametrize(
    "name",
    [
        *("6ème", "6e\u0300me", "5e", "4ème B", "3EME", "6 ème A", "5eA", "5e-2", "4è", "6ième"),
        *("1re", "1ère S", "2nde", "2de", "5ᵉ", "Classe de 6ème", "5E", "5E 2"),
    ],
)
def test_nothing_is_proposed_for_a_class_whose_number_may_go_down(name: str) -> None:
    assert suggest_roll_over([name, "7-A", "8-A"]) == {"7-A": "8-A", "8-A": None}


def test_a_section_e_is_no_french_ordinal() -> None:
    assert suggest_roll_over(["5D", "5E", "6A"]) == {"5D": "6D", "5E": "6E", "6A": None}
    assert suggest_roll_over(["5 E", "6-E", "7 East"]) == {
        "5 E": "6 E", "6-E": "7-E", "7 East": None,
    }  # fmt: skip


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
