"""The screens in other locales than the default, and times that Python and the browser write."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from app_server import ADMIN, AppServer, School, running_app, today
from browser_windows import OpenPage
from page_checks import button
from playwright.sync_api import Page, expect
from screens import show_tab

from booking_core import Period, Settings, load_reference, save_timetable
from pages.shared.components import elements
from pages.shared.text import formats

# For each row of the day grid: whether its label is cut or reaches into the first cell.
_LABELS_THAT_REACH_TOO_FAR = """() => {
  const root = [...document.querySelectorAll("*")]
    .map(node => node.shadowRoot).find(shadow => shadow?.querySelector(".wide"))
  return [...root.querySelectorAll("tbody tr")].filter(row => {
    const [label, cell] = [row.querySelector("th"), row.querySelector("td:not(.off)")]
    const text = document.createRange()
    text.selectNodeContents(label)
    return text.getBoundingClientRect().right > cell.getBoundingClientRect().left
  }).map(row => row.textContent)
}"""


@pytest.fixture(scope="module", params=["de_DE", "en_US"])
def local(
    request: pytest.FixtureRequest, mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, AppServer, School]]:
    """A locale, and an app that has it."""
    home = tmp_path_factory.mktemp("home")
    with running_app(home, mongod_uri, SCHOOL_LOCALE=request.param) as (app, school):
        yield request.param, app, school


SHOWN: dict[str, dict[str, Any]] = {
    "de_DE": {
        "span": "14:00–15:00",
        "clock": r"\d\d:\d\d:\d\d",
        "wall": r"^\d\d:\d\d$",
        "date": "%d %m %Y",
        "longest": "11:30–12:30",
        "heading": "{0:%a} {0.day} {0:%b}",
        "first": "Mon",
        "typed": "0845",
        "ends": "08:00–08:45",
    },
    "en_US": {
        "span": "2–3 PM",
        "clock": r"\d\d?:\d\d:\d\d [AP]M",
        "wall": r"^\d\d?:\d\d [AP]M$",
        "date": "%m %d %Y",
        "longest": "11:30 AM – 12:30 PM",
        "heading": "{0:%a} {0:%b} {0.day}",
        "first": "Sun",
        "typed": "0845AM",
        "ends": "8–8:45 AM",
    },
}


def test_book_has_the_times_and_dates_of_the_locale(
    local: tuple[str, AppServer, School], open_window: OpenPage
) -> None:
    name, app, school = local
    shown = SHOWN[name]
    school.reset()
    table = load_reference(school.db).timetables["regular"]
    longest = Period("Noon", time(11, 30), time(12, 30))
    others = [p for p in table.periods if p.start.hour not in (11, 12)]
    save_timetable(school.db, replace(table, periods=[*others, longest]), by=ADMIN, was=table)

    page = open_window(f"{app.url}/book")

    expect(page.get_by_role("rowheader", name=shown["longest"])).to_be_visible()
    expect(page.get_by_role("rowheader", name=shown["span"])).to_be_visible()
    expect(page.get_by_text(re.compile(rf"^· updated {shown['clock']}$"))).to_be_visible()
    expect(page.locator(".corner")).to_have_text(f"Today{shown['heading'].format(today())}")
    assert shown_date(page) == f"{today():{shown['date']}}"
    for width in (390, 820, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(_LABELS_THAT_REACH_TOO_FAR) == [], width


def shown_date(page: Page) -> str:
    """Returns the text of the date field of Book: its parts are fields of their own."""
    parts = page.get_by_test_id("stDateInput").first.get_by_role("spinbutton")
    return " ".join(parts.all_text_contents())


def test_the_wall_has_the_clock_of_the_locale(
    local: tuple[str, AppServer, School], open_window: OpenPage
) -> None:
    name, app, _ = local
    shown = SHOWN[name]

    page = open_window(f"{app.url}/wall")

    expect(page.locator(".clock")).to_have_text(re.compile(shown["wall"]))
    expect(page.locator(".live")).to_have_text(re.compile(rf"^Live updated {shown['clock']}$"))
    sizes = page.locator(".clock").evaluate("n => [n.scrollWidth, n.clientWidth]")
    assert sizes[0] <= sizes[1]


def test_a_time_is_typed_as_it_is_shown(
    local: tuple[str, AppServer, School], open_window: OpenPage
) -> None:
    name, app, school = local
    shown = SHOWN[name]
    school.reset()

    admin = open_window(f"{app.url}/admin", "Farah Sheikh")
    show_tab(admin, "Timetables")
    button(admin, "admin.timetables.regular.edit").click()
    days = admin.get_by_role("button", name=re.compile("^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)$"))
    expect(days.first).to_have_text(shown["first"])
    admin.get_by_role("spinbutton", name="hour, Period 1 ends").click()
    admin.keyboard.type(shown["typed"])
    admin.keyboard.press("Tab")
    expect(admin.get_by_role("cell", name=shown["ends"])).to_be_visible()
    admin.get_by_role("button", name="Save timetable").click()

    expect(admin.get_by_role("button", name="Add a timetable")).to_be_visible()
    first = load_reference(school.db).timetables["regular"].periods[0]
    assert (f"{first.end:%H:%M}", first.label) == ("08:45", shown["ends"])


def test_python_and_the_browser_write_the_same_times(open_page: OpenPage) -> None:
    page = open_page("/wall", None)
    script = (elements.ASSETS / "common.js").read_text(encoding="utf-8")
    # Not a script element, which the policy of the page forbids.
    page.evaluate(f"() => {{ {script}; window.clockOfTests = clockOf }}")
    chance = random.Random(67)
    midnight = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)  # in Kolkata
    seconds = [int(midnight.timestamp()) + n for n in (-1, 0, 1, 43_199, 43_200, 43_201)]
    # From 2000 to 2037, with the changes of the clock in these years.
    seconds += [chance.randrange(946_684_800, 2_145_916_800) for _ in range(300)]
    try:
        for locale in ("en_IN", "en_GB", "en_US", "de_DE", "es_ES"):
            formats.use(locale)
            for zone in ("Asia/Kolkata", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"):
                written = page.evaluate(
                    "([zone, pattern, all]) => all.map(s => clockOfTests(zone, pattern)(s * 1000))",
                    [zone, formats.clock_pattern(), seconds],
                )
                assert written == [
                    formats.to_the_second(datetime.fromtimestamp(s, ZoneInfo(zone)))
                    for s in seconds
                ]
    finally:
        formats.use(Settings().locale)
