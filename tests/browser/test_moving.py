"""Moving a booking on the Bookings screen."""

from __future__ import annotations

import re
from datetime import timedelta

from app_server import ADMIN, HEAD, MEERA, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import row
from support import active

from booking_core import Policy, Status, approve, get_booking, save_policy
from pages.shared.text import formats


def choose(page: Page, dialog: Locator, label: str, option: str) -> None:
    dialog.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_booking_moves_to_a_free_slot_for_its_game_and_keeps_its_slot_until_then(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, end=16, by=MEERA)
    approve(school.db, booking.id, by=HEAD)
    school.book(student=1, start=11, ground="ground-3")  # the student is there then
    page = open_page("/bookings")
    page.get_by_role("button", name="Move: Ground 1, Today 2–4 PM").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Volleyball, Student 1, 2-A")
    expect(dialog).to_contain_text("The principal then decides on it again.")

    # The choices are as long as the booking, on grounds for its game, each once; they may overlap
    # the booking's own second half.
    dialog.get_by_role("combobox", name=re.compile("Time")).click()
    offered = page.get_by_role("option").all_inner_texts()
    assert {"1–3 PM", "3–5 PM"} <= set(offered)
    assert not {"2–4 PM", "10 AM – 12 PM", "11 AM – 1 PM"} & set(offered)
    page.get_by_role("option", name="3–5 PM", exact=True).click()
    dialog.get_by_role("combobox", name=re.compile("Ground")).click()
    assert page.get_by_role("option").all_inner_texts() == ["Ground 1", "Ground 3"]
    page.get_by_role("option", name="Ground 1").click()

    # Another user is faster: the booking keeps its slot, and the user chooses again.
    school.book(student=2, start=16)
    dialog.get_by_role("button", name="Move booking").click()
    expect(dialog).to_contain_text("This slot was just booked by Joseph Mathew")
    assert get_booking(school.db, booking.id).slot == booking.slot
    choose(page, dialog, "Ground", "Ground 3")
    time = dialog.get_by_role("combobox", name=re.compile("Time"))
    expect(time).to_have_value("2–4 PM")  # the same time, if it is free
    choose(page, dialog, "Time", "3–5 PM")
    dialog.get_by_role("button", name="Move booking").click()

    expect(dialog).to_have_count(0)
    expect(row(page, "3–5 PM")).to_contain_text("Ground 3")
    moved = get_booking(school.db, booking.id)
    assert (moved.ground_id, moved.date, moved.start.hour) == ("ground-3", today(), 15)
    # The author may not decide: the principal decides on the new slot.
    assert (moved.status, moved.history[-1].action) == (Status.PENDING, "moved")

    page.get_by_role("button", name="Move: Ground 3, Today 3–5 PM").click()
    dialog.get_by_role("spinbutton", name="day").click()
    page.keyboard.type(f"{tomorrow():%d%m%Y}")
    dialog.get_by_text("It keeps its slot").click()  # closes the calendar
    expect(time).to_have_value("3–5 PM")
    choose(page, dialog, "Time", "8–10 AM")
    dialog.get_by_role("button", name="Move booking").click()
    expect(dialog).to_have_count(0)
    expect(row(page, "8–10 AM")).to_contain_text("Tomorrow")


def test_a_date_or_a_slot_that_is_taken_away_under_the_dialog_is_named(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    page.get_by_role("button", name="Move: Ground 1, Today 2–3 PM").click()
    dialog = page.get_by_role("dialog")
    choose(page, dialog, "Time", "4–5 PM")
    expect(dialog.get_by_role("combobox", name=re.compile("Time"))).to_have_value("4–5 PM")
    school.book(student=2, start=16)
    choose(page, dialog, "Time", "5–6 PM")
    expect(dialog).to_contain_text("Ground 1, 4–5 PM, is not free any more.")
    choose(page, dialog, "Time", "3–4 PM")
    expect(dialog.get_by_text("is not free any more")).to_have_count(0)

    later = today() + timedelta(days=20)
    dialog.get_by_role("spinbutton", name="day").click()
    page.keyboard.type(f"{later:%d%m%Y}")
    dialog.get_by_text("It keeps its slot").click()  # closes the calendar
    time = dialog.get_by_role("combobox", name=re.compile("Time"))
    expect(time).to_have_value("2–3 PM")  # of the new day
    choose(page, dialog, "Ground", "Ground 3")
    expect(dialog.get_by_role("combobox", name=re.compile("Ground"))).to_have_value("Ground 3")
    save_policy(school.db, Policy(advance_days=5), by=ADMIN)
    choose(page, dialog, "Time", "4–5 PM")

    last = today() + timedelta(days=5)
    expect(dialog).to_contain_text(
        f"{formats.short_date(later)} cannot be booked any more. "
        f"This is now {formats.short_date(last)}."
    )
    dialog.get_by_role("button", name="Move booking").click()
    expect(dialog).to_have_count(0)
    [moved] = active(school.db, student_id="S001")
    assert moved["date"] == last.isoformat()


def test_book_names_the_date_that_an_admin_takes_away(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    later = today() + timedelta(days=20)
    page.get_by_role("spinbutton", name="day").click()
    page.keyboard.type(f"{later:%d%m%Y}")
    page.get_by_role("heading", name="Book a ground").click()
    expect(page.get_by_role("button", name="Free: Ground 1, 8–9 AM")).to_be_visible()

    save_policy(school.db, Policy(advance_days=5), by=ADMIN)

    expect(
        page.get_by_text(f"{formats.short_date(later)} cannot be booked any more")
    ).to_be_visible()
