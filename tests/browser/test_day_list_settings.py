"""The address of a caretaker on Admin, Grounds, and the time of the day's list on Settings."""

from __future__ import annotations

from datetime import time

from app_server import ADMIN, School
from browser_windows import OpenPage
from playwright.sync_api import expect
from screens import show_tab
from support import eventually

from booking_core import Policy, load_reference, save_policy


def test_an_admin_gives_a_ground_the_address_of_its_caretaker(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin?section=grounds", ADMIN.name)
    page.get_by_role("button", name="Edit…").first.press("Enter")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("textbox", name="Caretaker's e-mail address")
    save = dialog.get_by_role("button", name="Save", exact=True)

    # Streamlit focuses the first field of a dialog when it has opened, and would take the text.
    expect(dialog.get_by_role("textbox", name="Name")).to_be_focused()
    field.fill("nobody")
    field.press("Enter")
    save.press("Enter")
    expect(dialog.get_by_text("is no e-mail address")).to_be_visible()
    field.fill("Caretaker@School.example")
    field.press("Enter")
    save.press("Enter")

    expect(dialog).to_have_count(0)
    ground = next(iter(load_reference(school.db).grounds.values()))
    assert ground.caretaker_email == "caretaker@school.example"


def test_an_admin_sets_when_caretakers_get_the_list(open_page: OpenPage, school: School) -> None:
    page = open_page("/admin?section=settings", ADMIN.name)
    # This school has no mail server, so nothing is promised.
    expect(page.get_by_text("Now nobody gets it: that takes SMTP_HOST.")).to_be_visible()

    page.get_by_role("switch", name="Mail caretakers").press("Space")
    expect(page.get_by_text("Each school day at")).to_be_visible()
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_enabled()
    save.press("Enter")

    eventually(lambda: load_reference(school.db).policy.day_list_at == time(7))


def test_settings_stand_while_another_section_is_shown(open_page: OpenPage, school: School) -> None:
    save_policy(school.db, Policy(day_list_at=time(6, 30)))
    page = open_page("/admin?section=settings", ADMIN.name)
    switch = page.get_by_role("switch", name="Mail caretakers")
    expect(page.get_by_text("Each school day at")).to_be_visible()
    for _ in range(2):
        switch.press("Space")
    expect(page.get_by_text("Each school day at")).to_be_visible()
    half_past = page.get_by_role("spinbutton", name="minute, Each school day at")
    expect(half_past).to_have_text("30")

    show_tab(page, "Grounds")
    expect(page.get_by_role("button", name="Edit…").first).to_be_visible()
    show_tab(page, "Settings")

    expect(half_past).to_have_text("30")
    expect(page.get_by_text("This is what is saved.")).to_be_visible()
