"""The table of roles, each cell through the screens: an allowed action is offered, and works.

A forbidden action is offered nowhere, not even behind a typed address. A stale screen, drawn while
the action was allowed and without news since, gets a refusal in one sentence and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from app_server import ADMIN, HEAD, JOSEPH, MEERA, AppServer, School
from browser_windows import windows
from playwright.sync_api import Browser, Locator, expect
from role_screen import (
    RAVI,
    Screen,
    add_ground,
    book,
    book_approved,
    booking_is,
    change,
    close,
    deactivate_student,
    decide,
    disable_account,
    export_bookings,
    exported_bookers,
    no_button,
    no_queue,
    no_section,
    no_toggle,
    rename_timetable,
    set_cut_off,
    shows_own_usage,
    usage_count,
    view_usage,
)
from support import eventually

from booking_core import Actor, AlreadyExists, Role, add_account
from pages.shared.text import messages

# One page serves all cells of a role, so they run in one worker.
pytestmark = pytest.mark.xdist_group("roles on screens")
PEOPLE = {"staff": MEERA, "principal": HEAD, "admin": ADMIN}
REFUSED = re.compile(f"Your role does not allow you to |{re.escape(messages.ROLE_CHANGED)}")


@pytest.fixture(scope="module")
def screen_of(
    running: tuple[AppServer, School], browser: Browser
) -> Iterator[Callable[[Actor], Screen]]:
    """Returns the page of a user, opened once for all tests of this file."""
    opened: dict[str, Screen] = {}
    with windows(browser) as open_window:

        def page_of(who: Actor) -> Screen:
            if who.id not in opened:
                page = open_window(f"{running[0].url}/wall", None)
                opened[who.id] = Screen(page, *running, who)
            return opened[who.id]

        yield page_of


@pytest.fixture
def screen(screen_of: Callable[[Actor], Screen], school: School, role: str) -> Iterator[Screen]:
    """The page of ``role``, in a school without bookings where Ravi may sign in."""
    with suppress(AlreadyExists):
        add_account(school.db, RAVI)
    found = screen_of(PEOPLE[role])
    yield found
    found.set_role(PEOPLE[role].role)
    school.db["accounts"].delete_one({"_id": RAVI.id})


@dataclass(frozen=True)
class Row:
    """A row of the table of roles.

    ``may`` lists the allowed roles, ``about`` the roles that the row covers. ``reach`` goes as far
    as the last press, ``is_done`` checks its result, and ``is_hidden`` checks that no screen
    offers the action to other roles.
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
    Row("reports of all", OVER_OTHERS, view_usage, lambda s: usage_count(s) == 2, shows_own_usage),
    Row("reports of own", ALL, view_usage, lambda s: usage_count(s) == 1, about="staff"),
    Row(
        "export of all",
        ALL,
        export_bookings,
        lambda s: exported_bookers(s) == {s.who.name, JOSEPH.name},
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
def test_an_allowed_action_is_offered_and_works(screen: Screen, role: str, row_: Row) -> None:
    row_.reach(screen).click()

    eventually(lambda: row_.is_done(screen))


@cells(allowed=False)
def test_a_forbidden_action_is_offered_nowhere(screen: Screen, role: str, row_: Row) -> None:
    assert row_.is_hidden is not None
    row_.is_hidden(screen)


@cells(allowed=False)
def test_a_stale_screen_is_refused_with_a_sentence_and_writes_nothing(
    screen: Screen, role: str, row_: Row
) -> None:
    screen.set_role(Role(row_.may.split()[0]))
    last = row_.reach(screen)
    expect(last).to_be_enabled()
    screen.rest()
    screen.is_cut_off = True
    screen.set_role(PEOPLE[role].role)
    before = screen.stored()

    last.click()

    expect(screen.page.get_by_text(REFUSED).first).to_be_visible()
    assert screen.stored() == before
    assert not row_.is_done(screen)
