"""A booking from the first press to the wall, and conflicts of two users over one slot."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time, timedelta

import pytest
from app_server import ADMIN, HEAD, JOSEPH, School, insert_commands, is_of_no_screen, today
from browser_windows import OpenPage
from playwright.sync_api import Error, expect
from screens import (
    LOAD,
    TICK,
    cell,
    choose_student,
    confirm,
    confirm_button,
    fill_form,
    open_review,
    place,
    requested,
    row,
    student_box,
    switch_user,
    wait_for_live_updates,
)
from support import active, assert_sound, close_one

from booking_core import Status, approve, get_booking
from pages.shared.text import formats


def test_a_booking_goes_from_the_grid_to_the_wall(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S007")
    page.get_by_role("button", name="Football", exact=True).or_(
        page.get_by_role("radio", name="Football", exact=True)
    ).click()
    open_review(page)
    confirm(page)

    [stored] = active(school.db)
    booking = get_booking(school.db, stored["_id"])
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Booking requested")
    expect(dialog).to_contain_text(booking.reference)
    assert (booking.student_id, booking.game, booking.created_by_name) == (
        "S007",
        "Football",
        "Meera Nair",
    )

    dialog.get_by_role("button", name="OK").click()
    expect(page).to_have_url(re.compile("/bookings$"))
    expect(row(page, "Student 7")).to_contain_text("Requested")

    principal = open_page("/approvals", "Anand Rao")
    principal.get_by_role("button", name="Approve: Student 7").click()
    expect(row(principal, "Student 7")).to_contain_text("Approved")
    expect(row(principal, "Student 7")).to_contain_text("by Dr. Anand Rao")
    assert get_booking(school.db, booking.id).status is Status.APPROVED

    wall = open_page("/wall")
    expect(wall.get_by_text("Football").first).to_be_visible()
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()
    assert "Student 7" not in wall.locator("body").inner_text()


def test_of_two_simultaneous_confirmations_one_books_and_the_other_is_offered_alternatives(
    open_page: OpenPage, school: School
) -> None:
    pages = [open_page("/book"), open_page("/book", "Joseph Mathew")]
    for page, student in zip(pages, ("S001", "S002"), strict=True):
        fill_form(page, 14, student)
        open_review(page)
    # the profiler slows the server a little, so both requests are under way
    with school.recorded():
        for page in pages:
            confirm_button(page).evaluate("button => setTimeout(() => button.click(), 0)")
        for page in pages:
            refusal = page.get_by_text("This slot was just booked by")
            expect(requested(page).or_(refusal)).to_be_visible(timeout=LOAD)

    [held] = active(school.db)
    winner, loser = pages if held["student_id"] == "S001" else reversed(pages)
    expect(requested(winner)).to_be_visible()
    dialog = loser.get_by_role("dialog")
    expect(dialog).to_contain_text(
        f"This slot was just booked by {held['created_by_name']}. Please choose another."
    )
    expect(confirm_button(loser)).to_be_disabled()
    # the grid behind the dialog is up to date
    expect(place(loser, 14)).to_contain_text("Requested")
    expect(dialog).to_contain_text("S002" if held["student_id"] == "S001" else "S001")

    dialog.get_by_role("button", name=re.compile(r"Ground 1")).first.click()
    expect(dialog.get_by_text("This slot was just booked by")).to_have_count(0)
    expect(confirm_button(loser)).to_be_enabled()
    confirm(loser)
    assert len(active(school.db)) == 2
    assert_sound(school.db)


def test_a_slot_lost_during_the_review_is_reported_and_nothing_is_sent(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S001")
    open_review(page)

    other = school.book(student=2, start=14)
    with school.recorded() as commands:
        # The press and the news of the loss race: the button may go as it is pressed.
        with suppress(Error):
            confirm_button(page).click(force=True, no_wait_after=True, timeout=1000)
        expect(page.get_by_role("dialog")).to_contain_text(
            "This slot was just booked by Joseph Mathew", timeout=TICK
        )

    assert insert_commands(commands) == []
    assert [b["_id"] for b in active(school.db)] == [other.id]
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(student_box(page)).to_have_value(re.compile("S001"))  # the form keeps its values


def test_a_booking_appears_on_the_screen_of_another_user(
    open_page: OpenPage, school: School
) -> None:
    watcher = open_page("/book", "Joseph Mathew")
    expect(cell(watcher, 14)).to_be_visible()
    page = open_page("/book")
    fill_form(page, 14, "S001")
    open_review(page)
    confirm(page)

    expect(place(watcher, 14)).to_contain_text("Requested", timeout=TICK)
    expect(cell(watcher, 14)).to_have_count(0)

    approve(school.db, active(school.db)[0]["_id"], by=HEAD)

    expect(place(watcher, 14)).to_contain_text("Booked", ignore_case=True, timeout=TICK)


def test_a_live_update_closes_no_review_and_erases_no_typed_text(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S001")
    purpose = page.get_by_label("Purpose")
    purpose.press_sequentially("Practice for the fi")

    school.book(student=2, start=15)

    expect(place(page, 15)).to_contain_text("Requested", timeout=TICK)
    expect(purpose).to_have_value("Practice for the fi")
    expect(purpose).to_be_focused()
    purpose.press_sequentially("nal")
    open_review(page)
    expect(page.get_by_role("dialog")).to_contain_text("Practice for the final")

    school.book(student=3, start=16)

    expect(place(page, 16)).to_contain_text("Requested", timeout=TICK)
    expect(page.get_by_role("dialog")).to_contain_text("Practice for the final")
    confirm(page)
    assert [b["purpose"] for b in active(school.db, student_id="S001")] == [
        "Practice for the final"
    ]


def test_a_user_who_booked_gets_no_message_that_the_slot_was_taken(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S001")
    open_review(page)
    confirm(page)

    school.book(student=2, start=15)  # one more live update under the dialog

    expect(place(page, 15)).to_contain_text("Requested", timeout=TICK)
    expect(requested(page)).to_be_visible()
    expect(page.get_by_text("This slot was just booked by")).to_have_count(0)


def test_pressing_confirm_twice_makes_one_booking(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S001")
    open_review(page)

    confirm_button(page).dblclick()

    expect(requested(page)).to_be_visible(timeout=LOAD)
    assert len(list(school.db["bookings"].find())) == 1


def test_several_periods_are_one_booking(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    cell(page, 14).click()
    expect(cell(page, 14, state="Picked")).to_be_visible()
    cell(page, 15).click()
    expect(page.get_by_text("2–4 PM · 2 periods")).to_be_visible()
    choose_student(page, "S001")
    open_review(page)
    confirm(page)

    [stored] = active(school.db)
    assert (stored["start"], stored["end"]) == ("14:00", "16:00")


def test_a_slot_is_booked_by_keyboard(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    start = cell(page, 14)
    start.focus()
    page.keyboard.press("ArrowDown")
    expect(cell(page, 15)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, 15, ground=2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell(page, 15, ground=2, state="Picked")).to_be_focused()

    student_box(page).focus()
    page.keyboard.type("S001")
    expect(page.get_by_role("option", name=re.compile("S001$"))).to_be_visible()
    page.keyboard.press("Enter")
    review = page.get_by_role("button", name=re.compile("^Review and"))
    expect(review).to_be_enabled()
    review.focus()
    page.keyboard.press("Enter")
    expect(confirm_button(page)).to_be_enabled()
    confirm_button(page).focus()
    page.keyboard.press("Enter")

    expect(requested(page)).to_be_visible()
    assert [b["ground_id"] for b in active(school.db)] == ["ground-2"]


def test_a_live_update_without_news_sends_no_query(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    expect(cell(page, 14)).to_be_visible()
    wait_for_live_updates(page, 1)

    with school.recorded() as idle:
        wait_for_live_updates(page, 3)
    with school.recorded() as busy:
        school.book(student=1, start=14)
        expect(place(page, 14)).to_contain_text("Requested", timeout=TICK)

    # The server itself, not a screen, searches once a minute for what is due.
    asked = [e["command"] for e in idle if not is_of_no_screen(e)]
    assert asked == []
    assert insert_commands(busy), "the recorder sees the insert"


def test_the_day_of_a_half_made_booking_is_still_shown_after_a_look_at_another_screen(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    for days in (1, 2):
        page.get_by_role("button", name="Next day").click()
        later = today() + timedelta(days=days)
        expect(page.get_by_role("spinbutton", name="day")).to_have_text(f"{later:%d}")
    fill_form(page, 14, "S001")

    page.get_by_role("link", name="Bookings").click()
    expect(page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    page.get_by_role("link", name="Book", exact=True).click()

    expect(page.get_by_role("spinbutton", name="day")).to_have_text(f"{later:%d}")
    expect(cell(page, 14, state="Picked")).to_be_visible()
    expect(page.get_by_text(formats.day_heading(later, today())).first).to_be_visible()
    open_review(page)
    confirm(page)
    [stored] = active(school.db, student_id="S001")
    assert (stored["date"], stored["start"]) == (later.isoformat(), "14:00")


def test_the_next_user_of_a_browser_finds_an_empty_form(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S001")

    page.evaluate("history.replaceState({}, '', location.pathname)")  # as after signing in anew
    switch_user(page, "Joseph Mathew")

    expect(page.get_by_text("Pick a free slot")).to_be_visible()
    expect(cell(page, 14)).to_be_visible()
    cell(page, 14).click()
    expect(page.get_by_text("Choose a student, a class or a team to go on.")).to_be_visible()


@pytest.mark.parametrize("holder", ["closure", "booking"])
def test_a_picked_slot_that_is_taken_names_its_holder_and_offers_alternatives(
    open_page: OpenPage, school: School, holder: str
) -> None:
    page = open_page("/book")
    fill_form(page, 14, "S001")

    if holder == "booking":
        school.book(by=JOSEPH, student=2, start=14)
        words = "This slot was just booked by Joseph Mathew. Please choose another."
    else:
        close_one(
            school.db,
            ground_id="ground-1",
            date=today(),
            start=time(14),
            end=time(15),
            reason="Rain",
            by=ADMIN,
        )
        words = "This ground was just closed: Rain. Please choose another slot."

    expect(page.get_by_text(words)).to_be_visible(timeout=TICK)
    # By keyboard: a second press of the mouse within half a second reaches nothing that appeared
    # under it, and the student was chosen there a moment ago.
    page.get_by_role("button", name="1–2 PM, Ground 1").press("Enter")
    expect(cell(page, 13, state="Picked")).to_be_visible()
    open_review(page)
    confirm(page)
