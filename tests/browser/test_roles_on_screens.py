"""The table of roles, each cell through the screens: what is allowed is offered, and works.

What is not is offered nowhere, behind no typed address either; and a screen that was drawn while it
was allowed, and knows of nothing since, is refused with a sentence and writes nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from app_server import ADMIN, HEAD, JOSEPH, MEERA, AppServer, School
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect
from screens import confirm_button, fill_form, open_review, row, show_tab
from support import eventually
from windows import windows

from booking_core import Account, Actor, AlreadyExists, Role, add_account, approve, open_session
from pages.shared import words
from pages.shared.address import COOKIE

# A page serves all cells of its role, so they run in one worker.
pytestmark = pytest.mark.xdist_group("roles on screens")
PEOPLE = {"staff": MEERA, "principal": HEAD, "admin": ADMIN}
RAVI = Account("ravi", "Ravi Kumar", Role.STAFF)
REFUSED = re.compile(f"Your role does not allow you to |{re.escape(words.ROLE_CHANGED)}")
WRITTEN = ("bookings", "grounds", "timetables", "days", "students", "accounts", "meta", "audit")


class Screen:
    """One person's page. While ``is_untold``, push tells it of nothing."""

    def __init__(self, page: Page, app: AppServer, school: School, who: Actor) -> None:
        self.page, self.school, self.who, self.is_untold = page, school, who, False
        self._url = app.url
        token = open_session(school.db, who.id)
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": app.url}])
        page.context.route_web_socket(re.compile("/live"), self._route)

    def _route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda told: None if self.is_untold else socket.send(told))

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def go(self, path: str, section: str = "") -> Page:
        """Types the address, and waits until the screen follows what happens."""
        self.is_untold = False
        self.page.goto(self._url + path)
        self.page.wait_for_function("window.groundBookingPulse?.mode")
        if section:
            show_tab(self.page, section)
        return self.page

    def be(self, role: Role) -> None:
        """Another role past the verb that gives one: that would end the session, and the screen
        with it. So what is pressed comes as far as it may.
        """
        accounts = self.school.db["accounts"]
        accounts.update_one({"_id": self.who.id}, {"$set": {"role": role.value}})

    def stored(self) -> dict[str, list[Any]]:
        return {name: list(self.school.db[name].find()) for name in WRITTEN}

    def one(self, collection: str, **condition: Any) -> bool:
        return self.school.db[collection].find_one(condition) is not None


@pytest.fixture(scope="module")
def screen_of(
    running: tuple[AppServer, School], browser: Browser
) -> Iterator[Callable[[Actor], Screen]]:
    """The page of a person, opened once for all tests of this file."""
    opened: dict[str, Screen] = {}
    with windows(browser) as open_window:

        def of(who: Actor) -> Screen:
            if who.id not in opened:
                page = open_window(f"{running[0].url}/wall", None)
                opened[who.id] = Screen(page, *running, who)
            return opened[who.id]

        yield of


@pytest.fixture
def screen(screen_of: Callable[[Actor], Screen], school: School, role: str) -> Iterator[Screen]:
    """The page of ``role``, in a school where nothing is booked and Ravi may sign in."""
    with suppress(AlreadyExists):
        add_account(school.db, RAVI)
    found = screen_of(PEOPLE[role])
    yield found
    found.be(PEOPLE[role].role)
    school.db["accounts"].delete_one({"_id": RAVI.id})


# What leads to the last press of a row, which is answered.


def book(screen: Screen) -> Locator:
    page = screen.go("/book")
    fill_form(page, 14, "S001")
    open_review(page)
    return confirm_button(page)


def book_approved(screen: Screen) -> Locator:
    page = screen.go("/book")
    fill_form(page, 14, "S001")
    page.get_by_text("Book without waiting").click()
    expect(page.get_by_text("This one is approved at once.")).to_be_visible()
    open_review(page)
    return confirm_button(page)


def change(verb: str, *, own: bool) -> Callable[[Screen], Locator]:
    def reach(screen: Screen) -> Locator:
        screen.school.book(student=101, start=14, by=screen.who if own else JOSEPH)
        page = screen.go("/bookings")
        page.get_by_role("button", name=f"{verb}: Ground 1").click()
        return screen.dialog.get_by_role("button", name=f"{verb} booking")

    return reach


def decide(verb: str) -> Callable[[Screen], Locator]:
    def reach(screen: Screen) -> Locator:
        booking = screen.school.book(student=101, start=14)
        if verb == "Revoke":
            approve(screen.school.db, booking.id, by=HEAD)
        page = screen.go("/approvals", "Approved, upcoming" if verb == "Revoke" else "")
        button = page.get_by_role("button", name=f"{verb}: Student 101")
        if verb == "Approve":
            return button
        button.click()
        type_in(screen, "Reason", "Rain")
        return screen.dialog.get_by_role("button", name=f"{verb} this booking")

    return reach


def close(screen: Screen) -> Locator:
    page = screen.go("/admin")
    if screen.page.get_by_role("heading", name="Admin", exact=True).count():
        show_tab(page, "Closures")
    page.get_by_role("button", name="Close grounds…").click()
    screen.dialog.get_by_text("All grounds").click()
    expect(screen.dialog.get_by_role("checkbox", name="All grounds")).to_be_checked()
    type_in(screen, "Reason", "Rain")
    screen.dialog.get_by_role("button", name="Review").click()
    return screen.dialog.get_by_role("button", name="Confirm closure")


def add_ground(screen: Screen) -> Locator:
    screen.go("/admin", "Grounds").get_by_role("button", name="Add a ground").click()
    type_in(screen, "Name", "Another")
    return screen.dialog.get_by_role("button", name="Add ground")


def rename_timetable(screen: Screen) -> Locator:
    page = screen.go("/admin", "Timetables")
    page.get_by_role("button", name="Edit", exact=False).first.click()
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("Another")
    name.press("Tab")
    return page.get_by_role("button", name="Save timetable")


def deactivate_student(screen: Screen) -> Locator:
    page = screen.go("/admin", "Students")
    page.get_by_role("button", name="Deactivate: Student 0, ").click()
    return screen.dialog.get_by_role("button", name="Deactivate", exact=True)


def disable_account(screen: Screen) -> Locator:
    page = screen.go("/admin", "Accounts")
    page.get_by_role("button", name=f"Disable: {RAVI.name}").click()
    return screen.dialog.get_by_role("button", name="Disable account")


def set_cut_off(screen: Screen) -> Locator:
    page = screen.go("/admin", "Settings")
    page.get_by_text("End booking the day before").click()
    expect(page.get_by_text("and today not at all")).to_be_visible()
    return page.get_by_role("button", name="Save", exact=True)


def look_at_figures(screen: Screen) -> Locator:
    two_bookings(screen)
    return screen.go("/reports").get_by_role("radio", name="This month")


def export_bookings(screen: Screen) -> Locator:
    two_bookings(screen)
    return screen.go("/bookings").get_by_role("button", name="Export")


def two_bookings(screen: Screen) -> None:
    """One of one's own, and one of Joseph's."""
    screen.school.book(student=101, start=14, by=screen.who)
    screen.school.book(student=102, start=15, by=JOSEPH)


def type_in(screen: Screen, label: str, text: str) -> None:
    field = screen.dialog.get_by_label(label)
    field.fill(text)
    field.press("Tab")


# Whether the row was done.


def figures(screen: Screen) -> int:
    """How many bookings Reports counts on the first ground; -1 while it does not say."""
    line = screen.page.get_by_text(re.compile("^Ground 1 · .*booking"))
    found = re.search(r"(\d+) booking", line.first.inner_text()) if line.count() else None
    return int(found[1]) if found else -1


def exported(screen: Screen) -> set[str]:
    """Who asked for the bookings of the file that the open export gives."""
    with screen.page.expect_download() as download:
        screen.dialog.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return {line["Asked by"] for line in csv.DictReader(io.StringIO(text))}


def booking_is(status: str) -> Callable[[Screen], bool]:
    return lambda screen: screen.one("bookings", kind="booking", status=status)


# That it is offered nowhere.


def no_toggle(screen: Screen) -> None:
    fill_form(screen.go("/book"), 14, "S001")
    expect(screen.page.get_by_role("button", name="Review booking")).to_be_enabled()
    expect(screen.page.get_by_text("Book without waiting")).to_have_count(0)


def no_button(verb: str) -> Callable[[Screen], None]:
    def check(screen: Screen) -> None:
        screen.school.book(student=101, start=14, by=JOSEPH)
        found = row(screen.go("/bookings"), "Student 101")
        expect(found.get_by_role("button", name="Details")).to_be_visible()
        expect(found.get_by_role("button", name=verb)).to_have_count(0)

    return check


def no_queue(screen: Screen) -> None:
    screen.school.book(student=101, start=14)
    page = screen.go("/approvals")
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()
    expect(page.get_by_role("link", name="Approvals")).to_have_count(0)
    expect(page.get_by_text("Student 101")).to_have_count(0)


def no_section(name: str, button: str) -> Callable[[Screen], None]:
    def check(screen: Screen) -> None:
        page = screen.go(f"/admin?section={name}")
        closes = screen.who.role.closes
        heading = "Closures" if closes else "Book a ground"
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("Admin|Closures"))).to_have_count(
            int(closes)
        )
        expect(page.get_by_role("radio", name=name)).to_have_count(0)
        expect(page.get_by_role("button", name=button)).to_have_count(0)

    return check


def own_figures(screen: Screen) -> None:
    two_bookings(screen)
    expect(screen.go("/reports").get_by_text("What you booked yourself")).to_be_visible()
    eventually(lambda: figures(screen) == 1)
    expect(screen.page.get_by_text("Everybody's bookings")).to_have_count(0)


def own_export(screen: Screen) -> None:
    export_bookings(screen).click()
    assert exported(screen) == {screen.who.name}


@dataclass(frozen=True)
class Row:
    """A row of the table: who may, the way to the last press, what then holds; and for whoever may
    not, what shows that it is offered nowhere. ``about`` are the roles that it speaks of.
    """

    name: str
    may: str
    reach: Callable[[Screen], Locator]
    is_done: Callable[[Screen], bool]
    is_hidden: Callable[[Screen], None] | None = None
    about: str = "staff principal admin"


ALL, OVER_OTHERS = "staff principal admin", "principal admin"
cancelled, moved = booking_is("Cancelled"), lambda s: not s.one("bookings", start="14:00")
TABLE = [
    Row("book", ALL, book, booking_is("Pending")),
    Row("move own", ALL, change("Move", own=True), moved),
    Row("cancel own", ALL, change("Cancel", own=True), cancelled),
    Row("move others'", OVER_OTHERS, change("Move", own=False), moved, no_button("Move")),
    Row("cancel others'", OVER_OTHERS, change("Cancel", own=False), cancelled, no_button("Cancel")),
    Row("approve", "principal", decide("Approve"), booking_is("Approved"), no_queue),
    Row("reject", "principal", decide("Reject"), booking_is("Rejected"), no_queue),
    Row("revoke", "principal", decide("Revoke"), booking_is("Revoked"), no_queue),
    Row("book as approved", "principal", book_approved, booking_is("Approved"), no_toggle),
    Row(
        "closures",
        OVER_OTHERS,
        close,
        lambda s: s.one("bookings", kind="closure"),
        no_section("Closures", "Close grounds…"),
    ),
    Row(
        "grounds",
        "admin",
        add_ground,
        lambda s: s.one("grounds", name="Another"),
        no_section("Grounds", "Add a ground"),
    ),
    Row(
        "timetables",
        "admin",
        rename_timetable,
        lambda s: s.one("timetables", name="Another"),
        no_section("Timetables", "Add a timetable"),
    ),
    Row(
        "students",
        "admin",
        deactivate_student,
        lambda s: s.one("students", active=False),
        no_section("Students", "Add a student"),
    ),
    Row(
        "accounts",
        "admin",
        disable_account,
        lambda s: s.one("accounts", _id=RAVI.id, active=False),
        no_section("Accounts", "Add account"),
    ),
    Row(
        "settings",
        "admin",
        set_cut_off,
        lambda s: s.one("meta", **{"policy.cut_off": {"$ne": None}}),
        no_section("Settings", "Save"),
    ),
    Row("reports of all", OVER_OTHERS, look_at_figures, lambda s: figures(s) == 2, own_figures),
    Row("reports of own", ALL, look_at_figures, lambda s: figures(s) == 1, about="staff"),
    Row(
        "export of all",
        OVER_OTHERS,
        export_bookings,
        lambda s: exported(s) == {s.who.name, JOSEPH.name},
        own_export,
    ),
    Row(
        "export of own", ALL, export_bookings, lambda s: exported(s) == {s.who.name}, about="staff"
    ),
]
CELLS = [(row, role) for row in TABLE for role in row.about.split()]


def cells(*, allowed: bool) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("role", "row_"),
        [
            pytest.param(role, row, id=f"{role}: {row.name}")
            for row, role in CELLS
            if (role in row.may.split()) is allowed
        ],
    )


@cells(allowed=True)
def test_what_a_role_may_is_offered_and_works(screen: Screen, role: str, row_: Row) -> None:
    row_.reach(screen).click()

    eventually(lambda: row_.is_done(screen))


@cells(allowed=False)
def test_what_a_role_may_not_is_offered_nowhere(screen: Screen, role: str, row_: Row) -> None:
    assert row_.is_hidden is not None
    row_.is_hidden(screen)


@cells(allowed=False)
def test_a_screen_of_before_is_refused_with_a_sentence_and_nothing_is_written(
    screen: Screen, role: str, row_: Row
) -> None:
    screen.be(Role(row_.may.split()[0]))
    last = row_.reach(screen)
    expect(last).to_be_enabled()
    screen.is_untold = True
    screen.be(PEOPLE[role].role)
    before = screen.stored()

    last.click()

    expect(screen.page.get_by_text(REFUSED).first).to_be_visible()
    assert screen.stored() == before
    eventually(lambda: not row_.is_done(screen))
