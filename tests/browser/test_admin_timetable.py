"""Grounds, timetables and settings in Admin, and the other screens that follow them."""

from __future__ import annotations

import re
from datetime import timedelta

from app_server import ADMIN, School, today
from browser_windows import OpenPage
from page_checks import button
from playwright.sync_api import Page, expect
from screens import TICK, cell, place, show_tab

from booking_core import Policy, add_timetable, load_reference, save_policy


def open_admin(open_page: OpenPage, section: str, **options) -> Page:
    page = open_page("/admin", "Farah Sheikh", **options)
    show_tab(page, section)
    return page


def type_end_of_first(page: Page, time: str) -> None:
    """Types the end of the first period, in the morning; the field moves the focus itself."""
    page.get_by_role("spinbutton", name="hour, Period 1 ends").click()
    page.keyboard.type(time.replace(":", ""))
    page.keyboard.press("Tab")


def test_a_changed_timetable_is_on_another_users_book_screen_at_once(
    open_page: OpenPage, school: School
) -> None:
    kept = school.book(student=1, start=14, on=today() + timedelta(days=1))
    book = open_page("/book")
    expect(cell(book, 14)).to_be_visible()
    admin = open_admin(open_page, "Timetables")
    button(admin, "admin.timetables.regular.edit").click()
    expect(admin.get_by_text("Every upcoming booking still fits.")).to_be_visible()

    admin.get_by_role("button", name="Fill in equal periods").click()
    admin.get_by_label("Minutes each").fill("90")
    admin.get_by_label("Minutes each").press("Enter")
    admin.get_by_role("button", name="Fill in", exact=True).click()
    admin.keyboard.press("Escape")
    # Before the save, the preview shows the new day and the affected bookings.
    expect(admin.get_by_role("cell", name="9:30–11 AM")).to_be_visible()
    expect(admin.get_by_text("1 upcoming booking would no longer fit.")).to_be_visible()
    expect(admin.get_by_role("listitem").filter(has_text="Student 1")).to_be_visible()
    assert len(load_reference(school.db).timetables["regular"].periods) == 10
    expect(cell(book, 14)).to_be_visible()
    admin.get_by_role("button", name="Save timetable").click()

    new = book.get_by_role("button", name=re.compile("Free: Ground 1, .*12:30–2 PM"))
    expect(new).to_be_visible(timeout=TICK)
    expect(cell(book, 14)).to_have_count(0)
    expect(admin.get_by_text("Bookings outside the timetable")).to_be_visible()
    assert school.db["bookings"].find_one({"_id": kept.id})["start"] == "14:00"


def test_a_typed_period_is_saved_and_an_invalid_one_is_marked(
    open_page: OpenPage, school: School
) -> None:
    admin = open_admin(open_page, "Timetables")
    button(admin, "admin.timetables.regular.edit").click()
    type_end_of_first(admin, "07:00")
    expect(admin.get_by_text("The end is not after the start.")).to_be_visible()
    expect(admin.get_by_role("button", name="Save timetable")).to_be_disabled()

    type_end_of_first(admin, "08:45")
    expect(admin.get_by_role("cell", name="8–8:45 AM")).to_be_visible()
    admin.get_by_label("Name of period 2").fill("Games")
    admin.get_by_role("button", name="Remove period 3").click()
    admin.get_by_role("button", name="Add a period").click()
    expect(admin.get_by_role("cell", name="6–7 PM", exact=True).first).to_be_visible()
    admin.get_by_role("button", name="Save timetable").click()

    expect(admin.get_by_role("button", name="Add a timetable")).to_be_visible()
    periods = load_reference(school.db).timetables["regular"].periods
    assert [f"{p.start:%H:%M}" for p in periods] == [
        "08:00",
        "09:00",
        *(f"{hour}:00" for hour in range(11, 19)),
    ]
    assert f"{periods[0].end:%H:%M}" == "08:45"
    assert [periods[0].label, periods[1].label] == ["8–8:45 AM", "Games"]

    button(admin, "admin.timetables.regular.delete").click()
    dialog = admin.get_by_role("dialog")
    expect(dialog.get_by_text("no school, until another has them")).to_be_visible()
    dialog.get_by_role("button", name="Delete timetable").click()
    expect(admin.get_by_text("No timetable yet")).to_be_visible()


def test_saved_settings_apply_to_every_screen_at_once(open_page: OpenPage, school: School) -> None:
    book = open_page("/book")
    expect(cell(book, 14)).to_be_visible()
    admin = open_admin(open_page, "Settings")
    expect(admin.get_by_text("This is what is saved.")).to_be_visible()
    admin.get_by_text("End booking the day before").click()
    admin.get_by_text("Only that a ground is booked").click()
    expect(admin.get_by_text("and today not at all")).to_be_visible()
    admin.get_by_role("button", name="Save", exact=True).click()

    expect(admin.get_by_text("This is what is saved.")).to_be_visible()
    expect(place(book, 14)).to_contain_text("Booking has ended", timeout=TICK)
    saved = load_reference(school.db).policy
    assert (saved.cut_off.hour, saved.wall_shows) == (16, "none")

    # A change by another admin is shown if nothing is typed, and is never overwritten otherwise.
    admin.get_by_label("How many days ahead").fill("9")
    admin.get_by_label("How many days ahead").press("Enter")
    save_policy(school.db, Policy(quota=5), by=ADMIN)
    expect(admin.get_by_text("Somebody else saved other settings")).to_be_visible(timeout=TICK)
    expect(admin.get_by_label("How many days ahead")).to_have_value("9")
    admin.get_by_role("button", name="Start again").click()
    expect(admin.get_by_label("Bookings in a week")).to_have_value("5")


def test_grounds_are_added_moved_and_retired_on_a_phone(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14)
    add_timetable(school.db, "Exam", load_reference(school.db).timetables["regular"].periods[:2])
    admin = open_admin(open_page, "Grounds")
    admin.set_viewport_size({"width": 390, "height": 844})
    admin.get_by_role("button", name="Add a ground").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Ground 2")
    dialog.get_by_role("button", name="Add ground").click()
    expect(dialog.get_by_text("is the name of another ground")).to_be_visible()
    expect(dialog.get_by_label("Name")).to_have_value("Ground 2")
    dialog.get_by_label("Name").fill("Tennis <b>court</b>")
    dialog.get_by_role("combobox", name="Games").fill("Tennis")
    dialog.get_by_role("combobox", name="Games").press("Enter")
    dialog.get_by_role("combobox", name="Games").press("Tab")  # closes the list of games
    dialog.get_by_role("button", name="Add ground").click()
    expect(admin.get_by_text("Tennis <b>court</b>", exact=True)).to_be_visible()

    button(admin, "admin.grounds.ground-1.down").click()
    book = open_page("/book")
    expect(book.get_by_role("columnheader").nth(1)).to_have_text("Ground 2")
    button(admin, "admin.grounds.ground-1.retire").click()
    expect(dialog.get_by_text("1 upcoming booking: 1 to move.")).to_be_visible()
    dialog.get_by_role("button", name="Retire ground").click()
    expect(dialog.get_by_text("Give a reason")).to_be_visible()
    dialog.get_by_label("Reason").fill("Sold <b>today</b>")
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Retire ground").click()

    expect(book.get_by_role("columnheader").filter(has_text="Ground 1")).to_have_count(
        0, timeout=TICK
    )
    expect(admin.get_by_text("Not in use")).to_be_visible()
    admin.get_by_role("button", name="Bring back").click()
    expect(admin.get_by_text("Not in use")).to_have_count(0)
    assert [g.id for g in load_reference(school.db).open_grounds] == [
        "ground-2",
        "ground-1",
        "ground-3",
        "tennis-b-court-b",
    ]
