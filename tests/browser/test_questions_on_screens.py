"""A question about a request on Approvals, and its answer on Bookings and at the bell."""

from __future__ import annotations

import re

import pytest
from app_server import HEAD, JOSEPH, School
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import TICK, row, screen_link

from booking_core import ask, get_booking

SIZES = [
    {"width": 1440, "height": 900},
    {"width": 820, "height": 1180},
    {"width": 390, "height": 844},
]


@pytest.mark.parametrize("size", SIZES, ids=["1440", "820", "390"])
def test_a_question_is_asked_on_approvals_and_answered_on_bookings(
    school: School, open_page: OpenPage, size: dict[str, int]
) -> None:
    booking = school.book(student=1, start=14)
    head = open_page("/approvals", HEAD.name, viewport=size)
    expect(screen_link(head, "Approvals", " 1 waiting")).to_be_visible()

    head.get_by_role("button", name="Ask: Student 1").click()
    dialog = head.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Question").fill("Who supervises?")
    dialog.get_by_role("textbox", name="Question").press("Tab")
    dialog.get_by_role("button", name="Ask", exact=True).press("Enter")

    line = row(head, "Student 1")
    expect(line).to_contain_text(f"Waits for an answer from {JOSEPH.name}", timeout=TICK)
    expect(line).to_contain_text(f"{HEAD.name} asks: Who supervises?")
    expect(head.get_by_text(re.compile(r"^0 waiting · 1 asked about"))).to_be_visible()
    expect(screen_link(head, "Approvals", "")).to_be_visible()
    expect(dialog).to_have_count(0)

    staff = open_page("/bookings", JOSEPH.name, viewport=size)
    mine = row(staff, "Student 1")
    expect(mine).to_contain_text(f"{HEAD.name} asks: Who supervises?")
    mine.get_by_role("button", name="Answer").click()
    dialog = staff.get_by_role("dialog")
    expect(dialog).to_contain_text("Who supervises?")
    dialog.get_by_role("textbox", name="Answer").fill("I do.")
    dialog.get_by_role("textbox", name="Answer").press("Tab")
    dialog.get_by_role("button", name="Send answer").press("Enter")
    expect(mine.get_by_role("button", name="Answer")).to_have_count(0, timeout=TICK)

    expect(line).to_contain_text(f"{JOSEPH.name} answers: I do.", timeout=TICK)
    stored = get_booking(school.db, booking.id)
    assert [one.action for one in stored.history] == ["requested", "asked", "answered"]
    staff.get_by_role("button", name="Details").press("Enter")
    for text in ("Asked by", "Who supervises?", "Answered by", "I do."):
        expect(staff.get_by_role("dialog")).to_contain_text(text)


def test_the_bell_has_the_question_and_opens_the_answer(
    school: School, open_page: OpenPage
) -> None:
    booking = school.book(student=1, start=14)
    page = open_page("/book", JOSEPH.name)
    ask(school.db, booking.id, "Who supervises?", by=HEAD)

    page.get_by_role("button", name=re.compile("Notices")).click()
    entry = page.get_by_text("waits for your answer")
    expect(entry).to_contain_text("Who supervises?", timeout=TICK)
    page.get_by_role("button", name="Answer…").press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Who supervises?")
