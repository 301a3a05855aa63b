"""A list as a school exports it: columns are asked for, shown, kept; a lost file is said."""

from __future__ import annotations

import re

import pytest
from openpyxl import Workbook
from playwright.sync_api import Page, expect
from screens import row, show_tab
from workbook_files import saved

LIST = """St. Mary's School, Pune
Class list

Adm No,Roll No,Legal First Name,Legal Surname,Std,Section
Z901,1,José,Rao,8,A
Z902,1,Uma,Iyer,8,B
Z903,2,Asha,Patil,2026-05-10,
Total,3,,,,
"""
ADMIN_NAME = "Farah Sheikh"


def upload(page: Page, data: bytes) -> None:
    file = {"name": "list.csv", "mimeType": "text/csv", "buffer": data}
    page.locator("input[type=file]").set_input_files(file)


def choose(page: Page, label: str, heading: str) -> None:
    # By the keyboard: on a phone, the scrolling to a box that is clicked closes its list.
    box = page.get_by_role("combobox", name=label, exact=True)
    box.press_sequentially(heading)
    expect(page.get_by_role("option", name=heading, exact=True)).to_be_visible()
    box.press("Enter")


@pytest.mark.parametrize("width", [1440, 390])
def test_a_list_is_imported_in_three_steps_and_its_columns_are_kept(open_page, school, width):
    page = open_page(
        "/admin?section=students", ADMIN_NAME, viewport={"width": width, "height": 900}
    )
    show_tab(page, "Import")
    upload(page, LIST.encode("cp1252"))

    expect(page.get_by_text("Step 2 of 3: Columns")).to_be_visible()
    expect(page.get_by_text("Line 8 is not read, a total: “Total 3”.")).to_be_visible()
    expect(page.get_by_text("Are these right? “José”")).to_be_visible()
    expect(page.get_by_text("“Adm No” or “Roll No” could be the id")).to_be_visible()
    expect(row(page, "José Rao")).to_contain_text("Z901")
    expect(row(page, "José Rao")).to_contain_text("8-A")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    choose(page, "Letters", "Mac Roman")
    expect(row(page, "JosÈ Rao")).to_be_visible()
    choose(page, "Letters", "Windows-1252 (Western)")
    expect(row(page, "José Rao")).to_be_visible()
    choose(page, "Name, second part", "Std")
    expect(page.get_by_text("“Std” is chosen twice.")).to_be_visible()
    expect(page.get_by_role("button", name="Show what changes")).to_be_disabled()
    choose(page, "Name, second part", "Legal Surname")
    expect(row(page, "José Rao")).to_be_visible()
    page.get_by_role("button", name="Show what changes").click()

    expect(page.get_by_text("Step 3 of 3: What changes")).to_be_visible()
    show_tab(page, "Wrong rows 1")
    expect(row(page, "Line 7")).to_contain_text("is a date in cell E7 (2026-05-10)")
    show_tab(page, "New 2")
    expect(row(page, "Z902")).to_contain_text("Uma Iyer")
    page.get_by_role("button", name="Save 2 new").click()
    expect(page.get_by_text("Done: 2 new, 0 changed.")).to_be_visible()
    assert school.db["students"].find_one({"_id": "Z901"})["class_name"] == "8-A"

    # The columns are known now, and the letters are no guess: nothing is asked.
    upload(page, LIST.encode())
    expect(page.get_by_text("Step 3 of 3: What changes")).to_be_visible()
    expect(page.get_by_text("2 rows on record already.")).to_be_visible()
    page.get_by_role("button", name="Columns", exact=True).click()
    expect(page.get_by_role("combobox", name=re.compile("^Roll or admission"))).to_be_visible()


def test_a_page_that_is_opened_again_says_that_the_file_is_to_be_given_again(open_page, school):
    page = open_page("/admin?section=students", ADMIN_NAME)
    show_tab(page, "Import")
    upload(page, LIST.encode())
    expect(page.get_by_text("Step 2 of 3: Columns")).to_be_visible()
    expect(page).to_have_url(re.compile("import=open"))

    page.reload()

    lost = page.get_by_text("The file that was open here is no longer kept.")
    expect(lost).to_be_visible()
    upload(page, LIST.encode())
    expect(page.get_by_text("Step 2 of 3: Columns")).to_be_visible()
    expect(lost).to_have_count(0)


def test_a_sheet_for_each_class_is_one_list_and_lines_have_their_sheet(open_page, school):
    book = Workbook()
    book.active.title = "8-A"
    for sheet in (book.active, book.create_sheet("8-B")):
        for line in (["Roll No", "Name"], [f"Z{sheet.title}", "Asha Rao"], [None, "Ravi Das"]):
            sheet.append(line)
    page = open_page("/admin?section=students", ADMIN_NAME)
    show_tab(page, "Import")
    page.locator("input[type=file]").set_input_files(
        {"name": "list.xlsx", "mimeType": "application/octet-stream", "buffer": saved(book)}
    )

    expect(page.get_by_text("The class of a row is the name of its sheet.")).to_be_visible()
    show_tab(page, "New 2")
    expect(row(page, "Z8-B")).to_contain_text("8-B")
    show_tab(page, "Wrong rows 2")
    expect(row(page, "Line 3").nth(1)).to_contain_text("8-B")
    page.get_by_text("whom the file does not name").click()
    expect(
        page.get_by_text("(line 3 of the sheet “8-A”, line 3 of the sheet “8-B”)")
    ).to_be_visible()
