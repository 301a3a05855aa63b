"""A history of bookings on the screen: its columns, what would be added, refused rows, progress."""

from __future__ import annotations

import re

import pytest
from page_checks import wait_until_settled
from playwright.sync_api import Page, expect
from screens import row, show_tab
from workbook_files import workbook

from booking_core import find_bookings, load_reference

ADMIN_NAME = "Farah Sheikh"
TITLED = """St. Mary's School, Pune
Ground register

Court,Day,From,To,Booked for,Sport,State,Venue
Ground 1,2024-03-01,6:15,07:45,S001,Football,Approved,x
Ground 1,2024-03-01,7:00,08:00,S002,Football,Approved,x
Ground 1,31/02/2024,7:00,08:00,S002,Football,Approved,x
Old Yard,2024-03-04,09:00,10:00,Zara Khan,Kabaddi,Cancelled,x
"""
HEADER = ["Ground", "Date", "Start", "End", "Student", "Game", "Status"]


def upload(page: Page, name: str, data: bytes) -> None:
    kind = "text/csv" if name.endswith("csv") else "application/octet-stream"
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": data}
    )


def open_import(open_page, width: int = 1440) -> Page:
    page = open_page(
        "/admin?section=students", ADMIN_NAME, viewport={"width": width, "height": 900}
    )
    show_tab(page, "Import")
    show_tab(page, "Bookings")
    expect(page.get_by_text("History of bookings")).to_be_visible()
    return page


def press(page: Page, name: str) -> None:
    # By the keyboard: a click soon after another at the same place is a double click.
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.press("Enter")


@pytest.mark.parametrize("width", [1440, 390])
def test_a_history_with_titles_is_imported_in_three_steps(open_page, school, width):
    page = open_import(open_page, width)
    upload(page, "old.csv", TITLED.encode())

    expect(page.get_by_text("Step 2 of 3: Columns")).to_be_visible()
    expect(page.get_by_text("“Court” or “Venue” could be the ground")).to_be_visible()
    expect(row(page, "Fri 1 Mar 2024").first).to_contain_text("S001")
    expect(row(page, "31/02/2024")).to_contain_text("is not like 2026-11-23 or 23/11/2026")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    press(page, "Show what changes")

    expect(page.get_by_text("Step 3 of 3: What changes")).to_be_visible()
    wait_until_settled(page)
    show_tab(page, "Refused 3")
    expect(row(page, "Line 6")).to_contain_text("The slot is held by Student 1")
    expect(row(page, "Line 7")).to_contain_text("cell B7")
    expect(row(page, "Line 8")).to_contain_text("Ground 'Old Yard' is not on record")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.get_by_text("Create the grounds and students that are missing").click()
    expect(page.get_by_text("1 new ground: Old Yard.")).to_be_visible()
    expect(page.get_by_text("1 new student: Zara Khan.")).to_be_visible()
    show_tab(page, "To add 2")
    expect(row(page, "Mon 4 Mar 2024")).to_contain_text("Kabaddi")
    press(page, "Add 2 bookings")

    expect(
        page.get_by_text("Done: 2 added, 2 refused, 1 ground created, 1 student created.")
    ).to_be_visible()
    with page.expect_download() as download:
        press(page, "Rows left out (CSV)")
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert '"Why it is refused"' in text.splitlines()[0]
    assert '"Ground 1","31/02/2024"' in text
    found = sorted(find_bookings(school.db), key=lambda booking: booking.date)
    assert [booking.student_name for booking in found] == ["Student 1", "Zara Khan"]
    assert [one.by_name for one in found[0].history] == [ADMIN_NAME]
    assert "Old Yard" in {g.name for g in load_reference(school.db).grounds.values()}

    # The columns are known now, and so are the bookings.
    upload(page, "again.csv", TITLED.encode())
    expect(page.get_by_text("Step 3 of 3: What changes")).to_be_visible()
    show_tab(page, "Known already 2")
    expect(row(page, "Line 5")).to_contain_text("Already imported")
    expect(page.get_by_role("button", name="Nothing to add")).to_be_disabled()


def test_a_workbook_of_two_thousand_bookings_is_imported(open_page, school):
    rows = [
        ["Ground 1", f"{2015 + n // 300}-{n % 12 + 1:02d}-{n // 12 % 25 + 1:02d}",
         "09:00", "10:00", f"S{n % 200:03d}", "Football", "Approved"]
        for n in range(2000)
    ]  # fmt: skip
    page = open_import(open_page)
    upload(page, "old.xlsx", workbook(*rows, header=HEADER))

    expect(page.get_by_text("Step 3 of 3: What changes")).to_be_visible(timeout=30_000)
    show_tab(page, "To add 2,000")
    press(page, "Add 2,000 bookings")

    expect(page.get_by_text("Done: 2,000 added.")).to_be_visible(timeout=60_000)
    assert school.db["bookings"].count_documents({}) == 2000
    assert school.db["notices"].count_documents({}) == 0


def test_a_history_whose_page_is_opened_again_is_to_be_given_again(open_page, school):
    page = open_import(open_page)
    upload(page, "old.csv", TITLED.encode())
    expect(page.get_by_text("Step 2 of 3: Columns")).to_be_visible()
    expect(page).to_have_url(re.compile("import=bookings"))

    page.reload()

    expect(page.get_by_text("The file that was open here is no longer kept.")).to_be_visible()
    expect(page.get_by_text("History of bookings")).to_be_visible()
