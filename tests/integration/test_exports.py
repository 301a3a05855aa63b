"""Exports: own or all bookings; typed text stays text; numbers and dates are real ones."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import load_workbook
from support import ADMIN, DAY, HEAD, NOW, RAVI, booked, student_id

from booking_core import (
    Ground,
    InvalidRequest,
    NotAllowed,
    Status,
    Student,
    approve,
    cancel,
    find_bookings,
    save_ground,
    save_student,
    save_students,
)
from booking_core.insight import exports
from booking_core.insight.exports import Export, to_csv, to_xlsx

ATTACKS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "  =1",
    "＝1",
    '=HYPERLINK("http://x","y")',
]


def table_of(*rows) -> Export:
    width = len(rows[0])
    return Export("T", tuple((f"c{n}", 10) for n in range(width)), tuple(rows))


def read_csv(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def read_xlsx(data: bytes):
    return list(load_workbook(io.BytesIO(data)).active.iter_rows())


@pytest.mark.parametrize("text", ATTACKS)
def test_text_that_looks_like_a_formula_is_text_in_csv_and_xlsx(text):
    table = table_of((text, 1))

    in_csv = read_csv(to_csv(table))[1][0]
    (in_xlsx, _) = read_xlsx(to_xlsx(table))[1]

    assert in_csv == f"'{text}"
    assert (in_xlsx.data_type, in_xlsx.quotePrefix) == ("s", True)
    # XML reads a carriage return as a line feed.
    assert in_xlsx.value.replace("\r", "\n").endswith(text.replace("\r", "\n"))


@pytest.mark.parametrize(
    "text", ["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!"]
)
def test_text_that_looks_like_an_error_is_text_in_a_workbook(text):
    [cell] = read_xlsx(to_xlsx(table_of((text,))))[1]

    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_headings_that_look_like_formulas_are_text():
    table = Export("T", (("=1+1", 10),), ((1,),))

    assert read_csv(to_csv(table))[0] == ["'=1+1"]
    assert read_xlsx(to_xlsx(table))[0][0].data_type == "s"


def test_numbers_and_dates_keep_their_types():
    moment = datetime(2026, 11, 23, 6, 0)  # noqa: DTZ001 - a sheet has no time zone
    table = table_of((-5, 2.5, DAY, time(9), moment, None))

    assert read_csv(to_csv(table))[1] == [
        "-5",
        "2.5",
        "2026-11-24",
        "09:00",
        "2026-11-23 06:00",
        "",
    ]
    cells = read_xlsx(to_xlsx(table))[1]
    assert [c.data_type for c in cells] == ["n", "n", "d", "d", "d", "n"]
    assert cells[0].value == -5
    assert cells[2].value.date() == DAY
    assert (cells[3].value, cells[4].value, cells[5].value) == (time(9), moment, None)


def test_any_text_is_read_back_unchanged():
    texts = ("मीरा नायर", 'Zoë, "the" one', "two\nlines", "a;b\tc", "Ω 🏐", "x" * 500)
    table = table_of(texts)

    assert read_csv(to_csv(table))[1] == list(texts)
    assert [c.value for c in read_xlsx(to_xlsx(table))[1]] == list(texts)


def test_characters_that_no_file_can_hold_do_not_stop_an_export():
    table = table_of(("a\x00b\x0bc\ud800d",))

    assert read_csv(to_csv(table))[1] == ["ab\x0bc?d"]
    assert read_xlsx(to_xlsx(table))[1][0].value == "a\ufffdb\ufffdc\ufffdd"


@pytest.fixture(scope="module")
def kept(school):
    db, first = school
    save_students(db, [Student("S900", "=2+5", "+9-A"), Student("S901", "मीरा", "9-B")])
    approve(db, first.id, by=HEAD, now=NOW + timedelta(minutes=1))
    booked(db, by=RAVI, student="S900", start=10, purpose="=HYPERLINK(1)")
    last = booked(db, by=RAVI, student="S901", start=11, ground="ground-2")
    cancel(db, last.id, by=RAVI, reason="ill", now=NOW + timedelta(minutes=2))
    return db


def test_exported_bookings_have_slot_people_and_last_change(kept):
    row = exports.export_bookings(kept, student_id=student_id(0)).rows[0]

    assert row[1:12] == (
        *(DAY, time(9), time(10), "Ground 1", "Volleyball", "S000", "Student 0", "1-A", ""),
        *("Approved", "Meera"),
    )
    assert row[12:] == (
        datetime(2026, 11, 23, 6, 0),  # noqa: DTZ001 - the school's time, for a sheet
        "Head",
        datetime(2026, 11, 23, 6, 1),  # noqa: DTZ001
        "",
        "students",
        None,
    )


def test_a_hostile_name_and_purpose_are_exported_as_text(kept):
    table = exports.export_bookings(kept, student_id="S900")

    in_csv = read_csv(to_csv(table))[1]
    in_xlsx = read_xlsx(to_xlsx(table))[1]

    assert in_csv[7:10] == ["'=2+5", "'+9-A", "'=HYPERLINK(1)"]
    assert [(c.value, c.data_type) for c in in_xlsx[7:10]] == [
        ("=2+5", "s"),
        ("+9-A", "s"),
        ("=HYPERLINK(1)", "s"),
    ]


@pytest.mark.parametrize("order", ["asked", "soonest", "latest"])
@pytest.mark.parametrize("asked", [{}, {"created_by": "ravi"}, {"when": "ahead"}, {"when": "over"}])
def test_an_export_has_the_rows_of_the_list_in_its_order(kept, monkeypatch, asked, order):
    monkeypatch.setattr(exports, "_PAGE", 1)
    listed = find_bookings(kept, **asked, order=order, now=NOW)

    table = exports.export_bookings(kept, **asked, order=order, now=NOW)

    assert [row[0] for row in table.rows] == [booking.reference for booking in listed]


def test_the_filters_of_an_export_are_those_of_the_list(kept):
    assert [r[7] for r in exports.export_bookings(kept, ground_id="ground-2").rows] == ["मीरा"]
    assert len(exports.export_bookings(kept, status=Status.APPROVED).rows) == 1
    with pytest.raises(InvalidRequest):
        exports.export_bookings(kept, date_from=DAY, date_to=DAY - timedelta(1))


def test_admins_export_changes_with_their_details(kept):
    days = {"first": date(2026, 11, 23), "last": date(2026, 11, 23)}
    table = exports.export_changes(kept, by=ADMIN, who="ravi", action="cancelled", **days)

    assert table.rows[0][1:6] == ("Ravi", "ravi", "", "cancelled", "booking")
    assert "reason: ill" in table.rows[0][7]
    assert read_csv(to_csv(table))[0][0] == "At"
    with pytest.raises(NotAllowed):
        exports.export_changes(kept, by=HEAD, **days)


def test_a_long_export_ends_at_its_limit_and_says_so(kept, monkeypatch):
    whole = exports.export_bookings(kept)
    monkeypatch.setattr(exports, "MAX_ROWS", 2)
    monkeypatch.setattr(exports, "_PAGE", 1)

    part = exports.export_bookings(kept)

    assert (whole.cut, part.cut) == (False, True)
    assert part.rows == whole.rows[:2]


def test_each_class_and_game_is_exported_in_one_spelling(make_db):
    db = make_db(quota=None)
    spellings = (("8 - A", "FOOTBALL"), ("8–a", "football"), ("8-A", "Football"))
    for start, (class_name, game) in enumerate(spellings, start=9):
        save_ground(db, Ground("ground-1", "Ground 1", (game,)))
        save_student(db, Student("T0", "T", class_name))
        at = NOW + timedelta(minutes=start)
        booked(db, by=HEAD, student="T0", start=start, game=game, now=at)

    rows = exports.export_bookings(db).rows
    save_ground(db, Ground("ground-1", "Ground 1", ("Chess",)))
    save_ground(db, Ground("ground-2", "Ground 2", ("Chess",)))
    save_student(db, Student("T0", "T", "9-A"))
    past = exports.export_bookings(db).rows

    assert {(row[5], row[8]) for row in rows} == {("Football", "8-A")}
    # No ground and no student has them any more: the spelling of the newest booking.
    assert [(row[5], row[8]) for row in past] == [("Football", "8-A")] * 3
