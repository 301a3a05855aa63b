"""“Book again…” on Bookings opens Book, filled as the booking, on the next date that is free."""

from __future__ import annotations

from datetime import timedelta

from app_server import ADMIN, MEERA, School, today
from browser_windows import OpenPage
from playwright.sync_api import Page, expect

from booking_core import Policy, Status, find_bookings, save_policy
from pages.shared.text import formats


def press(page: Page, title: str) -> None:
    page.get_by_role("button", name=f"Details: {title}").click()
    page.get_by_role("dialog").get_by_role("button", name="Book again…").click()
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()


def test_the_form_is_filled_on_the_next_date_on_which_the_slot_and_the_student_are_free(
    open_page: OpenPage, school: School
) -> None:
    save_policy(school.db, Policy(quota=None), by=ADMIN)  # three bookings of one week
    made = school.book(student=1, start=14, end=16, purpose="League", by=MEERA)
    school.book(student=2, start=15, on=today() + timedelta(days=1))  # its ground is taken
    school.book(student=1, start=14, ground="ground-3", on=today() + timedelta(days=2))
    page = open_page("/bookings")
    press(page, "Ground 1, Today 2–4 PM")

    panel = page.locator(".st-key-card_panel")
    later = today() + timedelta(days=3)
    expect(panel).to_contain_text("2–4 PM")
    expect(page.get_by_role("table", name=formats.short_date(later))).to_be_visible()
    expect(panel).to_contain_text("Student 1")
    expect(panel.get_by_label("Purpose")).to_have_value("League")
    panel.get_by_role("button", name="Review").click()
    page.get_by_role("dialog").get_by_role("button", name="Request this slot").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="OK")).to_be_visible()

    [again] = find_bookings(school.db, date_from=later, date_to=later)
    assert (again.start, again.end, again.ground_id) == (made.start, made.end, made.ground_id)
    assert (again.student_ids, again.game, again.purpose) == (("S001",), made.game, "League")
    assert again.status is Status.PENDING


def test_where_no_day_is_free_the_ground_is_shown_and_a_sentence_says_so(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    school.book(student=2, start=14, on=today() + timedelta(days=1))
    save_policy(school.db, Policy(advance_days=1), by=ADMIN)
    page = open_page("/bookings")
    press(page, "Ground 1, Today 2–3 PM")

    expect(page.get_by_text("That time is not free on any day ahead.")).to_be_visible()
    expect(page.locator(".st-key-card_panel")).not_to_contain_text("2–3 PM")
