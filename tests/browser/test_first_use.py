"""From an empty database to the first booking on the wall, by the screens' instructions alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from app_server import ROOT, AppServer, School, settings_for
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import TICK, cell, choose_student, confirm, open_review, row, show_tab
from support import GROUNDS, HOURLY, run_at_terminal

from booking_core import Student, connect, save_ground, save_student, save_timetable

ADMIN_PASSWORD, OTHER_PASSWORD = "nine horses in a field", "ten horses in a field"
LIST = "Roll number,Name,Class\nS1,Asha Rao,8-A\nS2,Ravi Kumar,8-B\n,Nobody,8-A\n"
ONE_TIME = re.compile(r"^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$")


@pytest.fixture
def empty(mongod_uri: str, tmp_path: Path) -> Iterator[tuple[AppServer, dict[str, str]]]:
    """An app whose database does not exist yet, and the settings that reach it."""
    name = f"browser_{uuid4().hex[:12]}"
    environment = {"MONGODB_URI": mongod_uri, "MONGODB_DATABASE": name}
    app = AppServer(tmp_path, environment)
    try:
        yield app, environment
    finally:
        app.close()
        School(connect(settings_for(mongod_uri, name))).drop()


def enter(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def change_password(page: Page, old: str, new: str) -> None:
    page.get_by_label("Password that you have now").fill(old)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password, once more").fill(new)
    page.get_by_role("button", name="Change password").click()


def type_in(page: Page, label: str, text: str) -> None:
    field = page.get_by_role("dialog").get_by_label(label)
    field.fill(text)
    field.press("Tab")


def add_account(page: Page, name: str, id: str, role: str) -> str:
    """Fills the open form; returns the one-time password that it shows."""
    dialog = page.get_by_role("dialog")
    type_in(page, "Full name", name)
    type_in(page, "Sign-in name", id)
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile(f"^{role}")).click()
    dialog.get_by_role("button", name="Add account").click()
    expect(dialog).to_contain_text(f"Give this to {name}.")
    return dialog.get_by_text(ONE_TIME).inner_text().strip()


def first_admin(page: Page, environment: dict[str, str]) -> None:
    """Runs the command on the sign-in page exactly as printed, and signs in."""
    expect(page.get_by_text("There is no admin yet.")).to_be_visible()
    command = page.locator("code").inner_text()
    assert command == ".venv/bin/python -m booking_core account add NAME --role admin"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    code, shown = run_at_terminal(
        shlex.split(command.replace("NAME", "farah")),
        {"Password: ": ADMIN_PASSWORD, "Repeat for confirmation: ": ADMIN_PASSWORD},
        cwd=ROOT,
        env=environment | {"PATH": ""},
    )
    assert code == 0, shown
    enter(page, "farah", ADMIN_PASSWORD)


def test_a_new_user_gets_from_an_empty_database_to_the_first_booking_on_the_wall(
    open_window: OpenPage, empty: tuple[AppServer, dict[str, str]]
) -> None:
    app, environment = empty
    wall = open_window(f"{app.url}/wall", None)
    expect(wall.get_by_text("No grounds yet")).to_be_visible()
    wall.evaluate("window.neverReloaded = true")
    admin = open_window(app.url, None)
    first_admin(admin, environment)

    # The first screen lists the first steps in order, each with a link.
    expect(admin.get_by_text("Before anybody can book")).to_be_visible()
    admin.get_by_role("button", name="Go to Grounds").click()
    expect(admin.get_by_text("add grounds, a timetable and students")).to_be_visible()
    admin.get_by_role("button", name="Add a ground").click()
    dialog = admin.get_by_role("dialog")
    type_in(admin, "Name", "Football ground")
    dialog.get_by_role("combobox", name="Games").fill("Football")
    dialog.get_by_role("combobox", name="Games").press("Enter")
    dialog.get_by_role("combobox", name="Games").press("Tab")
    dialog.get_by_role("button", name="Add ground").click()
    expect(admin.get_by_text("Football ground", exact=True)).to_be_visible()
    expect(admin.get_by_text("add a timetable and students")).to_be_visible()
    expect(wall.get_by_text("No timetable yet")).to_be_visible(timeout=TICK)

    show_tab(admin, "Timetables")
    admin.get_by_role("button", name="Add a timetable").click()
    admin.get_by_label("Name", exact=True).fill("School day")
    admin.get_by_label("Name", exact=True).press("Tab")
    weekdays = admin.get_by_role("toolbar", name="Weekdays")
    for day in ("Sat", "Sun"):  # Monday to Friday are preselected in the first one
        weekdays.get_by_role("button", name=day).click()
    admin.get_by_role("button", name="Fill in equal periods").click()
    admin.get_by_role("button", name="Fill in", exact=True).click()
    admin.keyboard.press("Escape")
    expect(admin.get_by_role("cell", name="3–4 PM")).to_be_visible()
    admin.get_by_role("button", name="Save timetable").click()
    expect(admin.get_by_text("every day")).to_be_visible()
    expect(wall.get_by_text("Football ground", exact=True)).to_be_visible(timeout=TICK)

    admin.get_by_role("link", name="Book", exact=True).click()
    expect(admin.get_by_text("Before anybody can book")).to_be_visible()
    admin.get_by_role("button", name="Go to Students").click()
    expect(admin.get_by_text("No students yet")).to_be_visible()
    show_tab(admin, "Import")
    file = {"name": "students.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    admin.locator("input[type=file]").set_input_files(file)
    expect(row(admin, "Asha Rao")).to_be_visible()
    admin.get_by_role("button", name="Save 2 new").click()
    expect(admin.get_by_text("Done: 2 new, 0 changed.")).to_be_visible()
    expect(admin.get_by_text("Before anybody can book")).to_have_count(0)

    show_tab(admin, "Accounts")
    expect(admin.get_by_text("Nobody decides on requests yet")).to_be_visible()
    admin.get_by_role("button", name="Add account").click()
    meera = add_account(admin, "Meera Nair", "meera", "Staff")
    dialog.get_by_role("button", name="Add another").click()
    head = add_account(admin, "Anand Rao", "head", "Principal")
    dialog.get_by_role("button", name="Done").click()
    expect(row(admin, "Anand Rao")).to_contain_text("one-time password")
    expect(admin.get_by_text("Nobody decides on requests yet")).to_have_count(0)

    staff = open_window(app.url, None)
    enter(staff, "meera", meera)
    change_password(staff, meera, OTHER_PASSWORD)
    staff.get_by_role("button", name=re.compile("^Free: Football ground, .*2–3 PM")).click()
    choose_student(staff, "S1")
    open_review(staff)
    confirm(staff)
    staff.get_by_role("button", name="OK", exact=True).click()
    expect(row(staff, "Asha Rao")).to_contain_text("Requested")
    ground = wall.get_by_role("article")
    expect(ground).to_contain_text("8-A", timeout=TICK)
    expect(ground).to_contain_text("requested")

    principal = open_window(app.url, None)
    enter(principal, "head", head)
    change_password(principal, head, OTHER_PASSWORD)
    principal.get_by_role("link", name="Approvals").click()
    principal.get_by_role("button", name="Approve: Asha Rao").click()
    expect(row(principal, "Asha Rao")).to_contain_text("Approved")
    expect(row(staff, "Asha Rao")).to_contain_text("Approved", timeout=TICK)
    expect(ground).not_to_contain_text("requested", timeout=TICK)
    expect(ground).to_contain_text("8-A")
    assert wall.evaluate("window.neverReloaded")
    change_own(admin)


def test_staff_see_the_missing_steps_of_an_admin_until_they_can_book(
    open_page: OpenPage, school: School
) -> None:
    school.clear()
    page = open_page("/book")
    expect(page.get_by_text("No grounds yet")).to_be_visible()
    expect(page.get_by_text("an admin adds grounds, a timetable and students.")).to_be_visible()
    expect(page.get_by_role("button", name="Go to")).to_have_count(0)

    save_ground(school.db, GROUNDS[0])
    expect(page.get_by_text("No timetable yet")).to_be_visible(timeout=TICK)
    save_timetable(school.db, HOURLY)
    expect(page.get_by_text("No students yet")).to_be_visible(timeout=TICK)
    expect(page.get_by_text("an admin adds students.")).to_be_visible()
    expect(cell(page, 14)).to_be_visible()
    save_student(school.db, Student("S001", "Student 1", "2-A"))
    expect(page.get_by_text("Pick a free slot")).to_be_visible(timeout=TICK)


def change_own(admin: Page) -> None:
    """The first admin changes the own password, and the new one signs in."""
    admin.get_by_role("link", name="Change password").click()
    change_password(admin, ADMIN_PASSWORD, OTHER_PASSWORD)
    expect(admin.get_by_role("heading", name="Admin")).to_be_visible()
    admin.get_by_role("button", name="Sign out").click()
    enter(admin, "farah", ADMIN_PASSWORD)
    expect(admin.get_by_role("alert")).to_contain_text("do not go together")
    enter(admin, "farah", OTHER_PASSWORD)
    expect(admin.get_by_role("heading", name="Book a ground")).to_be_visible()
