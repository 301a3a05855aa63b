"""The settings of reminders on Admin, Settings."""

from __future__ import annotations

from app_server import ADMIN, School
from browser_windows import OpenPage
from playwright.sync_api import expect
from support import eventually

from booking_core import load_reference


def test_an_admin_sets_when_mails_remind(open_page: OpenPage, school: School) -> None:
    page = open_page("/admin?section=settings", ADMIN.name)
    # This school has no mail server, so nothing is promised.
    expect(page.get_by_text("Now nobody is reminded: that takes SMTP_HOST.")).to_be_visible()
    expect(page.get_by_text("Who decides, and gets mails at once")).to_have_count(0)

    for label, hours in (
        ("Bookings: hours before the start", 24),
        ("Requests that wait: hours until another mail", 12),
        ("Requests that wait: hours before the start", 0),
    ):
        field = page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(str(hours))
        field.press("Enter")
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_enabled()
    save.press("Enter")

    def saved() -> bool:
        policy = load_reference(school.db).policy
        found = (policy.remind_hours, policy.ask_again_hours, policy.ask_soon_hours)
        return found == (24, 12, 0)

    eventually(saved)
