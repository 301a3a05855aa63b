"""A timetable of one ground: an admin makes it, and Book, the week and the wall follow."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time

import pytest
from app_server import ADMIN, School, tomorrow
from browser_windows import OpenPage
from page_checks import button
from playwright.sync_api import Locator, Page, expect
from screens import TICK, choose_student, confirm, open_review, show_tab

from booking_core import Period, Timetable, load_reference, save_timetable

SIZES = pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
SWIMMING = Timetable(
    "swimming",
    (Period("Swim 1", time(8), time(8, 45)), Period("Swim 2", time(8, 45), time(9, 30))),
    tuple(range(7)),
    "Swimming",
    ground_ids=("ground-3",),
)


def swim(page: Page, number: int, state: str = "Free") -> Locator:
    return page.get_by_role("button", name=re.compile(f"{state}: Ground 3, Swim {number},"))


@SIZES
def test_a_ground_is_booked_in_its_own_periods(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    save_timetable(school.db, SWIMMING)
    page = open_page(f"/book?date={tomorrow()}", viewport={"width": width, "height": height})
    if width == 390:
        chips = page.get_by_role("group", name="Ground")
        chips.get_by_role("button", name="Ground 3").click()
    expect(swim(page, 1)).to_be_visible()
    expect(page.get_by_text("No such period")).to_have_count(0)
    swim(page, 1).click()
    expect(swim(page, 1, "Picked")).to_be_visible()
    swim(page, 2).click()
    expect(swim(page, 2, "Picked")).to_be_visible()
    choose_student(page, "S001")
    open_review(page)
    expect(page.get_by_role("dialog")).to_contain_text("8–9:30 AM")
    confirm(page)

    expect(swim(page, 1, "Requested")).to_be_visible(timeout=TICK)
    [stored] = school.db["bookings"].find({"kind": "booking"})
    assert (stored["ground_id"], stored["start"], stored["end"]) == ("ground-3", "08:00", "09:30")


def test_arrow_keys_go_from_one_table_to_the_other(open_page: OpenPage, school: School) -> None:
    save_timetable(school.db, SWIMMING)
    page = open_page(f"/book?date={tomorrow()}")
    swim(page, 2).focus()

    page.keyboard.press("ArrowUp")
    expect(swim(page, 1)).to_be_focused()

    first = page.get_by_role("button", name=re.compile("Free: Ground 1, 9"))
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name=re.compile("Free: Ground 1, 10"))).to_be_focused()


def test_an_admin_gives_a_ground_its_own_periods_and_every_screen_follows(
    open_page: OpenPage, school: School
) -> None:
    book = open_page(f"/book?view=week&ground=ground-3&date={tomorrow()}")
    expect(book.get_by_role("button", name=re.compile("5–6 PM|17-18")).first).to_be_visible()
    admin = open_page("/admin", ADMIN.name)
    show_tab(admin, "Timetables")
    admin.get_by_role("button", name="Add a timetable").click()
    admin.get_by_label("Name", exact=True).fill("Swimming")
    admin.get_by_label("Name", exact=True).press("Enter")
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        admin.get_by_role("button", name=day, exact=True).press("Enter")
    grounds = admin.get_by_role("combobox", name="Grounds that have these periods")
    grounds.click()
    admin.get_by_role("option", name="Ground 3").click()
    grounds.press("Escape")
    admin.get_by_role("button", name="Add a period").click()
    preview = admin.locator(".st-key-card_admin-editor-preview")
    expect(preview).to_contain_text("Ground 3 · Swimming")
    # The timetable of all grounds keeps its weekdays.
    expect(preview.get_by_text("moves here from")).to_have_count(0)
    expect(preview.get_by_text("Every upcoming booking still fits.")).to_be_visible()
    admin.get_by_role("button", name="Save timetable").click()

    expect(admin.get_by_text("On Ground 3")).to_be_visible()
    table = load_reference(school.db).timetables["swimming"]
    assert table.ground_ids == ("ground-3",)
    assert table.weekdays == tuple(range(7))
    late = book.get_by_role("button", name=re.compile("5–6 PM|17-18"))
    expect(late).to_have_count(0, timeout=TICK)

    button(admin, "admin.timetables.swimming.edit").click()
    expect(admin.get_by_role("button", name="Save timetable")).to_be_disabled()
    assert load_reference(school.db).timetables["regular"].weekdays == tuple(range(7))


def test_the_wall_draws_the_strip_of_each_ground(open_page: OpenPage, school: School) -> None:
    save_timetable(school.db, SWIMMING)
    wall = open_page("/wall")
    strips = wall.get_by_role("img", name=re.compile("periods today"))

    expect(strips).to_have_count(3)
    expect(wall.get_by_role("img", name=re.compile("^Of 2 periods"))).to_have_count(1)

    longer = replace(
        SWIMMING, periods=(*SWIMMING.periods, Period("Night", time(9, 30), time(23, 55)))
    )
    save_timetable(school.db, longer)

    expect(wall.get_by_role("img", name=re.compile("^Of 3 periods"))).to_have_count(1, timeout=TICK)
