"""Book for all grounds of the school: five days of school, and how free each ground is."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from app_server import ADMIN, School, is_of_no_screen, today
from browser_windows import OpenPage
from playwright.sync_api import Locator, Page, expect
from screens import LOAD, TICK, cell, wait_for_live_updates
from support import close_one

from booking_core import add_ground, save_days
from pages.shared.text import formats

WINDOWS = (1440, 820, 390)
LONG = "Sri Ramakrishna Memorial multi-purpose synthetic athletics and cricket ground"


def day(number: int) -> date:
    return today() + timedelta(days=number)


def figure(page: Page, ground: str, on: date, text: str) -> Locator:
    """Returns the cell of a ground on a day by what it says."""
    name = f"{ground}, {formats.short_date(on)}: {text}"
    return page.get_by_role("button", name=re.compile(f"^{re.escape(name)}"))


def headings(page: Page) -> Locator:
    return page.locator("th.day")


def parameters(page: Page) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def open_school(open_page: OpenPage, width: int, query: str = "") -> Page:
    page = open_page(
        f"/book?view=school&date={day(1)}{query}",
        viewport={"width": width, "height": 900},
        has_touch=True,
    )
    expect(page.get_by_role("button", name="Next days")).to_be_visible(timeout=LOAD)
    return page


@pytest.mark.parametrize("width", WINDOWS)
def test_a_change_of_any_day_appears_at_once_and_a_press_leads_to_the_day_of_the_ground(
    open_page: OpenPage, school: School, width: int
) -> None:
    page = open_school(open_page, width)
    for number in range(1, 6):
        expect(figure(page, "Ground 2", day(number), "10 of 10 periods free")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    school.book(student=1, start=14, ground="ground-2", on=day(5))
    expect(figure(page, "Ground 2", day(5), "9 of 10 periods free")).to_be_visible(timeout=TICK)
    close_one(
        school.db,
        ground_id="ground-3",
        date=day(3),
        start=time(0),
        end=time(0),
        reason="Turf repair",
        by=ADMIN,
    )
    expect(figure(page, "Ground 3", day(3), "closed, Turf repair")).to_be_visible(timeout=TICK)

    figure(page, "Ground 2", day(5), "9 of 10").tap()
    expect(page).not_to_have_url(re.compile("view="))
    assert parameters(page) == {"date": day(5).isoformat(), "ground": "ground-2"}
    expect(cell(page, 14, 2, "Requested")).to_be_visible()
    cell(page, 15, 2).tap()
    expect(cell(page, 15, 2, "Picked")).to_be_visible()


def test_days_without_school_are_left_out_and_the_buttons_lead_five_days_on_and_back(
    open_page: OpenPage, school: School
) -> None:
    save_days(school.db, [day(2), day(3)], timetable_id=None, note="Holiday")
    page = open_school(open_page, 1440)
    shown = [day(number) for number in (1, 4, 5, 6, 7)]
    expect(headings(page)).to_have_text([formats.short_date(each) for each in shown])
    # Days with a gap are followed too.
    school.book(student=1, start=14, on=day(7))
    expect(figure(page, "Ground 1", day(7), "9 of 10")).to_be_visible(timeout=TICK)

    page.get_by_role("button", name="Next days").click()
    shown = [day(number) for number in range(8, 13)]
    expect(headings(page)).to_have_text([formats.short_date(each) for each in shown])
    expect(page).to_have_url(re.compile(f"date={day(8)}"))
    page.get_by_role("button", name="Previous days").click()
    shown = [day(number) for number in (1, 4, 5, 6, 7)]
    expect(headings(page)).to_have_text([formats.short_date(each) for each in shown])
    # A day that becomes one without school leaves at once.
    save_days(school.db, [day(4)], timetable_id=None, note="Holiday")
    shown = [day(number) for number in (1, 5, 6, 7, 8)]
    expect(headings(page)).to_have_text([formats.short_date(each) for each in shown], timeout=TICK)


def test_the_end_of_the_bookable_days_is_the_end_of_the_grid(
    open_page: OpenPage, school: School
) -> None:
    page = open_page(f"/book?view=school&date={day(29)}", viewport={"width": 1440, "height": 900})

    expect(headings(page)).to_have_text(
        [formats.short_date(day(29)), formats.short_date(day(30))], timeout=LOAD
    )
    expect(page.get_by_role("button", name="Next days")).to_be_disabled()


def test_a_reload_and_back_bring_the_view_back(open_page: OpenPage, school: School) -> None:
    page = open_school(open_page, 1440)
    figure(page, "Ground 3", day(2), "10 of 10").click()
    expect(cell(page, 14, 3)).to_be_visible()

    page.go_back()
    expect(figure(page, "Ground 3", day(2), "10 of 10")).to_be_visible()
    assert parameters(page) == {"view": "school", "date": day(1).isoformat()}
    page.reload()
    expect(figure(page, "Ground 3", day(2), "10 of 10")).to_be_visible(timeout=LOAD)
    page.get_by_role("radio", name="Week").click()
    expect(page).to_have_url(re.compile("view=week"))
    expect(page.get_by_role("button", name="Next week")).to_be_visible()


def test_the_filters_limit_the_rows(open_page: OpenPage, school: School) -> None:
    for number in range(1, 6):
        school.book(student=number, start=14, ground="ground-1", on=day(number))
    page = open_school(open_page, 1440, "&free=14:00")

    at_two = formats.clock(time(14))
    expect(figure(page, "Ground 2", day(1), f"free at {at_two}")).to_be_visible()
    expect(figure(page, "Ground 1", day(1), "")).to_have_count(0)
    school.book(student=6, start=14, ground="ground-2", on=day(2))
    expect(figure(page, "Ground 2", day(2), f"taken at {at_two}")).to_be_visible(timeout=TICK)
    page.get_by_role("button", name="Any time").click()
    expect(figure(page, "Ground 1", day(1), "9 of 10")).to_be_visible()


@pytest.mark.parametrize("width", WINDOWS)
def test_forty_grounds_are_shown_with_their_whole_names(
    open_page: OpenPage, school: School, width: int
) -> None:
    for number in range(4, 40):
        add_ground(school.db, f"Ground {number}", ["Football"])
    add_ground(school.db, LONG, ["Football"])
    page = open_school(open_page, width)
    expect(figure(page, LONG, day(5), "10 of 10")).to_be_visible()

    names = page.get_by_role("rowheader")
    expect(names).to_have_count(40)
    cut = names.evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"
    )
    assert cut == []
    cells = page.locator("td button")
    cut = cells.evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    )
    assert cut == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The days stay in sight above the last ground.
    figure(page, LONG, day(5), "10 of 10").scroll_into_view_if_needed()
    expect(headings(page).first).to_be_in_viewport()


def test_a_live_update_reads_only_the_day_that_changed(open_page: OpenPage, school: School) -> None:
    page = open_school(open_page, 1440)
    expect(figure(page, "Ground 1", day(4), "10 of 10")).to_be_visible()
    wait_for_live_updates(page, 1)

    with school.recorded() as idle:
        wait_for_live_updates(page, 3)
    with school.recorded() as busy:
        school.book(student=1, start=14, on=day(4))
        expect(figure(page, "Ground 1", day(4), "9 of 10")).to_be_visible(timeout=TICK)

    assert [e["command"] for e in idle if not is_of_no_screen(e)] == []
    read = {text for e in busy for text in re.findall(r"\d{4}-\d\d-\d\d(?!T)", repr(e["command"]))}
    shown = {day(number).isoformat() for number in range(1, 6)}
    assert read & shown == {day(4).isoformat()}


def test_arrow_keys_go_from_cell_to_cell_and_a_live_update_keeps_the_focus(
    open_page: OpenPage, school: School
) -> None:
    page = open_school(open_page, 1280)
    figure(page, "Ground 1", day(1), "10 of 10").focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(figure(page, "Ground 2", day(2), "10 of 10")).to_be_focused()
    school.book(student=1, start=14, ground="ground-2", on=day(2))
    expect(figure(page, "Ground 2", day(2), "9 of 10")).to_be_focused(timeout=TICK)
