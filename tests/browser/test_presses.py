"""Quick and double presses, and the focus of a new dialog."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from app_server import MEERA, AppServer, School, sign_in_browser, today
from browser_windows import OpenPage
from page_checks import wait_until_settled
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from screens import LOAD, choose_student, open_review, place, row, wait_for

# A button that goes when it is pressed, and one under it.
_STACK = """() => {
  const add = name => {
    const button = document.createElement("button")
    button.style = "position: fixed; left: 300px; top: 300px; padding: 20px; z-index: 9"
    button.textContent = name
    document.querySelector(".stMain").append(button)
    return button
  }
  window.presses = []
  add("under").onclick = () => window.presses.push("under")
  const above = add("above")
  above.onclick = () => (window.presses.push("above"), above.remove())
}"""


def press(page: Page, x: float, y: float, *, count: int = 1) -> None:
    """Presses the mouse there, as the press of that number in a row."""
    page.mouse.move(x, y)
    page.mouse.down(click_count=count)
    page.mouse.up(click_count=count)


def test_the_second_press_of_a_double_click_does_not_reach_what_was_under_the_first(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    page.evaluate(_STACK)

    press(page, 310, 310)
    # The browser counts: however late the second press arrives, it belongs to the first.
    wait_for(
        page,
        "presses.length === 1 && (window.from ??= performance.now()) < performance.now() - 600",
    )
    press(page, 310, 310, count=2)
    assert page.evaluate("presses") == ["above"]

    press(page, 310, 310)  # a press of its own
    assert page.evaluate("presses") == ["above", "under"]


def test_a_quick_second_tap_does_not_reach_what_was_under_the_first(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    page.evaluate(_STACK)

    for _ in range(2):  # not counted, as taps of a finger
        press(page, 310, 310)

    assert page.evaluate("presses") == ["above"]


def test_a_double_click_on_back_picks_no_cell_behind_the_dialog(
    open_page: OpenPage, school: School
) -> None:
    page = open_page("/book")
    page.get_by_role("button", name="Next day").click()
    page.get_by_role("button", name="Free: Ground 3, 17-18").click()
    choose_student(page, "S007")
    open_review(page)
    before = page.url
    box = page.get_by_role("button", name="Back", exact=True).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    press(page, x, y)
    expect(page.get_by_role("dialog")).to_have_count(0)
    # A free cell lies where the button was.
    under = page.get_by_role("button", name=re.compile("^Free")).first
    under.evaluate(
        "(cell, place) => (cell.style = place)",
        f"position: fixed; left: {x - 9}px; top: {y - 9}px; z-index: 9",
    )
    press(page, x, y, count=2)
    press(page, x, y, count=3)

    page.get_by_role("button", name="Review and").focus()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.url == before


def test_another_button_of_a_line_can_be_pressed_at_once(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14)
    page = open_page("/approvals", "Anand Rao")
    approve = page.get_by_role("button", name="Approve: Student 1")
    expect(approve).to_be_enabled()
    # However slow this computer is, all presses are of one moment.
    page.evaluate("Object.defineProperty(Event.prototype, 'timeStamp', { get: () => 1000 })")

    approve.click()
    expect(row(page, "Student 1")).to_contain_text("by Dr. Anand Rao")
    page.get_by_role("button", name="Details: Student 1").click()

    expect(page.get_by_role("dialog")).to_contain_text("Approved by Dr. Anand Rao")


def test_a_press_in_the_list_of_the_tab_before_acts_at_once(
    open_page: OpenPage, school: School
) -> None:
    school.book(student=1, start=14)
    page = open_page("/approvals", "Anand Rao")
    details = page.get_by_role("button", name="Details: Student 1")
    expect(details).to_be_enabled()
    wait_until_settled(page)

    # The list of Waiting is still shown in the moment after the press of another tab.
    handles = [page.get_by_role("radio", name="Decided").element_handle(), details.element_handle()]
    page.evaluate("([tab, details]) => (tab.click(), setTimeout(() => details.click()))", handles)

    expect(page.get_by_role("dialog")).to_contain_text("Requested by Joseph Mathew")
    expect(page).to_have_url(re.compile("tab=decided"))


@pytest.mark.parametrize("path", ["/book", "/bookings"])
def test_two_quick_presses_of_next_day_move_by_two_days(
    open_page: OpenPage, school: School, path: str
) -> None:
    school.book(student=1, start=14, by=MEERA)
    page = open_page(path)
    if path == "/bookings":
        page.get_by_role("button", name="Move: Ground 1").click()
    button = page.get_by_role("button", name="Next day")
    expect(button).to_be_enabled()
    expect(place(page, 14)).to_be_visible()

    # The second press leaves before the new date has arrived.
    button.evaluate("button => (button.click(), setTimeout(() => button.click(), 30))")

    expect(page.get_by_role("spinbutton", name="day")).to_have_text(
        f"{today() + timedelta(days=2):%d}"
    )
    page.get_by_role("button", name="Previous day").click()
    expect(page.get_by_role("spinbutton", name="day")).to_have_text(
        f"{today() + timedelta(days=1):%d}"
    )


def test_the_field_of_a_dialog_has_the_focus_also_if_it_comes_late(
    browser: Browser, app: AppServer, school: School
) -> None:
    school.book(student=1, start=14)
    kept = list[str | bytes]()
    streams: list[WebSocketRoute] = []
    is_opened = False

    def forward(message: str | bytes) -> None:
        # All from the field on waits.
        is_field = is_opened and b"Reason" in bytes(message)  # type: ignore[arg-type]
        (kept.append if kept or is_field else streams[-1].send)(message)

    def route(socket: WebSocketRoute) -> None:
        socket.connect_to_server().on_message(forward)
        streams.append(socket)

    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.route_web_socket(re.compile("_stcore/stream"), route)
        sign_in_browser(context, app.url, "Anand Rao")
        page = context.new_page()
        page.goto(f"{app.url}/approvals")
        wait_for(page, "window.groundBookingHeartbeat?.mode")
        is_opened = True
        page.get_by_role("button", name="Reject: Student 1").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible(timeout=LOAD)
        # So long that a limit from the opening of the dialog would be over.
        wait_for(page, "(window.from ??= performance.now()) < performance.now() - 2500")
        expect(dialog.get_by_label("Reason")).to_have_count(0)

        for message in kept:
            streams[-1].send(message)

        expect(dialog.get_by_label("Reason")).to_be_focused()
