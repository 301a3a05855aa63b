"""The sheets to print: what a cell shows, and what is said to have changed since one was made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time, timedelta
from html.parser import HTMLParser

import pytest
from command_line import assert_one_sentence, runner
from support import ADMIN, DAY, HEAD, HOURLY, MEERA, NOW, RAVI, booked, close_one, student_id

from booking_core import (
    Account,
    Ground,
    GroundRetired,
    InvalidRequest,
    Role,
    UnknownGround,
    add_account,
    approve,
    cancel,
    lift_closure,
    move,
    save_ground,
    save_timetable,
    set_active,
)
from booking_core.cli.printing import SHEET
from booking_core.reports import changes_since, day_sheet, qr_code, sheet_html, week_sheet

MINUTE = timedelta(minutes=1)


class Table(HTMLParser):
    """The texts of the cells of a page, by row; the first of a row is its heading."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._is_in_cell = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self._is_in_cell = True

    def handle_endtag(self, tag):
        self._is_in_cell = self._is_in_cell and tag not in ("th", "td")

    def handle_data(self, data):
        if self._is_in_cell and data.strip():
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()


def rows_of(sheet, **options) -> dict[str, list[str]]:
    """The cells of each row, by its heading."""
    return {row[0]: row[1:] for row in Table(sheet_html(sheet, "School", SHEET, **options)).rows}


def test_a_day_sheet_tells_requested_from_booked_and_closed_with_party_and_supervisor(db):
    add_account(db, Account("head", "Head", Role.PRINCIPAL))
    booked(db, student=1)
    booked(db, student=2, ground="ground-2", start=10, end=12, by=HEAD, supervisor_id="head")
    close_one(
        db,
        ground_id="ground-3",
        date=DAY,
        start=time(8),
        end=time(9),
        reason="Wet <b>turf",
        by=HEAD,
        now=NOW,
    )

    rows = rows_of(day_sheet(db, DAY, now=NOW))

    assert rows["Ground"][0] == "08:00–09:00"
    assert rows["Ground 1"][1] == "Requested Volleyball Student 1, 2-A"
    assert rows["Ground 2"][2] == "Cricket Student 2, 3-A with Head"
    assert len(rows["Ground 2"]) == 9  # one cell for the two periods
    assert rows["Ground 3"] == ["Closed Wet <b>turf"] + [""] * 9


def test_a_sheet_names_two_of_many_students_and_less_where_less_is_asked(db):
    booked(db, student_ids=tuple(student_id(n) for n in range(1, 6)))

    shown = {
        shows: rows_of(day_sheet(db, DAY, shows=shows, now=NOW))["Ground 1"][1]
        for shows in ("student", "class", "none")
    }

    assert shown == {
        "student": "Requested Volleyball Student 1, Student 2 and 3 more, 2-A, 3-A, 4-A, 5-A, 6-A",
        "class": "Requested Volleyball 2-A, 3-A, 4-A, 5-A, 6-A",
        "none": "Requested",
    }


def test_half_of_a_divided_ground_shows_on_the_row_of_the_whole(db):
    save_ground(db, Ground("whole", "Whole", ("Football",), 4, surfaces=("north", "south")))
    save_ground(db, Ground("north", "North", ("Football",), 5))
    booked(db, ground="north", game="Football")

    rows = rows_of(day_sheet(db, DAY, now=NOW))

    assert rows["Whole"][1] == "Used as North"
    assert rows["North"][1].startswith("Requested Football")


def test_a_week_sheet_has_a_row_for_each_day_of_one_ground(db):
    booked(db, student=1)
    booked(db, student=2, ground="ground-2")

    rows = rows_of(week_sheet(db, "ground-1", DAY - timedelta(days=1), now=NOW))

    assert list(rows)[1:] == [
        "Mon 23 Nov",
        "Tue 24 Nov",
        "Wed 25 Nov",
        "Thu 26 Nov",
        "Fri 27 Nov",
        "Sat 28 Nov",
        "Sun 29 Nov",
    ]
    assert rows["Tue 24 Nov"][1] == "Requested Volleyball Student 1, 2-A"
    assert sum(map(bool, rows["Tue 24 Nov"])) == 1


def test_a_sheet_of_what_is_not_there_is_refused(db):
    save_ground(db, Ground("old", "Old", ("Football",), 9, retired=True))

    with pytest.raises(UnknownGround):
        week_sheet(db, "nowhere", DAY, now=NOW)
    with pytest.raises(GroundRetired):
        week_sheet(db, "old", DAY, now=NOW)
    with pytest.raises(InvalidRequest, match="shows"):
        day_sheet(db, DAY, shows="all", now=NOW)
    with pytest.raises(InvalidRequest, match="first"):
        week_sheet(db, "ground-1", date(2200, 12, 30), now=NOW)
    with pytest.raises(InvalidRequest, match="first"):
        week_sheet(db, "ground-1", date.max, now=NOW)


def told(changes) -> list[tuple[str, str, str]]:
    return [
        (change.entry.action, f"{change.before.date} {change.before.start:%H:%M}", places(change))
        for change in changes
    ]


def places(change) -> str:
    return f"{change.after.date} {change.after.start:%H:%M} {'+'.join(change.ground_ids)}"


def test_what_changed_since_a_sheet_is_requested_decided_moved_in_or_away_and_closed(db):
    other = DAY + timedelta(days=1)
    stays = booked(db, student=1)
    away = booked(db, student=2, start=11)
    in_ = booked(db, student=3, on=other, start=12)
    booked(db, student=4, on=other, start=15)
    sheet = day_sheet(db, DAY, now=NOW)
    times = [NOW + n * MINUTE for n in range(1, 7)]

    approve(db, stays.id, by=HEAD, now=times[0])
    move(db, away.id, date=other, by=MEERA, now=times[1])
    move(db, in_.id, date=DAY, by=MEERA, now=times[2])
    new = booked(db, student=5, start=16, now=times[3])
    cancel(db, new.id, by=MEERA, now=times[4])
    close_one(
        db,
        ground_id="ground-2",
        date=DAY,
        start=time(8),
        end=time(9),
        reason="Rain",
        by=HEAD,
        now=times[5],
    )

    found = changes_since(db, sheet.dates, sheet.made_at)
    assert told(found) == [
        ("approved", f"{DAY} 09:00", f"{DAY} 09:00 ground-1"),
        ("moved", f"{DAY} 11:00", f"{other} 11:00 ground-1"),
        ("moved", f"{other} 12:00", f"{DAY} 12:00 ground-1"),
        ("requested", f"{DAY} 16:00", f"{DAY} 16:00 ground-1"),
        ("cancelled", f"{DAY} 16:00", f"{DAY} 16:00 ground-1"),
        ("closed", f"{DAY} 08:00", f"{DAY} 08:00 ground-2"),
    ]
    assert changes_since(db, sheet.dates, times[-1]) == []
    of_one = changes_since(db, sheet.dates, sheet.made_at, ground_id="ground-2")
    assert [change.entry.action for change in of_one] == ["closed"]


def test_the_mark_of_a_sheet_differs_while_its_day_does(db):
    def mark():
        return day_sheet(db, DAY, now=NOW).mark

    empty = mark()
    request = booked(db, student=1)
    requested = mark()
    approve(db, request.id, by=HEAD, now=NOW)
    approved = mark()
    closure = close_one(
        db,
        ground_id="ground-2",
        date=DAY,
        start=time(8),
        end=time(9),
        reason="Rain",
        by=HEAD,
        now=NOW,
    )
    closed = mark()
    lift_closure(db, closure.id, by=HEAD, now=NOW)

    assert len({empty, requested, approved, closed}) == 4
    assert mark() == approved
    booked(db, student=2, on=DAY + timedelta(days=1))
    assert mark() == approved
    assert day_sheet(db, DAY, shows="none", now=NOW).mark == approved
    save_ground(db, Ground("ground-9", "Ground 9", ("Football",), 9), by=ADMIN)
    more_grounds = mark()
    save_timetable(db, replace(HOURLY, periods=HOURLY.periods[:-1]), by=ADMIN)
    assert len({approved, more_grounds, mark()}) == 3


def test_the_command_line_writes_the_page_to_a_file_with_a_code_where_there_is_an_address(
    db, tmp_path
):
    set_active(db, student_id(9), False, by=ADMIN)
    booked(db, student=1, by=RAVI)
    run = runner(db)
    file = tmp_path / "sheet.html"

    done = run("sheet", str(DAY), "--output", str(file), "--show", "class")
    page = file.read_text(encoding="utf-8")
    week = run("sheet", str(DAY), "--week", "--ground", "Ground 1")

    assert done.stdout == f"The sheet of {DAY} is in {file}.\n"
    assert Table(page).rows[1][2] == "Requested Volleyball 2-A"
    assert "Tuesday 24 November 2026" in page
    assert "Scan to see" not in page
    assert "Ground 1, Mon 23 Nov – Sunday 29 November 2026" in week.stdout
    assert_one_sentence(run("sheet", "tomorow"), "date")
    assert_one_sentence(run("sheet", str(DAY), "--week"), "--ground")
    assert_one_sentence(run("sheet", str(DAY), "--ground", "Ground 1"), "--week")
    assert_one_sentence(
        run("sheet", str(DAY), "--output", str(tmp_path / "no" / "x")), "cannot be written"
    )


def test_the_code_names_the_page_of_changes_with_the_moment_and_the_mark(db):
    sheet = week_sheet(db, "ground-1", DAY, now=NOW)
    address = sheet.changes_address("https://grounds.school.example/")

    page = sheet_html(sheet, "School", SHEET, code=qr_code(address))

    at = int(NOW.timestamp() * 1000)
    assert address == (
        "https://grounds.school.example/sheet-changes"
        f"?date={DAY}&ground=ground-1&at={at}&of={sheet.mark}"
    )
    assert re.search(r'aria-label="https://grounds[^"]*&amp;at=', page)
