"""Accounts in Admin, delegations, and bookings of a principal that need no approval."""

from __future__ import annotations

import re
from contextlib import suppress
from uuid import uuid4

import pytest
from app_server import ADMIN, HEAD, JOSEPH, MEERA, School
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import LOAD, TICK, confirm_button, fill_form, open_review, row, show_tab
from support import active

from booking_core import (
    Account,
    Actor,
    AlreadyExists,
    Status,
    add_account,
    change_account,
    find_delegations,
    get_account,
    get_booking,
)
from booking_core.sessions import sign_in


@pytest.fixture
def staff(school: School) -> School:
    """The four accounts alone, without delegations."""
    school.db["delegations"].delete_many({})
    school.db["accounts"].delete_many({"_id": "ravi"})
    for who in (MEERA, JOSEPH, HEAD, ADMIN):
        with suppress(AlreadyExists):
            add_account(school.db, Account(who.id, who.name, who.role))
    return school


def admin_page(open_page: OpenPage) -> Page:
    page = open_page("/admin", "Farah Sheikh")
    show_tab(page, "Accounts")
    expect(row(page, "Farah Sheikh")).to_be_visible()
    return page


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog")


def fill(field: Locator, text: str) -> None:
    field.fill(text)
    field.press("Tab")


def test_an_added_account_signs_in_with_a_password_that_is_shown_once(
    open_page: OpenPage, staff: School
) -> None:
    page = admin_page(open_page)
    expect(page.get_by_text("Farah Sheikh is the only admin")).to_be_visible()
    page.get_by_role("button", name="Add account").click()
    dialog = dialog_of(page)

    fill(dialog.get_by_label("Full name"), "*Ravi* <b>Kumar</b>")
    fill(dialog.get_by_label("Sign-in name"), "ra<vi")
    dialog.get_by_role("button", name="Add account").click()
    expect(dialog).to_contain_text("The sign-in name may hold letters, digits")
    fill(dialog.get_by_label("Sign-in name"), "Meera")
    dialog.get_by_role("button", name="Add account").click()
    expect(dialog).to_contain_text("There is an account “meera” already.")
    fill(dialog.get_by_label("Sign-in name"), "Ravi")
    dialog.get_by_role("button", name="Add account").click()

    expect(dialog).to_contain_text("Give this to *Ravi* <b>Kumar</b>.")
    password = dialog.get_by_text(re.compile(r"^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$"))
    once = password.inner_text().strip()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)
    expect(row(page, "*Ravi* <b>Kumar</b>")).to_contain_text("one-time password")
    expect(page.get_by_text(once)).to_have_count(0)
    assert sign_in(staff.db, "ravi", once, address="192.0.2.1").account.must_change


def test_an_account_is_disabled_with_a_reason_and_enabled_again(
    open_page: OpenPage, staff: School
) -> None:
    add_account(staff.db, Account("ravi", "Ravi Kumar", MEERA.role))
    page = admin_page(open_page)
    page.get_by_role("button", name="Disable: Ravi Kumar").click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("Ravi Kumar is signed out everywhere at once")
    fill(dialog.get_by_label("Reason"), "Left in June")
    dialog.get_by_role("button", name="Disable account").click()

    expect(dialog).to_have_count(0)
    expect(row(page, "Ravi Kumar")).to_contain_text("Disabled")
    assert not get_account(staff.db, "ravi").active
    entry = staff.db["audit"].find_one({"action": "disabled", "id": "ravi"})
    assert entry is not None
    assert (entry["by"], entry["details"]["reason"]) == ("admin", "Left in June")

    page.get_by_role("button", name="Enable: Ravi Kumar").click()
    dialog.get_by_role("button", name="Enable account").click()
    expect(row(page, "Ravi Kumar")).to_contain_text("Active")


def test_a_disabled_account_is_erased_after_the_effect_is_shown(
    open_page: OpenPage, staff: School
) -> None:
    # No other test can add an account of this id: for ten minutes the erased one stands for it.
    ravi = Actor(f"left-{uuid4().hex[:8]}", MEERA.role, "<b>Ravi</b> *Kumar*")
    add_account(staff.db, Account(ravi.id, ravi.name, ravi.role))
    booking = staff.book(student=7, start=16, by=ravi)
    change_account(staff.db, ravi.id, active=False, by=ADMIN)
    page = admin_page(open_page)
    erase = page.get_by_role("button", name=f"Erase: {ravi.name}")
    expect(erase).to_have_count(1)
    expect(page.get_by_role("button", name="Erase: Meera Nair")).to_have_count(0)
    erase.click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text(f"{ravi.name} · {ravi.id}")
    expect(dialog).to_contain_text("Kept under the pseudonym: 1 booking, which is ahead.")
    confirm = dialog.get_by_role("button", name="Erase for good")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Type the sign-in name to confirm").fill(ravi.id)
    expect(confirm).to_be_enabled()
    confirm.click()

    expect(dialog).to_have_count(0)
    expect(row(page, "Meera Nair")).to_be_visible()
    expect(row(page, ravi.name)).to_have_count(0)
    stored = get_booking(staff.db, booking.id)
    assert (stored.status, stored.student_name) == (Status.PENDING, "Student 7")
    assert stored.created_by_name.startswith("Former staff ")
    show_tab(page, "Audit")
    expect(page.get_by_text("Erased").first).to_be_visible()
    expect(page.get_by_text(stored.created_by_name).first).to_be_visible()
    expect(page.get_by_text("Ravi")).to_have_count(0)


def test_disabling_the_last_admin_is_refused_with_the_reason(
    open_page: OpenPage, staff: School
) -> None:
    page = admin_page(open_page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Disable: Farah Sheikh").click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("This is your own account.")
    dialog.get_by_role("button", name="Disable account").click()

    expect(dialog).to_contain_text("Somebody must be left who looks after the accounts")
    assert get_account(staff.db, "admin").active


def test_a_delegate_decides_for_the_principal_until_the_delegation_ends(
    open_page: OpenPage, staff: School
) -> None:
    first, second = staff.book(student=1, start=14, by=MEERA), staff.book(student=2, start=15)
    principal = open_page("/approvals", "Anand Rao")
    principal.get_by_role("button", name="Delegate…").click()
    dialog = dialog_of(principal)
    expect(dialog).to_contain_text("Nothing at present.")
    box = dialog.get_by_role("combobox", name=re.compile("Who decides"))
    box.click()
    principal.get_by_role("option", name="Joseph Mathew").click()
    dialog.get_by_role("button", name="Hand over").click()
    expect(dialog).to_have_count(0)
    note = principal.get_by_text("Joseph Mathew decides for you too today.").first
    expect(note).to_be_visible()

    delegate_ = open_page("/approvals", "Joseph Mathew")
    expect(delegate_.get_by_text("You decide for Dr. Anand Rao today.")).to_be_visible()
    expect(delegate_.get_by_role("button", name="Delegate…")).to_have_count(0)
    delegate_.get_by_role("button", name="Approve: Student 1").click()
    expect(row(delegate_, "Student 1")).to_contain_text("by Joseph Mathew for Dr. Anand Rao")
    assert get_booking(staff.db, first.id).last_decision.on_behalf_of == "Dr. Anand Rao"
    expect(row(principal, "Student 1")).to_contain_text(
        "by Joseph Mathew for Dr. Anand Rao", timeout=TICK
    )

    principal.get_by_role("button", name="Delegate…").click()
    dialog.get_by_role("button", name="End", exact=True).click()
    expect(dialog).to_contain_text("Nothing at present.")
    assert find_delegations(staff.db) == []
    expect(delegate_.get_by_text("You decide for")).to_have_count(0, timeout=TICK)
    assert get_booking(staff.db, second.id).status is Status.PENDING


def test_a_booking_of_a_principal_needs_no_approval(open_page: OpenPage, staff: School) -> None:
    page = open_page("/book", "Anand Rao")
    fill_form(page, 14, "S007")
    expect(page.get_by_text("This one is approved at once.")).to_be_visible(timeout=LOAD)
    open_review(page)
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("The slot is booked at once")
    confirm_button(page).click()

    expect(dialog).to_contain_text("Ground booked")
    expect(dialog).to_contain_text("it waits for nobody")
    [stored] = active(staff.db)
    assert stored["status"] == "Approved"
    assert [entry["action"] for entry in stored["history"]] == ["requested", "approved"]
    dialog.get_by_role("button", name="OK").click()
    expect(row(page, "Student 7")).to_contain_text("Approved")

    other = open_page("/book", "Meera Nair")
    fill_form(other, 16, "S008")
    expect(other.get_by_text("Book without waiting")).to_have_count(0)
