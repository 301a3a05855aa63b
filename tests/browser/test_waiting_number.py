"""The number of requests that wait, on every screen of a user who decides, and where they land."""

from __future__ import annotations

from datetime import timedelta

import pytest
from app_server import HEAD, JOSEPH, MEERA, School, today
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import TICK, screen_link, wait_for_live_updates

from booking_core import approve, delegate, reject


@pytest.mark.parametrize(
    ("path", "title"), [("/book", "Book"), ("/approvals", "Approvals"), ("/admin", "Closures")]
)
def test_the_number_that_waits_follows_every_change_without_a_press(
    open_page: OpenPage, school: School, path: str, title: str
) -> None:
    page = open_page(path, HEAD.name)
    expect(page).to_have_title(f"{title} · Ground booking")
    wait_for_live_updates(page, 1)
    expect(screen_link(page, "Approvals", "")).to_be_visible()

    later = today() + timedelta(days=2)  # not the day that Book follows
    bookings = [school.book(student=n, start=13 + n, on=later) for n in (1, 2)]
    expect(page).to_have_title(f"(2) {title} · Ground booking", timeout=TICK)
    expect(screen_link(page, "Approvals", " 2 waiting")).to_be_visible()

    approve(school.db, bookings[0].id, by=HEAD)
    expect(page).to_have_title(f"(1) {title} · Ground booking", timeout=TICK)
    reject(school.db, bookings[1].id, by=HEAD, reason="Rain")
    expect(page).to_have_title(f"{title} · Ground booking", timeout=TICK)
    expect(screen_link(page, "Approvals", "")).to_be_visible()


def test_who_decides_lands_on_approvals_while_something_waits(
    open_page: OpenPage, school: School
) -> None:
    expect(open_page("/", HEAD.name).get_by_role("heading", name="Book a ground")).to_be_visible()
    school.book(student=1, start=14, by=MEERA)
    delegate(school.db, to=JOSEPH.id, first=today(), last=today(), by=HEAD)

    for who, heading in ((HEAD, "Approvals"), (JOSEPH, "Approvals"), (MEERA, "Book a ground")):
        page = open_page("/", who.name)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()


def test_a_user_who_does_not_decide_learns_no_number(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14, by=JOSEPH)
    page = open_page("/book", MEERA.name)
    wait_for_live_updates(page, 2)

    expect(page).to_have_title("Book · Ground booking")
    assert page.evaluate("document.documentElement.dataset.waiting") is None
