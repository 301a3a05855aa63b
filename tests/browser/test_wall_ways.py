"""The ways from the wall display: back to Book, one ground, and the QR codes to print."""

from __future__ import annotations

import re

from app_server import School
from browser_windows import OpenPage
from playwright.sync_api import expect

from booking_core import Ground, save_ground


def test_a_signed_in_user_comes_back_from_the_wall_and_chooses_one_ground(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    page.goto(page.url.replace("/book", "/wall"))
    expect(page.get_by_role("article")).to_have_count(3)

    page.get_by_label("Grounds to show").select_option("Ground 2")
    expect(page).to_have_url(re.compile("ground=ground-2$"))
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_label("Grounds to show")).to_have_value("ground-2")

    page.get_by_role("link", name="Back to Book").click()
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()


def test_a_passer_by_gets_no_way_into_the_app(open_page: OpenPage, school: School) -> None:
    page = open_page("/wall", None)

    expect(page.get_by_role("article")).to_have_count(3)
    expect(page.get_by_role("link", name=re.compile("Book|codes"))).to_have_count(0)
    expect(page.get_by_label("Grounds to show")).to_have_count(0)


def test_each_printed_code_leads_to_the_day_of_its_ground(
    open_page: OpenPage, school: School
) -> None:
    save_ground(school.db, Ground("nets", "Nets <b>north</b> & south", ("Cricket",), order=9))
    page = open_page("/book")
    page.goto(page.url.replace("/book", "/wall"))
    page.get_by_role("link", name="QR codes to print").click()

    expect(page.get_by_role("heading", name="Nets <b>north</b> & south")).to_be_visible()
    assert page.locator("svg").count() == 4
    assert page.locator("svg").first.bounding_box()["width"] < 300  # the style sheet is in force
    address = page.locator("svg").nth(1).get_attribute("aria-label")
    phone = open_page("/book", viewport={"width": 390, "height": 844}, has_touch=True)
    phone.goto(str(address))
    chip = phone.get_by_role("group", name="Ground").get_by_role("button", name="Ground 2")
    expect(chip).to_have_attribute("aria-pressed", "true")


def test_the_codes_are_for_signed_in_users(open_page: OpenPage, school: School) -> None:
    page = open_page("/codes", None)

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "next=%2Fcodes" in page.url
