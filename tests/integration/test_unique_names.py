"""Names and ids that users cannot tell apart: a unique index accepts only one of them."""

from __future__ import annotations

import unicodedata

import pytest
from support import ADMIN, DAY, GROUNDS, HOURLY, NOW, at_once, booked, of_type

from booking_core import (
    Account,
    AlreadyExists,
    Ground,
    InvalidRequest,
    Period,
    Role,
    SchemaConflict,
    Student,
    Timetable,
    UnknownStudent,
    add_account,
    add_ground,
    add_student,
    add_timetable,
    apply_roster,
    change_ground,
    connect,
    find_bookings,
    get_account,
    load_reference,
    plan_roster,
    read_table,
    save_ground,
    save_student,
    save_students,
    save_timetable,
    set_active,
)
from booking_core.operations.history_import import BOOKING_COLUMNS, import_bookings
from booking_core.school.roster import COLUMNS
from booking_core.storage.schema import schema

SPELLINGS = ["ground 9", "Ground\u00a09", "GROUND  9", "\tGround\u20099", "ground\u30009 "]
SHORT = (Period("I", HOURLY.periods[0].start, HOURLY.periods[0].end),)


def without(db, collection, *indexes):
    """Drops unique indexes, for control tests."""
    for index in indexes:
        db[collection].drop_index(index)


def names(db):
    return sorted(row["name"] for row in db["grounds"].find())


@pytest.mark.parametrize("name", ["Ground 1", *(s.replace("9", "1") for s in SPELLINGS)], ids=ascii)
def test_a_ground_with_the_name_of_another_is_refused(db, name):
    before = names(db)

    for attempt in (
        lambda: add_ground(db, name, by=ADMIN),
        lambda: save_ground(db, Ground("other", name, ("Polo",)), by=ADMIN),
        lambda: change_ground(db, "ground-2", name=name, by=ADMIN),
    ):
        with pytest.raises(InvalidRequest) as refused:
            attempt()
        assert refused.value.field == "name"
        assert refused.value.problem == "is the name of another ground"

    assert names(db) == before


def test_a_ground_can_change_the_case_of_its_own_name(db):
    change_ground(db, "ground-1", name="GROUND 1", by=ADMIN)

    assert load_reference(db).grounds["ground-1"].name == "GROUND 1"


def test_a_retired_ground_releases_its_name_and_returns_under_another(db):
    change_ground(db, "ground-1", retired=True, by=ADMIN)
    add_ground(db, "ground 1", by=ADMIN)

    with pytest.raises(InvalidRequest) as refused:
        change_ground(db, "ground-1", retired=False, by=ADMIN)
    change_ground(db, "ground-1", retired=False, name="Old ground 1", by=ADMIN)

    assert refused.value.field == "name"
    assert names(db) == ["Ground 2", "Ground 3", "Old ground 1", "ground 1"]


def test_of_parallel_additions_of_one_ground_in_several_spellings_one_succeeds(db):
    outcomes = at_once(*(lambda name=name: add_ground(db, name, by=ADMIN) for name in SPELLINGS))

    assert len(of_type(outcomes, Ground)) == 1
    assert len(of_type(outcomes, InvalidRequest)) == len(SPELLINGS) - 1
    assert len(names(db)) == len(GROUNDS) + 1


def test_without_the_index_two_grounds_have_one_name(db):
    without(db, "grounds", schema.ONE_GROUND_PER_NAME)

    outcomes = at_once(
        lambda: add_ground(db, "Ground 9", by=ADMIN), lambda: add_ground(db, "ground 9", by=ADMIN)
    )

    assert len(of_type(outcomes, Ground)) == 2


@pytest.mark.parametrize("other", ["Regular", "REGULAR", "regular\u00a0", " regular "], ids=ascii)
def test_a_timetable_with_the_name_of_another_is_refused(db, other):
    for attempt in (
        lambda: add_timetable(db, other, SHORT, by=ADMIN),
        lambda: save_timetable(db, Timetable("short", SHORT, (), other), by=ADMIN),
    ):
        with pytest.raises(InvalidRequest) as refused:
            attempt()
        assert refused.value.field == "name"

    assert db["timetables"].count_documents({}) == 1


def test_of_parallel_timetables_with_one_name_one_is_added_and_without_the_index_all(db):
    def add(name):
        return lambda: add_timetable(db, name, SHORT, by=ADMIN)

    guarded = at_once(add("Exam day"), add("exam day"), add("Exam\u00a0day"))
    without(db, "timetables", schema.ONE_TIMETABLE_PER_NAME)
    unguarded = at_once(add("Half day"), add("half day"))

    assert len(of_type(guarded, Timetable)) == 1
    assert len(of_type(unguarded, Timetable)) == 2


@pytest.mark.parametrize("id", ["s001", "S001\u00a0", " s001"], ids=ascii)
def test_a_roll_number_that_differs_only_in_case_is_refused(db, id):
    stored = db["students"].count_documents({})
    student = Student(id, "Somebody else", "1-A")

    with pytest.raises(AlreadyExists) as added:
        add_student(db, student, by=ADMIN)
    assert (added.value.what, added.value.id) == ("student", student.id)
    if student.id != "S001":
        with pytest.raises(AlreadyExists) as saved:
            save_students(db, [Student("NEW", "New", "1-A"), student])
        assert saved.value.id == student.id

    assert db["students"].count_documents({}) == stored


def test_a_roster_with_a_roll_number_added_meanwhile_in_another_case_changes_nothing(db):
    table = read_table(b"id,name,class\nn1,Nila,8-A\nn2,Anu,8-A\n", "list.csv", COLUMNS)
    plan = plan_roster(db, table.rows)
    save_student(db, Student("N2", "Anu", "8-A"))
    plan = type(plan)(load_reference(db).students_revision, plan.new)

    with pytest.raises(AlreadyExists) as refused:
        apply_roster(db, plan, by=ADMIN, deactivate_leaving=False)

    assert refused.value.id == "n2"
    assert "n1" not in load_reference(db).students


def test_of_one_roll_number_in_two_spellings_at_once_one_is_added_and_without_the_index_both(db):
    def add(id):
        return lambda: add_student(db, Student(id, "Asha", "8-A"), by=ADMIN)

    guarded = at_once(add("T1"), add("t1"))
    without(db, "students", schema.ONE_STUDENT_PER_ID)
    unguarded = at_once(add("T2"), add("t2"))

    assert len(of_type(guarded, AlreadyExists)) == 1
    assert len(of_type(unguarded, Student)) == 2


@pytest.mark.parametrize(
    "save",
    [
        lambda db: save_ground(db, Ground("Ground-1", "Another", ("Polo",))),
        lambda db: save_timetable(db, Timetable("Regular", SHORT, (), "Another")),
    ],
    ids=["ground", "timetable"],
)
def test_an_id_that_differs_only_in_case_is_taken(db, save):
    with pytest.raises(AlreadyExists):
        save(db)


def test_an_id_with_a_decomposed_accent_equals_the_composed_one(db):
    composed = "R\u00e9-1"
    decomposed = unicodedata.normalize("NFD", composed)
    save_student(db, Student(decomposed, "Zoe\u0301", "8-A"))

    booking = booked(db, student=decomposed)
    set_active(db, decomposed, False, by=ADMIN)

    assert booking.student_id == composed
    assert find_bookings(db, student_id=decomposed) == [booking]
    assert load_reference(db).students[composed] == Student(composed, "Zoé", "8-A", None, False)
    with pytest.raises(AlreadyExists):
        add_student(db, Student(decomposed, "Zoe", "8-A"), by=ADMIN)
    # Lookup of an id is case-sensitive.
    with pytest.raises(UnknownStudent):
        booked(db, student="s001", on=DAY)


def test_an_import_of_bookings_matches_names_in_any_spelling_and_ids_in_any_case(db):
    lines = [
        "ground,date,start,end,student,game,status",
        "ground\u00a01,2025-01-06,09:00,10:00,STUDENT  1,Football,Approved",
        "GROUND-2,2025-01-06,09:00,10:00,S002,Football,Approved",
        "ground-2,2025-01-06,09:00,10:00,s002,Football,Approved",
    ]
    table = read_table("\n".join(lines).encode(), "old.csv", BOOKING_COLUMNS)

    report = import_bookings(db, table, create_missing=True, now=NOW)

    [booking] = find_bookings(db)
    assert (booking.ground_id, booking.student_id) == ("ground-1", "S001")
    assert [(one.line, one.reason) for one in report.refused] == [
        (3, "ground 'GROUND-2' is on record as 'ground-2'"),
        (4, "student 's002' is on record as 'S002'"),
    ]
    assert (report.new_grounds, report.new_students) == ((), ())


def test_no_entry_of_the_audit_log_holds_a_normalised_key(db):
    add_ground(db, "Nets", ("Cricket",), by=ADMIN, now=NOW)

    for row in db["audit"].find():
        assert "_key" not in repr(row)


def older(db):
    """Removes the normalised keys, as in the documents of an earlier version."""
    for name, keys in schema.KEYED.items():
        db.command("collMod", name, validator={})
        db[name].update_many({}, {"$unset": dict.fromkeys(keys, 1)})
    db["meta"].update_one({"_id": "revision"}, {"$set": {"schema": 2}})


def test_a_database_of_an_earlier_version_gets_its_keys_and_its_indexes(db):
    add_account(db, Account("asha", "Asha", Role.STAFF))
    older(db)
    games = ["Football", "FOOTBALL", "Cri\u200bcket", "\u200b"]
    broken = {"name": "Gro\u00adund\u00a0 2", "games": games}
    db["grounds"].update_one({"_id": "ground-2"}, {"$set": broken})
    db["timetables"].update_one({}, {"$set": {"periods.0.label": "\u200eFirst"}})
    student = {"name": "\u200b", "email": "a\u200b@b.cd"}
    db["students"].update_one({"_id": "S001"}, {"$set": student})
    db["accounts"].update_one({"_id": "asha"}, {"$set": {"name": "\u202aAsha\u202c"}})

    connect(db.booking_settings).client.close()

    assert names(db) == ["Ground 1", "Ground 2", "Ground 3"]
    known = load_reference(db)
    assert known.grounds["ground-2"].games == ("Football", "Cricket")
    assert known.timetables["regular"].periods[0].label == "First"
    assert known.students["S001"] == Student("S001", "S001", "2-A", "a@b.cd")
    assert get_account(db, "asha").name == "Asha"
    with pytest.raises(InvalidRequest):
        add_ground(db, "ground 2", by=ADMIN)
    with pytest.raises(AlreadyExists):
        add_student(db, Student("s001", "Other", "1-A"), by=ADMIN)


def test_a_database_with_colliding_names_is_unchanged_and_the_names_are_listed(db):
    older(db)
    extra = db["grounds"].find_one({"_id": "ground-1"})
    db["grounds"].insert_one(extra | {"_id": "one", "name": "GRO\u200bUND\u00a01"})
    db["grounds"].insert_one(extra | {"_id": "two", "name": "ground 2", "retired": True})
    student = db["students"].find_one({"_id": "S001"})
    db["students"].insert_one(student | {"_id": "s001"})
    db["students"].insert_one(student | {"_id": "e\u0301"})

    with pytest.raises(SchemaConflict) as refused:
        connect(db.booking_settings)

    assert db["students"].count_documents({"id_key": {"$exists": True}}) == 0
    of_students = {"collection": schema.STUDENTS, "index": schema.ONE_STUDENT_PER_ID}
    assert list(refused.value.offenders) == [
        {
            "collection": schema.GROUNDS,
            "index": schema.ONE_GROUND_PER_NAME,
            "key": {"name_key": "ground 1"},
            "ids": ["ground-1", "one"],
        },
        of_students | {"key": {"_id": "e\u0301"}, "ids": ["e\u0301"]},
        of_students | {"key": {"id_key": "s001"}, "ids": ["S001", "s001"]},
    ]
