"""Offering a swap from the Move dialog, and answering it on Bookings; live on both screens."""

from __future__ import annotations

import pytest
from app_server import JOSEPH, MEERA, School
from browser_windows import OpenPage
from page_checks import serious_violations
from playwright.sync_api import Locator, Page, expect
from screens import row
from test_moving import open_dialog, taken

from booking_core import Booking, get_booking, offer_swap

SIZES = (
    {"width": 1440, "height": 900},
    {"width": 820, "height": 1180},
    {"width": 390, "height": 844},
)


def two(school: School) -> tuple[Booking, Booking]:
    return school.book(student=1, start=14, by=MEERA), school.book(student=2, start=16)


def press(page: Page, label: str) -> Locator:
    page.get_by_role("button", name=label).click()
    return page.get_by_role("dialog")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_an_offer_from_the_move_dialog_is_accepted_by_the_other_author(
    open_page: OpenPage, school: School, size: dict[str, int]
) -> None:
    mine, other = two(school)
    page = open_page("/bookings", viewport=size)
    theirs = open_page("/bookings", JOSEPH.name, viewport=size)
    expect(theirs.get_by_text("Offers of a swap")).to_have_count(0)
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    if size["width"] == 390:
        expect(dialog.get_by_role("table")).to_be_visible()
    taken(dialog, 16).click()
    dialog.get_by_role("button", name="Offer the swap").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("has not answered yet")).to_be_visible()

    dialog = press(theirs, "Accept the swap of Ground 1, Today 4–5 PM")
    expect(dialog).to_contain_text(
        "Student 2, 3-A: from Ground 1, Today 4–5 PM, to Ground 1, Today 2–3 PM"
    )
    expect(dialog).to_contain_text("Student 1, 2-A: It keeps its status.")
    assert serious_violations(theirs) == []
    dialog.get_by_role("button", name="Accept swap").click()
    expect(dialog).to_have_count(0)

    expect(theirs.get_by_text("Offers of a swap")).to_have_count(0)
    expect(page.get_by_text("Offers of a swap")).to_have_count(0)
    expect(row(page, "4–5 PM")).to_contain_text("Student 1")
    assert [get_booking(school.db, b.id).slot for b in (mine, other)] == [other.slot, mine.slot]


def test_a_declined_offer_goes_from_both_screens_and_the_bell_says_so(
    open_page: OpenPage, school: School
) -> None:
    mine, other = two(school)
    offer_swap(school.db, mine.id, other.id, reason="Rehearsal", by=MEERA)
    page = open_page("/bookings")
    theirs = open_page("/bookings", JOSEPH.name)
    theirs.get_by_role("button", name="Notices").click()
    expect(theirs.get_by_text("got an offer of a swap by Meera Nair.")).to_be_visible()
    theirs.keyboard.press("Escape")
    dialog = press(theirs, "Decline the swap of Ground 1, Today 4–5 PM")
    expect(dialog).to_contain_text("Rehearsal")
    dialog.get_by_role("button", name="Decline").click()

    expect(theirs.get_by_text("Offers of a swap")).to_have_count(0)
    expect(page.get_by_text("Offers of a swap")).to_have_count(0)
    page.get_by_role("button", name="Notices").click()
    expect(page.get_by_text("Joseph Mathew has declined the swap.")).to_be_visible()
    assert get_booking(school.db, mine.id).slot == mine.slot


def test_an_offer_that_is_over_says_so_in_its_dialog(open_page: OpenPage, school: School) -> None:
    mine, other = two(school)
    offer_swap(school.db, mine.id, other.id, by=MEERA)
    theirs = open_page("/bookings", JOSEPH.name)
    page = open_page("/bookings")
    expect(theirs.get_by_text("waits for your answer")).to_be_visible()

    dialog = press(page, "Withdraw the offer of Ground 1, Today 2–3 PM")
    dialog.get_by_role("button", name="Withdraw").click()

    expect(theirs.get_by_text("Offers of a swap")).to_have_count(0)
    expect(page.get_by_text("Offers of a swap")).to_have_count(0)
