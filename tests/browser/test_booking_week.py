"""Book by week: one ground, seven days, the same cells and the same slot as by day."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from app_server import ADMIN, HEAD, School, is_of_no_screen, today
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import LOAD, TICK, choose_student, confirm, open_review, wait_for_live_updates
from support import active, close_one

from booking_core import approve
from pages.shared.text import formats

ZOOMS = (1440, 820)
PHONE = {"width": 390, "height": 844}


def next_week() -> date:
    """The first day of the next week of the screens, all of which lies ahead."""
    return formats.start_of_week(today()) + timedelta(days=7)


def day_cell(page: Page, day: date, hour: int, state: str = "Free", ground: int = 1) -> Locator:
    """Returns the cell of the period from ``hour`` on ``day``."""
    place = f"Ground {ground}, {formats.short_date(day)}"
    times = formats.span(time(hour), time(hour + 1))
    return page.get_by_role(
        "button", name=re.compile(f"^{state}: {place}, ({hour}-{hour + 1}, )?{times}")
    )


def chip(page: Page, name: str) -> Locator:
    """Returns a day of the strip, or a ground, by the beginning of its name."""
    days = page.get_by_role("toolbar", name=re.compile("^Days"))
    strips = days.or_(page.get_by_role("group", name="Ground"))
    return strips.get_by_role("button", name=re.compile(f"^{name}"))


def parameters(page: Page) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def press_both(page: Page, first: Locator, second: Locator) -> None:
    """Presses two buttons so fast that the screen has not answered the first press meanwhile."""
    handles = [button.element_handle() for button in (first, second)]
    page.evaluate("([first, second]) => (first.click(), setTimeout(() => second.click()))", handles)


def show_week(page: Page) -> None:
    page.get_by_role("radio", name="Week").click()
    expect(page).to_have_url(re.compile("view=week"))
    expect(page.get_by_role("button", name="Next week")).to_be_visible()


def open_next_week(open_page: OpenPage, width: int, who: str = "Meera Nair") -> Page:
    page = open_page(
        f"/book?view=week&ground=ground-1&date={next_week()}",
        who,
        viewport={"width": width, "height": 1180 if width == 820 else 900},
    )
    expect(page.get_by_role("button", name="Next week")).to_be_visible(timeout=LOAD)
    return page


@pytest.mark.parametrize("width", ZOOMS)
def test_a_slot_of_another_day_is_booked_and_a_change_of_a_third_day_appears_at_once(
    open_page: OpenPage, school: School, width: int
) -> None:
    page = open_next_week(open_page, width)
    first, fourth, last = (next_week() + timedelta(days=days) for days in (0, 3, 6))
    expect(day_cell(page, first, 14)).to_be_visible()
    expect(day_cell(page, last, 14)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    day_cell(page, fourth, 14).click()
    expect(day_cell(page, fourth, 14, "Picked")).to_be_visible()
    expect(page.locator(".st-key-inset_slot")).to_contain_text(formats.short_date(fourth))
    expect(page.get_by_role("spinbutton", name="day")).to_have_text(f"{fourth:%d}")
    day_cell(page, fourth, 15).click()
    expect(page.get_by_text("2–4 PM · 2 periods")).to_be_visible()
    assert parameters(page) == {
        "view": "week",
        "date": fourth.isoformat(),
        "ground": "ground-1",
        "from": "14:00",
        "to": "16:00",
    }

    taken = school.book(student=2, start=10, on=last)
    expect(day_cell(page, last, 10, "Requested")).to_be_visible(timeout=TICK)
    approve(school.db, taken.id, by=HEAD)
    expect(day_cell(page, last, 10, "Booked")).to_be_visible(timeout=TICK)
    expect(day_cell(page, fourth, 14, "Picked")).to_be_visible()

    choose_student(page, "S001")
    open_review(page)
    confirm(page)
    [stored] = active(school.db, student_id="S001")
    assert (stored["date"], stored["start"], stored["end"]) == (
        fourth.isoformat(),
        "14:00",
        "16:00",
    )


def test_on_a_phone_the_strip_shows_how_free_each_day_is_and_leads_to_it(
    open_page: OpenPage, school: School
) -> None:
    page = open_page(
        f"/book?date={next_week()}", viewport={"width": 390, "height": 844}, has_touch=True
    )
    first, second, third = (next_week() + timedelta(days=days) for days in range(3))
    expect(chip(page, f"{formats.short_date(second)}: 30 of 30 free")).to_be_visible(timeout=LOAD)
    expect(chip(page, formats.short_date(first))).to_have_attribute("aria-pressed", "true")
    chip(page, formats.short_date(second)).tap()
    expect(page).to_have_url(re.compile(f"date={second}"))
    expect(chip(page, formats.short_date(second))).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".day")).to_contain_text(formats.short_date(second))

    show_week(page)
    # Of one ground, and a day at a time.
    expect(chip(page, f"{formats.short_date(third)}: 10 of 10 free")).to_be_visible()
    expect(day_cell(page, second, 14)).to_be_visible()
    expect(day_cell(page, third, 14)).to_be_hidden()
    chip(page, formats.short_date(third)).tap()
    expect(day_cell(page, third, 14)).to_be_visible()
    expect(day_cell(page, second, 14)).to_be_hidden()
    school.book(student=2, start=10, on=first)
    expect(chip(page, f"{formats.short_date(first)}: 9 of 10 free")).to_be_visible(timeout=TICK)
    expect(day_cell(page, third, 14)).to_be_visible()

    day_cell(page, third, 14).tap()
    expect(page.get_by_role("status").filter(has_text="Ground 1, ")).to_be_in_viewport()
    page.get_by_role("button", name="Continue").tap()
    choose_student(page, "S001")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    open_review(page)
    confirm(page)
    assert [b["date"] for b in active(school.db, student_id="S001")] == [third.isoformat()]


def test_a_reload_and_back_bring_the_week_back_with_its_ground_and_slot(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    show_week(page)
    page.get_by_role("button", name="Next week").click()
    later = today() + timedelta(days=7)
    expect(page).to_have_url(re.compile(f"date={later}"))
    chip(page, "Ground 2").click()
    expect(page).to_have_url(re.compile("ground=ground-2"))
    day = next_week() + timedelta(days=6)
    day_cell(page, day, 14, ground=2).click()
    expect(page).to_have_url(re.compile(f"date={day}.*from=14"))

    page.reload()
    expect(day_cell(page, day, 14, "Picked", ground=2)).to_be_visible(timeout=LOAD)
    page.go_back()
    expect(day_cell(page, day, 14, ground=2)).to_be_visible()
    assert parameters(page) == {"view": "week", "date": later.isoformat(), "ground": "ground-2"}
    page.go_forward()
    expect(day_cell(page, day, 14, "Picked", ground=2)).to_be_visible()

    page.get_by_role("radio", name="Day").click()
    expect(page).not_to_have_url(re.compile("view="))
    expect(page.get_by_role("button", name=re.compile("^Picked: Ground 2, "))).to_be_visible()
    page.get_by_role("button", name="Today").click()
    expect(page.get_by_role("spinbutton", name="day")).to_have_text(f"{today():%d}")
    expect(page.get_by_role("button", name=re.compile("^Picked: "))).to_have_count(0)


def test_a_press_of_a_ground_or_a_day_before_the_screen_has_answered_the_press_before_counts(
    open_page: OpenPage, school: School
) -> None:
    page = open_page(f"/book?view=week&ground=ground-1&date={next_week()}", viewport=PHONE)
    third, later = next_week() + timedelta(days=2), next_week() + timedelta(days=7)
    expect(chip(page, "Ground 2")).to_be_visible(timeout=LOAD)
    following = page.get_by_role("button", name="Next week")
    expect(following).to_be_enabled()

    press_both(page, chip(page, "Ground 2"), chip(page, formats.short_date(third)))
    expect(page).to_have_url(re.compile(f"date={third}.*ground=ground-2"))
    expect(chip(page, "Ground 2")).to_have_attribute("aria-pressed", "true")

    press_both(page, following, chip(page, "Ground 3"))
    expect(page).to_have_url(re.compile(f"date={later + timedelta(days=2)}.*ground=ground-3"))
    expect(chip(page, "Ground 3")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("query", ["view=month", "view=", "view=WEEK&ground=ground-1"])
def test_an_unknown_view_counts_as_absent(open_page: OpenPage, school: School, query: str) -> None:
    page = open_page(f"/book?{query}")

    expect(page.get_by_role("button", name="Next day")).to_be_visible(timeout=LOAD)
    expect(page).not_to_have_url(re.compile("view="))


def test_an_unknown_ground_in_the_address_of_a_week_is_the_first_one(
    open_page: OpenPage, school: School
) -> None:
    page = open_page(f"/book?view=week&ground=nowhere&date={next_week()}")

    expect(day_cell(page, next_week(), 14)).to_be_visible(timeout=LOAD)
    expect(chip(page, "Ground 1")).to_have_attribute("aria-pressed", "true")


def test_the_heading_of_a_day_says_that_it_is_closed_and_its_cells_tell_the_reason(
    open_page: OpenPage, school: School
) -> None:
    page = open_next_week(open_page, 1440)
    day = next_week() + timedelta(days=2)

    close_one(
        school.db,
        ground_id="ground-1",
        date=day,
        start=time(0),
        end=time(0),
        reason="Turf repair",
        by=ADMIN,
    )

    heading = page.get_by_role(
        "columnheader", name=re.compile(f"{formats.weekday(day.weekday())} ")
    )
    expect(heading).to_contain_text("Closed: Turf repair", timeout=TICK)
    day_cell(page, day, 14, "Closed").click()
    expect(page.get_by_role("dialog")).to_contain_text("Turf repair")


def test_a_live_update_of_a_week_reads_only_the_days_that_changed(
    open_page: OpenPage, school: School
) -> None:
    page = open_next_week(open_page, 1440)
    day = next_week() + timedelta(days=4)
    expect(day_cell(page, day, 14)).to_be_visible()
    wait_for_live_updates(page, 1)

    with school.recorded() as idle:
        wait_for_live_updates(page, 3)
    with school.recorded() as busy:
        school.book(student=1, start=14, on=day)
        expect(day_cell(page, day, 14, "Requested")).to_be_visible(timeout=TICK)

    assert [e["command"] for e in idle if not is_of_no_screen(e)] == []
    days = {text for e in busy for text in re.findall(r"\d{4}-\d\d-\d\d(?!T)", repr(e["command"]))}
    week = {(next_week() + timedelta(days=days)).isoformat() for days in range(7)}
    assert days & week == {day.isoformat()}


def test_arrow_keys_go_from_day_to_day(open_page: OpenPage, school: School) -> None:
    page = open_next_week(open_page, 1440)
    first, third = next_week(), next_week() + timedelta(days=2)
    second = first + timedelta(days=1)
    school.book(student=1, start=14, on=second)
    expect(day_cell(page, second, 14, "Requested")).to_be_visible(timeout=TICK)

    day_cell(page, first, 14).focus()
    page.keyboard.press("ArrowRight")
    expect(day_cell(page, third, 14)).to_be_focused()
    page.keyboard.press("Enter")
    expect(day_cell(page, third, 14, "Picked")).to_be_focused()
