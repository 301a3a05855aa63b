"""Grounds that share a surface: an admin divides one, Book and the wall show what excludes what."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from app_server import ADMIN, MEERA, ZONE, School, today
from browser_windows import OpenPage
from page_checks import button
from playwright.sync_api import Page, expect
from screens import TICK, place
from support import booked

from booking_core import Ground, get_booking, load_reference, save_ground

NORTH = Ground("north", "North half", ("Volleyball",), 11, surfaces=("n",))
SOUTH = Ground("south", "South half", ("Volleyball",), 12, surfaces=("s",))
WINDOWS = [(1440, 900), (820, 1180), (390, 844)]
SIZES = pytest.mark.parametrize(("width", "height"), WINDOWS)


def divide(school: School) -> None:
    main = load_reference(school.db).grounds["ground-1"]
    save_ground(school.db, Ground(main.id, main.name, main.games, main.order, surfaces=("n", "s")))
    for half in (NORTH, SOUTH):
        save_ground(school.db, half)


def choose(page: Page, surface: str) -> None:
    box = page.get_by_role("dialog").get_by_role("combobox", name="Surfaces")
    box.click()
    box.press_sequentially(surface)
    page.get_by_role("option").first.click()
    box.press("Tab")  # closes the list, which hides the rest of the dialog
    expect(page.get_by_role("dialog").get_by_text(surface, exact=True)).to_be_visible()


@SIZES
def test_a_cell_that_another_layout_holds_names_it_at_once(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    divide(school)
    page = open_page("/book", viewport={"width": width, "height": height})
    show = page.get_by_role("group", name="Ground").get_by_role("button", name="North half")
    if width == 390:
        show.click()
    else:
        heading = page.get_by_role("columnheader", name="Ground 1", exact=True)
        expect(heading).to_have_count(2)  # above the three layouts, and of the whole
    cell = place(page, 14, ground=2)  # beside the whole, although it was added last
    expect(cell).to_contain_text("Free")

    school.book(student=1, start=14, ground="ground-1")

    expect(cell).to_contain_text("on Ground 1", timeout=TICK)
    cell.click()
    expect(page.get_by_role("dialog")).to_contain_text("Ground 1")


@SIZES
def test_a_ground_is_divided_in_admin_and_what_overlaps_is_reviewed(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    lost = school.book(student=1, start=14, by=MEERA)
    kept = school.book(student=2, start=15)
    school.book(student=3, start=14, ground="ground-3")
    page = open_page("/admin", ADMIN.name, viewport={"width": width, "height": height})
    button(page, "admin.grounds.ground-1.edit").click()
    dialog = page.get_by_role("dialog")
    choose(page, "ground-1")
    choose(page, "ground-3")

    expect(dialog).to_contain_text("1 upcoming booking would overlap")
    expect(dialog).to_contain_text("Student 1")
    save = dialog.get_by_role("button", name="Save and revoke 1")
    save.click()
    expect(dialog).to_contain_text("reason")
    reason = dialog.get_by_label("Reason")
    reason.fill("New layout")
    reason.press("Tab")
    save.click()

    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Shares its surface with Ground 3")).to_be_visible()
    assert str(get_booking(school.db, lost.id).status) == "Revoked"
    assert get_booking(school.db, kept.id).held_surfaces == ("ground-1", "ground-3")


def test_the_wall_has_one_card_for_all_layouts_of_a_ground(
    open_page: OpenPage, school: School
) -> None:
    divide(school)
    page = open_page("/wall")
    expect(page.get_by_role("article")).to_have_count(3)

    night = datetime.combine(today(), time(), ZoneInfo(ZONE))
    booked(school.db, student=1, start=8, end=18, ground="north", on=today(), now=night)

    card = page.get_by_role("article").filter(has_text="Ground 1")
    expect(card).to_contain_text("North half", timeout=TICK)
    expect(card).to_contain_text("South half")
    expect(card).to_contain_text("Free")
