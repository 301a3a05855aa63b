"""Several grounds at once, from Book to Approvals."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from app_server import HEAD, MEERA, School, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import TICK, cell, choose_student, place
from support import request_for

from booking_core import (
    SetRequest,
    Status,
    book_set,
    find_bookings,
    find_series,
    load_reference,
    save_ground,
)


@pytest.fixture
def sports(school: School) -> School:
    for ground in load_reference(school.db).grounds.values():
        save_ground(school.db, replace(ground, games=("Athletics",)))
    return school


def open_dialog(page: Page) -> Locator:
    cell(page, 14).click()
    choose_student(page, "S001")
    page.get_by_role("button", name="Several grounds…").click()
    return page.get_by_role("dialog", name="Several grounds at once")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_all_grounds_are_booked_at_once(
    open_page: OpenPage, sports: School, width: int, height: int
) -> None:
    page = open_page(f"/book?date={tomorrow()}", viewport={"width": width, "height": height})
    dialog = open_dialog(page)
    expect(dialog).to_contain_text("3 grounds, all free")
    dialog.get_by_role("button", name="Request 3 grounds").click()

    done = page.get_by_role("dialog", name="Grounds requested")
    expect(done).to_contain_text("All grounds")
    expect(page.get_by_text("just booked")).to_have_count(0)  # it is their own booking
    made = find_bookings(sports.db)
    assert sorted(b.set_place for b in made if b.set_place is not None) == [0, 1, 2]
    assert len({b.series for b in made}) == 1


def test_a_ground_that_is_taken_meanwhile_is_named_and_can_be_left_out(
    open_page: OpenPage, sports: School
) -> None:
    page = open_page(f"/book?date={tomorrow()}")
    dialog = open_dialog(page)
    expect(dialog).to_contain_text("3 grounds, all free")

    sports.book(student=2, start=14, ground="ground-2", on=tomorrow(), game="Athletics")
    expect(dialog).to_contain_text("3 grounds, 1 not free", timeout=TICK)
    expect(dialog).to_contain_text("Ground 2 · booked for 3-A, Athletics")
    expect(dialog.get_by_role("button", name="Request 3 grounds")).to_be_disabled()
    dialog.get_by_role("button", name="Ground 2").click()
    expect(dialog).to_contain_text("2 grounds, all free")
    dialog.get_by_role("button", name="Request 2 grounds").click()

    expect(page.get_by_role("dialog", name="Grounds requested")).to_be_visible()
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_role("heading", name="Bookings")).to_be_visible()
    assert len(find_bookings(sports.db)) == 3


def test_of_grounds_on_one_area_one_is_chosen(open_page: OpenPage, sports: School) -> None:
    known = load_reference(sports.db)
    save_ground(sports.db, replace(known.ground("ground-2"), surfaces=("ground-2", "ground-3")))
    page = open_page(f"/book?date={tomorrow()}")
    dialog = open_dialog(page)
    expect(dialog).to_contain_text("2 grounds, all free")  # the widest of them

    dialog.get_by_role("button", name="Ground 3").click()
    expect(dialog).to_contain_text("Ground 2 and Ground 3 lie on the same area")
    expect(dialog.get_by_role("button", name="Request 3 grounds")).to_be_disabled()
    dialog.get_by_role("button", name="Back").click()
    expect(dialog).to_have_count(0)
    expect(place(page, 14)).to_contain_text("Picked")


def test_a_principal_decides_on_all_grounds_in_one_row(open_page: OpenPage, sports: School) -> None:
    request = request_for(student=1, on=tomorrow(), start=14, game="Athletics")
    asked = SetRequest(request, ("ground-1", "ground-2", "ground-3"))
    made = book_set(sports.db, asked, by=MEERA, submission_id=uuid4())
    page = open_page("/approvals", HEAD.name)
    row = page.get_by_role("row").filter(has_text="Student 1")
    expect(row).to_contain_text("3\u00a0grounds")
    row.get_by_role("button", name="Approve").click()
    expect(row).to_contain_text("Approved")
    assert {b.status for b in find_series(sports.db, made.id)} == {Status.APPROVED}

    bookings = open_page("/bookings")
    bookings.get_by_role("button", name="Cancel: Ground 2").click()
    dialog = bookings.get_by_role("dialog", name="Cancel which grounds?")
    dialog.get_by_text("All of them, 3\u00a0grounds").click()
    dialog.get_by_role("button", name="Cancel 3 bookings").click()
    expect(bookings.get_by_role("dialog")).to_have_count(0)
    assert {b.status for b in find_series(sports.db, made.id)} == {Status.CANCELLED}
