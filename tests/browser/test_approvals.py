"""The approval queue of the principal, and the list of bookings."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from app_server import HEAD, MEERA, School
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import TICK, row, show_everybody, show_tab
from support import active

from booking_core import Status, approve, get_booking, reject

Queue = Callable[[], Page]


@pytest.fixture
def open_queue(open_page: OpenPage) -> Queue:
    def open_one() -> Page:
        page = open_page("/approvals", "Anand Rao")
        expect(page.get_by_role("heading", name="Approvals")).to_be_visible()
        return page

    return open_one


def _students(page: Page) -> list[str]:
    return [
        found[0]
        for text in page.get_by_role("row").all_inner_texts()
        if (found := re.findall(r"Student \d+", text))
    ]


def test_a_rejection_needs_a_reason_and_frees_the_slot(open_queue: Queue, school: School) -> None:
    booking = school.book(student=1, start=14)
    page = open_queue()
    page.get_by_role("button", name="Reject: Student 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Student 1, 2-A")

    confirming = dialog.get_by_role("button", name="Reject this booking")
    expect(confirming).to_have_css("background-color", "rgb(179, 38, 30)")
    expect(confirming).to_have_css("color", "rgb(255, 255, 255)")
    confirming.click()
    expect(dialog).to_contain_text("Give a reason: the person who asked will want to know.")
    assert len(active(school.db)) == 1

    dialog.get_by_label("Reason").fill("Exam week")
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Reject this booking").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(row(page, "Student 1")).to_contain_text("Rejected")
    decided = get_booking(school.db, booking.id)
    assert (decided.status, decided.last_decision.reason) == (Status.REJECTED, "Exam week")
    school.book(student=2, start=14)


def test_an_approved_booking_is_revoked_with_a_reason(open_queue: Queue, school: School) -> None:
    booking = school.book(student=1, start=14)
    approve(school.db, booking.id, by=HEAD)
    page = open_queue()
    show_tab(page, "Approved, upcoming")
    page.get_by_role("button", name="Revoke: Student 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Staff meeting")
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Revoke this booking").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Nothing approved lies ahead")).to_be_visible()
    assert get_booking(school.db, booking.id).status is Status.REVOKED
    show_tab(page, "Decided")
    expect(row(page, "Student 1")).to_contain_text("Revoked")


def test_several_requests_are_approved_at_once_and_the_list_keeps_its_order(
    open_queue: Queue, school: School
) -> None:
    for number, hour in ((1, 14), (2, 15), (3, 16)):
        school.book(student=number, start=hour)
    page = open_queue()
    page.get_by_role("checkbox", name="Select Student 1").check()
    page.get_by_role("checkbox", name="Select Student 3").check()
    page.get_by_role("button", name="Approve both").click()

    expect(row(page, "Student 1")).to_contain_text("Approved")
    expect(row(page, "Student 3")).to_contain_text("Approved")
    assert _students(page) == ["Student 1", "Student 2", "Student 3"]
    statuses = {b["student_id"]: b["status"] for b in active(school.db)}
    assert statuses == {"S001": "Approved", "S002": "Pending", "S003": "Approved"}

    page.get_by_role("button", name="Tidy away 2 decided").click()
    expect(row(page, "Student 1")).to_have_count(0)
    assert _students(page) == ["Student 2"]


def test_a_request_that_another_user_decided_gets_a_line_and_the_others_are_decided(
    open_queue: Queue, school: School
) -> None:
    bookings = [school.book(student=n, start=13 + n) for n in (1, 2)]
    page = open_queue()
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Reject both").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Student 2")

    approve(school.db, bookings[0].id, by=HEAD)
    dialog.get_by_label("Reason").fill("Exam week")
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Reject 2 bookings").click()

    expect(page.get_by_text("was faster: this booking is approved already")).to_be_visible()
    expect(row(page, "Student 2")).to_contain_text("Rejected")
    assert [get_booking(school.db, b.id).status for b in bookings] == [
        Status.APPROVED,
        Status.REJECTED,
    ]
    assert _students(page) == ["Student 1", "Student 2"]


def test_new_requests_wait_to_be_shown_and_requests_decided_elsewhere_keep_their_place(
    open_queue: Queue, school: School
) -> None:
    bookings = [school.book(student=n, start=13 + n) for n in (2, 3)]
    page = open_queue()
    expect(row(page, "Student 3")).to_be_visible()

    school.book(student=1, start=12)
    reject(school.db, bookings[0].id, by=HEAD, reason="Rain")

    expect(page.get_by_role("button", name="1 new")).to_be_visible(timeout=TICK)
    expect(row(page, "Student 2")).to_contain_text("Rejected")
    assert _students(page) == ["Student 2", "Student 3"]
    page.get_by_role("button", name="1 new").click()
    expect(row(page, "Student 1")).to_be_visible()
    assert _students(page) == ["Student 1", "Student 3"]


def test_an_empty_queue_shows_a_new_request_by_itself(open_queue: Queue, school: School) -> None:
    page = open_queue()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()

    school.book(student=1, start=14)

    expect(row(page, "Student 1")).to_be_visible(timeout=TICK)


def test_staff_see_no_queue(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    expect(page.get_by_role("link", name="Bookings")).to_be_visible()

    expect(page.get_by_role("link", name="Approvals")).to_have_count(0)

    page = open_page("/approvals")
    expect(page.get_by_role("heading", name="Approvals", exact=True)).to_have_count(0)
    expect(page.get_by_role("heading", name="Book a ground")).to_be_visible()


def test_details_show_the_history_and_follow_its_changes(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, purpose="Zonal trials", by=MEERA)
    page = open_page("/bookings")
    page.get_by_role("button", name=re.compile("^Details")).click()
    dialog = page.get_by_role("dialog")
    for text in (booking.reference, "Student 1, 2-A", "Zonal trials", "Requested by Meera Nair"):
        expect(dialog).to_contain_text(text)

    reject(school.db, booking.id, by=HEAD, reason="Exam week")

    expect(dialog).to_contain_text("Rejected by Dr. Anand Rao", timeout=TICK)
    expect(dialog).to_contain_text("Exam week")


def test_a_user_cancels_an_own_booking_and_frees_its_slot(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, by=MEERA)
    school.book(student=2, start=15)
    page = open_page("/bookings")
    show_everybody(page)
    expect(row(page, "Student 2")).to_be_visible()
    expect(row(page, "Student 2").get_by_role("button", name="Cancel")).to_have_count(0)

    page.get_by_role("button", name=re.compile("^Cancel: ")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Student 1")
    dialog.get_by_role("button", name="Cancel booking").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, "Student 1")).to_contain_text("Cancelled")
    assert get_booking(school.db, booking.id).status is Status.CANCELLED
