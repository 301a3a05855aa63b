"""The board as it was, on Reports: for those who may close grounds, read-only, from Audit too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from app_server import HEAD, JOSEPH, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from support import booked

from booking_core import cancel

NAME = "The board as it was…"


def address(school: School, ago: timedelta) -> str:
    """The address of tomorrow's board as it was so long ago."""
    at = datetime.now(school.db.booking_settings.zone) - ago
    return f"/reports?board={tomorrow()}&at={at:%Y-%m-%dT%H:%M}"


def cell(page: Page, text: str):
    return page.locator(".cell").filter(has_text=text)


def test_the_board_of_a_moment_shows_a_booking_between_its_request_and_its_end(
    open_page: OpenPage, school: School
) -> None:
    now = datetime.now(UTC)
    requested, cancelled = now - timedelta(hours=4), now - timedelta(hours=2)
    booking = booked(school.db, by=JOSEPH, on=tomorrow(), student=1, now=requested)
    cancel(school.db, booking.id, by=HEAD, now=cancelled)

    page = open_page(address(school, timedelta(hours=3)), HEAD.name)
    expect(cell(page, "Requested")).to_have_count(1)
    expect(page.locator("button.cell")).to_have_count(0)
    expect(page.get_by_text("Free: press to pick")).to_have_count(0)
    for hours in (5, 1):
        page.goto(page.url.partition("/reports")[0] + address(school, timedelta(hours=hours)))
        expect(cell(page, "Free")).to_have_count(30)


def test_the_button_shows_the_board_of_today_and_the_address_keeps_what_is_chosen(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/reports", HEAD.name)
    page.get_by_role("button", name=NAME).click()

    expect(page.get_by_text("with what was done in that minute")).to_be_visible()
    expect(page.get_by_text("for whom a booking is are those of now")).to_be_visible()
    expect(page).to_have_url(re.compile(f"board={today()}&at={today()}T"))
    page.reload()
    expect(page.get_by_text("with what was done in that minute")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("button", name=NAME)).to_be_visible()
    expect(page).to_have_url(re.compile("/reports$"))


@pytest.mark.parametrize(
    "asked",
    ["board=2026-13-01&at=2026-01-01T10:00", "board=TODAY&at=9999-01-01T10:00", "board=TODAY"],
)
def test_an_address_of_no_past_moment_shows_no_board(
    open_page: OpenPage, school: School, asked: str
) -> None:
    page = open_page(f"/reports?{asked.replace('TODAY', str(today()))}", HEAD.name)

    expect(page.get_by_role("button", name=NAME)).to_be_visible()
    expect(page.locator(".cell")).to_have_count(0)


def test_staff_get_no_board_of_the_past(open_page: OpenPage, school: School) -> None:
    page = open_page(address(school, timedelta(hours=1)), JOSEPH.name)

    expect(page.get_by_text("What you booked yourself")).to_be_visible()
    expect(page.get_by_role("button", name=NAME)).to_have_count(0)
    expect(page.locator(".cell")).to_have_count(0)


def test_the_details_of_a_change_lead_to_the_board_after_it(
    open_page: OpenPage, school: School
) -> None:
    school.book(on=tomorrow(), student=1)
    page = open_page("/admin?section=audit", "Farah Sheikh")
    page.get_by_role("button", name=re.compile("Details: Requested")).click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Show the board then").click()

    expect(cell(opened.value, "Requested")).to_have_count(1)
