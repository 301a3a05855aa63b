"""The school's year in Admin, and the other screens that follow it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from app_server import ADMIN, School, today, tomorrow
from browser_windows import OpenPage
from page_checks import button, dialog
from playwright.sync_api import expect
from screens import TICK, cell, type_dates

from booking_core import Holiday, Term, load_reference, misfits, save_term, save_week_a, terms

YEAR = timedelta(weeks=52)


WIDTHS = pytest.mark.parametrize("width", [1440, 820, 390])


@WIDTHS
def test_a_new_holiday_lists_its_bookings_and_is_on_another_users_book_screen_at_once(
    open_page: OpenPage, school: School, width: int
) -> None:
    kept = school.book(student=1, start=14, on=tomorrow())
    book = open_page(f"/book?date={tomorrow().isoformat()}")
    expect(cell(book, 9)).to_be_visible()
    admin = open_page("/admin?section=year", ADMIN.name)
    admin.set_viewport_size({"width": width, "height": 844})
    expect(admin.get_by_text("No term yet")).to_be_visible()

    button(admin, "admin.year.add").click()
    admin.get_by_label("Name", exact=True).fill("Autumn <b>term</b>")
    type_dates(admin, "First and last day", today(), today() + timedelta(days=80))
    expect(admin.get_by_text("Every upcoming booking still fits.")).to_be_visible()
    admin.get_by_role("button", name="Add a holiday").click()
    expect(admin.get_by_text("Give holiday 1 a name.")).to_be_visible()
    expect(admin.get_by_role("button", name="Save term")).to_be_disabled()
    admin.get_by_label("Name of holiday 1").fill("Autumn break")
    type_dates(admin, "Days of holiday 1", tomorrow(), tomorrow())
    expect(admin.get_by_text("1 upcoming booking would no longer fit.")).to_be_visible()
    expect(admin.get_by_role("listitem").filter(has_text="Student 1")).to_be_visible()
    assert terms(school.db) == ()
    admin.get_by_role("button", name="Save term").click()

    expect(admin.get_by_text("Autumn <b>term</b>", exact=True)).to_be_visible()
    expect(book.get_by_text(re.compile("^No school on .*: Autumn break$"))).to_be_visible(
        timeout=TICK
    )
    assert misfits(school.db, from_date=today()) == [kept]
    (term,) = terms(school.db)
    assert term.holidays == (Holiday("Autumn break", tomorrow(), tomorrow()),)


def test_the_letters_of_weeks_are_in_the_heading_of_the_day(
    open_page: OpenPage, school: School
) -> None:
    save_term(school.db, Term("t", "Term 2", today(), tomorrow()))
    book = open_page("/book")
    expect(book.get_by_title("Term 2", exact=True)).to_be_visible()
    admin = open_page("/admin?section=year", ADMIN.name)

    admin.get_by_text("Weeks alternate between A and B").click()
    expect(admin.get_by_text("This week is a week A.")).to_be_visible()
    button(admin, "admin.year.save").click()

    expect(book.get_by_title("Term 2, week A")).to_be_visible(timeout=TICK)
    book.set_viewport_size({"width": 390, "height": 844})
    narrow = book.get_by_text("Term 2, week A", exact=True).locator("visible=true")
    expect(narrow).to_be_visible()
    admin.get_by_role("radio", name="Timetables").click()
    button(admin, "admin.timetables.regular.edit").click()
    admin.get_by_role("radio", name="Week B").click()
    expect(admin.get_by_text(re.compile("No school on Monday of week A"))).to_be_visible()
    admin.get_by_role("button", name="Save timetable").click()
    expect(book.get_by_text(re.compile("^No school on"))).to_be_visible(timeout=TICK)
    assert load_reference(school.db).timetables["regular"].week == "B"


@WIDTHS
def test_the_terms_are_copied_to_the_next_year_and_removed(
    open_page: OpenPage, school: School, width: int
) -> None:
    term = Term("t", "Term 1", today(), tomorrow(), (Holiday("Fair", tomorrow(), tomorrow()),))
    save_term(school.db, term)
    save_week_a(school.db, today())
    size = {"width": width, "height": 844}
    admin = open_page("/admin?section=year", ADMIN.name, viewport=size)

    button(admin, "admin.year.copy").click()
    expect(dialog(admin).get_by_text(re.compile(f"Fair, .*{tomorrow() + YEAR:%b}"))).to_be_visible()
    assert terms(school.db) == (term,)
    button(admin, "admin.year.copy.save").click()
    expect(button(admin, "admin.year.term-1.edit")).to_be_visible()
    assert [one.first for one in terms(school.db)] == [today(), today() + YEAR]

    button(admin, "admin.year.t.remove").click()
    button(admin, "danger_admin.year.remove").click()
    expect(button(admin, "admin.year.t.edit")).to_have_count(0)
    assert [one.id for one in terms(school.db)] == ["term-1"]
