"""The list on Bookings: whose, when, order, search, filters and pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from app_server import MEERA, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import row, show_everybody, show_tab, switch_user
from support import booked, eventually

from booking_core import cancel


def students(page: Page) -> list[str]:
    """Returns the students of the list, in its order."""
    return [
        found[0]
        for text in page.get_by_role("row").all_inner_texts()
        if (found := re.findall(r"Student \d+", text))
    ]


def shows(page: Page, *numbers: int) -> None:
    """Asserts that the list has these students, in this order, and says how many."""
    count = f"{len(numbers)} booking{'' if len(numbers) == 1 else 's'}, "
    expect(page.get_by_text(count)).to_be_visible()
    eventually(lambda: students(page) == [f"Student {number}" for number in numbers])


def choose(page: Page, label: str, option: str) -> None:
    """Sets a field of the filters, which are open."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.get_by_role("combobox", name=label)).to_have_value(option)


def open_filters(page: Page) -> None:
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("combobox", name="Ground")).to_be_visible()


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox", name="Search").fill(text)
    page.get_by_role("searchbox", name="Search").press("Enter")


def test_staff_begin_with_their_own_and_a_principal_with_everybodys(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    school.book(student=2, start=15)
    page, head = open_page("/bookings"), open_page("/bookings", "Anand Rao")

    shows(page, 1)
    shows(head, 1, 2)
    show_everybody(page)
    shows(page, 1, 2)
    show_tab(head, "Mine")
    expect(head.get_by_text("You have no bookings ahead")).to_be_visible()


def test_what_is_ahead_comes_first_by_time_and_what_is_over_last_by_time(
    open_page: OpenPage, school: School
) -> None:
    ago = datetime.now(UTC) - timedelta(days=9)
    for days, student in ((2, 1), (1, 2), (3, 3)):
        school.book(student=student, on=today() + timedelta(days=days), start=9, by=MEERA)
        past = today() - timedelta(days=days)
        booked(school.db, student=student + 3, on=past, start=9, by=MEERA, now=ago)
    page = open_page("/bookings")

    shows(page, 2, 1, 3)
    expect(page.get_by_text("3 bookings, soonest first")).to_be_visible()
    show_tab(page, "Past")
    expect(page.get_by_text("3 bookings, latest first")).to_be_visible()
    shows(page, 5, 4, 6)
    show_tab(page, "Upcoming")
    shows(page, 2, 1, 3)
    open_filters(page)
    show_tab(page, "By when it was asked")
    expect(page.get_by_text("3 bookings, newest request first")).to_be_visible()
    shows(page, 3, 2, 1)


def test_a_search_finds_by_name_roll_number_and_reference(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=17, start=14, by=MEERA)
    ago = datetime.now(UTC) - timedelta(days=9)
    other = booked(school.db, student=8, on=today() - timedelta(days=3), start=9, now=ago)
    page = open_page("/bookings")
    shows(page, 17)

    search(page, "s017")
    shows(page, 17)
    search(page, "student 16")
    expect(page.get_by_text("No bookings match")).to_be_visible()
    search(page, "Student")
    expect(page.get_by_text("The search matches more than 100 students.")).to_be_visible()
    search(page, other.reference.lower())  # a colleague's, of a past day
    shows(page, 8)
    search(page, "")
    shows(page, 17)


def test_bookings_are_filtered_and_the_filters_cleared(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14)
    school.book(student=2, start=14, ground="ground-2")
    gone = school.book(student=3, start=15, by=MEERA)
    cancel(school.db, gone.id, by=MEERA)
    page = open_page("/bookings")
    show_everybody(page)
    expect(row(page, "Student")).to_have_count(3)

    open_filters(page)
    choose(page, "Ground", "Ground 2")
    shows(page, 2)
    expect(page.get_by_role("button", name="Filters · 1")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(row(page, "Student 1")).to_be_visible()
    expect(page.get_by_role("combobox", name="Ground")).to_have_value("")

    choose(page, "Status", "Cancelled")
    shows(page, 3)
    choose(page, "Class", "2-A")
    expect(page.get_by_text("No bookings match")).to_be_visible()
    expect(page.get_by_role("button", name="Filters · 2")).to_be_visible()


def test_the_next_user_of_a_browser_finds_no_filters(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14)
    page = open_page("/bookings")
    show_everybody(page)
    search(page, "s002")
    expect(page.get_by_text("No bookings match")).to_be_visible()
    open_filters(page)
    choose(page, "Ground", "Ground 2")
    page.keyboard.press("Escape")

    switch_user(page, "Joseph Mathew")
    page.goto(page.url.partition("?")[0])  # without what the address shows

    shows(page, 1)
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("")
    open_filters(page)
    expect(page.get_by_role("combobox", name="Ground")).to_have_value("")
    choose(page, "Status", "Requested")
    shows(page, 1)


def test_more_than_fifty_bookings_are_paged_and_counted(
    open_page: OpenPage, school: School
) -> None:
    for number in range(60):  # thirty a day: ten periods on three grounds
        days, place = divmod(number, 30)
        school.book(
            student=number,
            on=tomorrow() + timedelta(days=days),
            start=8 + place // 3,
            ground=f"ground-{place % 3 + 1}",
            by=MEERA,
        )
    page = open_page("/bookings")
    expect(page.get_by_text("60 bookings, soonest first")).to_be_visible()
    expect(page.get_by_text("1–50", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    before = students(page)

    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51–60", exact=True)).to_be_visible()
    eventually(lambda: len(students(page)) == 10)
    assert sorted(before + students(page)) == sorted(f"Student {n}" for n in range(60))
    expect(page.get_by_role("button", name="Next")).to_be_disabled()

    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_text("1–50", exact=True)).to_be_visible()
    eventually(lambda: students(page) == before)


def test_a_phone_shows_the_first_booking_without_scrolling(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings", viewport={"width": 390, "height": 844})

    button = row(page, "Student 1").get_by_role("button", name="Details")
    expect(button).to_be_visible()
    expect(page.get_by_role("searchbox", name="Search")).to_be_in_viewport(ratio=1)
    expect(button).to_be_in_viewport(ratio=1)
