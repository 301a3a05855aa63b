"""A closing of several bookings at the bell: one entry, with the details of each booking."""

from __future__ import annotations

import pytest
from app_server import HEAD, MEERA, School, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import TICK

from booking_core import close_grounds


@pytest.mark.parametrize("width", [1440, 390])
def test_a_closing_of_six_bookings_is_one_entry_with_the_details_of_each(
    open_page: OpenPage, school: School, width: int
) -> None:
    made = [school.book(student=n, start=9 + n, on=tomorrow(), by=MEERA) for n in range(1, 7)]
    page = open_page("/book")
    page.set_viewport_size({"width": width, "height": 900})
    close_grounds(
        school.db,
        ground_ids=["ground-1"],
        first=tomorrow(),
        last=tomorrow(),
        reason="Rain",
        expected=[booking.id for booking in made],
        by=HEAD,
    )

    expect(page).to_have_title("(1) Book · Ground booking", timeout=TICK)
    page.get_by_role("button", name="Notices").click()
    expect(page.get_by_text("6 of your bookings")).to_be_visible()
    details = page.get_by_role("button", name="Details")
    expect(details).to_have_count(0)
    page.get_by_text("The bookings", exact=True).click()
    expect(details).to_have_count(6)
    details.first.click()
    expect(page.get_by_role("dialog", name="Booking")).to_contain_text("Student 1")
