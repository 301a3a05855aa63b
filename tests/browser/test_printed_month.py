"""The report of a month to print: one sheet of A4, for those who see everybody's figures."""

from __future__ import annotations

import re

import pytest
from app_server import JOSEPH, School
from browser_windows import OpenPage
from playwright.sync_api import expect


def test_a_principal_prints_the_month_on_one_sheet(open_page: OpenPage, school: School) -> None:
    day = school.book(student=1, start=14, by=JOSEPH).date
    page = open_page(f"/reports?range=other&from={day}&to={day}", "Anand Rao")
    link = page.get_by_role("link", name=re.compile("^Print "))
    expect(link).to_have_attribute("href", re.compile(f"/month-report.month={day:%Y-%m}$"))

    page.goto(page.url.partition("/reports")[0] + f"/month-report?month={day:%Y-%m}")

    heading = page.get_by_role("heading", name=f"The grounds in {day:%B %Y}")
    expect(heading).to_be_visible()
    expect(page.get_by_role("definition").first).to_have_text("1")
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("month", ["2026-13", "x", "2026-11-05", "1999-01"])
def test_a_month_that_is_none_is_named(open_page: OpenPage, school: School, month: str) -> None:
    page = open_page(f"/month-report?month={month}", "Anand Rao")

    expect(page.get_by_text("must be like 2026-12")).to_be_visible()


def test_the_month_is_for_those_who_see_everybodys_figures(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/month-report", "Meera Nair")
    expect(page.get_by_role("heading", name="There is no such report")).to_be_visible()

    page = open_page("/month-report", None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
