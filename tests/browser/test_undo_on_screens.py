"""The bar that undoes a cancellation, a move, a rejection and a closing for some seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from app_server import HEAD, JOSEPH, MEERA, School, today, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations
from playwright.sync_api import Locator, Page, expect
from screens import cell, row, type_dates
from support import active, booked

from booking_core import Status, get_booking


def bar(page: Page) -> Locator:
    return page.locator(".st-key-bar_undo")


def cancel(page: Page, title: str) -> None:
    page.get_by_role("button", name=f"Cancel: {title}").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel booking").click()
    expect(bar(page)).to_contain_text("Booking cancelled. The slot is free.")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_a_cancelled_booking_comes_back(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    made = school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings", viewport={"width": width, "height": height})
    cancel(page, "Ground 1, Today 2–3 PM")
    assert serious_violations(page) == []
    bar(page).get_by_role("button", name="Undo").click()

    expect(page.get_by_text("The booking is as before.")).to_be_visible()
    expect(bar(page)).to_have_count(0)
    expect(row(page, "2–3 PM")).to_contain_text("Requested")
    stored = get_booking(school.db, made.id)
    assert (stored.status, stored.history[-1].action) == (Status.PENDING, "undone")


def test_the_bar_goes_by_itself(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    cancel(page, "Ground 1, Today 2–3 PM")

    expect(bar(page)).to_have_count(0, timeout=30_000)


def test_a_slot_that_another_user_has_taken_meanwhile_is_named(
    open_page: OpenPage, school: School
) -> None:
    made = school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    cancel(page, "Ground 1, Today 2–3 PM")
    school.book(student=2, start=14)
    bar(page).get_by_role("button", name="Undo").click()

    expect(page.get_by_text("Not undone: ")).to_be_visible()
    assert get_booking(school.db, made.id).status is Status.CANCELLED


def test_a_moved_booking_goes_back(open_page: OpenPage, school: School) -> None:
    made = school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    page.get_by_role("button", name="Move: Ground 1, Today 2–3 PM").click()
    cell(page, 16).click()
    expect(cell(page, 16, state="Picked")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Move booking").click()
    expect(bar(page)).to_contain_text("Moved to Ground 1, Today 4–5 PM.")
    bar(page).get_by_role("button", name="Undo").click()

    expect(row(page, "2–3 PM")).to_contain_text("Ground 1")
    assert get_booking(school.db, made.id).slot == made.slot


def test_a_rejected_request_waits_again(open_page: OpenPage, school: School) -> None:
    made = school.book(student=1, start=14, by=MEERA)
    page = open_page("/approvals", HEAD.name, viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Reject: Student 1, Today 2–3 PM").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("exams")
    dialog.get_by_role("button", name="Reject this booking").click()
    expect(bar(page)).to_contain_text("1 rejected.")
    expect(bar(page).get_by_role("button", name="Undo")).to_be_in_viewport()
    bar(page).get_by_role("button", name="Undo").click()

    expect(page.get_by_role("button", name="Approve: Student 1, Today 2–3 PM")).to_be_visible()
    assert get_booking(school.db, made.id).status is Status.PENDING


def test_a_closing_is_undone_with_all_that_it_moved_and_revoked(
    open_page: OpenPage, school: School
) -> None:
    moved = school.book(student=1, start=14, on=tomorrow(), by=MEERA)
    revoked = school.book(student=2, start=15, on=tomorrow(), by=JOSEPH)
    page = open_page("/closures", HEAD.name, viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Close grounds…").click()
    dialog = page.get_by_role("dialog")
    type_dates(page, "First and last day", tomorrow(), tomorrow())
    dialog.get_by_text("All grounds").click()
    dialog.get_by_label("Reason").fill("Rain")
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Review").click()
    dialog.get_by_role("button", name="Revoke: Student 2").click()
    dialog.get_by_role("button", name="Close, move 1 and revoke 1").click()
    expect(bar(page)).to_contain_text("Closed. 1 booking moved. 1 booking revoked.")
    assert get_booking(school.db, moved.id).slot != moved.slot
    assert serious_violations(page) == []
    expect(bar(page).get_by_role("button", name="Undo")).to_be_in_viewport(ratio=1)
    bar(page).get_by_role("button", name="Undo").click()

    expect(page.get_by_text("The closing is undone. 2 bookings are as before.")).to_be_visible()
    expect(bar(page)).to_have_count(0)
    expect(page.get_by_text("Nothing is closed")).to_be_visible()
    expect(page.get_by_text("that a lifted closure")).to_have_count(0)  # all is back already
    back = [get_booking(school.db, one.id) for one in (moved, revoked)]
    assert [(one.slot, one.status) for one in back] == [
        (one.slot, one.status) for one in (moved, revoked)
    ]
    assert not active(school.db, kind="closure")


def test_a_closing_that_revoked_what_runs_is_not_offered_to_be_undone(
    open_page: OpenPage, school: School
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    made = booked(school.db, student=1, start=8, end=18, on=today(), by=MEERA, now=yesterday)
    page = open_page("/closures", HEAD.name)
    page.get_by_role("button", name="Close grounds…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("All grounds").click()
    dialog.get_by_label("Reason").fill("Rain")
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Review").click()
    dialog.get_by_role("button", name="Close, revoke 1").click()

    expect(page.get_by_text("Closed. 1 booking revoked.")).to_be_visible()
    assert bar(page).count() == 0  # at once: it would go by itself
    assert get_booking(school.db, made.id).status is Status.REVOKED
