"""Moving a booking on the Bookings screen."""

from __future__ import annotations

import re

from app_server import HEAD, MEERA, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import row

from booking_core import Status, approve, get_booking


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
