"""The filters and the page of the lists on Admin are in the address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from app_server import ADMIN, School
from browser_windows import OpenPage
from page_checks import wait_until_settled
from playwright.sync_api import Page, expect

from booking_core import Account, Ground, Role, add_account, save_ground, set_active

NAME = "Farah Sheikh"


def find(page: Page, text: str) -> None:
    page.get_by_label("Find", exact=True).fill(text)
    page.get_by_label("Find", exact=True).press("Enter")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).click()


def test_students_are_found_again_after_a_reload_and_after_back(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin?section=students", NAME)
    find(page, "Student 1")
    expect(page.get_by_text(re.compile("^1–50 of 1"))).to_be_visible()  # of 200 before
    page.get_by_role("button", name="Next").click()
    expect(page).to_have_url(re.compile(r"section=students&find=Student\+1&page=2$"))
    expect(page.get_by_text(re.compile("^51–100 of 1"))).to_be_visible()

    page.reload()
    expect(page.get_by_text(re.compile("^51–100 of 1"))).to_be_visible()
    expect(page.get_by_label("Find", exact=True)).to_have_value("Student 1")
    wait_until_settled(page)
    page.get_by_role("radio", name="Health").click(force=True)
    expect(page).to_have_url(re.compile(r"section=health$"))
    wait_until_settled(page)
    page.go_back()
    expect(page.get_by_text(re.compile("^51–100 of 1"))).to_be_visible()
    expect(page.get_by_label("Find", exact=True)).to_have_value("Student 1")


def test_a_sent_link_shows_a_class_and_a_state_of_students(
    open_page: OpenPage, school: School
) -> None:
    set_active(school.db, "S003", False, by=ADMIN)
    page = open_page("/admin?section=students", NAME)
    choose(page, "State", "Inactive")
    expect(page).to_have_url(re.compile("state=inactive"))
    page.get_by_text("Teams", exact=True).click()
    expect(page).to_have_url(re.compile(r"section=students&view=teams$"))
    page.get_by_text("List", exact=True).click()
    expect(page).to_have_url(re.compile("state=inactive"))

    other = open_page("/admin?" + urlsplit(page.url).query, NAME)
    expect(other.get_by_role("combobox", name="State")).to_have_value("Inactive")
    expect(other.get_by_text("1–1 of 1")).to_be_visible()


def test_the_filters_and_the_page_of_the_audit_log_come_back(
    open_page: OpenPage, school: School
) -> None:
    for number in range(60):
        save_ground(
            school.db, Ground("ground-1", f"Ground {100 + number}", ("Football",), 1), by=ADMIN
        )
    page = open_page("/admin?section=audit", NAME)
    choose(page, "What", "Ground")
    expect(page).to_have_url(re.compile("section=audit&what=ground$"))
    page.get_by_role("button", name="Older").click()
    expect(page).to_have_url(re.compile("section=audit&what=ground&page=2$"))
    expect(page.get_by_text(re.compile("^51–"))).to_be_visible()
    shown = page.get_by_text(re.compile("^51–")).inner_text()

    page.reload()
    expect(page.get_by_text(shown, exact=True)).to_be_visible()
    expect(page.get_by_role("combobox", name="What")).to_have_value("Ground")
    page.get_by_role("button", name="Newer").click()
    expect(page.get_by_text(re.compile("^1–50"))).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page).to_have_url(re.compile("section=audit$"))


def test_accounts_are_searched_by_the_address(open_page: OpenPage, school: School) -> None:
    for number in range(12):
        add_account(school.db, Account(f"staff-{number}", f"Staff {number}", Role.STAFF))

    page = open_page("/admin?section=accounts&find=staff-11", NAME)

    expect(page.get_by_label("Find", exact=True)).to_have_value("staff-11")
    expect(page.get_by_text("Staff 11", exact=True)).to_be_visible()
    expect(page.get_by_text("Staff 10", exact=True)).to_have_count(0)


def test_unknown_values_of_an_address_count_as_absent(open_page: OpenPage, school: School) -> None:
    page = open_page("/admin?section=students&class=zz&state=odd&page=0&view=none", NAME)
    expect(page.get_by_text("1–50 of 200")).to_be_visible()
    expect(page).to_have_url(re.compile("section=students$"))

    page.goto(page.url.partition("?")[0] + "?section=students&page=" + "9" * 100)
    expect(page.get_by_text("151–200 of 200")).to_be_visible()

    wrong = "?section=audit&from=x&to=2020-02-30&who=nobody&what=nothing&page=-1"
    page.goto(page.url.partition("?")[0] + wrong)
    expect(page.get_by_text(re.compile("^1–"))).to_be_visible()
    expect(page).to_have_url(re.compile("section=audit$"))
