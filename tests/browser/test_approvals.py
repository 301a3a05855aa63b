"""The approval queue of the principal, and the list of bookings."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time, timedelta
from urllib.parse import urlsplit

import pytest
from app_server import ADMIN, HEAD, JOSEPH, MEERA, School, today
from browser_windows import OpenPage
from playwright.sync_api import Page, expect
from screens import TICK, row, show_everybody, show_tab, wait_for_live_updates
from support import active

from booking_core import (
    Ground,
    Status,
    Term,
    approve,
    delegate,
    get_booking,
    move,
    reject,
    save_ground,
    save_term,
    save_week_a,
)

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


def test_a_row_says_the_term_and_the_week_of_its_day_and_follows_them(
    open_queue: Queue, school: School
) -> None:
    school.book(student=1, start=14)
    page = open_queue()
    line = page.get_by_role("row").filter(has_text="Student 1,").or_(row(page, "Student 1"))
    expect(line).to_be_visible()

    first = today() - timedelta(days=7)
    save_term(school.db, Term("t2", "Term 2", first, first + timedelta(days=60)), by=ADMIN)
    expect(line.get_by_text("Term 2", exact=True)).to_be_visible(timeout=TICK)
    save_week_a(school.db, today(), by=ADMIN)
    expect(line.get_by_text(re.compile("^Term 2, week [AB]$"))).to_be_visible(timeout=TICK)


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
    expect(dialog).to_contain_text("Give a reason.")
    assert len(active(school.db)) == 1

    dialog.get_by_label("Reason").fill("Exam week")
    expect(dialog).not_to_contain_text("Give a reason.")
    expect(dialog.get_by_label("Reason")).to_be_focused()  # the error goes while it is typed
    dialog.get_by_label("Reason").press("Tab")
    dialog.get_by_role("button", name="Reject this booking").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(row(page, "Student 1")).to_contain_text("Rejected")
    decided = get_booking(school.db, booking.id)
    assert (decided.status, decided.last_decision.reason) == (Status.REJECTED, "Exam week")
    school.book(student=2, start=14)


def test_the_dialog_for_a_reason_opens_empty_with_the_focus_in_it(
    open_queue: Queue, school: School
) -> None:
    for number, hour in ((1, 14), (2, 15)):
        school.book(student=number, start=hour)
    page = open_queue()
    dialog = page.get_by_role("dialog")
    for number, reason in ((1, "Exam week"), (2, "Rain")):
        page.get_by_role("button", name=f"Reject: Student {number}").click()
        expect(dialog).to_contain_text(f"Student {number}")
        expect(dialog.get_by_label("Reason")).to_be_focused()
        expect(dialog.get_by_label("Reason")).to_have_value("")
        page.keyboard.type(reason)
        expect(dialog.get_by_label("Reason")).to_have_value(reason)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    assert len(active(school.db)) == 2


def test_the_tab_is_in_the_address(open_queue: Queue, open_page: OpenPage, school: School) -> None:
    page = open_queue()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    assert urlsplit(page.url).query == ""
    for tab, query, text in (
        ("Approved, upcoming", "tab=upcoming", "Nothing approved lies ahead"),
        ("Decided", "tab=decided", "Nothing was decided lately"),
    ):
        show_tab(page, tab)
        expect(page.get_by_text(text)).to_be_visible()
        expect(page).to_have_url(re.compile(rf"/approvals\?{query}$"))

    page.reload()
    expect(page.get_by_text("Nothing was decided lately")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Nothing approved lies ahead")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    expect(page).to_have_url(re.compile("/approvals$"))

    page = open_page("/approvals?tab=nowhere", HEAD.name)
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    expect(page).to_have_url(re.compile("/approvals$"))


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
    page.get_by_role("button", name="Approve 2", exact=True).click()

    expect(row(page, "Student 1")).to_contain_text("Approved")
    expect(row(page, "Student 3")).to_contain_text("Approved")
    assert _students(page) == ["Student 1", "Student 2", "Student 3"]
    statuses = {b["student_id"]: b["status"] for b in active(school.db)}
    assert statuses == {"S001": "Approved", "S002": "Pending", "S003": "Approved"}

    page.get_by_role("button", name="Tidy away 2 decided").click()
    expect(row(page, "Student 1")).to_have_count(0)
    assert _students(page) == ["Student 2"]


def test_the_buttons_below_the_list_say_how_many_requests_are_ticked(
    open_queue: Queue, school: School
) -> None:
    for number, hour in ((1, 14), (2, 15), (3, 16)):
        school.book(student=number, start=hour)
    page = open_queue()
    for number in (1, 2, 3):
        page.get_by_role("checkbox", name=f"Select Student {number}").check()
        for label in (f"Approve {number}", f"Reject {number}…"):
            expect(page.get_by_role("button", name=label, exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_large_tick_boxes_and_one_for_all(
    open_page: OpenPage, school: School, scheme: str
) -> None:
    for number, hour in ((1, 14), (2, 15), (3, 16)):
        school.book(student=number, start=hour)
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    page = open_page("/approvals", "Anand Rao", **phone)
    everything = page.get_by_role("checkbox", name="Select all")
    one = page.get_by_role("checkbox", name="Select Student 2")
    for box in (everything, one):
        box.scroll_into_view_if_needed()
        target = box.locator("xpath=..").bounding_box()
        assert target is not None
        assert min(target["width"], target["height"]) >= 44
        page.mouse.click(target["x"] + 3, target["y"] + 3)  # the corner, not the box itself
        expect(box).to_be_checked(checked=box is everything)
    expect(page.get_by_role("button", name="Approve 2", exact=True)).to_be_visible()
    card = page.locator(".card").first
    background = "node => getComputedStyle(node).backgroundColor"
    assert one.evaluate(background) == card.evaluate(background), "the browser's own box is grey"
    edge = one.evaluate("node => getComputedStyle(node).borderColor")
    assert _contrast(edge, card.evaluate(background)) >= 3  # WCAG 2.2, 1.4.11


def _contrast(*colors: str) -> float:
    """Returns the contrast of two colours such as ``rgb(102, 112, 133)``, by WCAG 2.2."""

    def luminance(color: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted(luminance(color) for color in colors)
    return (light + 0.05) / (dark + 0.05)


def test_a_request_that_another_user_decided_gets_a_line_and_the_others_are_decided(
    open_queue: Queue, school: School
) -> None:
    bookings = [school.book(student=n, start=13 + n) for n in (1, 2)]
    page = open_queue()
    page.get_by_role("checkbox", name="Select all").check()
    page.get_by_role("button", name="Reject 2…", exact=True).click()
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


def test_a_ground_that_was_just_added_has_its_name_in_the_list_and_in_the_dialogs(
    open_queue: Queue, school: School
) -> None:
    page = open_queue()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    wait_for_live_updates(page, 1)  # from now on only live updates draw the list

    save_ground(school.db, Ground("ground-9", "Riverside", ("Volleyball",), order=9))
    school.book(student=1, start=14, ground="ground-9")

    expect(row(page, "Student 1")).to_contain_text("Riverside", timeout=TICK)
    for action in ("Details", "Reject"):
        page.get_by_role("button", name=f"{action}: Student 1").click()
        expect(page.get_by_role("dialog")).to_contain_text("Riverside")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


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
    expect(page.get_by_role("heading", name="Approvals is not open to you")).to_be_visible()


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


def test_details_open_from_every_tab_with_who_approved_and_the_move_after_it(
    open_queue: Queue, school: School
) -> None:
    purpose = "Practice for the final of the zonal trials, with both teams"
    booking = school.book(student=1, start=14, purpose=purpose, by=MEERA)
    page = open_queue()
    line = row(page, "Student 1").get_by_text(purpose)
    expect(line).to_have_attribute("title", purpose)
    assert line.evaluate("node => node.offsetWidth < node.scrollWidth"), "one line, cut off"
    _check_details(page, purpose, "Requested", "Asked by", "Requested by Meera Nair")

    delegate(school.db, to=JOSEPH.id, first=today(), last=today(), by=HEAD)
    approve(school.db, booking.id, by=JOSEPH)
    move(
        school.db,
        booking.id,
        ground_id="ground-3",
        date=today(),
        start=time(16),
        end=time(17),
        by=HEAD,
    )
    approver = "by Joseph Mathew for Dr. Anand Rao"
    moved = "after approval by Dr. Anand Rao"
    for tab in ("Approved, upcoming", "Decided"):
        show_tab(page, tab)
        expect(page.get_by_role("table", name=tab)).to_be_visible()
        expect(row(page, "Student 1")).to_contain_text(approver)
        expect(row(page, "Student 1")).to_contain_text(f"moved {moved}")
        _check_details(page, purpose, f"Approved {approver}", f"Moved {moved}", booking.reference)


def _check_details(page: Page, *texts: str) -> None:
    page.get_by_role("button", name="Details: Student 1").click()
    dialog = page.get_by_role("dialog")
    for text in texts:
        expect(dialog).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


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
