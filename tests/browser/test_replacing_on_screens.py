"""Giving the slot of a booking to another party, from Book and from Bookings."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from app_server import HEAD, JOSEPH, MEERA, School, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations, wait_until_settled
from playwright.sync_api import Locator, Page, expect
from screens import choose_student, row, show_everybody
from support import request_for

from booking_core import (
    Booking,
    SetRequest,
    Status,
    approve,
    book_set,
    find_bookings,
    get_booking,
    move,
)

SIZES = (
    {"width": 1440, "height": 900},
    {"width": 820, "height": 1180},
    {"width": 390, "height": 844},
)
WHY = "The final of the district"


def approved(school: School) -> Booking:
    booking = school.book(student=3, start=14, on=tomorrow(), by=MEERA)
    return approve(school.db, booking.id, by=HEAD)


def open_on_book(page: Page) -> Locator:
    page.get_by_role("button", name=re.compile("^Booked: Ground 1, 14-15")).click()
    return begin(page)


def open_on_bookings(page: Page) -> Locator:
    row(page, "Student 3").get_by_role("button", name=re.compile("^Details")).click()
    return begin(page)


def begin(page: Page) -> Locator:
    opener = page.get_by_role("dialog").get_by_role("button", name="Replace…")
    expect(opener).to_be_enabled()
    wait_until_settled(page)
    opener.press("Enter")
    dialog = page.get_by_role("dialog", name="Replace this booking")
    expect(dialog).to_be_visible()
    return dialog


def fill(page: Page, dialog: Locator, reason: str = WHY) -> None:
    expect(do_it(dialog)).to_be_disabled()
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_label("Reason").press("Tab")
    choose_student(page, "S050")
    expect(dialog.get_by_text("Student 50, 1-A: gets Ground 1")).to_be_visible()
    expect(do_it(dialog)).to_be_enabled()


def do_it(dialog: Locator) -> Locator:
    return dialog.get_by_role("button", name="Replace booking")


def others(school: School, booking: Booking) -> list[Booking]:
    return [one for one in find_bookings(school.db) if one.id != booking.id]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_a_principal_replaces_a_booking_from_its_cell_and_its_author_reads_why(
    open_page: OpenPage, school: School, size: dict[str, int]
) -> None:
    # A notice of the test before may still be written when this one has begun.
    why = f"{WHY}, {size['width']}"
    booking = approved(school)
    theirs = open_page("/bookings", viewport=size)
    page = open_page(f"/book?date={tomorrow()}", HEAD.name, viewport=size)

    dialog = open_on_book(page)
    expect(dialog).to_contain_text("Move it to Ground 1, Tomorrow 1–2 PM")
    fill(page, dialog, why)
    expect(dialog).to_contain_text("moves to Ground 1, Tomorrow 1–2 PM. It keeps its status.")
    expect(dialog).to_contain_text("Meera Nair gets a notice with the reason.")
    assert serious_violations(page) == []
    do_it(dialog).press("Enter")

    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Student 50, 1-A has the slot.")).to_be_visible()
    [made] = others(school, booking)
    assert (made.slot, made.student_id, made.status) == (booking.slot, "S050", Status.APPROVED)
    assert get_booking(school.db, booking.id).start.hour == 13
    theirs.get_by_role("button", name="Notices").click()
    expect(theirs.get_by_text(f"was moved by {HEAD.name}: {why}")).to_be_visible()


def test_a_booking_is_revoked_where_it_moves_nowhere(open_page: OpenPage, school: School) -> None:
    booking = approved(school)
    page = open_page("/bookings", HEAD.name)
    show_everybody(page)

    dialog = open_on_bookings(page)
    dialog.get_by_text("Revoke it").click()
    fill(page, dialog)
    expect(dialog).to_contain_text("the booking is revoked and has no slot any more.")
    do_it(dialog).press("Enter")

    expect(dialog).to_have_count(0)
    displaced = get_booking(school.db, booking.id)
    assert (displaced.status, displaced.history[-1].reason) == (Status.REVOKED, WHY)
    expect(row(page, "Student 50")).to_be_visible()


def test_who_may_not_decide_is_not_offered_it(open_page: OpenPage, school: School) -> None:
    approved(school)
    page = open_page(f"/book?date={tomorrow()}", JOSEPH.name)

    page.get_by_role("button", name=re.compile("^Booked: Ground 1, 14-15")).click()

    expect(page.get_by_role("dialog").get_by_role("button", name="Wait for this")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Replace…")).to_have_count(0)


def test_a_booking_that_moves_meanwhile_is_shown_anew_and_nothing_is_replaced(
    open_page: OpenPage, school: School
) -> None:
    booking = approved(school)
    page = open_page(f"/book?date={tomorrow()}", HEAD.name)
    dialog = open_on_book(page)
    fill(page, dialog)

    moved = move(school.db, booking.id, ground_id="ground-3", by=HEAD)

    expect(dialog.get_by_text("gets Ground 3, Tomorrow 2–3 PM")).to_be_visible()
    assert find_bookings(school.db) == [moved]


def test_a_party_of_several_with_a_supervisor_gets_the_slot(
    open_page: OpenPage, school: School
) -> None:
    booking = approved(school)
    page = open_page(f"/book?date={tomorrow()}", HEAD.name)
    dialog = open_on_book(page)
    fill(page, dialog)

    choose(page, dialog, "More students", "S051")
    page.keyboard.press("Escape")  # closes the list of students
    choose(page, dialog, "Supervisor", JOSEPH.name)
    dialog.get_by_label("Purpose (optional)").fill("Final")
    dialog.get_by_label("Purpose (optional)").press("Tab")
    expect(dialog.get_by_text(re.compile("Student 50.*Student 51.* gets Ground 1"))).to_be_visible()
    wait_until_settled(page)  # the button sends the values of the last run
    do_it(dialog).press("Enter")

    expect(dialog).to_have_count(0)
    [made] = others(school, booking)
    assert made.student_ids == ("S050", "S051")
    assert (made.supervisor_id, made.purpose) == (JOSEPH.id, "Final")


def choose(page: Page, dialog: Locator, label: str, text: str) -> None:
    """Chooses the option with ``text`` in a field of a dialog."""
    field = dialog.get_by_role("combobox", name=label)
    field.click()
    field.press_sequentially(text)
    page.get_by_role("option", name=re.compile(text)).click()


def test_the_former_booking_moves_to_a_slot_that_the_principal_picks(
    open_page: OpenPage, school: School
) -> None:
    booking = approved(school)
    page = open_page(f"/book?date={tomorrow()}", HEAD.name)
    dialog = open_on_book(page)
    dialog.get_by_text("Move it to another slot").click()
    dialog.get_by_label("Reason").fill(WHY)
    dialog.get_by_label("Reason").press("Tab")
    choose_student(page, "S050")
    expect(dialog.get_by_text("Choose the slot to which it moves")).to_be_visible()
    expect(do_it(dialog)).to_be_disabled()

    choose(page, dialog, "Free slot", "Ground 3, 5–6 PM")
    expect(dialog).to_contain_text("moves to Ground 3, Tomorrow 5–6 PM. It keeps its status.")
    do_it(dialog).press("Enter")

    expect(dialog).to_have_count(0)
    moved = get_booking(school.db, booking.id)
    assert (moved.ground_id, moved.start.hour) == ("ground-3", 17)


def test_the_first_ground_of_a_set_says_that_it_cannot_be_replaced_alone(
    open_page: OpenPage, school: School
) -> None:
    asked = SetRequest(request_for(student=3, on=tomorrow(), start=14), ("ground-1", "ground-3"))
    book_set(school.db, asked, by=MEERA, submission_id=uuid4())
    page = open_page(f"/book?date={tomorrow()}", HEAD.name)
    page.get_by_role("button", name=re.compile("^Requested: Ground 1, 14-15")).click()

    dialog = begin(page)

    expect(dialog.get_by_text("the first of them ends only with the others")).to_be_visible()
    expect(do_it(dialog)).to_have_count(0)
