"""Closing grounds: the preview, the displaced bookings, their notices, and reinstatement."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from app_server import ADMIN, HEAD, JOSEPH, MEERA, School, today, tomorrow
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import LOAD, TICK, row, type_dates
from support import active, close_one, eventually

from booking_core import Status, approve, cancel, get_booking

REASON = "Rain <b>and</b> *storm*"


def _open_closures(open_page: OpenPage, width: int = 1440, height: int = 900) -> Page:
    page = open_page("/closures", "Anand Rao", viewport={"width": width, "height": height})
    expect(page.get_by_role("heading", name="Closures")).to_be_visible()
    return page


def _fill(page: Page, reason: str = REASON) -> Locator:
    """Opens the dialog and chooses all grounds for the whole of today."""
    page.get_by_role("button", name="Close grounds…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("All grounds").click()
    expect(dialog.get_by_role("checkbox", name="All grounds")).to_be_checked()
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_label("Reason").press("Tab")
    return dialog


def test_displaced_bookings_are_previewed_notified_and_reinstated_after_lifting(
    open_page: OpenPage, school: School
) -> None:
    approved = school.book(student=1, start=14, by=MEERA)
    approve(school.db, approved.id, by=HEAD)
    school.book(student=2, start=15, ground="ground-2", by=JOSEPH)
    kept = school.book(student=3, start=14, on=tomorrow(), by=MEERA)
    reader = open_page("/book")  # of Meera, the default user
    wall = open_page("/wall")
    page = _open_closures(open_page)
    expect(page.get_by_text("Nothing is closed")).to_be_visible()

    dialog = _fill(page)
    dialog.get_by_role("button", name="Review").click()
    expect(dialog).to_contain_text("2 displaced bookings: 2 to move.")
    dialog.get_by_role("button", name="Revoke all").click()
    expect(dialog).to_contain_text("2 displaced bookings: 2 to revoke.")
    expect(row(page, "Student 1")).to_contain_text("Meera Nair")
    expect(row(page, "Student 2")).to_contain_text("Joseph Mathew")
    assert len(active(school.db)) == 3

    # Another user books before the principal confirms.
    school.book(student=4, start=16, ground="ground-3", by=JOSEPH)
    dialog.get_by_role("button", name="Close, revoke 2").click()
    expect(dialog).to_contain_text(
        "The bookings or the free slots changed while you looked, and nothing was closed"
    )
    expect(row(page, "Student 4")).to_be_visible()
    assert len(active(school.db)) == 4
    dialog.get_by_role("button", name="Close, move 1 and revoke 2").click(trial=True)
    dialog.get_by_role("button", name="Revoke: Student 4").click()
    dialog.get_by_role("button", name="Close, revoke 3").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(row(page, REASON)).to_contain_text("All grounds")
    expect(row(page, REASON)).to_contain_text("Dr. Anand Rao")
    assert {r["kind"] for r in active(school.db, date=today().isoformat())} == {"closure"}
    assert get_booking(school.db, kept.id).status is Status.PENDING
    expect(wall.get_by_text(REASON)).to_have_count(3, timeout=TICK)
    expect(reader).to_have_title("(1) Book · Ground booking", timeout=TICK)
    reader.get_by_role("button", name="Notices").click()
    notice = reader.get_by_text("was revoked by Dr. Anand Rao")
    expect(notice).to_contain_text(REASON)
    expect(notice).to_contain_text("Student 1, 2-A")
    expect(reader).to_have_title("Book · Ground booking", timeout=TICK)  # read when seen
    reader.get_by_role("button", name="Notices").click()
    expect(notice).to_have_count(0)

    page.get_by_role("button", name="Lift: All grounds").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(REASON)
    dialog.get_by_role("button", name="Lift closure").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Nothing is closed")).to_be_visible()

    # The offer is computed from stored data: it outlives this page, and other users see it too.
    offer = page.get_by_text("that a lifted closure displaced could be given back")
    expect(offer).to_contain_text("3 bookings")
    page.reload()
    expect(offer).to_contain_text("3 bookings", timeout=LOAD)
    elsewhere = school.book(student=4, start=16, ground="ground-2", by=JOSEPH)
    expect(offer).to_contain_text("2 bookings", timeout=TICK)
    cancel(school.db, elsewhere.id, by=JOSEPH)
    expect(offer).to_contain_text("3 bookings", timeout=TICK)
    page.get_by_role("button", name="Reinstate: Student 1,").click()
    expect(offer).to_contain_text("2 bookings")
    back = get_booking(school.db, approved.id)
    assert (back.status, back.last_decision.action) == (Status.APPROVED, "reinstated")
    page.get_by_role("button", name="Reinstate all 2").click()
    expect(page.get_by_text("2 bookings reinstated.")).to_be_visible()
    expect(offer).to_have_count(0)
    assert len(active(school.db, kind="booking")) == 4
    expect(wall.get_by_text(REASON)).to_have_count(0, timeout=TICK)
    expect(reader).to_have_title("(1) Book · Ground booking", timeout=TICK)
    reader.get_by_role("button", name="Notices").click()
    expect(reader.get_by_text("was reinstated by Dr. Anand Rao")).to_be_visible()
    expect(notice).to_be_visible()  # the list keeps what was read
    eventually(lambda: school.db["notices"].count_documents({"to": "meera", "read": False}) == 0)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
def test_what_a_closure_displaces_moves_and_goes_back_after_lifting(
    open_page: OpenPage, school: School, width: int, height: int
) -> None:
    mine = school.book(student=1, start=14, on=tomorrow(), by=MEERA)
    approve(school.db, mine.id, by=HEAD)
    other = school.book(student=2, start=15, on=tomorrow(), by=JOSEPH)
    reader = open_page("/book")  # of Meera, the default user
    page = _open_closures(open_page, width, height)
    page.get_by_role("button", name="Close grounds…").click()
    dialog = page.get_by_role("dialog")
    type_dates(page, "First and last day", tomorrow(), tomorrow())
    dialog.get_by_role("combobox", name="Grounds").click()
    page.get_by_role("option", name="Ground 1", exact=True).click()
    page.keyboard.press("Tab")
    dialog.get_by_label("Reason").fill(REASON)
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Review").click()
    expect(dialog).to_contain_text("2 displaced bookings: 2 to move.")
    expect(dialog).to_contain_text("A booking that is moved keeps its status.")

    dialog.get_by_role("button", name="Other slot: Student 1").click()
    picker = dialog.get_by_role("combobox", name="Free slot")
    picker.click()
    page.get_by_role("option", name="Ground 3, 9–10 AM").click()
    dialog.get_by_role("button", name="Use this slot").click()
    expect(row(page, "Student 1")).to_contain_text("Ground 3")
    dialog.get_by_role("button", name="Revoke: Student 2").click()
    dialog.get_by_role("button", name="Close, move 1 and revoke 1").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    moved = get_booking(school.db, mine.id)
    assert (moved.ground_id, moved.start, moved.status) == ("ground-3", time(9), Status.APPROVED)
    assert get_booking(school.db, other.id).status is Status.REVOKED
    expect(reader).to_have_title("(1) Book · Ground booking", timeout=TICK)
    reader.get_by_role("button", name="Notices").click()
    notice = reader.get_by_text("was moved by Dr. Anand Rao")
    expect(notice).to_contain_text("It is on Ground 3")

    page.get_by_role("button", name="Lift: Ground 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Lift closure").click()
    expect(page.get_by_text("1 booking that a lifted closure moved could go back.")).to_be_visible()
    page.get_by_role("button", name="Move back: Student 1").click()
    expect(page.get_by_text("that a lifted closure moved could go back")).to_have_count(0)
    back = get_booking(school.db, mine.id)
    assert (back.slot, back.status) == (mine.slot, Status.APPROVED)


def test_a_ground_that_is_partly_closed_is_named_and_left_out(
    open_page: OpenPage, school: School
) -> None:
    close_one(
        school.db,
        ground_id="ground-2",
        date=today(),
        start=time(15),
        end=time(16),
        reason="Exam",
        by=ADMIN,
        now=datetime.now(UTC),
    )
    page = _open_closures(open_page)
    dialog = _fill(page)
    dialog.get_by_role("button", name="Review").click()
    expect(dialog).to_contain_text("Ground 2 is closed then already: Exam.")

    dialog.get_by_role("button", name="Leave Ground 2 out").click()
    expect(dialog.get_by_text("Ground 2 is closed then already")).to_have_count(0)
    dialog.get_by_role("button", name="Review").click()
    expect(dialog).to_contain_text("No booking is displaced.")
    dialog.get_by_role("button", name="Confirm closure").click()

    expect(row(page, REASON)).to_contain_text("Ground 1, Ground 3")
    expect(row(page, "Exam")).to_contain_text("3–4 PM")
