"""The waiting list on the screens: joining from Book, leaving, and who has a slot next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from app_server import ADMIN, JOSEPH, MEERA, ZONE, School, tomorrow
from browser_windows import OpenPage
from page_checks import wait_until_settled
from playwright.sync_api import Locator, Page, expect
from screens import TICK, choose_student, fill_form, open_review, row, show_tab
from support import active, eventually, request_for

from booking_core import (
    Actor,
    Booking,
    Policy,
    Status,
    WaitingEntry,
    cancel,
    get_booking,
    join_waiting_list,
    leave_waiting_list,
    save_policy,
    waiting_list,
)
from booking_core.errors import NotFound
from pages.shared.text import formats

SIZES = (
    {"width": 1440, "height": 900},
    {"width": 820, "height": 1180},
    {"width": 390, "height": 844},
)


def joins(school: School, *, student: int, by: Actor = MEERA, **request: object) -> WaitingEntry:
    wanted = request_for(student=student, start=14, on=tomorrow(), **request)
    return join_waiting_list(school.db, wanted, by=by, now=datetime.now(UTC))


def line(school: School) -> list[WaitingEntry]:
    return waiting_list(school.db, "ground-1", tomorrow(), now=datetime.now(UTC))


def made_from(school: School, entry: WaitingEntry) -> Booking | None:
    try:
        return get_booking(school.db, entry.id)
    except NotFound:
        return None


def taken_cell(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^(Requested|Booked): Ground 1, 14-15"))


def join_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Join the waiting list")


def join(page: Page) -> None:
    """Presses the button, which is below the edge of a small window."""
    expect(join_button(page)).to_be_enabled()
    wait_until_settled(page)
    join_button(page).scroll_into_view_if_needed()
    expect(join_button(page)).to_be_in_viewport()
    join_button(page).click()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_a_taken_slot_is_waited_for_from_its_cell(
    open_page: OpenPage, school: School, size: dict[str, int]
) -> None:
    school.book(student=3, start=14, on=tomorrow())
    page = open_page(f"/book?date={tomorrow()}", viewport=size)

    taken_cell(page).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nobody waits for this slot yet.")
    dialog.get_by_role("button", name="Wait for this slot").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Joseph Mathew has requested this slot, for Student 3")).to_be_visible()
    expect(page).to_have_url(re.compile("wait=yes"))
    expect(join_button(page)).to_be_disabled()
    choose_student(page, "S050")
    join(page)

    toast = "You are 1st in line for Ground 1, Tomorrow 2–3 PM. Bookings shows it."
    expect(page.get_by_text(toast)).to_be_visible()
    expect(page).not_to_have_url(re.compile("ground="))
    [entry] = line(school)
    assert (entry.by, entry.request.student_id) == (MEERA.id, "S050")
    assert (entry.any_ground, entry.not_after) == (False, None)
    taken_cell(page).click()
    expect(dialog).to_contain_text("1 waits for this slot.")
    expect(dialog).to_contain_text("1st · Student 50")


def test_a_slot_lost_in_the_review_is_waited_for_and_given_once_it_is_free(
    open_page: OpenPage, school: School
) -> None:
    page = open_page(f"/book?date={tomorrow()}")
    fill_form(page, 14, "S001")
    open_review(page)
    held = school.book(student=2, start=14, on=tomorrow())
    school.book(student=4, start=14, on=tomorrow(), ground="ground-3")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This slot was just booked by Joseph Mathew", timeout=TICK)

    dialog.get_by_text("Any ground for Volleyball").click()
    expect(dialog.get_by_role("radio", name="Any ground for Volleyball")).to_be_checked()
    dialog.get_by_role("combobox", name="Wait until").click()
    page.get_by_role("option", name="1 hour before, 1 PM").click()
    expect(dialog.get_by_role("combobox", name="Wait until")).to_have_value(re.compile("^1 hour"))
    join(page)

    expect(page.get_by_text("You are 1st in line for Ground 1")).to_be_visible()
    expect(dialog).to_have_count(0)
    [entry] = line(school)
    assert entry.any_ground
    assert entry.not_after == datetime.combine(tomorrow(), time(13), ZoneInfo(ZONE))
    cancel(school.db, held.id, by=JOSEPH)
    made = eventually(lambda: made_from(school, entry))
    assert (made.status, made.ground_id) == (Status.PENDING, "ground-1")


def test_who_waits_is_live_and_a_principal_removes_an_entry(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=3, start=14, on=tomorrow())
    first = joins(school, student=50)
    page = open_page(f"/book?date={tomorrow()}", "Anand Rao")
    taken_cell(page).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 waits for this slot.")

    joins(school, student=51, by=JOSEPH)
    expect(dialog).to_contain_text("2 wait for this slot.", timeout=TICK)
    expect(dialog).to_contain_text("2nd · Student 51")
    dialog.get_by_role("button", name="Remove").first.click()

    expect(dialog).to_contain_text("1st · Student 51")
    assert first.id not in [entry.id for entry in line(school)]


def test_staff_leave_for_themselves_and_not_for_others(open_page: OpenPage, school: School) -> None:
    school.book(student=3, start=14, on=tomorrow())
    joins(school, student=50)
    joins(school, student=51, by=JOSEPH)
    page = open_page(f"/book?date={tomorrow()}")
    taken_cell(page).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2nd · Student 51")
    expect(dialog.get_by_role("button", name="Remove")).to_have_count(0)

    dialog.get_by_role("button", name="Leave").click()

    expect(dialog).to_contain_text("1st · Student 51")


def test_without_a_waiting_list_the_button_says_so(open_page: OpenPage, school: School) -> None:
    save_policy(school.db, Policy(waiting_places=0), by=ADMIN)
    school.book(student=3, start=14, on=tomorrow())
    page = open_page(f"/book?date={tomorrow()}")

    taken_cell(page).click()

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Wait for this slot")).to_be_disabled()
    expect(dialog).to_contain_text("This school has no waiting list.")


def test_the_address_keeps_the_wish_to_wait_and_drops_an_unknown_value(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=3, start=14, on=tomorrow())
    address = f"/book?date={tomorrow()}&ground=ground-1&from=14:00&to=15:00"

    page = open_page(f"{address}&wait=yes")
    expect(page.get_by_text("Joseph Mathew has requested this slot")).to_be_visible()
    page.goto(page.url.replace("wait=yes", "wait=perhaps"))
    expect(page.get_by_text("This slot was just booked by Joseph Mathew")).to_be_visible()
    expect(page).not_to_have_url(re.compile("wait"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_bookings_lists_the_own_entries_with_their_place_until_the_user_leaves(
    open_page: OpenPage, school: School, size: dict[str, int]
) -> None:
    school.book(student=3, start=14, on=tomorrow())
    first = joins(school, student=51, by=JOSEPH)
    own = joins(school, student=50)
    page = open_page("/bookings", viewport=size)
    mine = row(page, "Student 50")
    expect(mine).to_contain_text("2nd of 2")
    expect(mine).to_contain_text("Until it begins")
    expect(row(page, "Student 51")).to_have_count(0)

    leave_waiting_list(school.db, first.id, by=JOSEPH)
    expect(mine).to_contain_text("1st of 1", timeout=TICK)
    mine.get_by_role("button", name="Leave").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Student 50")
    dialog.get_by_role("button", name="Leave the list").click()

    expect(page.get_by_text("You have left the waiting list.")).to_be_visible()
    expect(page.get_by_text("On the waiting list")).to_have_count(0)
    assert own.id not in [entry.id for entry in line(school)]


def test_past_bookings_stand_without_the_waiting_list(open_page: OpenPage, school: School) -> None:
    school.book(student=3, start=14, on=tomorrow())
    joins(school, student=50)
    page = open_page("/bookings")
    expect(row(page, "Student 50")).to_be_visible()

    show_tab(page, "Past")

    expect(page.get_by_text("You have no past bookings")).to_be_visible()
    expect(page.get_by_text("On the waiting list")).to_have_count(0)


def test_who_cancels_is_told_that_the_slot_goes_to_who_waits(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=3, start=14, on=tomorrow(), by=MEERA)
    entry = joins(school, student=50, by=JOSEPH)
    page = open_page("/bookings")
    row(page, "Student 3").get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The slot is free at once, first for who waits.")

    dialog.get_by_role("button", name="Cancel booking").click()

    expect(
        page.get_by_text("Booking cancelled. The slot is free, first for who waits.")
    ).to_be_visible()
    assert eventually(lambda: made_from(school, entry)).status is Status.PENDING


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_approvals_says_who_waits_behind_a_request_and_gives_it_to_them(
    open_page: OpenPage, school: School, size: dict[str, int]
) -> None:
    asked = school.book(student=3, start=14, on=tomorrow())
    entry = joins(school, student=50)
    joins(school, student=51, by=JOSEPH)
    page = open_page("/approvals", "Anand Rao", viewport=size)
    request = row(page, "Student 3")
    expect(request).to_contain_text("2 wait, Student 50 first")

    request.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("First in line: Student 50, 1-A, asked by Meera Nair.")
    dialog.get_by_role("textbox", name="Reason").fill("Exam week")
    dialog.get_by_role("button", name="Reject this booking").click()

    expect(page.get_by_text("1 rejected. Student 50 has the slot as a request.")).to_be_visible()
    assert get_booking(school.db, asked.id).status is Status.REJECTED
    assert get_booking(school.db, entry.id).status is Status.PENDING


def test_of_two_in_line_the_dialog_names_the_one_who_can_come(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=3, start=14, on=tomorrow())
    joins(school, student=50)
    joins(school, student=51, by=JOSEPH)
    school.book(student=50, start=14, on=tomorrow(), ground="ground-2")
    page = open_page("/approvals", "Anand Rao")
    expect(row(page, "Student 3")).to_contain_text("2 wait, Student 51 first")

    row(page, "Student 3").get_by_role("button", name="Reject").click()

    expect(page.get_by_role("dialog")).to_contain_text("First in line: Student 51")


def test_a_date_of_a_series_that_is_lost_is_waited_for(open_page: OpenPage, school: School) -> None:
    save_policy(school.db, Policy(quota=None, advance_days=30), by=ADMIN)
    lost = school.book(student=3, start=14, on=tomorrow() + timedelta(days=7))
    page = open_page(f"/book?date={tomorrow()}")
    fill_form(page, 14, "S001")
    page.get_by_role("button", name="Repeat…").click()
    page.get_by_role("dialog").get_by_role("button", name="Request the free ones").click()
    done = page.get_by_role("dialog", name="Series requested")
    expect(done).to_contain_text("Not booked:")

    done.get_by_role("button", name=f"Wait for {formats.short_date(lost.date)}").click()

    expect(done).to_contain_text("You are 1st in line for Ground 1")
    expect(done).not_to_contain_text("Not booked:")
    [entry] = waiting_list(school.db, "ground-1", lost.date, now=datetime.now(UTC))
    assert (entry.by, entry.slot) == (MEERA.id, lost.slot)


def test_the_preview_of_a_series_waits_on_any_ground_and_until_a_moment(
    open_page: OpenPage, school: School
) -> None:
    save_policy(school.db, Policy(quota=None, advance_days=30), by=ADMIN)
    lost = [school.book(student=3, start=14, on=tomorrow() + timedelta(days=n)) for n in (7, 14)]
    page = open_page(f"/book?date={tomorrow()}")
    fill_form(page, 14, "S001")
    page.get_by_role("button", name="Repeat…").click()
    dialog = page.get_by_role("dialog")

    def choose(label: str, option: str) -> None:
        dialog.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=option).click()
        expect(dialog.get_by_role("combobox", name=label)).to_have_value(option)

    def wait_for(booking: Booking) -> None:
        dialog.get_by_role("button", name=f"Wait for {formats.short_date(booking.date)}").click()

    choose("Wait until", "1 hour before")
    wait_for(lost[0])
    expect(dialog.get_by_text("You are 1st in line for Ground 1")).to_be_visible()
    [entry] = waiting_list(school.db, "ground-1", lost[0].date, now=datetime.now(UTC))
    starts_at = datetime.combine(lost[0].date, lost[0].start, ZoneInfo(ZONE))
    assert entry.not_after == starts_at - timedelta(hours=1)
    assert not entry.any_ground

    choose("Wait for", "Any ground for Volleyball")
    wait_for(lost[1])  # another ground is free: it is had at once
    made = eventually(lambda: active(school.db, date=lost[1].date.isoformat(), student_id="S001"))
    assert [one["ground_id"] for one in made] == ["ground-3"]


def test_the_preview_of_a_series_waits_for_each_lost_date(
    open_page: OpenPage, school: School
) -> None:
    save_policy(school.db, Policy(quota=None, advance_days=30), by=ADMIN)
    lost = [school.book(student=3, start=14, on=tomorrow() + timedelta(days=n)) for n in (7, 14)]
    page = open_page(f"/book?date={tomorrow()}", viewport={"width": 390, "height": 844})
    fill_form(page, 14, "S001")
    page.get_by_role("button", name="Repeat…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=re.compile("^Wait for"))).to_have_count(2)

    for booking in lost:
        wait = dialog.get_by_role("button", name=f"Wait for {formats.short_date(booking.date)}")
        wait.press("Enter")
        expect(wait).to_have_count(0)

    expect(dialog.get_by_text("You are 1st in line for Ground 1")).to_have_count(2)
    for booking in lost:
        [entry] = waiting_list(school.db, "ground-1", booking.date, now=datetime.now(UTC))
        assert (entry.by, entry.slot) == (MEERA.id, booking.slot)
    wait_until_settled(page)
    dialog.get_by_role("button", name="Request the free ones").press("Enter")
    done = page.get_by_role("dialog", name="Series requested")
    expect(done).to_contain_text("Not booked:")
    expect(done.get_by_role("button", name=re.compile("^Wait for"))).to_have_count(0)
