"""Our own exports are read as they were written; workbooks with dates of both epochs too."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from support import booked
from workbook_files import saved

from booking_core import read_table
from booking_core.insight.exports import export_bookings, to_csv, to_xlsx
from booking_core.operations.history_import import BOOKING_COLUMNS, import_bookings
from booking_core.storage.client.database import Documents

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
