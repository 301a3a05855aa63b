"""An unsaved form of Admin asks before it is left, and a saved one does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from app_server import ADMIN, School
from browser_windows import OpenPage
from page_checks import button
from playwright.sync_api import Dialog, Page, expect
from screens import wait_for

from booking_core import load_reference

QUESTION = "Not saved. Leave, and lose what you changed?"


class Questions:
    """Answers the questions of a page, and keeps them."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []
        self.leaves = False
        page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        self.asked.append(dialog.message if dialog.type == "confirm" else dialog.type)
        if self.leaves:
            dialog.accept()
        else:
            dialog.dismiss()


def change_settings(page: Page) -> None:
    page.get_by_role("radio", name="Settings").click()
    page.get_by_text("End booking the day before").click()


def change_timetable(page: Page) -> None:
    page.get_by_role("radio", name="Timetables").click()
    button(page, "admin.timetables.regular.edit").click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("Another")
    name.press("Tab")


def change_ground(page: Page) -> None:
    button(page, "admin.grounds.ground-1.edit").click()
    name = page.get_by_role("dialog").get_by_label("Name")
    name.fill("Another")
    name.press("Tab")


def wait_until(page: Page, differs: bool) -> None:
    wait_for(page, "differs => window.groundBookingForm?.differs() === differs", arg=differs)


def close_tab(page: Page) -> None:
    """Closes the tab as a user does: the page may ask."""
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)


@pytest.mark.parametrize("change", [change_settings, change_timetable])
def test_an_unsaved_section_asks_before_another_section_page_or_the_end_of_the_tab(
    open_page: OpenPage, school: School, change: Callable[[Page], None]
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    change(page)
    wait_until(page, True)
    here = page.url

    page.get_by_role("radio", name="Students").click()
    assert questions.asked == [QUESTION]
    page.get_by_role("link", name="Bookings", exact=True).click()
    assert questions.asked == [QUESTION] * 2
    close_tab(page)
    assert questions.asked[2:] == ["beforeunload"]
    assert page.url == here
    expect(page.get_by_role("radio", name="Students")).not_to_be_checked()

    questions.leaves = True
    page.get_by_role("link", name="Bookings", exact=True).click()
    expect(page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    assert len(questions.asked) == 4
    wait_until(page, False)
    page.reload()
    expect(page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    assert len(questions.asked) == 4


def test_an_unsaved_ground_asks_before_its_dialog_or_the_tab_is_closed(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    change_ground(page)
    wait_until(page, True)
    dialog = page.get_by_role("dialog")

    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Close").click()
    dialog.get_by_role("button", name="Back").click()
    page.mouse.click(20, 450)  # beside the dialog
    assert questions.asked == [QUESTION] * 4
    close_tab(page)
    assert questions.asked[4:] == ["beforeunload"]
    expect(dialog.get_by_label("Name")).to_have_value("Another")

    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    wait_until(page, False)
    assert len(questions.asked) == 5


@pytest.mark.parametrize("way", ["Escape", "Close", "Back", "beside"])
def test_the_dialog_of_a_ground_closes_once_the_question_is_accepted(
    open_page: OpenPage, school: School, way: str
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    change_ground(page)
    wait_until(page, True)
    questions.leaves = True

    if way == "Escape":
        page.keyboard.press("Escape")
    elif way == "beside":
        page.mouse.click(20, 450)
    else:
        page.get_by_role("dialog").get_by_role("button", name=way).click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert questions.asked == [QUESTION]
    assert load_reference(school.db).grounds["ground-1"].name == "Ground 1"


def test_an_open_list_of_a_dialog_takes_escape_without_a_question(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    change_ground(page)
    wait_until(page, True)
    page.get_by_role("dialog").get_by_role("combobox", name="Games").click()
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    assert questions.asked == []
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_saved_form_is_left_without_a_question(open_page: OpenPage, school: School) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    change_settings(page)
    wait_until(page, True)
    page.get_by_role("button", name="Save", exact=True).click()
    wait_until(page, False)

    page.get_by_role("radio", name="Students").click()
    expect(page.get_by_role("radio", name="Students")).to_be_checked()
    assert questions.asked == []


def test_a_text_that_is_still_being_typed_counts_as_unsaved(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    page.get_by_role("radio", name="Timetables").click()
    button(page, "admin.timetables.regular.edit").click()
    wait_until(page, False)
    page.get_by_role("textbox", name="Name", exact=True).press_sequentially("An")

    page.get_by_role("link", name="Bookings", exact=True).click()

    assert questions.asked == [QUESTION]
    questions.leaves = True
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.get_by_role("button", name="Save timetable")).to_have_count(0)
    assert questions.asked == [QUESTION] * 2


def test_a_link_pressed_in_the_middle_of_a_text_opens_its_screen(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    questions.leaves = True
    page.get_by_role("radio", name="Timetables").click()
    button(page, "admin.timetables.regular.edit").click()
    wait_until(page, False)
    page.get_by_role("textbox", name="Name", exact=True).press_sequentially("An")

    page.get_by_role("link", name="Bookings", exact=True).click()

    expect(page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    assert questions.asked == [QUESTION]


def test_a_form_in_which_nothing_was_typed_is_left_without_a_question(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/admin", ADMIN.name)
    questions = Questions(page)
    button(page, "admin.grounds.ground-1.edit").click()
    name = page.get_by_role("dialog").get_by_label("Name")
    name.focus()
    expect(name).to_have_value("Ground 1")

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert questions.asked == []
