"""Students in Admin: a file is previewed before it is applied; a student who left is erased."""

from __future__ import annotations

import re

from app_server import ADMIN, JOSEPH
from playwright.sync_api import Locator, Page, expect
from screens import fill_form, open_review, row, show_tab

from booking_core import Student, cancel, save_student, set_active

NEW = "<b>Zoya</b> *Khan*"
LIST = f"Roll No,Name,Class,E-mail\nZ900,{NEW},8-A,\nS000,Student 0,9-Z,\n,Nobody,8-A,\n"


def open_students(open_page, view: str = "List") -> Page:
    page = open_page("/admin", "Farah Sheikh")
    show_tab(page, "Students")
    expect(page.get_by_role("button", name="Add a student")).to_be_visible()
    if view != "List":
        show_tab(page, view)
    return page


def upload(page: Page, text: str, name: str = "list.csv") -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files(file)


def save_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^(Save|Deactivate) "))


def test_a_file_of_students_is_previewed_and_applied_and_its_students_are_on_book(
    open_page, school
):
    page = open_students(open_page, "Import")
    upload(page, "PK\x03\x04 no workbook", "list.xlsx")
    expect(page.get_by_text("The file is damaged, or no workbook (.xlsx) at all.")).to_be_visible()
    upload(page, LIST)

    expect(row(page, "Z900")).to_contain_text(NEW)
    expect(row(page, "S000")).to_have_count(0)
    show_tab(page, "Changed 1")
    expect(row(page, "S000").or_(row(page, "Student 0"))).to_contain_text("was 1-A")
    show_tab(page, "Wrong rows 1")
    expect(row(page, "Line 4")).to_contain_text("Roll number")
    expect(row(page, "Line 4")).to_contain_text("is missing")
    show_tab(page, "Leaving 199")
    expect(row(page, "S001")).to_be_visible()
    expect(page.get_by_text("1–50 of 199")).to_be_visible()
    assert school.db["students"].count_documents({"_id": "Z900"}) == 0
    assert school.db["students"].find_one({"_id": "S000"})["class_name"] == "1-A"

    # Another user changes the list: only the previewed state may be confirmed.
    save_student(school.db, Student("S001", "Student One", "2-A"))
    save_button(page).click()
    expect(page.get_by_text("The list of students changed while you looked")).to_be_visible()
    assert school.db["students"].count_documents({"_id": "Z900"}) == 0
    expect(page.get_by_role("button", name="Save 1 new and 1 changed")).to_be_enabled()
    # A click so soon would be the second of a double click, which reaches nothing that is new.
    save_button(page).press("Enter")
    expect(page.get_by_text("Done: 1 new, 1 changed.")).to_be_visible()
    assert school.db["students"].count_documents({"active": False}) == 0

    page.get_by_role("link", name="Book", exact=True).click()
    fill_form(page, 14, "Z900")
    open_review(page)
    expect(page.get_by_role("dialog").get_by_text(NEW)).to_be_visible()


def test_a_student_is_deactivated_and_erased_after_the_effect_is_shown(open_page, school):
    booking = school.book(student=7, start=16)
    page = open_students(open_page)
    page.get_by_label("Find").fill("S007")
    page.get_by_label("Find").press("Enter")
    page.get_by_role("button", name=re.compile("^Deactivate: Student 7,")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Booked ahead: 1 booking")).to_be_visible()
    dialog.get_by_role("button", name="Deactivate", exact=True).click()
    expect(dialog).to_have_count(0)

    page.get_by_role("button", name=re.compile("^Erase: Student 7,")).click()
    expect(dialog.get_by_text("Nothing is erased while something is booked ahead")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    cancel(school.db, booking.id, by=JOSEPH)

    page.get_by_role("button", name=re.compile("^Erase: Student 7,")).click()
    expect(dialog.get_by_text("1 booking, none with a purpose or a reason")).to_be_visible()
    erase = dialog.get_by_role("button", name="Erase for good")
    expect(erase).to_be_disabled()
    dialog.get_by_label("Type the roll number to confirm").fill("S007")
    expect(erase).to_be_enabled()
    erase.click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("No student matches")).to_be_visible()
    assert school.db["bookings"].find_one({"_id": booking.id})["student_name"] == "Former student"


def test_the_rollover_moves_all_classes_at_once(open_page, school):
    set_active(school.db, "S009", False, by=ADMIN)
    page = open_students(open_page, "Class rollover")
    expect(page.get_by_text("180 students move, 19 leave the school.")).to_be_visible()
    page.get_by_role("button", name="Roll over…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("9-A becomes 10-A (20)")).to_be_visible()
    dialog.get_by_role("button", name="Roll over", exact=True).click()
    expect(page.get_by_text("Done. 180 students move")).to_be_visible()

    students = school.db["students"]
    assert students.count_documents({"class_name": "10-A", "active": True}) == 20
    assert students.count_documents({"active": False}) == 20
