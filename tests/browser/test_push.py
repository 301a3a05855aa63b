"""Push in real browsers: a change is on every screen at once, and idle screens do not rerun.

The file is long because each case of a lost, slow or repeated connection needs its own sockets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from app_server import MEERA, AppServer, School, running_app, settings_for, sign_in_browser
from browser_windows import OpenPage
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect
from screens import (
    LOAD,
    TICK,
    cell,
    choose_student,
    confirm,
    fill_form,
    live_line,
    open_review,
    place,
    row,
    show_tab,
    wait_for,
)
from tls_proxy import TlsProxy

from booking_core import connect

Route = Callable[[WebSocketRoute], None]
# Longer than any test: a change that appears came by push, and not by the timer.
NEVER = "3600"
AT_ONCE = 3_000

_COUNT = """() => {
  window.reruns = 0
  window.ticks = 0
  const count = event => {
    window.reruns += event.detail.by === "rerun"
    window.ticks += event.detail.by === "poll"
  }
  addEventListener("ground-booking:heartbeat", count)
}"""
_HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden })
  document.dispatchEvent(new Event("visibilitychange"))
}"""


@pytest.fixture(scope="module")
def pushing(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    """An app whose screens rely on push alone."""
    timer = {"LIVE_FLOOR_SECONDS": NEVER, "LIVE_ALONE_SECONDS": "60"}
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri, **timer) as both:
        yield both


@pytest.fixture
def app(pushing: tuple[AppServer, School], school: School) -> AppServer:
    return pushing[0]


@pytest.fixture
def school(pushing: tuple[AppServer, School]) -> School:
    pushing[1].reset()
    return pushing[1]


def wait_for_push(page: Page) -> Page:
    """Returns ``page`` after push has reached it and the resulting rerun is over."""
    expect(cell(page, 14)).to_be_visible()
    wait_for(page, "window.groundBookingHeartbeat?.by === 'push'", timeout=LOAD)
    page.evaluate(_COUNT)
    return page


def open_book_over(context: BrowserContext, app: AppServer, sockets: str, route: Route) -> Page:
    """Opens Book; ``route`` handles its connections of that name."""
    context.route_web_socket(re.compile(sockets), route)
    sign_in_browser(context, app.url)
    page = context.new_page()
    page.goto(f"{app.url}/book")
    return page


def reruns(page: Page) -> int:
    return int(page.evaluate("window.reruns"))


def test_a_change_is_on_the_screen_without_the_timer(open_page: OpenPage, school: School) -> None:
    page = wait_for_push(open_page("/book"))

    school.book(student=1, start=14)

    expect(place(page, 14)).to_contain_text("Requested", timeout=AT_ONCE)


def test_a_booking_made_through_one_app_is_on_the_screens_of_another(
    mongod_uri: str, tmp_path: Path, pushing: tuple[AppServer, School], open_window: OpenPage
) -> None:
    first, school = pushing
    school.reset()
    second = AppServer(
        tmp_path,
        {
            "MONGODB_URI": mongod_uri,
            "MONGODB_DATABASE": school.db.name,
            "LIVE_FLOOR_SECONDS": NEVER,
        },
        school,
    )
    try:
        here = wait_for_push(open_window(f"{first.url}/book"))
        there = wait_for_push(open_window(f"{second.url}/book"))
        fill_form(here, 14, "S001")
        open_review(here)
        confirm(here)

        expect(place(there, 14)).to_contain_text("Requested", timeout=AT_ONCE)
    finally:
        second.close()


def test_every_screen_shows_a_request_and_its_decision(
    app: AppServer, open_window: OpenPage, school: School
) -> None:
    principal = open_window(f"{app.url}/approvals", "Anand Rao")
    expect(principal.get_by_text("Nothing is waiting")).to_be_visible()
    wait_for(principal, "window.groundBookingHeartbeat?.by === 'push'")
    bookings, wall = open_window(f"{app.url}/bookings"), open_window(f"{app.url}/wall")
    book = wait_for_push(open_window(f"{app.url}/book"))
    expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()
    expect(bookings.get_by_text("You have no bookings ahead")).to_be_visible()

    school.book(student=1, start=14, by=MEERA)
    expect(row(principal, "Student 1")).to_be_visible(timeout=AT_ONCE)
    expect(principal).to_have_title("(1) Approvals · Ground booking")
    expect(row(bookings, "Student 1")).to_be_visible(timeout=AT_ONCE)
    principal.get_by_role("button", name="Approve: Student 1").click()

    expect(place(book, 14)).to_contain_text("booked", timeout=AT_ONCE)
    expect(row(bookings, "Student 1")).to_contain_text("Approved", timeout=AT_ONCE)
    expect(wall.get_by_text("Volleyball").first).to_be_visible(timeout=AT_ONCE)
    expect(principal).to_have_title("Approvals · Ground booking")


def test_an_idle_screen_does_not_rerun_and_its_clock_continues(
    open_page: OpenPage, school: School
) -> None:
    page = wait_for_push(open_page("/book"))
    shown = live_line(page).inner_text()

    for _ in range(3):
        expect(live_line(page)).not_to_have_text(shown, timeout=TICK)
        shown = live_line(page).inner_text()

    assert reruns(page) == 0


def test_fifty_changes_at_once_cause_at_most_three_reruns_of_a_screen(
    open_page: OpenPage, school: School
) -> None:
    page = wait_for_push(open_page("/book"))
    made = school.book(student=1, start=14)
    expect(place(page, 14)).to_contain_text("Requested")
    template = school.db["bookings"].find_one({"_id": made.id})
    copies = [
        template
        | {
            "_id": f"copy-{n}",
            "ground_id": f"elsewhere-{n}",
            "claims": [f"ground|elsewhere-{n}|{template['date']}|168"],
        }
        for n in range(49)
    ]
    page.evaluate("window.reruns = 0")

    school.db["bookings"].insert_many(copies)
    school.book(student=2, start=15)

    expect(place(page, 15)).to_contain_text("Requested", timeout=AT_ONCE)
    shown = live_line(page).inner_text()
    expect(live_line(page)).not_to_have_text(shown)
    assert 1 <= reruns(page) <= 3


def test_a_hidden_tab_does_not_rerun_until_it_is_shown(open_page: OpenPage, school: School) -> None:
    page = wait_for_push(open_page("/book"))
    page.evaluate(_HIDE, True)
    wait_for(page, "window.reruns === 1")  # the tab reports that it is hidden
    page.evaluate("window.reruns = 0")

    for hour in (14, 15, 16):
        school.book(student=hour, start=hour)
        beat = page.evaluate("window.groundBookingHeartbeat.now")
        wait_for(page, "beat => window.groundBookingHeartbeat.now > beat + 2000", arg=beat)
    assert reruns(page) == 0
    expect(place(page, 14)).to_contain_text("Free")
    page.evaluate(_HIDE, False)

    for hour in (14, 15, 16):
        expect(place(page, hour)).to_contain_text("Requested", timeout=AT_ONCE)


def test_a_live_update_keeps_an_open_dialog_and_typed_text(
    open_page: OpenPage, school: School
) -> None:
    page = wait_for_push(open_page("/book"))
    fill_form(page, 14, "S001")
    page.get_by_label("Purpose").fill("Half a sent")
    school.book(student=2, start=15)
    expect(place(page, 15)).to_contain_text("Requested", timeout=AT_ONCE)
    expect(page.get_by_label("Purpose")).to_have_value("Half a sent")
    page.get_by_label("Purpose").press("Tab")
    open_review(page)

    school.book(student=3, start=16)

    expect(place(page, 16)).to_contain_text("Requested", timeout=AT_ONCE)
    expect(page.get_by_role("dialog", name="Review booking")).to_be_visible()


def test_a_picked_slot_that_is_lost_is_reported_before_review_is_pressed(
    open_page: OpenPage, school: School
) -> None:
    page = wait_for_push(open_page("/book"))
    cell(page, 14).click()
    expect(cell(page, 14, state="Picked")).to_be_visible()
    choose_student(page, "S001")

    school.book(student=2, start=14)

    expect(page.get_by_text("This slot was just booked by")).to_be_visible(timeout=AT_ONCE)
    expect(page.get_by_role("button", name=re.compile("^Review and"))).to_have_count(0)
    expect(page.get_by_role("button", name="Join the waiting list")).to_be_enabled()


def test_a_changed_cell_is_marked_for_three_seconds_and_announced(
    open_page: OpenPage, school: School
) -> None:
    page = wait_for_push(open_page("/book"))

    school.book(student=1, start=14)

    mark = page.locator('.changed[data-at="6:0"]')
    expect(mark).to_be_visible(timeout=AT_ONCE)
    begun = page.evaluate("performance.now()")
    expect(page.locator('[aria-live="polite"]').filter(has_text="Requested")).to_contain_text(
        "Ground 1, 14-15, 2–3 PM: Requested"
    )
    school.book(student=2, start=15)
    expect(place(page, 15)).to_contain_text("Requested", timeout=AT_ONCE)
    expect(mark).to_be_visible()  # another change does not remove the first one's mark
    expect(mark).to_have_count(0)
    assert 2000 < page.evaluate("performance.now()") - begun < 4500


def test_without_push_a_screen_polls_every_second(
    browser: Browser, mongod_uri: str, tmp_path: Path
) -> None:
    with (
        running_app(tmp_path, mongod_uri) as (app, school),
        browser.new_context(viewport={"width": 1440, "height": 900}) as context,
    ):
        page = open_book_over(context, app, "/live", lambda socket: socket.close())
        expect(cell(page, 14)).to_be_visible(timeout=LOAD)
        page.evaluate(_COUNT)

        school.book(student=1, start=14)

        expect(place(page, 14)).to_contain_text("Requested", timeout=AT_ONCE)
        before = reruns(page)
        page.evaluate("window.ticks = 0")
        wait_for(page, "window.ticks >= 3", timeout=TICK)
        expect(live_line(page)).to_be_visible()
        assert reruns(page) == before, "a poll without news draws nothing"


def test_a_screen_requests_no_rerun_until_it_has_received_a_whole_run(
    browser: Browser, app: AppServer, school: School
) -> None:
    """A request at the end of a run can make Streamlit drop the unsent messages of that run."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        asked, kept = list[str | bytes](), list[str | bytes]()
        streams: list[WebSocketRoute] = []
        is_held, messages_of_run = False, 0

        def forward(message: str | bytes) -> None:
            nonlocal messages_of_run
            messages_of_run += is_held
            # The two messages that begin a run pass.
            (kept.append if messages_of_run > 2 else streams[-1].send)(message)

        def route(socket: WebSocketRoute) -> None:
            server = socket.connect_to_server()
            socket.on_message(lambda message: (asked.append(message), server.send(message)))
            server.on_message(forward)
            streams.append(socket)

        page = open_book_over(context, app, "_stcore/stream", route)
        wait_for_push(page)

        is_held = True
        before = len(asked)
        cell(page, 14).click()
        page.evaluate("window.pressed = performance.now()")
        school.book(student=1, start=16)
        # Two seconds; a press alone silences a screen for less than one.
        wait_for(page, "performance.now() - window.pressed > 2000")
        assert len(asked) == before + 1

        is_held, messages_of_run = False, 0
        for message in kept:
            streams[-1].send(message)
        expect(cell(page, 14, state="Picked")).to_be_visible()
        expect(place(page, 16)).to_contain_text("Requested", timeout=AT_ONCE)


def test_a_screen_that_lost_its_connection_reconnects_and_shows_missed_changes(
    browser: Browser, app: AppServer, school: School
) -> None:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        open_: list[WebSocketRoute] = []
        away = False

        def route(socket: WebSocketRoute) -> None:
            if away:
                socket.close()
            else:
                socket.connect_to_server()
                open_.append(socket)

        page = open_book_over(context, app, "/live", route)
        wait_for_push(page)

        away = True
        open_.pop().close(code=1012)
        wait_for(page, "window.reruns === 1")  # the screen reports that it polls
        school.book(student=1, start=14)
        away = False

        expect(place(page, 14)).to_contain_text("Requested", timeout=TICK)
        expect(live_line(page)).to_be_visible()
        assert len(open_) == 1, "one connection, and no other is left open"


def test_screens_continue_by_themselves_after_the_app_was_killed_and_restarted(
    mongod_uri: str, tmp_path: Path, open_window: OpenPage
) -> None:
    with running_app(tmp_path, mongod_uri, LIVE_FLOOR_SECONDS=NEVER) as (app, school):
        book, wall = open_window(f"{app.url}/book"), open_window(f"{app.url}/wall")
        wait_for_push(book)
        expect(wall.get_by_text("Ground 1", exact=True)).to_be_visible()

        app.kill()
        expect(book.get_by_text("Not live", exact=True)).to_be_visible(timeout=2 * TICK)
        db = connect(settings_for(mongod_uri, school.db.name))
        School(db).book(student=1, start=14)
        db.client.close()
        app.start()

        expect(live_line(book)).to_be_visible(timeout=4 * TICK)
        expect(book.get_by_text("this page has begun anew")).to_be_visible()
        expect(place(book, 14)).to_contain_text("Requested", timeout=2 * TICK)
        school.book(student=2, start=15)
        expect(place(book, 15)).to_contain_text("Requested", timeout=AT_ONCE)


def test_a_press_on_a_preview_whose_session_is_gone_says_to_check(
    mongod_uri: str, tmp_path: Path, open_window: OpenPage
) -> None:
    with running_app(tmp_path, mongod_uri) as (app, school):
        page = open_window(f"{app.url}/admin", "Farah Sheikh")
        show_tab(page, "Students")
        show_tab(page, "Import")
        lines = b"id,name,class_name\nZ900,Zoya Khan,9-B"
        file = {"name": "list.csv", "mimeType": "text/csv", "buffer": lines}
        page.locator("input[type=file]").set_input_files(file)
        saving = page.get_by_role("button", name="Save 1 new")
        expect(saving).to_be_enabled()

        app.kill()
        app.start()
        saving.click()

        expect(page.get_by_text("Check that your last step was saved")).to_be_visible(
            timeout=4 * TICK
        )
        assert school.db["students"].count_documents({"_id": "Z900"}) == 0
        page.reload()
        expect(page.get_by_role("heading", name="Admin")).to_be_visible()
        expect(page.get_by_text("Check that your last step was saved")).to_have_count(0)


def test_a_screen_that_was_pressed_just_before_the_app_was_killed_continues_too(
    mongod_uri: str, tmp_path: Path, open_window: OpenPage
) -> None:
    with running_app(tmp_path, mongod_uri, LIVE_FLOOR_SECONDS=NEVER) as (app, school):
        page = wait_for_push(open_window(f"{app.url}/book"))
        page.get_by_role("button", name="Next day").click()
        page.get_by_role("button", name="Previous day").click(timeout=LOAD)
        expect(page.get_by_role("button", name="Previous day")).to_be_disabled()

        app.kill()
        app.start()

        expect(page.get_by_text("this page has begun anew")).to_be_visible(timeout=4 * TICK)
        school.book(student=1, start=14)
        expect(place(page, 14)).to_contain_text("Requested", timeout=TICK)
        expect(live_line(page)).to_be_visible()


@pytest.mark.parametrize("way", ["base path", "proxy that ends TLS"])
def test_push_reaches_a_screen_behind_a_proxy_or_base_path(
    mongod_uri: str, tmp_path: Path, open_window: OpenPage, way: str
) -> None:
    base = {"STREAMLIT_SERVER_BASE_URL_PATH": "school/grounds"} if way == "base path" else {}
    with running_app(
        tmp_path, mongod_uri, LIVE_FLOOR_SECONDS=NEVER, LIVE_ALONE_SECONDS="60", **base
    ) as (
        app,
        school,
    ):
        proxy = TlsProxy(app.port)
        url = app.url if base else proxy.url
        page = wait_for_push(open_window(f"{url}/book", ignore_https_errors=True))
        school.book(student=1, start=14)
        expect(place(page, 14)).to_contain_text("Requested", timeout=AT_ONCE)

        if not base:  # a network that fails, and recovers
            proxy.cut()
            school.book(student=2, start=15)
            expect(place(page, 15)).to_contain_text("Requested", timeout=2 * TICK)
        page.close()
        proxy.close()


def test_a_screen_that_stays_empty_reloads_itself(open_page: OpenPage, school: School) -> None:
    page = open_page("/bookings")
    title = page.get_by_role("heading", name="Bookings", exact=True)
    expect(title).to_be_visible()

    page.evaluate("document.querySelector('.stMain h1').replaceWith('')")

    expect(title).to_have_count(0)
    expect(title).to_be_visible()


def test_every_section_of_admin_hears_heartbeats(open_page: OpenPage, school: School) -> None:
    page = open_page("/admin", "Farah Sheikh")
    for section in (
        *("Grounds", "Timetables", "Closures", "Students", "Import", "Class rollover", "Accounts"),
        *("Settings", "Health", "Audit"),
    ):
        show_tab(page, section)
        wait_for(page, "window.groundBookingHeartbeat?.by === 'push'")
        page.evaluate("delete window.groundBookingHeartbeat")
        wait_for(page, "window.groundBookingHeartbeat?.by === 'push'", timeout=15_000)
