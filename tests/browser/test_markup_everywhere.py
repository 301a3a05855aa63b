"""HTML, script and Markdown in every text that a user can type, on every screen.

Each text is shown as typed and creates no element. axe also examines the dialogs and menus on the
way, light and dark. The file is long because the first test compares the tours of all roles.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from app_server import AppServer, School, running_app, today, tomorrow
from browser_windows import OpenPage
from expected_texts import (
    ACCOUNTS_TOUR,
    GROUNDS_TOUR,
    PRINCIPAL_TOUR,
    PUBLIC_TOUR,
    STAFF_TOUR,
    STUDENTS_TOUR,
    TOURS,
)
from markup_tour import Tour
from page_checks import button, css, dialog
from playwright.sync_api import Page, expect
from screens import open_screen, place, requested, show_tab
from test_admin_timetable import type_end_of_first
from typed_school import (
    ASKED,
    FIELDS,
    FILE,
    MADE,
    MAIL,
    NAMED,
    NEXT,
    OTHER,
    PASSWORD,
    PRINCIPAL,
    ROLL,
    SIGN_IN,
    STUDENT,
    WRONG,
    settle,
    text,
)

import booking_core
from booking_core import Booking, approve, save_days
from booking_core.school.roster import WrongRow
from pages.shared.live.address import COOKIE


@pytest.fixture(scope="module")
def typed_app(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    names = {"SCHOOL_NAME": text("zqschool"), "SCHOOL_CONTACT": text("zqcontact")}
    with running_app(tmp_path_factory.mktemp("typed"), mongod_uri, **names) as both:
        yield both


@pytest.fixture
def app(typed_app: tuple[AppServer, School], school: School) -> AppServer:
    return typed_app[0]


@pytest.fixture
def school(typed_app: tuple[AppServer, School]) -> School:
    typed_app[1].reset()
    return typed_app[1]


@pytest.fixture
def bookings(school: School) -> dict[str, Booking]:
    """Returns the bookings of the one student whose details are markup, by their outcome."""
    return settle(school)


def test_every_text_of_the_model_is_generated_or_typed_and_shown_on_a_tour():
    values = [*map(booking_core.__dict__.get, booking_core.__all__), WrongRow]
    found = {
        f"{value.__name__}.{field.name}"
        for value in values
        if isinstance(value, type) and dataclasses.is_dataclass(value)
        for field in dataclasses.fields(value)
        if re.search(r"\bstr\b|\bAny\b", str(field.type))
    }
    shown = {word for tour in TOURS for stop in tour.values() for word in stop.split()}

    assert found - set(MADE) == FIELDS.keys()
    assert set(FIELDS.values()) <= shown


def test_staff_see_typed_markup_as_text(
    open_page: OpenPage, school: School, bookings: dict[str, Booking]
) -> None:
    page = open_page("/book", "Meera Nair")
    tour = Tour(page, STAFF_TOUR)
    tour.check("Book")
    page.get_by_role("radio", name="School").click()
    expect(page.get_by_role("button", name="Next days")).to_be_visible()
    tour.check("Book, school")
    page.get_by_role("radio", name="Day").click()
    expect(page.get_by_role("button", name="Next day", exact=True)).to_be_visible()
    page.get_by_role("button", name="Choose date").click()
    tour.check_opened("Book, date", "[role=dialog]")
    page.keyboard.press("Escape")
    button(page, "icon_book.next_day").click()
    expect(place(page, 14)).to_contain_text("Closed")
    button(page, "icon_book.next_day").click()
    tour.check("Book, no school")
    button(page, "icon_book.previous_day").click()
    expect(place(page, 14)).to_contain_text("Closed")
    button(page, "icon_book.previous_day").click()
    expect(place(page, 14)).to_contain_text("Requested")
    pick(page, 13, ground=3)
    menu(tour, "Book, teams", "book.student", text("zqteam")[:8])
    page.keyboard.press("Escape")
    menu(tour, "Book, students", "book.student", ROLL[:8])
    tour.check_accessible("Book, students", "[role=listbox]")
    page.get_by_role("option").click()
    tour.check("Book, busy", ".st-key-card_panel")
    pick(page, 15)
    page.get_by_label("Purpose").fill(text("zqpurpose"))
    page.get_by_label("Purpose").press("Tab")
    tour.check("Book, panel", ".st-key-card_panel")
    button(page, "book.review.open").click()
    tour.check_opened("Book, review")
    school.book(by=OTHER, start=15, student=1, game=text("zqgame"))
    tour.check_opened("Book, lost")
    button(page, "book.review.alternative.0").click()
    button(page, "book.confirm").click()
    expect(requested(page)).to_be_visible()
    tour.check_opened("Book, requested")
    button(page, "book.ok").click()

    tour.check("Bookings", ".st-key-bookings-list")
    page.get_by_role("button", name="Notices").click()
    tour.check("Bookings, notices", ".st-key-bell_list")
    page.get_by_role("button", name="Notices").click()
    page.get_by_role("button", name="Filters").click()
    for name, field in (("ground", "ground"), ("class", "class_name")):
        menu(tour, f"Bookings, {name}", f"bookings.{field}")
        page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    for became in ("rejected", "cancelled", "revoked"):
        act(page, "details", bookings[f"zq{became}"].id)
        tour.check_opened(f"Bookings, {became}")
        leave(page)
    act(page, "cancel", bookings["waiting"].id)
    tour.check_opened("Bookings, cancel")
    button(page, "bookings.keep").click()
    open_screen(page, "Approvals")
    tour.check("Approvals of a delegate")

    assert tour.left == {}


def test_a_principal_sees_typed_markup_as_text(
    open_page: OpenPage, school: School, bookings: dict[str, Booking]
) -> None:
    page = open_page("/approvals", "Anand Rao")
    tour = Tour(page, PRINCIPAL_TOUR)
    tour.check("Approvals")
    act(page, "details", bookings["waiting"].id)
    tour.check_opened("Approvals, details")
    leave(page)
    act(page, "reject", bookings["waiting"].id)
    tour.check_opened("Approvals, reject")
    approve(school.db, bookings["waiting"].id, by=PRINCIPAL)
    dialog(page).get_by_label("Reason").fill("Rain")
    button(page, "danger_approvals.do").click()
    tour.check("Approvals, too late", ".stAlert")
    show_tab(page, "Approved, upcoming")
    tour.check("Approvals, approved", ".st-key-approvals-list")
    act(page, "revoke", bookings["approved"].id)
    tour.check_opened("Approvals, revoke")
    leave(page)
    show_tab(page, "Decided")
    tour.check("Approvals, decided", ".st-key-approvals-list")
    button(page, "approvals.hand_on").click()
    tour.check_opened("Approvals, delegate")
    menu(tour, "Approvals, delegates", "approvals.hand_on.to")
    page.keyboard.press("Escape")
    leave(page)

    open_screen(page, "Reports")
    tour.check("Reports", ".stMain")
    button(page, "reports.export").click()
    tour.check_opened("Reports, export")
    leave(page)
    open_screen(page, "Closures")
    tour.check("Closures")

    assert tour.left == {}


def test_an_admin_sees_typed_markup_of_grounds_as_text(
    open_page: OpenPage, school: School, bookings: dict[str, Booking]
) -> None:
    page = open_page("/admin", "Farah Sheikh")
    tour = Tour(page, GROUNDS_TOUR)
    tour.check("Grounds")
    button(page, "admin.grounds.ground-1.edit").hover()
    tour.check("Grounds, hint", "[role=tooltip]")
    button(page, "admin.grounds.ground-1.edit").click()
    tour.check_opened("Grounds, edit")
    menu(tour, "Grounds, games", "admin.grounds.games", text("zqfresh"))
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    button(page, "admin.grounds.edit.save").click()
    tour.check("Grounds, saved", "[data-testid=stToast]")
    button(page, "admin.grounds.ground-1.retire").click()
    tour.check_opened("Grounds, retire")
    button(page, "admin.grounds.retire.keep").click()

    show_tab(page, "Timetables")
    tour.check("Timetables")
    button(page, "admin.timetables.regular.edit").click()
    tour.check("Timetables, edit", "[class*='st-key-line_']")
    tour.check("Timetables, preview", "[class*='editor-preview']")
    type_end_of_first(page, "07:00")
    tour.check("Timetables, wrong", ".stAlert")
    filler = page.get_by_role("button", name="Fill in equal periods")
    filler.click()
    tour.check_opened("Timetables, filler", "[data-testid=stPopoverBody]")
    filler.click()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    page.once("dialog", lambda question: question.accept())  # the form differs from what is stored
    button(page, "admin.editor.back").click()
    button(page, "admin.days.add").click()
    for place_of_day in (0, 3):  # of the first and of the last date
        dialog(page).get_by_role("spinbutton").nth(place_of_day).click()
        page.keyboard.type(f"{tomorrow():%d%m%Y}")
    page.keyboard.press("Escape")  # closes the calendar
    expect(page.get_by_role("grid")).to_have_count(0)
    menu(tour, "Timetables, assignment", "admin.days.what")
    page.get_by_role("option").filter(has_text="zqtimetable").click()
    dialog(page).get_by_label("Why").fill(text("zqfresh"))
    dialog(page).get_by_label("Why").press("Tab")
    tour.check_opened("Timetables, dates")
    button(page, "admin.days.back").click()
    button(page, "admin.timetables.regular.delete").click()
    tour.check_opened("Timetables, delete")
    button(page, "admin.timetables.delete.keep").click()

    show_tab(page, "Year")
    tour.check("Year")
    button(page, "admin.year.term.remove").click()
    tour.check_opened("Year, remove")
    button(page, "admin.year.remove.keep").click()
    button(page, "admin.year.copy").click()
    tour.check_opened("Year, copy")
    button(page, "admin.year.copy.back").click()
    button(page, "admin.year.term.edit").click()
    tour.check("Year, preview", "[class*='term-preview']")
    button(page, "admin.term.back").click()

    show_tab(page, "Closures")
    tour.check("Closures", ".st-key-admin-closures-list")
    button(page, "admin.closures.new").click()
    menu(tour, "Closures, grounds", "admin.closing.grounds", "")
    page.get_by_role("option", name="Ground 2").click()
    page.keyboard.press("Escape")
    dialog(page).get_by_label("Reason").fill(text("zqagain"))
    button(page, "admin.closing.review").click()
    tour.check_opened("Closures, closed already")
    dialog(page).get_by_text("All grounds").click()
    button(page, "admin.closing.review").click()
    tour.check_opened("Closures, review")
    button(page, "admin.closing.all.revoke").click()
    expect(button(page, "danger_admin.closing.confirm")).to_contain_text("revoke")
    button(page, "danger_admin.closing.confirm").click()
    page.get_by_role("row").filter(has_text="zqagain").get_by_role("button").click()
    tour.check_opened("Closures, lift")
    button(page, "admin.closures.do_lift").click()
    tour.check("Closures, give back", ".st-key-admin-closures-displaced")

    assert tour.left == {}


def test_an_admin_sees_typed_markup_of_students_as_text(
    open_page: OpenPage, school: School, bookings: dict[str, Booking]
) -> None:
    page = open_page("/admin", "Farah Sheikh")
    tour = Tour(page, STUDENTS_TOUR)
    show_tab(page, "Students")
    tour.check("Students")
    menu(tour, "Students, classes", "admin.students.class")
    page.keyboard.press("Escape")
    button(page, "admin.students.add").click()
    tour.check_opened("Students, add")
    leave(page)
    act(page, "change", ROLL)
    tour.check_opened("Students, edit")
    menu(tour, "Students, new class", f"admin.students.form.{ROLL}.class", text("zqfresh"))
    page.keyboard.press("Escape")
    leave(page)
    for action, id in (("deactivate", ROLL), ("reactivate", "S900"), ("erase", "S900")):
        act(page, action, id)
        tour.check_opened(f"Students, {action}")
        button(page, "admin.students.back").click()

    show_tab(page, "Teams")
    tour.check("Teams", ".stMain")
    button(page, "admin.teams.team.edit").click()
    tour.check_opened("Teams, edit")
    button(page, "admin.teams.back").click()
    button(page, "admin.teams.team.remove").click()
    tour.check_opened("Teams, remove")
    button(page, "admin.teams.remove.keep").click()

    show_tab(page, "Import")
    head = ["roll number", "name", "class", "email"]
    upload(page, [[text("zqheading"), *head[1:]], ["N1", "New", "9-A", ""]])
    page.get_by_role("combobox", name="Roll or admission number").click()
    tour.check_opened("Students, columns", "[role=listbox]")
    page.keyboard.press("Escape")
    new = ["N1", text("zqnew"), text("zqclass"), MAIL]
    wrong = [WRONG, "Wrong", "9-A", ""]
    upload(page, [head, new, [ROLL, STUDENT, "9-Z", MAIL], wrong, wrong])
    tour.check("Students, new", ".stMain")
    show_tab(page, "Changed 1")
    tour.check("Students, changed", ".stMain")
    show_tab(page, "Wrong rows 1")
    tour.check("Students, wrong", ".stMain")
    upload(page, [head, new])
    show_tab(page, "Leaving 3")
    page.get_by_text("whom the file does not name").click()
    tour.check("Students, leaving", ".stMain")

    show_tab(page, "Class rollover")
    tour.check("Students, rollover", ".st-key-card_rollover")
    for class_name in ("9-A", "9-B"):
        tour.left["Students, becomes"] = {"zqclass"}
        menu(tour, "Students, becomes", f"admin.students.class.{class_name}")
        page.get_by_role("option").filter(has_text="zqclass").click()
    tour.check("Students, meet", ".stAlert")
    button(page, "admin.students.roll").click()
    tour.check_opened("Students, roll over")
    button(page, "admin.students.roll.back").click()

    assert tour.left == {}


def test_an_admin_sees_typed_markup_of_accounts_as_text(
    open_page: OpenPage, school: School, bookings: dict[str, Booking]
) -> None:
    page = open_page("/admin", "Farah Sheikh")
    tour = Tour(page, ACCOUNTS_TOUR)
    show_tab(page, "Accounts")
    tour.check("Accounts", ".stMain")
    button(page, "admin.accounts.add").click()
    tour.check_opened("Accounts, add")
    leave(page)
    for action, id in (("change", SIGN_IN), ("disable", SIGN_IN), ("enable", "gone")):
        act(page, action, id)
        tour.check_opened(f"Accounts, {action}")
        leave(page)
    act(page, "reset", SIGN_IN)
    tour.check_opened("Accounts, password")
    button(page, "admin.accounts.do").click()
    tour.check_opened("Accounts, password made")
    button(page, "admin.accounts.done").click()

    show_tab(page, "Audit")
    tour.check("Audit", ".st-key-admin-audit-list")
    menu(tour, "Audit, who", "admin.audit.who")
    page.get_by_role("option").filter(has_text="admin").click()
    disabled = page.get_by_role("row").filter(has_text="Disabled").first
    disabled.get_by_role("button").click()
    tour.check_opened("Audit, change")
    leave(page)

    assert tour.left == {}


def test_the_wall_shows_typed_markup_as_text(
    open_page: OpenPage, school: School, bookings: dict[str, Booking]
) -> None:
    page = open_page("/wall", None)
    wall, sign_in = page.url, page.url.replace("/wall", "/signin")
    tour = Tour(page, PUBLIC_TOUR)
    tour.check("Wall")
    page.goto(f"{wall}?ground=ground-1&show=<mark>&theme=<mark>")
    tour.check("Wall, one ground")
    page.goto(f"{wall}?ground={quote(ASKED)}")
    tour.check("Wall, no such ground")
    save_days(school.db, [today()], timetable_id=None, note=text("zqnote"))
    page.goto(wall)
    tour.check("Wall, no school")

    page.goto(f"{sign_in}?next={quote(NEXT)}")
    tour.check("Sign in")
    page.get_by_label("Name").fill(NAMED)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    tour.check("Sign in, wrong")
    page.context.add_cookies(
        [{"name": COOKIE, "value": school.token(SIGN_IN), "url": sign_in.rpartition("/")[0]}]
    )
    page.goto(sign_in.replace("signin", f"password?next={quote(NEXT)}"))
    tour.check("Sign in, password")

    assert tour.left == {}


def pick(page: Page, hour: int, ground: int = 1) -> None:
    place(page, hour, ground).click()
    expect(place(page, hour, ground)).to_have_attribute("data-state", "picked")


def menu(tour: Tour, name: str, key: str, typed: str = "") -> None:
    """Opens a list of choices, and types into it."""
    box = tour.page.locator(f"[class*='st-key-{css(key)}']").get_by_role("combobox")
    box.click()
    if typed:
        box.fill(typed)
    tour.check(name, "[role=listbox]")


def act(page: Page, action: str, id: str) -> None:
    """Presses a button of a line."""
    page.locator(f'[data-focus="{action}:{id}"]').click()


def leave(page: Page) -> None:
    """Closes the dialog."""
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)


def upload(page: Page, rows: list[list[str]]) -> None:
    text_of_file = io.StringIO()
    csv.writer(text_of_file).writerows(rows)
    name = f"{FILE}.csv"
    file = {"name": name, "mimeType": "text/csv", "buffer": text_of_file.getvalue().encode()}
    page.locator("input[type=file]").set_input_files(file)
