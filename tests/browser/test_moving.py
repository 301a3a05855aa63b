"""Moving a booking on the Bookings screen."""

from __future__ import annotations

from datetime import time, timedelta

from app_server import ADMIN, HEAD, MEERA, School, today, tomorrow
from browser_windows import OpenPage
from page_checks import serious_violations
from playwright.sync_api import Locator, Page, expect
from screens import cell, row, show_everybody
from support import active, close_one

from booking_core import (
    Policy,
    Status,
    approve,
    cancel,
    get_booking,
    move,
    save_policy,
)
from pages.shared.text import formats


def open_dialog(page: Page, title: str) -> Locator:
    page.get_by_role("button", name=f"Move: {title}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table")).to_be_visible()
    return dialog


def place(dialog: Locator, hour: int, ground: int) -> Locator:
    """The cell of the period from ``hour``; ``ground`` is 1 for the first column."""
    return dialog.locator(f'[data-at="{hour - 8}:{ground - 1}"]')


def pick(page: Page, hour: int, ground: int = 1) -> None:
    cell(page, hour, ground).click()
    expect(cell(page, hour, ground, "Picked")).to_be_visible()


def move_button(dialog: Locator) -> Locator:
    return dialog.get_by_role("button", name="Move booking")


def test_the_author_reads_why_somebody_else_moved_the_booking(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, by=MEERA)
    theirs = open_page("/bookings", MEERA.name)
    page = open_page("/bookings", ADMIN.name)
    show_everybody(page)
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    pick(page, 16)

    dialog.get_by_label("Reason (optional)").fill("The mowing")
    move_button(dialog).click()

    expect(dialog).to_have_count(0)
    assert get_booking(school.db, booking.id).history[-1].reason == "The mowing"
    theirs.get_by_role("button", name="Notices").click()
    expect(theirs.get_by_text(f"was moved by {ADMIN.name}: The mowing")).to_be_visible()


def test_a_booking_of_two_periods_moves_to_the_run_that_begins_at_the_pressed_cell(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, end=16, by=MEERA)
    approve(school.db, booking.id, by=HEAD)
    school.book(student=1, start=11, ground="ground-3")  # the student is there then
    school.book(student=2, start=17)
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–4 PM")
    expect(dialog).to_contain_text("Volleyball, Student 1, 2-A")
    expect(dialog).to_contain_text("The principal then decides on it again.")

    # Nothing is picked. The grounds are those for the game; ground 2 is not.
    expect(move_button(dialog)).to_be_disabled()
    expect(dialog.get_by_role("button", name="Picked")).to_have_count(0)
    assert dialog.locator("th.ground").all_inner_texts() == ["Ground 1", "Ground 3"]
    free = dialog.locator("[data-state=free]").evaluate_all(
        "cells => cells.map(cell => cell.dataset.at)"
    )
    # From 11 on. It may overlap its own slot. At 11 the student is on ground 3, and at 17 the
    # ground is taken.
    late = [at for at in free if int(at.split(":")[0]) >= 11 - 8]
    assert [at for at in late if at.endswith(":0")] == ["4:0", "5:0", "7:0"]
    expect(place(dialog, 11, 1)).to_contain_text("Student busy")
    expect(place(dialog, 11, 1)).to_contain_text("on Ground 3")
    expect(place(dialog, 16, 1)).to_contain_text("Too short")
    expect(place(dialog, 14, 1)).to_contain_text("this booking")

    pick(page, 15)
    expect(place(dialog, 16, 1)).to_contain_text("Picked")
    expect(dialog.get_by_text("To Ground 1, Today 3–5 PM")).to_be_visible()
    expect(move_button(dialog)).to_be_enabled()
    assert serious_violations(page) == []
    # The picked cell gives its slot back.
    cell(page, 15, state="Picked").click()
    expect(move_button(dialog)).to_be_disabled()

    pick(page, 13)
    move_button(dialog).click()
    expect(dialog).to_have_count(0)
    expect(row(page, "1–3 PM")).to_contain_text("Ground 1")
    moved = get_booking(school.db, booking.id)
    assert (moved.ground_id, moved.date, moved.start.hour) == ("ground-1", today(), 13)
    # The author may not decide: the principal decides on the new slot.
    assert (moved.status, moved.history[-1].action) == (Status.PENDING, "moved")

    dialog = open_dialog(page, "Ground 1, Today 1–3 PM")
    pick(page, 15)
    dialog.get_by_role("button", name="Next day").click()
    expect(dialog.locator(".corner")).to_contain_text("Tomorrow")
    expect(move_button(dialog)).to_be_disabled()  # another day, another pick
    pick(page, 8, 3)
    move_button(dialog).click()
    expect(dialog).to_have_count(0)
    expect(row(page, "8–10 AM")).to_contain_text("Tomorrow")
    expect(row(page, "8–10 AM")).to_contain_text("Ground 3")


def taken(dialog: Locator, hour: int) -> Locator:
    return place(dialog, hour, 1)


def swap_button(dialog: Locator) -> Locator:
    return dialog.get_by_role("button", name="Swap bookings")


def test_a_closed_cell_and_the_own_one_answer_nothing_and_a_booking_of_another_is_for_an_offer(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    other = school.book(student=2, start=15)
    close_one(
        school.db,
        ground_id="ground-1",
        date=today(),
        start=time(16),
        end=time(17),
        reason="Rain",
        by=HEAD,
    )
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    expect(dialog).to_contain_text("its author has to accept")

    for hour in (14, 16):
        assert taken(dialog, hour).evaluate("cell => cell.tagName") == "DIV"
    taken(dialog, 15).click()
    expect(dialog.get_by_text("Swap with Student 2, 3-A, Today 3–4 PM")).to_be_visible()
    why = dialog.get_by_text("Both stay where they are until Joseph Mathew accepts.")
    expect(why).to_be_visible()
    expect(dialog.get_by_role("button", name="Offer the swap")).to_be_enabled()
    pick(page, 17)
    expect(why).to_have_count(0)
    expect(move_button(dialog)).to_be_enabled()
    assert get_booking(school.db, other.id) == other


def test_the_principal_swaps_two_bookings_from_the_dialog(
    open_page: OpenPage, school: School
) -> None:
    mine = school.book(student=1, start=14, by=MEERA)
    approve(school.db, mine.id, by=HEAD)
    other = school.book(student=2, start=16)
    page = open_page("/bookings", HEAD.name)
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    expect(dialog).to_contain_text("Press a slot that is taken to swap with it.")

    taken(dialog, 16).click()
    expect(dialog.get_by_text("Swap with Student 2, 3-A, Today 4–5 PM")).to_be_visible()
    expect(taken(dialog, 16)).to_have_attribute("aria-pressed", "true")
    expect(dialog).to_contain_text(
        "Student 1, 2-A: to Ground 1, Today 4–5 PM. It keeps its status."
    )
    expect(dialog).to_contain_text(
        "Student 2, 3-A: to Ground 1, Today 2–3 PM. It keeps its status."
    )
    assert serious_violations(page) == []
    swap_button(dialog).click()

    expect(dialog).to_have_count(0)
    expect(row(page, "4–5 PM")).to_contain_text("Student 1")
    expect(row(page, "2–3 PM")).to_contain_text("Student 2")
    swapped = get_booking(school.db, mine.id), get_booking(school.db, other.id)
    assert [b.slot for b in swapped] == [other.slot, mine.slot]
    assert swapped[0].status is Status.APPROVED


def test_a_booking_that_moves_under_the_offer_is_offered_where_it_is(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    other = school.book(student=2, start=16)
    page = open_page("/bookings", HEAD.name)
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    taken(dialog, 16).click()
    expect(dialog.get_by_text("Swap with Student 2, 3-A, Today 4–5 PM")).to_be_visible()

    move(school.db, other.id, start=time(17), end=time(18), by=HEAD)

    expect(dialog.get_by_text("Swap with Student 2, 3-A, Today 5–6 PM")).to_be_visible()
    cancel(school.db, other.id, by=HEAD)
    expect(swap_button(dialog)).to_be_disabled()


def test_a_booking_of_two_periods_is_made_shorter_and_keeps_its_approval(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, end=16, by=MEERA)
    approve(school.db, booking.id, by=HEAD)
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–4 PM")

    expect(place(dialog, 15, 1)).to_contain_text("overlaps this booking")
    dialog.get_by_role("radio", name="1 period").click()
    expect(place(dialog, 14, 1)).to_contain_text("overlaps this booking")
    pick(page, 16)
    expect(dialog).to_contain_text("The principal then decides on it again.")
    pick(page, 15)
    expect(dialog).to_contain_text("and its status too.")
    expect(dialog.get_by_text("To Ground 1, Today 3–4 PM")).to_be_visible()
    move_button(dialog).click()

    expect(dialog).to_have_count(0)
    expect(row(page, "3–4 PM")).to_contain_text("Approved")
    assert get_booking(school.db, booking.id).status is Status.APPROVED


def test_a_slot_that_is_lost_under_the_dialog_is_named_and_not_picked_any_more(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    pick(page, 16)
    school.book(student=2, start=16)

    expect(dialog).to_contain_text("Ground 1, 4–5 PM, is not free any more. Pick another slot.")
    expect(move_button(dialog)).to_be_disabled()
    expect(place(dialog, 16, 1)).to_contain_text("Requested")
    pick(page, 15)
    expect(dialog.get_by_text("is not free any more")).to_have_count(0)
    move_button(dialog).click()
    expect(dialog).to_have_count(0)
    assert get_booking(school.db, booking.id).start.hour == 15


def test_a_date_that_is_taken_away_under_the_dialog_is_named(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    later, last = today() + timedelta(days=20), today() + timedelta(days=5)
    dialog.get_by_role("spinbutton", name="day").click()
    page.keyboard.type(f"{later:%d%m%Y}")
    dialog.get_by_text("It keeps its slot").click()  # closes the calendar
    expect(dialog.get_by_role("table", name=formats.short_date(later))).to_be_visible()
    pick(page, 14, 3)

    save_policy(school.db, Policy(advance_days=5), by=ADMIN)

    expect(dialog).to_contain_text(
        f"{formats.short_date(later)} cannot be booked any more. "
        f"This is now {formats.short_date(last)}."
    )
    expect(move_button(dialog)).to_be_disabled()
    pick(page, 16, 3)
    move_button(dialog).click()
    expect(dialog).to_have_count(0)
    [moved] = active(school.db, student_id="S001")
    assert moved["date"] == last.isoformat()


def test_a_refused_move_is_explained_until_another_slot_is_picked(
    open_page: OpenPage, school: School
) -> None:
    booking = school.book(student=1, start=14, by=MEERA)
    later = today() + timedelta(days=7)
    for hour in (9, 10):  # as many as allowed in that week
        school.book(student=1, start=hour, on=later)
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    dialog.get_by_role("spinbutton", name="day").click()
    page.keyboard.type(f"{later:%d%m%Y}")
    dialog.get_by_text("It keeps its slot").click()  # closes the calendar
    expect(dialog.get_by_role("table", name=formats.short_date(later))).to_be_visible()
    pick(page, 14)
    move_button(dialog).click()
    why = dialog.get_by_text("2 are allowed")
    expect(why).to_be_visible()

    school.book(student=2, start=16, on=later)  # a live update draws the dialog again
    expect(place(dialog, 16, 1)).to_contain_text("Requested")
    expect(why).to_be_visible()
    pick(page, 15)
    expect(why).to_have_count(0)
    assert get_booking(school.db, booking.id).slot == booking.slot


def test_a_day_with_nothing_free_says_so(open_page: OpenPage, school: School) -> None:
    school.book(student=1, start=14, by=MEERA)
    for number, ground in enumerate(("ground-1", "ground-3")):
        for hour in range(8, 18):
            school.book(student=20 * number + hour, start=hour, ground=ground, on=tomorrow())
    page = open_page("/bookings")
    dialog = open_dialog(page, "Ground 1, Today 2–3 PM")
    text = "Nothing is free for Volleyball on this day. Choose another day above."
    expect(dialog.get_by_text(text)).to_have_count(0)

    dialog.get_by_role("button", name="Next day").click()

    expect(dialog.get_by_text(text)).to_be_visible()
    expect(move_button(dialog)).to_be_disabled()


def test_a_phone_shows_one_ground_at_a_time_and_keeps_the_buttons_in_sight(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14, ground="ground-3", by=MEERA)
    page = open_page("/bookings", viewport={"width": 390, "height": 844})
    dialog = open_dialog(page, "Ground 3, Today 2–3 PM")

    expect(move_button(dialog)).to_be_in_viewport()
    expect(place(dialog, 14, 2)).to_be_visible()  # its own ground
    expect(place(dialog, 14, 1)).to_be_hidden()
    dialog.get_by_role("button", name="Ground 1", exact=True).click()
    pick(page, 12)
    expect(dialog.get_by_text("To Ground 1, Today 12–1 PM")).to_be_in_viewport()


def test_book_names_the_date_that_an_admin_takes_away(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    later = today() + timedelta(days=20)
    page.get_by_role("spinbutton", name="day").click()
    page.keyboard.type(f"{later:%d%m%Y}")
    page.get_by_role("heading", name="Book a ground").click()
    expect(page.get_by_role("button", name="Free: Ground 1, 8–9 AM")).to_be_visible()

    save_policy(school.db, Policy(advance_days=5), by=ADMIN)

    expect(
        page.get_by_text(f"{formats.short_date(later)} cannot be booked any more")
    ).to_be_visible()
