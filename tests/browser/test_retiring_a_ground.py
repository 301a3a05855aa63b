"""Retiring a ground with upcoming bookings, each of which is moved, revoked or kept."""

from __future__ import annotations

from app_server import ADMIN, MEERA, School, tomorrow
from browser_windows import OpenPage
from page_checks import button
from playwright.sync_api import Locator, Page, expect

from booking_core import Status, get_booking


def open_dialog(page: Page) -> Locator:
    button(page, "admin.grounds.ground-1.retire").click()
    return page.get_by_role("dialog")


def row(dialog: Locator, student: int) -> Locator:
    return dialog.get_by_role("row").filter(has_text=f"Student {student}")


def test_each_upcoming_booking_is_moved_revoked_or_kept_and_its_author_is_told(
    open_page: OpenPage, school: School
) -> None:
    bookings = [school.book(student=n, start=8 + n, on=tomorrow(), by=MEERA) for n in (1, 2, 3)]
    page = open_page("/admin", ADMIN.name)
    dialog = open_dialog(page)
    expect(dialog.get_by_text("3 upcoming bookings: 3 to move.")).to_be_visible()
    expect(row(dialog, 1)).to_contain_text("Ground 3")
    row(dialog, 2).get_by_role("button", name="Revoke").click()
    expect(row(dialog, 2)).to_contain_text("Revoked")
    row(dialog, 3).get_by_role("button", name="Keep").click()
    expect(row(dialog, 3)).to_contain_text("Stays here")
    dialog.get_by_label("Reason").fill("Sold")
    dialog.get_by_label("Reason").press("Tab")
    expect(dialog.get_by_text("1 to move, 1 to revoke and 1 to keep.")).to_be_visible()

    dialog.get_by_role("button", name="Retire ground").click()

    expect(
        page.get_by_text("Ground 1 is out of use. 1 booking moved and 1 booking revoked.")
    ).to_be_visible()
    after = [get_booking(school.db, booking.id) for booking in bookings]
    assert [booking.ground_id for booking in after] == ["ground-3", "ground-1", "ground-1"]
    assert [booking.status for booking in after] == [
        Status.PENDING,
        Status.REVOKED,
        Status.PENDING,
    ]
    author = open_page("/bookings")
    author.get_by_role("button", name="Notices").click()
    expect(author.get_by_text("was moved by Farah Sheikh: Sold. It is on Ground 3")).to_be_visible()
    expect(author.get_by_text("was revoked by Farah Sheikh: Sold")).to_be_visible()


def test_a_booking_made_meanwhile_is_shown_before_anything_is_done(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=9, on=tomorrow())
    page = open_page("/admin", ADMIN.name)
    dialog = open_dialog(page)
    button(page, "admin.retiring.all.keep").click()
    expect(row(dialog, 1)).to_contain_text("Stays here")

    school.book(student=2, start=10, on=tomorrow())
    dialog.get_by_role("button", name="Retire ground").click()

    expect(dialog.get_by_text("changed while you looked, and nothing was done")).to_be_visible()
    expect(row(dialog, 1)).to_contain_text("Stays here")  # the choice for it is kept
    expect(row(dialog, 2)).to_contain_text("Ground 3")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Not in use")).to_have_count(0)
