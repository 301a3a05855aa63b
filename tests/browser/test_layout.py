"""The layout of the screens without data, with much data, with invalid input, and on a phone."""

from __future__ import annotations

import re

import pytest
from app_server import ADMIN, HEAD, MEERA, School, today
from browser_windows import OpenPage
from page_checks import wait_until_settled
from playwright.sync_api import Page, expect
from screens import (
    TICK,
    cell,
    choose_student,
    confirm,
    open_review,
    place,
    row,
    student_box,
    wait_for,
)

from booking_core import Ground, add_ground, approve, save_days, save_ground

TITLES = {
    "/": "Book a ground",
    "/book": "Book a ground",
    "/bookings": "Bookings",
    "/wall": "Grounds today",
}
LONG = "Sri Ramakrishna Memorial multi-purpose synthetic athletics and cricket ground"


def _overflow(page: Page) -> tuple[int, int]:
    """Returns how far the page exceeds its window, horizontally and vertically (pixels)."""
    across, down = page.evaluate(
        """() => {
            const all = [document.scrollingElement, document.querySelector('.stMain')]
                .filter(Boolean)
            return [
                Math.max(...all.map(e => e.scrollWidth - e.clientWidth)),
                Math.max(...all.map(e => e.scrollHeight - e.clientHeight)),
            ]
        }"""
    )
    return across, down


_FITS = """[document.scrollingElement, document.querySelector('.stMain')]
    .filter(Boolean).every(e => e.scrollWidth <= e.clientWidth)"""


@pytest.mark.parametrize("path", TITLES)
def test_every_screen_opens_by_its_address(open_page: OpenPage, school: School, path: str) -> None:
    school.book(student=1, start=14)
    page = open_page(path)

    expect(page.get_by_role("heading", name=TITLES[path], exact=True)).to_be_visible()


def test_the_queue_opens_by_its_address_for_a_principal(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book", "Anand Rao")
    page.get_by_role("link", name="Approvals").click()

    expect(page).to_have_url(re.compile("/approvals$"))
    expect(page.get_by_role("heading", name="Approvals", exact=True)).to_be_visible()


def test_an_empty_school_shows_its_first_steps_and_fills_by_itself(
    open_page: OpenPage, school: School
) -> None:
    school.clear()
    book, bookings, wall = (open_page(path) for path in ("/book", "/bookings", "/wall"))
    for page in (book, wall):
        expect(page.get_by_text("No grounds yet")).to_be_visible()
    expect(bookings.get_by_text("You have no bookings ahead")).to_be_visible()

    school.reset()
    school.book(student=1, start=14, by=MEERA)

    for page in (book, wall):
        name = page.get_by_text("Ground 1", exact=True).locator("visible=true")
        expect(name).not_to_have_count(0, timeout=TICK)
    expect(row(bookings, "Student 1")).to_be_visible(timeout=TICK)


def test_a_day_without_school_shows_the_reason(open_page: OpenPage, school: School) -> None:
    save_days(school.db, [today()], timetable_id=None, note="Founders' day")
    wall = open_page("/wall")
    expect(wall.get_by_text("No school today")).to_be_visible()
    expect(wall.get_by_text("Founders' day")).to_be_visible()

    page = open_page("/book")
    expect(cell(page, 14)).to_be_visible()  # tomorrow, a school day
    page.get_by_role("button", name="Previous day").click()

    expect(page.get_by_text(re.compile("No school on .*Founders' day"))).to_be_visible()


def test_twelve_grounds_with_long_names_fit_the_wall_and_the_grid(
    open_page: OpenPage, school: School
) -> None:
    for number in range(4, 13):
        name = f"{LONG} {number}"
        save_ground(school.db, Ground(f"ground-{number}", name, ("Football",), number))
    school.book(student=9, start=15, ground="ground-3")
    held = school.book(student=1, start=14, ground="ground-12", game="Football")
    approve(school.db, held.id, by=HEAD)

    wall = open_page("/wall", viewport={"width": 1920, "height": 1080})
    expect(wall.get_by_role("article")).to_have_count(12)
    assert _overflow(wall) == (0, 0)
    for card in wall.get_by_role("article").all():
        box = card.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 1080
        assert box["x"] + box["width"] <= 1920

    page = open_page("/book")
    expect(page.get_by_role("columnheader")).to_have_count(13)
    assert _overflow(page)[0] <= 0
    last = page.locator('[data-at="6:11"]')
    expect(last).to_contain_text("Football")
    # No cell's line is cut off either; a rounded pixel does not count.
    details = place(page, 15, ground=3).locator("small")
    expect(details).to_have_text("10-A · Volleyball")
    assert details.evaluate(
        "e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 2"
    )
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()


def test_a_slot_is_booked_on_a_phone(open_page: OpenPage, school: School) -> None:
    page = open_page("/book", viewport={"width": 390, "height": 844}, has_touch=True)
    strip = page.get_by_role("group", name="Ground")
    expect(strip.get_by_role("button", name="Ground 1")).to_have_attribute("aria-pressed", "true")
    expect(cell(page, 14)).to_be_visible()
    expect(cell(page, 14, ground=2)).to_have_count(0)
    assert _overflow(page)[0] <= 0

    strip.get_by_role("button", name="Ground 2").tap()
    expect(cell(page, 14)).to_have_count(0)
    school.book(student=2, start=16, ground="ground-2")
    expect(place(page, 16, ground=2)).to_contain_text("Requested", timeout=TICK)
    expect(cell(page, 14, ground=2)).to_be_visible()  # the update keeps the chosen ground

    # The form is below the last period: the bar names the pick and leads to the form.
    cell(page, 14, ground=2).tap()
    expect(page.get_by_role("status").filter(has_text="Ground 2, 2–3 PM")).to_be_in_viewport()
    expect(student_box(page)).not_to_be_in_viewport()
    page.get_by_role("button", name="Continue").tap()
    expect(student_box(page)).to_be_in_viewport()
    choose_student(page, "S001")
    assert _overflow(page)[0] <= 0
    open_review(page)
    confirm(page)
    page.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
    expect(row(page, "Student 1")).to_be_visible()
    assert _overflow(page)[0] <= 0


SIZES = (390, 768, 820, 1024, 1180, 1280, 1366, 1440, 1920)


@pytest.mark.parametrize("width", SIZES)
def test_title_and_date_take_one_line_each_and_the_form_is_wide_enough(
    open_page: OpenPage, school: School, width: int
) -> None:
    page = open_page("/book", "Anand Rao", viewport={"width": width, "height": 900})
    cell(page, 14).click()
    form = page.locator(".st-key-card_panel")
    expect(form.get_by_text("Ground 1")).to_be_visible()

    assert _overflow(page)[0] <= 0
    title = page.get_by_role("heading", name="Book a ground").bounding_box()
    back = page.get_by_role("button", name="Previous day").bounding_box()
    forth = page.get_by_role("button", name="Next day").bounding_box()
    panel = form.bounding_box()
    assert title
    assert back
    assert forth
    assert panel
    assert title["height"] < 50
    assert back["y"] == forth["y"]
    assert panel["width"] >= 300
    if width >= 768:
        assert abs(back["y"] + back["height"] / 2 - title["y"] - title["height"] / 2) < 12


SCREENS = {
    "/bookings": MEERA,
    "/approvals": HEAD,
    "/closures": HEAD,
    "/reports": HEAD,
    "/reports?report=demand": HEAD,
    "/reports?report=fairness": HEAD,
    "/book?view=week": MEERA,
    "/book?view=school": MEERA,
    **{
        f"/admin?section={section}": ADMIN
        for section in (
            *("grounds", "timetables", "year", "closures", "students", "students&view=import"),
            *("students&view=teams", "accounts", "settings", "health", "audit"),
        )
    },
}


@pytest.mark.parametrize("path", SCREENS)
def test_each_screen_has_its_title_on_one_line_and_fits_at_every_size(
    open_page: OpenPage, school: School, path: str
) -> None:
    for number in range(1, 4):
        school.book(student=f"S00{number}", start=13 + number, by=MEERA)
    save_ground(school.db, Ground("long", f"{LONG} 4", ("Football",), 4))
    page = open_page(path, SCREENS[path].name)
    title = page.get_by_role("heading", level=1)
    expect(title).to_be_visible()
    for width in SIZES:
        page.set_viewport_size({"width": width, "height": 1000})
        wait_until_settled(page)
        box = title.bounding_box()
        assert box is not None
        assert box["height"] < 60, width
        wait_for(page, _FITS)  # a chart gets its new width a moment later


def test_in_the_rail_the_initials_open_the_way_to_sign_out(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book", viewport={"width": 820, "height": 1180})
    expect(page.get_by_role("link", name="Bookings")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()

    page.get_by_role("button", name="Meera Nair").click()
    page.get_by_role("button", name="Sign out").click()
    school.forget_tokens()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_more_than_eight_grounds_can_be_limited_to_a_game_and_say_that_they_go_on(
    open_page: OpenPage, school: School
) -> None:
    for number in range(4, 15):
        game = "Chess" if number > 12 else "Football"
        add_ground(school.db, f"Ground {number}", [game])
    page = open_page("/book", viewport={"width": 1280, "height": 900})
    expect(page.get_by_text(re.compile(r"^\d+ more grounds to the right"))).to_be_visible()

    page.get_by_role("radio", name="Chess").or_(
        page.get_by_role("button", name="Chess", exact=True)
    ).first.click()

    expect(page.get_by_role("columnheader", name="Ground 13")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Ground 4", exact=True)).to_have_count(0)
    expect(page).to_have_url(re.compile("game=Chess"))
    page.reload()
    expect(page.get_by_role("columnheader", name="Ground 14")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Ground 4", exact=True)).to_have_count(0)


def test_the_school_is_named_above_the_navigation(open_page: OpenPage, school: School) -> None:
    page = open_page("/book")
    header = page.get_by_test_id("stSidebarHeader")
    shown = header.evaluate("node => getComputedStyle(node, '::before').content")
    assert shown == '"Test school"'
