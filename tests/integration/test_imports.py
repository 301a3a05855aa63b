"""Students and past bookings from files, into a real database."""

from __future__ import annotations

import json
import time as clock
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from support import ADMIN, DAY, MEERA, NOW, assert_sound, at_once, booked, close_one, request_for

from booking_core import (
    Ground,
    Status,
    Student,
    day_board,
    find_bookings,
    load_reference,
    save_ground,
    save_student,
)
from booking_core.operations.history_import import (
    BOOKING_COLUMNS,
    STUDENT_COLUMNS,
    import_bookings,
    import_students,
)
from booking_core.operations.import_lines import Report, RowRemark
from booking_core.storage.client.database import Documents
from booking_core.storage.schema import schema
from booking_core.tables.table import Table, read_table

HEADER = "ground,date,start,end,student,game,status"


def reasons(found: list[RowRemark]) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in found]


def table(*lines: str) -> Table:
    return read_table("\n".join((HEADER, *lines)).encode(), "old.csv", BOOKING_COLUMNS)


def imported(db: Documents, *lines: str, **options: Any) -> Report:
    return import_bookings(db, table(*lines), now=NOW, **options)


def students(text: str) -> Table:
    return read_table(text.encode(), "students.csv", STUDENT_COLUMNS)


# Students


def test_students_are_added_changed_or_left_unchanged(db: Documents) -> None:
    save_student(db, Student("S900", "Asha Rao", "8-A", "asha@example.org", active=False))

    report = import_students(
        db, students("id,name,class\nS900,Asha Rao,9-A\nS000,Student 0,1-A\nS901,Ravi Das,8-B\n")
    )

    assert (report.added, report.changed, report.refused) == (1, 1, [])
    assert reasons(report.skipped) == [(3, "already on record")]
    known = load_reference(db).students
    assert known["S900"] == Student("S900", "Asha Rao", "9-A", "asha@example.org", active=False)
    assert known["S901"] == Student("S901", "Ravi Das", "8-B")


def test_an_invalid_student_line_is_refused_with_its_reason(db: Documents) -> None:
    report = import_students(
        db,
        students(
            "id,name,class,email,active\n"
            "S900,Asha Rao,8-A,,\n"
            "S900,Asha Rao,8-A,,\n"
            "S900,Other,8-A,,\n"
            ",Nobody,8-A,,\n"
            "S902,Ravi,8-A,not an address,\n"
            "S903,Ravi,8-A,,perhaps\n"
            "S904,Ravi\n"
        ),
    )

    assert (report.added, reasons(report.skipped)) == (0, [])
    assert reasons(report.refused) == [
        (2, "id S900 is in line 3 too, with other details"),
        (3, "id S900 is in line 2 too, with other details"),
        (4, "id S900 is in line 2 too, with other details"),
        (5, "id is missing"),
        (6, "email is no e-mail address"),
        (7, "active must be yes or no"),
        (8, "class is missing"),
    ]


def test_a_dry_run_of_students_changes_nothing(db: Documents) -> None:
    report = import_students(db, students("id,name,class\nS900,Asha,8-A\n"), dry_run=True)

    assert report.added == 1
    assert "S900" not in load_reference(db).students


# Bookings


def test_imported_history_needs_no_rules_and_no_periods(db: Documents) -> None:
    report = imported(db, "ground-1,2020-03-01,6:15,07:45,S001,Kabaddi,approved")

    [booking] = find_bookings(db)
    assert (report.added, report.refused) == (1, [])
    assert (booking.date, booking.status) == (date(2020, 3, 1), Status.APPROVED)
    assert (booking.student_name, booking.class_name) == ("Student 1", "2-A")
    assert [(entry.action, entry.by_name) for entry in booking.history] == [("imported", "Import")]
    assert booking.created_at < NOW == booking.updated_at


def test_an_import_run_twice_adds_nothing_the_second_time(db: Documents) -> None:
    lines = [
        f"ground-1,2025-01-{day:02d},09:00,10:00,S00{day % 10},Football,{status.value}"
        for day in range(1, 25)
        for status in (Status.APPROVED, Status.CANCELLED)
    ]

    first, second = imported(db, *lines), imported(db, *lines)

    assert (first.added, first.skipped, first.refused) == (48, [], [])
    assert (second.added, second.refused) == (0, [])
    assert reasons(second.skipped) == [(2 + n, "already imported") for n in range(48)]


def test_a_booking_whose_id_an_earlier_version_made_from_the_text_of_the_file_is_not_added_again(
    db: Documents,
) -> None:
    game = "Table\u00a0 Tennis"
    line = f"ground-1,2026-01-05,9:00,10:00,S001,{game},Cancelled"
    # The first version kept the inner spaces of a game, also in what it made the id from.
    content = ["ground-1", "2026-01-05", "09:00", "10:00", "S001", game, "Cancelled"]
    imported(db, line)
    stored = db[schema.BOOKINGS].find_one_and_delete({})
    assert stored is not None
    id = str(uuid5(UUID("0d0f6b2c-6a55-5b0c-8f0e-0c1a7f6f3e42"), json.dumps(content)))
    db[schema.BOOKINGS].insert_one(stored | {"_id": id})

    again = imported(db, line)

    assert (again.added, reasons(again.skipped)) == (0, [(2, "already imported")])
    assert [row["_id"] for row in db[schema.BOOKINGS].find()] == [id]


def test_an_id_that_an_earlier_version_made_counts_in_every_spelling_on_record(
    db: Documents,
) -> None:
    line = "ground-1,2026-01-05,9:00,10:00,S001,{},Cancelled"
    content = ["ground-1", "2026-01-05", "09:00", "10:00", "S001", "FOOTBALL", "Cancelled"]
    imported(db, line.format("FOOTBALL"))
    stored = db[schema.BOOKINGS].find_one_and_delete({})
    assert stored is not None
    id = str(uuid5(UUID("0d0f6b2c-6a55-5b0c-8f0e-0c1a7f6f3e42"), json.dumps(content)))
    db[schema.BOOKINGS].insert_one(stored | {"_id": id, "game": "FOOTBALL"})

    again = imported(db, line.format("Football"))

    assert (again.added, reasons(again.skipped)) == (0, [(2, "already imported")])


def test_a_game_in_two_spellings_is_imported_once_as_the_ground_spells_it(db: Documents) -> None:
    line = "{},2026-01-05,9:00,10:00,S001,{},Cancelled"

    first = imported(db, line.format("ground-1", "FOOTBALL"), line.format("ground-1", "football"))
    again = imported(db, line.format("Ground 1", "Football"))
    later = imported(db, line.format("ground-1", "Ｆｏｏｔｂａｌｌ"))
    save_ground(db, Ground("ground-1", "Ground 1", ("FootBall",)))
    respelled = imported(db, line.format("ground-1", "FOOTBALL"))

    assert (first.added, reasons(first.skipped)) == (1, [(3, "same as line 2")])
    for report in (again, later, respelled):
        assert (report.added, reasons(report.skipped)) == (0, [(2, "already imported")])
    assert [booking.game for booking in find_bookings(db)] == ["Football"]


def test_a_created_ground_has_each_game_once_in_the_first_spelling(db: Documents) -> None:
    report = imported(
        db,
        "Old field,2019-01-07,09:00,10:00,S001,Kho-kho,Approved",
        "Old field,2019-01-07,10:00,11:00,S001,KHO-KHO,Approved",
        "Old field,2019-01-07,11:00,12:00,S001,kho – kho,Approved",
        "Old field,2019-01-07,12:00,13:00,S001,Football,Approved",
        create_missing=True,
    )

    assert (report.added, report.refused) == (4, [])
    assert load_reference(db).ground("old-field").games == ("Kho-kho", "Football")
    assert {booking.game for booking in find_bookings(db)} == {"Kho-kho", "Football"}


def test_the_same_booking_named_by_id_and_by_name_is_one(db: Documents) -> None:
    report = imported(
        db,
        "ground-1,2025-01-06,09:00,10:00,S001,Football,Approved",
        "Ground 1,2025-01-06,9:00,10:00,Student 1,Football,APPROVED",
    )

    assert report.added == 1
    assert reasons(report.skipped) == [(3, "same as line 2")]


def test_an_imported_booking_in_conflict_is_refused_and_names_the_holder(
    db: Documents,
) -> None:
    booked(db, student=1)
    report = imported(
        db,
        "ground-1,2026-11-24,09:30,10:30,S002,Football,Approved",
        "ground-2,2026-11-24,09:30,10:30,S001,Football,Pending",
        "ground-1,2026-11-24,09:00,10:00,S002,Football,Rejected",
        "ground-3,2026-11-24,09:00,10:00,S003,Volleyball,Approved",
        "ground-3,2026-11-24,09:45,10:00,S004,Volleyball,Pending",
    )

    assert report.added == 2
    assert reasons(report.refused) == [
        (2, "the slot is held by Student 1, 09:00-10:00 (Pending)"),
        (3, "Student 1 is on ground-1 then (09:00-10:00)"),
        (6, "the slot is held by Student 3, 09:00-10:00 (Approved)"),
    ]
    assert_sound(db)


def test_a_booking_of_a_closed_slot_is_refused_with_the_reason(db: Documents) -> None:
    wanted = request_for()
    close_one(
        db,
        ground_id="ground-1",
        date=DAY,
        start=wanted.start,
        end=wanted.end,
        reason="Rain",
        by=ADMIN,
        now=NOW,
    )

    report = imported(db, f"ground-1,{DAY},09:00,10:00,S001,Football,Approved")

    assert reasons(report.refused) == [
        (2, "the slot is held by a closure (Rain), 09:00-10:00 (Approved)")
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ground-9,2025-01-06,09:00,10:00,S001,Football,Approved", "ground 'ground-9' is not on"),
        ("ground-1,2025-01-06,09:00,10:00,S999,Football,Approved", "student 'S999' is not on"),
        (",2025-01-06,09:00,10:00,S001,Football,Approved", "ground is missing"),
        ("ground-1,06/13/2025,09:00,10:00,S001,Football,Approved", "date '06/13/2025' is not"),
        ("ground-1,1999-01-06,09:00,10:00,S001,Football,Approved", "date is not between"),
        ("ground-1,2025-01-06,9 am,10:00,S001,Football,Approved", "start '9 am' is not like"),
        ("ground-1,2025-01-06,09:00,25:00,S001,Football,Approved", "end '25:00' is not like"),
        ("ground-1,2025-01-06,09:12,10:00,S001,Football,Approved", "start is not on a 5-minute"),
        ("ground-1,2025-01-06,10:00,09:00,S001,Football,Approved", "end is not after the start"),
        ("ground-1,2025-01-06,09:00,10:00,S001,,Approved", "game is missing"),
        ("ground-1,2025-01-06,09:00,10:00,S001,Football,Maybe", "status 'Maybe' is none of"),
        ("ground-1,2025-01-06,09:00", "end '' is not like 09:15"),
        ("ground-1,2025-01-06,09:00,,,,,,,x", "the row has 10 columns, the header 7"),
    ],
)
def test_an_invalid_booking_line_is_refused_with_its_reason(
    db: Documents, line: str, reason: str
) -> None:
    report = imported(db, line, "ground-1,2025-02-03,23:00,24:00,S001,Football,Approved")

    assert report.added == 1
    [(number, found)] = reasons(report.refused)
    assert number == 2
    assert found.startswith(reason)


def test_an_ambiguous_name_is_refused_with_the_ids(db: Documents) -> None:
    save_student(db, Student("S900", "Student 1", "8-A"))

    report = imported(db, "Ground 1,2025-01-06,09:00,10:00,Student 1,Football,Approved")

    assert reasons(report.refused) == [
        (2, "student 'Student 1' is the name of 2 on record (S001, S900)")
    ]


def test_missing_grounds_and_students_are_created_on_request(db: Documents) -> None:
    report = imported(
        db,
        "Old field,2019-01-07,09:00,10:00,Ravi Das,Kho-kho,Approved",
        "Old field,2019-01-07,10:00,11:00,S950,Football,Approved",
        "Old field,2019-01-07,11:00,12:00,S950,Kho-kho,Cancelled",
        f"Other field,2019-01-07,11:00,12:00,{'n' * 121},Kho-kho,Cancelled",
        create_missing=True,
    )

    known = load_reference(db)
    assert report.added == 3
    assert (report.new_grounds, report.new_students) == (("Old field",), ("Ravi Das", "S950"))
    assert known.ground("old-field") == Ground("old-field", "Old field", ("Kho-kho", "Football"), 4)
    assert known.student("ravi-das") == Student("ravi-das", "Ravi Das", "Unknown")
    assert known.student("S950").name == "S950"
    [(line, problem)] = reasons(report.refused)
    assert (line, problem.startswith("student is longer than")) == (5, True)


def test_a_created_student_keeps_the_name_and_is_found_by_it(db: Documents) -> None:
    lines = (
        "ground-1,2019-01-07,09:00,10:00,O'Brien,Football,Approved",
        'ground-1,2019-01-07,10:00,11:00,"Rao, Asha",Football,Approved',
        "ground-1,2019-01-07,11:00,12:00,o'brien,Football,Approved",
    )

    report = imported(db, *lines, create_missing=True)
    again = imported(db, *lines, create_missing=True)

    known = load_reference(db).students
    assert (report.added, again.added, len(again.skipped)) == (3, 0, 3)
    assert report.new_students == ("O'Brien", "Rao, Asha")
    assert (known["o-brien"].name, known["rao-asha"].name) == ("O'Brien", "Rao, Asha")


def test_dates_are_read_in_the_order_of_the_school_and_as_serial_numbers(db: Documents) -> None:
    report = imported(
        db,
        "ground-1,07/01/2019,09:00,10:00,S001,Football,Approved",
        "ground-1,43473,10:00,11:00,S001,Football,Approved",
        "ground-1,٢٠١٩-٠١-٠٩,١١:٠٠,24:00,S001,Football,Approved",
    )

    assert report.refused == []
    assert sorted(booking["date"] for booking in db["bookings"].find()) == [
        "2019-01-07",
        "2019-01-08",
        "2019-01-09",
    ]


def test_a_created_ground_takes_no_id_of_another_ground(db: Documents) -> None:
    save_ground(db, Ground("old-field", "The old field", ("Football",)))

    imported(db, "Old field,2019-01-07,09:00,10:00,S001,Kho-kho,Approved", create_missing=True)

    assert load_reference(db).ground("old-field-2").name == "Old field"


def test_a_dry_run_predicts_the_import_and_changes_nothing(db: Documents) -> None:
    booked(db, student=1)
    lines = (
        "ground-1,2026-11-24,09:30,10:30,S002,Football,Approved",
        "ground-2,2025-01-06,09:00,10:00,S002,Football,Approved",
        "ground-2,2025-01-06,09:30,10:00,S003,Football,Approved",
        "ground-3,2025-01-06,09:30,10:00,S002,Football,Approved",
        "New one,2025-01-06,09:00,10:00,S005,Football,Approved",
    )
    before = list(db[schema.BOOKINGS].find())

    predicted = imported(db, *lines, dry_run=True, create_missing=True)

    assert list(db[schema.BOOKINGS].find()) == before
    assert len(load_reference(db).grounds) == 3
    assert predicted.added == 2
    assert predicted == imported(db, *lines, create_missing=True)


def test_two_imports_of_one_file_at_once_add_it_once(db: Documents) -> None:
    lines = [f"ground-1,2024-{m:02d}-{n:02d},09:00,10:00,S001,Football,Approved"
             for m in range(1, 13) for n in range(1, 29)]  # fmt: skip

    reports = at_once(*[lambda: imported(db, *lines)] * 3)

    assert sum(report.added for report in reports) == len(lines)
    assert [report.refused for report in reports] == [[], [], []]
    assert db[schema.BOOKINGS].count_documents({}) == len(lines)


def test_an_imported_booking_of_a_later_day_holds_its_slot_on_the_board(db: Documents) -> None:
    imported(db, "ground-1,2026-11-24,09:00,10:00,S001,Football,Approved")

    board = day_board(db, date(2026, 11, 24), NOW)

    [held] = board.bookings
    assert held.student_name == "Student 1"
    assert held.created_at == NOW
    assert held.created_by != MEERA.id


def test_ten_thousand_bookings_take_little_processor_time_and_report_their_progress(
    db: Documents,
) -> None:
    first = date(2015, 1, 1)
    lines = [
        f"ground-{1 + n % 3},{first + timedelta(days=n // 30)},{8 + n % 30 // 3:02d}:00,"
        f"{9 + n % 30 // 3:02d}:00,S{n % 200:03d},Football,Approved"
        for n in range(10_000)
    ]
    done: list[int] = []
    began = clock.process_time()  # elapsed time depends on the load of the machine

    report = imported(db, *lines, progress=done.append)

    assert (report.added, report.refused) == (10_000, [])
    assert sum(done) == 10_000
    assert len(done) > 10
    assert clock.process_time() - began < 15
