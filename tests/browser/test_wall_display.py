"""The wall display: its layout, its highlights, and the data that it may show."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import pytest
from app_server import ADMIN, HEAD, AppServer, School, today
from browser_windows import OpenPage
from playwright.sync_api import Browser, Page, expect
from screens import TICK, wait_for
from support import close_one
from wall_screen import LONG_GAME, LONG_GROUND, ROOT, SIZES, book, fill, hour, sized

from booking_core import approve
from pages.shared.text import formats

# For every card: elements that exceed it, overlap in it, or are cut without an ellipsis.
_FAULTS = f"""() => {{
  {ROOT}
  const box = node => node.getBoundingClientRect()
  const inside = (a, b) =>
    a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1
  const screen = {{ left: 0, top: 0, right: innerWidth, bottom: innerHeight }}
  const faults = []
  for (const part of root.querySelectorAll("header > *, footer, article"))
    if (!inside(box(part), screen)) faults.push(`off the screen: ${{part.className}}`)
  for (const card of root.querySelectorAll("article")) {{
    const say = (part, what) =>
      faults.push(`${{card.querySelector(".name").textContent}}: ${{part.className}} ${{what}}`)
    const rows = [...card.querySelector(".inner").children]
    for (const [n, row] of rows.slice(1).entries())
      if (box(row).top < box(rows[n]).bottom - 1) say(row, "overlaps")
    for (const part of card.querySelectorAll(".inner *")) {{
      const style = getComputedStyle(part)
      const hidden = !part.clientWidth || part.closest(".terse .word")
      if (hidden || !part.textContent || part.children.length) continue
      if (!inside(box(part), box(card))) say(part, "sticks out")
      if (part.scrollWidth > part.clientWidth + 1 && style.textOverflow !== "ellipsis")
        say(part, "is cut")
      if (box(part).height < parseFloat(style.fontSize) * 1.15) say(part, "is too low")
    }}
  }}
  return faults
}}"""
_SMALLEST = f"""selector => {{
  {ROOT}
  const size = node => parseFloat(getComputedStyle(node).fontSize)
  return Math.min(...[...root.querySelectorAll(selector)].map(size))
}}"""
_COLUMNS = f"""() => {{
  {ROOT}
  const left = node => Math.round(node.getBoundingClientRect().left)
  return new Set([...root.querySelectorAll("article")].map(left)).size
}}"""
_NAVIGATION = f"""() => {{
  {ROOT}
  const seen = []
  for (let x = 1; x < innerWidth; x += innerWidth / 24)
    for (let y = 1; y < innerHeight; y += innerHeight / 24) {{
      const top = document.elementFromPoint(x, y)
      if (top !== root.host) seen.push(top.className)
    }}
  return seen
}}"""


@pytest.mark.parametrize("grounds", [6, 12])
def test_the_wall_fits_and_is_readable_from_a_distance(
    open_page: OpenPage, school: School, grounds: int
) -> None:
    fill(school, grounds)
    page = open_page("/wall")
    expect(page.get_by_role("article")).to_have_count(grounds)

    for size in SIZES:
        resize(page, size)
        assert page.evaluate(_FAULTS) == [], size
        assert_readable(page, size)
        tall = size == "1080x1920"
        assert page.evaluate(_COLUMNS) == {6: 1 if tall else 3, 12: 2 if tall else 4}[grounds]


@pytest.mark.parametrize("grounds", [6, 12])
def test_long_names_shrink_or_end_in_an_ellipsis(
    open_page: OpenPage, school: School, grounds: int
) -> None:
    fill(school, grounds, name=LONG_GROUND, game=LONG_GAME)
    page = open_page("/wall")
    expect(page.get_by_role("article")).to_have_count(grounds)

    for size in SIZES:
        resize(page, size)
        assert page.evaluate(_FAULTS) == [], size
        assert_readable(page, size)


def resize(page: Page, size: str) -> None:
    """Returns when the wall has drawn itself again."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    wait_for(page, "width => innerWidth === width", arg=width)
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")


def assert_readable(page: Page, size: str) -> None:
    """Asserts that "now" and "next" are at least 2.5% of the screen's height."""
    least = SIZES[size][1] * 0.025
    assert page.evaluate(_SMALLEST, ".what") >= least, size
    assert page.evaluate(_SMALLEST, ".next") >= least, size


def test_a_thirteenth_ground_is_on_a_second_page_in_rotation(
    open_page: OpenPage, school: School
) -> None:
    fill(school, 13)
    page = open_page("/wall", **sized("1920x1080"))

    expect(page.get_by_text("Page 1 of 2")).to_be_visible(timeout=TICK + 2000)
    expect(page.get_by_role("article")).to_have_count(12)
    expect(page.get_by_text("Page 2 of 2")).to_be_visible(timeout=TICK + 2000)
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_text("Ground 13", exact=True)).to_be_visible()
    assert page.evaluate(_FAULTS) == []


def test_a_pending_booking_looks_different_and_a_closure_shows_its_reason(
    open_page: OpenPage, school: School
) -> None:
    book(school, student=1)
    approve(school.db, book(school, student=2, ground="ground-2").id, by=HEAD)
    close_one(
        school.db,
        ground_id="ground-3",
        date=today(),
        start=time(hour()),
        end=time(hour() + 2),
        reason="Rain: pitch under water",
        by=ADMIN,
    )
    page = open_page("/wall")
    asked, held, closed = (page.get_by_role("article").nth(n) for n in range(3))

    expect(asked).to_contain_text("Requested")
    expect(asked).to_contain_text("Class 2-A")
    expect(asked).to_contain_text(re.compile(r"\d+ min left"))
    expect(held).to_contain_text("Cricket")
    expect(held).not_to_contain_text("Requested")
    expect(closed).to_contain_text("Rain: pitch under water")
    expect(closed).to_contain_text(formats.stretch(time(), time(hour() + 2)))
    colours = [
        card.locator(".what").evaluate("node => getComputedStyle(node).color")
        for card in (asked, held, closed)
    ]
    assert len(set(colours)) == 3


def test_only_a_changed_card_is_highlighted_for_a_while(
    open_page: OpenPage, school: School
) -> None:
    book(school, student=1)
    page = open_page("/wall")
    first, second = (page.get_by_role("article").nth(n) for n in range(2))
    expect(first).to_contain_text("Volleyball")
    expect(page.get_by_text("Just changed")).to_have_count(0)

    school.book(student=2, start=16, ground="ground-2")

    expect(second).to_contain_text("Just changed", timeout=TICK)
    expect(first).not_to_contain_text("Just changed")
    expect(page.get_by_text("Just changed")).to_have_count(0, timeout=12_000)


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", ("Volleyball", "2-A"), ("Student 1",)),
        ("?show=student", ("Volleyball", "2-A"), ("Student 1",)),
        ("?show=none", ("Booked", "Requested"), ("Student 1", "2-A", "Volleyball")),
    ],
)
def test_hidden_data_never_reaches_the_display(
    app: AppServer, school: School, browser: Browser, query: str, shown: Any, hidden: Any
) -> None:
    book(school, student=1, purpose="Practice with Student 1")
    received: list[bytes] = []
    context = browser.new_context()
    page = context.new_page()

    def record(frame: str | bytes) -> None:
        received.append(frame.encode() if isinstance(frame, str) else frame)

    page.on("websocket", lambda socket: socket.on("framereceived", record))
    page.goto(f"{app.url}/wall{query}")
    expect(page.get_by_role("article")).to_have_count(3)
    approve(school.db, book(school, student=11, ground="ground-3").id, by=HEAD)
    expect(page.get_by_text("Just changed")).to_be_visible(timeout=TICK)

    everything = b"".join(received)
    assert [word for word in shown if word.encode() not in everything] == []
    assert [word for word in hidden if word.encode() in everything] == []
    context.close()


def test_a_single_ground_fills_the_wall_and_an_unknown_one_is_reported(
    open_page: OpenPage, school: School
) -> None:
    book(school, student=1)
    alone = open_page("/wall?ground=ground-1", **sized("1920x1080"))
    expect(alone.get_by_role("article")).to_have_count(1)
    box = alone.get_by_role("article").bounding_box()
    assert box is not None
    assert box["width"] > 1700
    assert alone.evaluate(_SMALLEST, ".next") > 1080 * 0.05
    assert alone.evaluate(_FAULTS) == []

    unknown = open_page("/wall?ground=ground-9")
    expect(unknown.get_by_text("There is no ground “ground-9”")).to_be_visible()
    expect(unknown.get_by_text("ground-1, ground-2, ground-3")).to_be_visible()


@pytest.mark.parametrize("size", ["1920x1080", "1080x1920"])
def test_the_wall_has_no_navigation(open_page: OpenPage, school: School, size: str) -> None:
    page = open_page("/wall", **sized(size))
    expect(page.get_by_role("article")).to_have_count(3)

    for gone in (".stSidebar", ".stAppHeader", ".stToolbar"):
        expect(page.locator(gone).locator("visible=true")).to_have_count(0)
    navigation = page.evaluate(_NAVIGATION)
    assert navigation == []
    others = page.locator(".stElementContainer")
    seen = "nodes => nodes.filter(node => getComputedStyle(node).visibility !== 'hidden').length"
    assert others.count()
    assert others.evaluate_all(seen) == 0
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"_streamlit_xsrf"}


def test_the_code_leads_to_the_book_screen_at_the_address_of_the_wall(
    open_page: OpenPage, app: AppServer, school: School
) -> None:
    page = open_page("/wall?theme=light")

    expect(page.get_by_text("Book: scan", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name=f"{app.url}/book")).to_be_visible()
    expect(page.locator(".wall")).to_have_class(re.compile("light"))
