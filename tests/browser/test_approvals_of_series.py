"""A series on Approvals: one row, decided whole or date by date."""

from __future__ import annotations

import re
from datetime import datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from app_server import HEAD, JOSEPH, MEERA, ZONE, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import TICK, row, screen_link
from support import request_for

from booking_core import (
    Actor,
    Booking,
    SeriesRequest,
    Status,
    approve,
    book_series,
    delegate,
    find_series,
    join_waiting_list,
    move,
    reject_series,
)
from pages.shared.text import formats

SIZES = [(1440, 900), (820, 1180), (390, 844)]
DATES = 3


def booked_series(school: School, by: Actor = MEERA) -> tuple[Booking, ...]:
    """Books three dates for Student 1, a week between two, the first tomorrow."""
    first = request_for(student=1, on=tomorrow())
    now = datetime.now(ZoneInfo(ZONE))
    request = SeriesRequest(first=first, count=DATES)
    return book_series(school.db, request, by=by, submission_id=uuid4(), now=now).bookings


def statuses(school: School, made: tuple[Booking, ...]) -> list[Status]:
    return [booking.status for booking in find_series(school.db, str(made[0].series))]


def open_queue(open_page: OpenPage, width: int = 1440, height: int = 900) -> Page:
    page = open_page("/approvals", HEAD.name, viewport={"width": width, "height": height})
    expect(page.get_by_role("heading", name="Approvals")).to_be_visible()
    return page


def button(page: Page, action: str) -> Locator:
    """Returns a button of the row of Student 1, whose series has dates that wait."""
    return page.get_by_role("button", name=re.compile(rf"^{action}: Student 1, .* \d dates?$"))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_dates_of_a_series_are_one_row_that_is_approved_whole(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    made = booked_series(school)
    school.book(student=2, on=tomorrow(), start=11)
    page = open_queue(open_page, width, height)
    expect(row(page, "Student 1")).to_have_count(1)
    expect(row(page, "Student 1")).to_contain_text(f"{tomorrow():%A}s 9–10 AM")
    expect(row(page, "Student 1")).to_contain_text(f"{DATES} dates")
    expect(page.get_by_text("4 waiting · ")).to_be_visible()
    expect(page).to_have_title("(4) Approvals · Ground booking")
    page_width = page.evaluate("document.documentElement.scrollWidth")
    assert page_width <= width, "the screen scrolls sideways"

    button(page, "Approve").click()

    expect(row(page, "Student 1")).to_contain_text("Approved")
    expect(row(page, "Student 1")).to_have_count(1)
    assert statuses(school, made) == [Status.APPROVED] * DATES
    expect(page.get_by_text("1 waiting · ")).to_be_visible()
    page.get_by_role("button", name=f"Tidy away {DATES} decided").click()
    expect(row(page, "Student 1")).to_have_count(0)


def test_a_series_is_rejected_whole_with_a_reason(open_page: OpenPage, school: School) -> None:
    made = booked_series(school)
    page = open_queue(open_page)
    button(page, "Reject").click()
    dialog = page.get_by_role("dialog", name=f"Reject {DATES} bookings?")
    expect(dialog).to_contain_text(f"{DATES} dates")
    dialog.get_by_label("Reason").fill("Exam week")
    dialog.get_by_role("button", name=f"Reject {DATES} bookings").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, "Student 1")).to_contain_text("Rejected")
    assert statuses(school, made) == [Status.REJECTED] * DATES
    bar = page.locator(".st-key-bar_undo")
    expect(bar).to_contain_text(f"{DATES} rejected.")
    bar.get_by_role("button", name="Undo").click()

    expect(page.get_by_text(f"{DATES} bookings are as before.")).to_be_visible()
    expect(button(page, "Approve")).to_be_visible()
    assert statuses(school, made) == [Status.PENDING] * DATES


def test_a_rejected_series_for_whose_slot_somebody_waits_is_not_offered_to_be_undone(
    open_page: OpenPage, school: School
) -> None:
    made = booked_series(school)
    wanted = request_for(student=2, on=made[1].date)
    join_waiting_list(school.db, wanted, by=JOSEPH, now=datetime.now(ZoneInfo(ZONE)))
    page = open_queue(open_page)
    button(page, "Reject").click()
    dialog = page.get_by_role("dialog", name=f"Reject {DATES} bookings?")
    dialog.get_by_label("Reason").fill("Exam week")
    dialog.get_by_role("button", name=f"Reject {DATES} bookings").click()

    expect(page.get_by_text(f"{DATES} rejected.")).to_be_visible()
    assert page.locator(".st-key-bar_undo").count() == 0  # at once: it would go by itself


def test_a_series_that_changed_since_it_was_shown_is_not_decided(
    open_page: OpenPage, school: School
) -> None:
    made = booked_series(school)
    page = open_queue(open_page)
    button(page, "Reject").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Exam week")
    move(school.db, made[1].id, start=time(15), end=time(16), by=MEERA)
    dialog.get_by_role("button", name=f"Reject {DATES} bookings").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("The dates of this series changed while you looked")).to_be_visible()
    assert statuses(school, made) == [Status.PENDING] * DATES
    expect(row(page, "Student 1")).to_contain_text("1 date moved since", timeout=TICK)


def test_rows_of_both_kinds_are_decided_together_and_the_buttons_count_requests(
    open_page: OpenPage, school: School
) -> None:
    made = booked_series(school)
    school.book(student=2, on=tomorrow(), start=11)
    school.book(student=3, on=tomorrow(), start=12)
    page = open_queue(open_page)
    page.get_by_role("checkbox", name="Select all").check()
    expect(page.get_by_text("5 selected")).to_be_visible()
    page.get_by_role("checkbox", name="Select Student 3").uncheck()
    page.get_by_role("button", name="Approve 4", exact=True).click()

    expect(row(page, "Student 1")).to_contain_text("Approved")
    expect(row(page, "Student 2")).to_contain_text("Approved")
    expect(row(page, "Student 3")).not_to_contain_text("Approved")
    expect(page.get_by_text("4 approved.")).to_be_visible()
    assert statuses(school, made) == [Status.APPROVED] * DATES
    expect(screen_link(page, "Approvals", " 1 waiting")).to_be_visible(timeout=TICK)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_single_dates_are_decided_in_the_details_of_the_series(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    made = booked_series(school)
    move(school.db, made[1].id, ground_id="ground-3", start=time(15), end=time(16), by=MEERA)
    page = open_queue(open_page, width, height)
    button(page, "Details").click()
    dialog = page.get_by_role("dialog", name="Request")
    moved = row(dialog, formats.short_date(made[1].date))
    for text in ("3–4 PM", "Ground 3", "moved"):
        expect(moved).to_contain_text(text)
    expect(row(dialog, formats.short_date(made[0].date))).not_to_contain_text("moved")

    moved.get_by_role("button", name="Approve").click()
    expect(moved).to_contain_text("Approved")
    expect(moved.get_by_role("button")).to_have_count(0)
    assert statuses(school, made) == [Status.PENDING, Status.APPROVED, Status.PENDING]
    row(dialog, formats.short_date(made[0].date)).get_by_role("button", name="Reject").click()
    asking = page.get_by_role("dialog", name="Reject this booking?")
    asking.get_by_label("Reason").fill("Exam week")
    asking.get_by_role("button", name="Reject this booking").click()

    # One date waits: it is an ordinary row.
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, "Student 1")).to_have_count(1)
    expect(row(page, "Student 1")).not_to_contain_text("dates")
    assert statuses(school, made) == [Status.REJECTED, Status.APPROVED, Status.PENDING]
    page.get_by_role("button", name="Approve: Student 1").click()
    expect(page.get_by_role("button", name=f"Tidy away {DATES} decided")).to_be_visible()
    assert statuses(school, made)[2] is Status.APPROVED


def test_who_asked_for_a_series_approves_neither_it_nor_a_date(
    open_page: OpenPage, school: School
) -> None:
    made = booked_series(school, by=JOSEPH)
    delegate(school.db, to=JOSEPH.id, first=today(), last=tomorrow(), by=HEAD)
    page = open_page("/approvals", JOSEPH.name)
    error = "approve a request that you made yourself."
    button(page, "Details").click()
    dialog = page.get_by_role("dialog", name="Request")
    date = row(dialog, formats.short_date(made[2].date))
    date.get_by_role("button", name="Approve").click()
    expect(dialog.get_by_text(error)).to_be_visible()
    expect(date).to_contain_text("Requested")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    button(page, "Approve").click()
    expect(page.get_by_text(error)).to_contain_text(f"Student 1, {tomorrow():%A}s 9–10 AM: Your")
    expect(page.get_by_text("1 could not be approved: see below the list.")).to_be_visible()
    assert statuses(school, made) == [Status.PENDING] * DATES


def test_the_details_of_a_series_follow_its_changes(open_page: OpenPage, school: School) -> None:
    made = booked_series(school)
    page = open_queue(open_page)
    button(page, "Details").click()
    dialog = page.get_by_role("dialog", name="Request")
    expect(row(dialog, formats.short_date(made[0].date))).to_contain_text("Requested")

    reject_series(school.db, str(made[0].series), by=HEAD, reason="Rain")

    for booking in made:
        expect(row(dialog, formats.short_date(booking.date))).to_contain_text(
            "Rejected", timeout=TICK
        )


def test_a_date_that_is_decided_elsewhere_leaves_the_others_in_the_row(
    open_page: OpenPage, school: School
) -> None:
    made = booked_series(school)
    school.book(student=2, on=tomorrow(), start=8)
    page = open_queue(open_page)
    expect(row(page, "Student 1")).to_contain_text("3 dates")

    approve(school.db, made[0].id, by=HEAD)

    expect(row(page, "Student 1")).to_contain_text("2 dates", timeout=TICK)
    expect(row(page, "Student 1")).to_have_count(1)
    button(page, "Approve").click()
    expect(row(page, "Student 1")).to_contain_text("Approved")
    assert statuses(school, made) == [Status.APPROVED] * DATES


def test_the_row_of_a_series_says_who_waits_behind_its_dates(
    open_page: OpenPage, school: School
) -> None:
    booked_series(school)
    page = open_queue(open_page)
    expect(row(page, "Student 1")).to_contain_text("Volleyball")
    expect(row(page, "Student 1")).not_to_contain_text("waits on")

    wanted = request_for(student=2, on=tomorrow())
    join_waiting_list(school.db, wanted, by=JOSEPH, now=datetime.now(ZoneInfo(ZONE)))

    expect(row(page, "Student 1")).to_contain_text("1 waits on 1 date", timeout=TICK)
