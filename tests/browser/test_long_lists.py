"""Every list that ends before its last row says so, and leads to the others."""

from __future__ import annotations

from datetime import time, timedelta

from app_server import ADMIN, HEAD, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import row, show_tab
from support import close_one

from booking_core import approve, save_days


def test_the_approvals_say_that_more_was_decided_and_lead_there(
    open_page: OpenPage, school: School
) -> None:
    for number in range(51):
        days, place = divmod(number, 30)
        made = school.book(
            student=number,
            on=tomorrow() + timedelta(days=days),
            start=8 + place // 3,
            ground=f"ground-{place % 3 + 1}",
        )
        approve(school.db, made.id, by=HEAD)
    page = open_page("/approvals", "Anand Rao")
    show_tab(page, "Approved, upcoming")
    expect(row(page, "Student 50")).to_be_visible()
    expect(page.get_by_text("All are on Bookings")).to_have_count(0)

    show_tab(page, "Decided")
    expect(page.get_by_text("The latest 50. All are on Bookings.")).to_be_visible()
    page.get_by_role("link", name="Open Bookings").click()
    expect(page.get_by_role("heading", name="Bookings")).to_be_visible()


def test_closures_and_special_dates_are_paged(open_page: OpenPage, school: School) -> None:
    for days in range(51):
        on = tomorrow() + timedelta(days=days)
        close_one(
            school.db, ground_id="ground-1", date=on, start=time(17), end=time(18),
            reason=f"Mowing {days}", by=HEAD,
        )  # fmt: skip
    holidays = [today() + timedelta(days=100 + days) for days in range(51)]
    save_days(school.db, holidays, timetable_id=None, note="Away", by=ADMIN)
    page = open_page("/admin", "Anand Rao")
    expect(page.get_by_text("1–50 of 51")).to_be_visible()
    expect(page.get_by_text("Mowing 49", exact=True)).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51–51 of 51")).to_be_visible()
    expect(page.get_by_text("Mowing 50", exact=True)).to_be_visible()
    expect(page.get_by_text("Mowing 49", exact=True)).to_have_count(0)

    page = open_page("/admin", "Farah Sheikh")
    show_tab(page, "Timetables")
    expect(page.get_by_text("1–50 of 51")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51–51 of 51")).to_be_visible()
    expect(page.get_by_text("No school · Away")).to_have_count(1)
