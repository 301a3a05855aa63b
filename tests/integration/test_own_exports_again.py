"""Our own exports are read as they were written; workbooks with dates of both epochs too."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from support import assert_sound, booked
from workbook_files import saved

from booking_core import (
    Student,
    Team,
    find_bookings,
    read_table,
    save_student,
    save_team,
)
from booking_core.insight.exports import export_bookings, to_csv, to_xlsx
from booking_core.operations.history_import import BOOKING_COLUMNS, import_bookings
from booking_core.storage.client.database import Documents

MakeDatabase = Callable[..., Documents]
HEADER = ["Ground", "Date", "Start", "End", "Student", "Game", "Status"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_an_export_of_bookings_is_read_as_it_was_written(db: Documents, ending: str) -> None:
    made = booked(db, student=1, purpose="=1+1; “match”, 'final'")
    table = export_bookings(db)
    data = to_csv(table) if ending == "csv" else to_xlsx(table)

    [row] = read_table(data, f"bookings.{ending}", BOOKING_COLUMNS).rows

    fields = (*BOOKING_COLUMNS, "purpose", "class")
    assert {name: row.values[name] for name in fields} == {
        "ground": "Ground 1",
        "date": made.date.isoformat(),
        "start": "09:00",
        "end": "10:00",
        "student": "Student 1",
        "game": made.game,
        "status": made.status.value,
        "purpose": made.purpose,
        "class": made.class_name,
    }


PEOPLE = {
    "one student": {"student": 1},
    "several students": {"student_ids": ("S001", "S002", "S003")},
    "names with commas": {"student_ids": ("S004", "S005")},
    "a class": {"class_name": "2-A"},
    "a team": {"team_id": "u14"},
    "staff": {"for_staff": True},
}


@pytest.mark.parametrize("people", PEOPLE.values(), ids=PEOPLE)
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_party_comes_back_from_an_export(
    make_db: MakeDatabase, people: dict[str, Any], ending: str
) -> None:
    first, second = make_db(quota=5), make_db(quota=5)
    for db in (first, second):
        save_team(db, Team(id="u14", name="U14 girls", class_name="8-B"))
        for id, name in (("S004", "Rao, Asha"), ("S005", "O'Brien, Tom")):
            save_student(db, Student(id, name, "8-B"))
    made = booked(first, **people)
    table = export_bookings(first)
    data = to_csv(table) if ending == "csv" else to_xlsx(table)

    for skipped in (0, 1):
        read = read_table(data, f"bookings.{ending}", BOOKING_COLUMNS)
        report = import_bookings(second, read)
        assert (len(report.refused), len(report.skipped)) == (0, skipped)

    [stored] = find_bookings(second)
    assert (stored.slot, stored.party, stored.student_ids) == (
        made.slot,
        made.party,
        made.student_ids,
    )
    assert (stored.class_name, stored.team_id) == (made.class_name, made.team_id)
    if made.student_ids:
        assert [student.seat for student in stored.students] == [0] * len(stored.students)
    assert_sound(second)


@pytest.mark.parametrize(
    ("party", "student", "reason"),
    [
        ("guests", "S001", "party 'guests' is none of students, class, team, staff"),
        ("team", "U15", "team 'U15' is not on record"),
        ("students", "S001, S001", "student is named twice"),
        ("", "S001, Nobody", "student 'Nobody' is not on record"),
        ("", "S001, Twin", "student 'Twin' is the name of 2 on record"),
        ("", "S001" + ", S002" * 40, "student "),
        ("", ", ".join(f"S{n:03}" for n in range(13)), "student names more than 12"),
        ("", ", ".join(f"nobody {n}" for n in range(30)), "student "),
        ("Students", "", "student is missing"),
        ("Class", "S001", "class is missing"),
        ("team", "", "team is missing"),
    ],
)
def test_a_party_that_cannot_be_read_is_refused_by_name(
    db: Documents, party: str, student: str, reason: str
) -> None:
    for id in ("T1", "T2"):
        save_student(db, Student(id, "Twin", "8-B"))
    row = f'ground-1,2020-01-06,09:00,10:00,"{student}",Football,Approved,{party}'
    data = f"{','.join(HEADER)},For\n{row}\n".encode()

    for create_missing in (False, True):
        table = read_table(data, "old.csv", BOOKING_COLUMNS)
        report = import_bookings(db, table, dry_run=True, create_missing=create_missing)
        if create_missing and "nobody" in student:
            continue  # the text may be the name of one student who is made
        [refused] = report.refused
        assert refused.reason.startswith(reason)
        assert not report.new_students


def test_a_full_party_with_long_names_comes_back(make_db: MakeDatabase) -> None:
    first, second = make_db(quota=None), make_db(quota=None)
    ids = tuple(f"L{number}" for number in range(12))
    for db in (first, second):
        for id in ids:
            save_student(db, Student(id, f"Venkataraghavan, {id} Subramanian", "8-B"))
    made = booked(first, student_ids=ids)
    data = to_csv(export_bookings(first))

    report = import_bookings(second, read_table(data, "bookings.csv", BOOKING_COLUMNS))

    assert report.refused == []
    assert find_bookings(second)[0].student_ids == made.student_ids


def test_each_student_of_a_past_booking_takes_a_seat_of_the_own_week(db: Documents) -> None:
    booked(db, student=2, start=14)
    rows = ['ground-1,2026-11-25,09:00,10:00,"S001, S002",Football,Approved',
            "ground-3,2026-11-25,11:00,12:00,S002,Football,Approved"]  # fmt: skip
    data = "\n".join([",".join(HEADER), *rows]).encode()

    import_bookings(db, read_table(data, "old.csv", BOOKING_COLUMNS))

    seats = {b.start: [s.seat for s in b.students] for b in find_bookings(db)}
    assert seats == {time(14): [0], time(9): [0, 1], time(11): [2]}
    assert_sound(db)


def test_a_quote_in_front_of_other_text_stays() -> None:
    table = read_table(
        b"id,name,class\nS1,'Abd al-Malik,' =8\n", "list.csv", ("id", "name", "class")
    )

    assert list(table.rows[0].values.values()) == ["S1", "'Abd al-Malik", "=8"]


@pytest.mark.parametrize("from_1904", [False, True])
def test_dates_of_both_epochs_and_the_end_of_a_day_are_read(db: Documents, from_1904: bool) -> None:
    book = Workbook()
    if from_1904:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    sheet.append(HEADER)
    rest = ["S001", "Football", "Approved"]
    sheet.append(["ground-1", datetime(2019, 1, 7), time(22), timedelta(days=1), *rest])  # noqa: DTZ001
    sheet.append(["ground-1", date(2019, 1, 8), time(22), 1, *rest])
    serial = (date(2019, 1, 9) - (date(1904, 1, 1) if from_1904 else date(1899, 12, 30))).days
    sheet.append(["ground-1", serial, time(9), time(10), *rest])
    sheet["D3"].number_format = "h:mm"
    data = saved(book)
    assert load_workbook(io.BytesIO(data)).epoch == book.epoch

    table = read_table(data, "old.xlsx", BOOKING_COLUMNS)
    report = import_bookings(db, table)

    assert table.rows[0].values["end"] == "24:00"
    assert report.refused == []
    stored = sorted((b["date"], b["start"], b["end"]) for b in db["bookings"].find())
    assert [(day, start) for day, start, _ in stored] == [
        ("2019-01-07", "22:00"),
        ("2019-01-08", "22:00"),
        ("2019-01-09", "09:00"),
    ]
    assert stored[0][2] == stored[1][2]
