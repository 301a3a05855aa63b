"""The import of a history by an account: who may, what was shown, what the history says."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from openpyxl import Workbook
from support import ADMIN, DAY, MEERA, NOW
from workbook_files import saved

from booking_core import (
    Account,
    Actor,
    ChangedMeanwhile,
    Ground,
    InvalidRequest,
    Matching,
    NotAllowed,
    Role,
    Table,
    add_account,
    find_bookings,
    keep_columns,
    load_reference,
    read_sheet,
    save_ground,
    suggest_columns,
    table_of,
)
from booking_core.imports import (
    BOOKING_COLUMNS,
    Report,
    RowRemark,
    import_bookings,
    row_slot,
)
from booking_core.storage.client.database import BookingDatabase, Documents
from booking_core.storage.schema import indexes

HEADER = "ground,date,start,end,student,game,status"


def table(*lines: str, name: str = "old.csv") -> Table:
    sheet = read_sheet("\n".join((HEADER, *lines)).encode(), name)
    return table_of(sheet, sheet.match(BOOKING_COLUMNS).columns)


def imported(db: Documents, *lines: str, **options: Any) -> Report:
    return import_bookings(db, table(*lines), now=NOW, **{"by": ADMIN} | options)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_admin_imports_bookings(db: Documents, role: Role) -> None:
    for dry_run in (True, False):
        with pytest.raises(NotAllowed):
            imported(
                db,
                "ground-9,2024-03-01,09:00,10:00,S001,Football,Approved",
                by=Actor("x", role),
                dry_run=dry_run,
                create_missing=True,
            )
    assert find_bookings(db) == []
    assert "ground-9" not in load_reference(db).grounds


def test_the_history_and_the_audit_log_name_the_admin(db: BookingDatabase) -> None:
    db["audit"].delete_many({})  # those of the school's setup

    imported(db, "Yard,2024-03-01,09:00,10:00,Zara Khan,Football,Approved", create_missing=True)

    [booking] = find_bookings(db)
    assert [(one.by, one.by_name) for one in booking.history] == [(ADMIN.id, ADMIN.name)]
    entries = [(row["what"], row["by"]) for row in db["audit"].find()]
    assert sorted(entries) == [("ground", ADMIN.id), ("students", ADMIN.id)]


def test_an_import_by_another_account_adds_nothing_twice(db: Documents) -> None:
    line = "ground-1,2024-03-01,09:00,10:00,S001,Football,Approved"
    imported(db, line)

    again = imported(db, line, by=None)

    assert (again.added, again.skipped) == (0, [RowRemark(2, "already imported")])


def test_nobody_gets_a_notice_or_a_mail_of_an_import(db: BookingDatabase) -> None:
    add_account(db, Account(MEERA.id, MEERA.name, MEERA.role, email="meera@school.example"))
    ahead = DAY + timedelta(days=1)

    report = imported(
        db,
        f"ground-1,{ahead},09:00,10:00,S001,Football,Approved",
        f"ground-2,{ahead},09:00,10:00,S002,Football,Pending",
        f"ground-3,{ahead},09:00,10:00,S003,Football,Rejected",
    )

    assert report.added == 3
    assert db["notices"].count_documents({}) == 0
    assert db["mails"].count_documents({}) == 0


def test_other_grounds_than_were_shown_are_not_created(db: Documents) -> None:
    line = "Yard,2024-03-01,09:00,10:00,S001,Football,Approved"
    shown = imported(db, line, dry_run=True, create_missing=True)
    assert shown.new_grounds == ("Yard",)
    save_ground(db, Ground("yard", "Yard", ("Football",)))

    with pytest.raises(ChangedMeanwhile):
        imported(db, line, create_missing=True, shown=shown)

    assert find_bookings(db) == []
    done = imported(db, line, create_missing=True, shown=imported(db, line, dry_run=True))
    assert (done.added, done.new_grounds) == (1, ())


def test_remarks_name_cell_line_and_sheet(db: Documents) -> None:
    book = Workbook()
    for number, title in enumerate(("2023", "2024")):
        sheet = book.active if number == 0 else book.create_sheet()
        sheet.title = title
        sheet.append(HEADER.split(","))
        sheet.append(["ground-1", "2024-03-01", "09:00", "10:00", "S001", "Football", "Approved"])
        sheet.append(["ground-1", "2024-03-0x", "09:00", "10:00", "S001", "Football", "Approved"])
        sheet.append(["ground-1", "2024-03-01", "09:30", "10:30", "S002", "Football", "Approved"])
    read = read_sheet(saved(book), "old.xlsx")

    report = import_bookings(
        db, table_of(read, read.match(BOOKING_COLUMNS).columns), now=NOW, by=ADMIN
    )

    assert report.added == 1
    assert report.skipped == [
        RowRemark(2, "same as line 2 of the sheet “2023”", "2024"),
        RowRemark(4, "same as line 4 of the sheet “2023”", "2024"),
    ]
    assert [(one.sheet, one.line, one.cell) for one in report.refused] == [
        ("2023", 3, "B3"),
        ("2023", 4, ""),
        ("2024", 3, "B3"),
    ]


def test_a_row_is_shown_as_it_is_imported(db: Documents) -> None:
    rows = table(
        "ground-1,3/4/2024,6:15,07:45,S001,Football,Approved",
        "ground-1,3/4/2024,6.15,07:45,S001,Football,Approved",
    )

    assert row_slot(db, rows, rows.rows[0]) == (date(2024, 4, 3), time(6, 15), time(7, 45))
    with pytest.raises(InvalidRequest, match="start"):
        row_slot(db, rows, rows.rows[1])


def test_the_columns_of_the_last_history_are_sure_and_apart_from_those_of_students(
    db: Documents,
) -> None:
    text = (
        b"Court,Venue,Day,From,To,Booked for,Sport,State\nA,x,2024-03-01,9:00,10:00,S1,F,Approved"
    )
    sheet = read_sheet(text, "old.csv")
    places = ((0,), (2,), (3,), (4,), (5,), (6,), (7,))
    chosen = dict(zip(BOOKING_COLUMNS, places, strict=True))
    assert list(suggest_columns(db, sheet, BOOKING_COLUMNS).unsure) == ["ground"]

    keep_columns(db, sheet, chosen, BOOKING_COLUMNS, by=ADMIN)

    assert suggest_columns(db, sheet, BOOKING_COLUMNS) == Matching(chosen)
    students = read_sheet(b"Adm No,Roll No,Name,Std\nA1,1,Asha,8-A\n", "list.csv")
    assert list(suggest_columns(db, students).unsure) == ["id"]
    assert indexes.validator_faults(db) == []
