"""The page of one user, and the steps to each action that a role may or may not do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app_server import HEAD, JOSEPH, AppServer, School
from page_checks import button
from playwright.sync_api import Locator, Page, WebSocketRoute, expect
from screens import (
    cell,
    confirm_button,
    fill_form,
    open_review,
    row,
    show_everybody,
    show_tab,
    wait_for,
)
from support import eventually

from booking_core import Account, Actor, Role, approve, may
from booking_core.sessions import open_session
from pages.shared.live.address import COOKIE

RAVI = Account("ravi", "Ravi Kumar", Role.STAFF)
WRITTEN = ("bookings", "grounds", "timetables", "days", "students", "accounts", "meta", "audit")
# A screen with a live update to report stays silent for half a second after a press.
_IS_IDLE = """() => {
  const app = document.querySelector(".stApp"), now = performance.now()
  const rests = app.dataset.testScriptState === "notRunning" && now > window.groundBookingQuietUntil
  window.restsSince = rests ? (window.restsSince ?? now) : null
  return rests && now - window.restsSince > 600
}"""


class Screen:
    """The page of one user. While ``is_cut_off`` is set, push sends it no news."""

    def __init__(self, page: Page, app: AppServer, school: School, who: Actor) -> None:
        self.page, self.school, self.who, self.is_cut_off = page, school, who, False
        self._url = app.url
        token = open_session(school.db, who.id)
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": app.url}])
        page.context.route_web_socket(re.compile("/live"), self._route)

    def _route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: None if self.is_cut_off else socket.send(message))

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def go(self, path: str, section: str = "") -> Page:
        """Opens the address, and waits until the screen receives live updates."""
        self.is_cut_off = False
        self.page.goto(self._url + path)
        wait_for(self.page, "window.groundBookingHeartbeat?.mode")
        if section:
            show_tab(self.page, section)
        return self.page

    def rest(self) -> None:
        """Returns when no run is under way, and no run is due that would check the session."""
        wait_for(self.page, _IS_IDLE)

    def set_role(self, role: Role) -> None:
        """Gives the user another role directly in the database.

        The public function would end the session and close the screen, so that the press would
        never reach the server.
        """
        accounts = self.school.db["accounts"]
        accounts.update_one({"_id": self.who.id}, {"$set": {"role": role.value}})

    def stored(self) -> dict[str, list[Any]]:
        # How far the notices of changes are written is noted as time goes on.
        but = {"_id": {"$ne": "notices"}}
        return {name: list(self.school.db[name].find(but)) for name in WRITTEN}

    def one(self, collection: str, **condition: Any) -> bool:
        return self.school.db[collection].find_one(condition) is not None


# The steps up to the last press of each action; each function returns the button to press.


def book(screen: Screen) -> Locator:
    page = screen.go("/book")
    fill_form(page, 14, "S001")
    if may("approve", screen.who):
        page.get_by_text("Book without waiting").click()
        expect(page.get_by_text("The principal decides on this one.")).to_be_visible()
    open_review(page)
    return confirm_button(page)


def book_approved(screen: Screen) -> Locator:
    page = screen.go("/book")
    fill_form(page, 14, "S001")
    expect(page.get_by_text("This one is approved at once.")).to_be_visible()
    open_review(page)
    return confirm_button(page)


def change(action: str, *, own: bool) -> Callable[[Screen], Locator]:
    def prepare(screen: Screen) -> Locator:
        screen.school.book(student=101, start=14, by=screen.who if own else JOSEPH)
        page = screen.go("/bookings")
        page.get_by_role("button", name=f"{action}: Ground 1").click()
        if action == "Move":
            cell(page, 15).click()
            expect(cell(page, 15, state="Picked")).to_be_visible()
        return screen.dialog.get_by_role("button", name=f"{action} booking")

    return prepare


def decide(action: str) -> Callable[[Screen], Locator]:
    def prepare(screen: Screen) -> Locator:
        booking = screen.school.book(student=101, start=14)
        if action == "Revoke":
            approve(screen.school.db, booking.id, by=HEAD)
        page = screen.go("/approvals", "Approved, upcoming" if action == "Revoke" else "")
        decision = page.get_by_role("button", name=f"{action}: Student 101")
        if action == "Approve":
            return decision
        decision.click()
        type_in(screen, "Reason", "Rain")
        return screen.dialog.get_by_role("button", name=f"{action} this booking")

    return prepare


def close(screen: Screen) -> Locator:
    page = screen.go("/closures")  # leads an admin to the section
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
    button(page, "admin.timetables.regular.edit").click()
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


def view_usage(screen: Screen) -> Locator:
    two_bookings(screen)
    return screen.go("/reports").get_by_role("radio", name="This month")


def export_bookings(screen: Screen) -> Locator:
    two_bookings(screen)
    page = screen.go("/bookings")
    show_everybody(page)
    expect(page.get_by_text("2 bookings, ")).to_be_visible()
    return page.get_by_role("button", name="Export")


def two_bookings(screen: Screen) -> None:
    """Books one booking of the user's own, and one of Joseph's."""
    screen.school.book(student=101, start=14, by=screen.who)
    screen.school.book(student=102, start=15, by=JOSEPH)


def type_in(screen: Screen, label: str, text: str) -> None:
    field = screen.dialog.get_by_label(label)
    field.fill(text)
    field.press("Tab")


# Checks that the action was done.


def usage_count(screen: Screen) -> int:
    """Returns how many bookings Reports counts; -1 while it shows none."""
    figure = screen.page.get_by_test_id("stMetricValue")
    return int(figure.first.inner_text()) if figure.count() else -1


def exported_bookers(screen: Screen) -> set[str]:
    """Returns the users who requested the bookings in the file of the open export."""
    with screen.page.expect_download() as download:
        screen.dialog.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return {line["Asked by"] for line in csv.DictReader(io.StringIO(text))}


def booking_is(status: str) -> Callable[[Screen], bool]:
    return lambda screen: screen.one("bookings", kind="booking", status=status)


# Checks that no screen offers the action.


def no_toggle(screen: Screen) -> None:
    fill_form(screen.go("/book"), 14, "S001")
    expect(screen.page.get_by_role("button", name=re.compile("^Review and"))).to_be_enabled()
    expect(screen.page.get_by_text("Book without waiting")).to_have_count(0)


def no_button(action: str) -> Callable[[Screen], None]:
    def check(screen: Screen) -> None:
        screen.school.book(student=101, start=14, by=JOSEPH)
        page = screen.go("/bookings")
        show_everybody(page)
        found = row(page, "Student 101")
        expect(found.get_by_role("button", name="Details")).to_be_visible()
        expect(found.get_by_role("button", name=action)).to_have_count(0)

    return check


def no_queue(screen: Screen) -> None:
    screen.school.book(student=101, start=14)
    page = screen.go("/approvals")
    expect(page.get_by_role("heading", name="Approvals is not open to you")).to_be_visible()
    expect(page.get_by_role("link", name="Approvals")).to_have_count(0)
    expect(page.get_by_text("Student 101")).to_have_count(0)


def no_section(name: str, offer: str) -> Callable[[Screen], None]:
    def check(screen: Screen) -> None:
        page = screen.go(f"/admin?section={name}")
        closes = may("close", screen.who)
        heading = "Closures" if closes else "Admin is not open to you"
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("Admin|Closures"))).to_have_count(
            int(closes)
        )
        expect(page.get_by_role("radio", name=name)).to_have_count(0)
        expect(page.get_by_role("button", name=offer)).to_have_count(0)

    return check


def shows_own_usage(screen: Screen) -> None:
    two_bookings(screen)
    expect(screen.go("/reports").get_by_text("What you booked yourself")).to_be_visible()
    eventually(lambda: usage_count(screen) == 1)
    expect(screen.page.get_by_text("Everybody's bookings")).to_have_count(0)
