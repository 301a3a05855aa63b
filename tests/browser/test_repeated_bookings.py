"""Repeating a booking on Book: the plan of its dates, all of them or the free ones."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from app_server import MEERA, School, today, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations
from playwright.sync_api import Locator, Page, expect
from screens import TICK, cell, choose_student

from booking_core import Policy, find_bookings, save_policy, save_week_a
from pages.shared.text import formats

WEEKS = 6  # from tomorrow to the last date that the dialog offers


def open_repeat(page: Page) -> Locator:
    cell(page, 14).click()
    choose_student(page, "S001")
    page.get_by_role("button", name="Repeat…").click()
    return page.get_by_role("dialog")


@pytest.fixture
def many(school: School) -> School:
    save_policy(school.db, Policy(quota=None, advance_days=30))
    return school


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_booking_is_repeated_every_week(
    open_page: OpenPage, many: School, width: int, height: int
) -> None:
    page = open_page(
        f"/book?date={tomorrow()}", MEERA.name, viewport={"width": width, "height": height}
    )
    dialog = open_repeat(page)
    expect(dialog).to_contain_text(f"{WEEKS}\u00a0dates, all free")

    dialog.get_by_role("button", name="Request all").click()

    expect(page.get_by_role("dialog", name="Series requested")).to_contain_text(
        f"{WEEKS}\u00a0dates"
    )
    expect(page.get_by_text("just booked")).to_have_count(0)  # it is their own booking
    made = find_bookings(many.db, limit=50)
    assert sorted((b.date - tomorrow()).days for b in made) == [7 * n for n in range(WEEKS)]
    assert len({b.series for b in made}) == 1


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_booking_is_repeated_a_number_of_times(
    open_page: OpenPage, many: School, width: int, height: int
) -> None:
    page = open_page(
        f"/book?date={tomorrow()}", MEERA.name, viewport={"width": width, "height": height}
    )
    dialog = open_repeat(page)
    dialog.get_by_text("After a number of dates", exact=True).click()
    number = dialog.get_by_role("spinbutton", name="Number of dates")
    expect(dialog.get_by_text("Until", exact=True)).to_have_count(0)

    number.fill("3")
    number.press("Enter")
    expect(dialog).to_contain_text("3\u00a0dates, all free")
    dialog.get_by_role("button", name="Request all").click()

    expect(page.get_by_role("dialog", name="Series requested")).to_contain_text("3\u00a0dates")
    made = find_bookings(many.db, limit=50)
    assert sorted((b.date - tomorrow()).days for b in made) == [0, 7, 14]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_booking_is_repeated_on_picked_dates(
    open_page: OpenPage, many: School, width: int, height: int
) -> None:
    page = open_page(
        f"/book?date={tomorrow()}", MEERA.name, viewport={"width": width, "height": height}
    )
    dialog = open_repeat(page)
    dialog.get_by_text("Dates that I pick", exact=True).click()
    expect(dialog).to_contain_text("Pick at least one date.")
    expect(dialog.get_by_role("button", name="Request all")).to_be_disabled()
    days = [tomorrow() + timedelta(days=number) for number in (2, 3, 9)]
    for count, day in enumerate(days, 2):
        dialog.get_by_role("combobox").fill(formats.short_date(day))
        page.get_by_role("option", name=formats.short_date(day), exact=True).click()
        expect(dialog).to_contain_text(f"{count}\u00a0dates, all free")
    dialog.get_by_role("combobox").press("Tab")  # closes the list of days
    expect(page.get_by_role("option")).to_have_count(0)
    dialog.get_by_label(f"Remove {formats.short_date(days[1])}").click()
    expect(dialog).to_contain_text("3\u00a0dates, all free")
    assert serious_violations(page) == []

    dialog.get_by_role("button", name="Request all").click()

    done = page.get_by_role("dialog", name="Series requested")
    expect(done).to_contain_text("3\u00a0dates")
    made = find_bookings(many.db, limit=50)
    assert sorted((b.date - tomorrow()).days for b in made) == [0, 2, 9]
    assert len({b.series for b in made}) == 1


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_booking_is_repeated_in_the_weeks_of_one_letter(
    open_page: OpenPage, many: School, width: int, height: int
) -> None:
    save_week_a(many.db, tomorrow())
    page = open_page(
        f"/book?date={tomorrow()}", MEERA.name, viewport={"width": width, "height": height}
    )
    dialog = open_repeat(page)
    expect(dialog).to_contain_text(f"{WEEKS}\u00a0dates, all free")

    dialog.get_by_role("radio", name="A", exact=True).click(force=True)
    expect(dialog).to_contain_text(f"{WEEKS // 2}\u00a0dates, all free")
    dialog.get_by_role("button", name="Request all").click()

    expect(page.get_by_role("dialog", name="Series requested")).to_be_visible()
    made = find_bookings(many.db, limit=50)
    assert sorted((b.date - tomorrow()).days for b in made) == [14 * n for n in range(WEEKS // 2)]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_place_that_is_free_on_more_dates_is_taken_by_a_press(
    open_page: OpenPage, many: School, width: int, height: int
) -> None:
    for weeks in (1, 2):
        many.book(student=2 * weeks, start=14, on=tomorrow() + timedelta(days=7 * weeks))
    page = open_page(
        f"/book?date={tomorrow()}", MEERA.name, viewport={"width": width, "height": height}
    )
    dialog = open_repeat(page)
    expect(dialog).to_contain_text(f"{WEEKS}\u00a0dates: {WEEKS - 2} free, 2 not")
    expect(dialog).to_contain_text("Free on more of these dates:")

    dialog.get_by_role("button", name=f": {WEEKS} of {WEEKS}").first.click()

    expect(dialog).to_contain_text(f"{WEEKS}\u00a0dates, all free")
    expect(dialog).not_to_contain_text("Free on more of these dates:")
    dialog.get_by_role("button", name="Request all").click()
    done = page.get_by_role("dialog", name="Series requested")
    expect(done).to_contain_text(f"{WEEKS}\u00a0dates")
    made = [b for b in find_bookings(many.db, limit=50) if b.series]
    assert sorted((b.date - tomorrow()).days for b in made) == [7 * n for n in range(WEEKS)]
    [place] = {(b.ground_id, b.start.hour) for b in made}
    assert place != ("ground-1", 14)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_date_that_is_taken_meanwhile_shows_at_once_and_the_free_ones_are_booked(
    open_page: OpenPage, many: School, width: int, height: int
) -> None:
    page = open_page(
        f"/book?date={tomorrow()}", MEERA.name, viewport={"width": width, "height": height}
    )
    dialog = open_repeat(page)
    expect(dialog).to_contain_text("all free")

    taken = many.book(student=2, start=14, on=today() + timedelta(days=15))

    expect(dialog).to_contain_text(f"{WEEKS}\u00a0dates: {WEEKS - 1} free, 1 not", timeout=TICK)
    expect(dialog).to_contain_text(f"booked for {taken.class_name}")
    expect(dialog.get_by_role("button", name="Request all")).to_be_disabled()
    dialog.get_by_role("button", name="Request the free ones").click()
    done = page.get_by_role("dialog", name="Series requested")
    expect(done).to_contain_text(f"{WEEKS - 1}\u00a0dates")
    expect(done).to_contain_text("Not booked:")
    done.get_by_role(
        "button", name=re.compile(f"^Request .*{formats.short_date(taken.date)}")
    ).click()
    expect(done).to_contain_text(f"{WEEKS}\u00a0dates")
    expect(done).not_to_contain_text("Not booked:")
    done.get_by_role("button", name="OK").click()
    expect(page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    mine = [b for b in find_bookings(many.db, limit=50) if b.id != taken.id]
    assert (len(mine), len({b.series for b in mine})) == (WEEKS, 1)
