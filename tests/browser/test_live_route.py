"""The route /live without a browser: its messages, its recipients, and its limits."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from app_server import AppServer, School, running_app, today
from browser_windows import OpenPage
from playwright.sync_api import expect
from support import eventually
from tls_proxy import TlsProxy
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pages.shared.live.address import COOKIE
from pages.shared.live.screen_places import OF_ADDRESS
from pages.shared.live.streamlit_internals import MOST_FRAGMENTS

TIMEOUT = 20
TOO_BIG = (1009).to_bytes(2, "big")  # a close code of RFC 6455


def open_live(url: str, query: str = "", **options: object) -> ClientConnection:
    return connect(url.replace("http", "ws", 1) + "/live" + query, **options)


def receive(screen: ClientConnection) -> dict[str, object]:
    message: dict[str, object] = json.loads(screen.recv(timeout=TIMEOUT))
    return message


def number(message: dict[str, object]) -> int:
    return int(str(message["version"]).split(".")[1])


def receive_news(screen: ClientConnection, since: dict[str, object]) -> dict[str, object]:
    """Returns the next message with another version; skips heartbeats."""
    while True:
        message = receive(screen)
        if message["version"] != since["version"]:
            return message


@pytest.fixture
def limited(mongod_uri: str, tmp_path: Path) -> Iterator[AppServer]:
    """An app that serves three live connections of one client, and checks them often."""
    often = {"LIVE_CONNECTIONS": "30", "STREAMLIT_SERVER_WEBSOCKET_PING_INTERVAL": "3"}
    with running_app(tmp_path, mongod_uri, **often) as (app, _):
        yield app


def test_a_screen_receives_its_version_at_once_and_again_when_its_day_changes(
    app: AppServer, school: School
) -> None:
    with open_live(app.url, f"?date={today()}") as screen:
        first = receive(screen)
        school.book(student=1, start=14)
        news = receive_news(screen, first)

    assert number(news) > number(first)
    assert str(news["version"]).endswith(".live")


def test_a_message_holds_a_version_and_two_moments_and_no_personal_data(
    app: AppServer, school: School
) -> None:
    with open_live(app.url) as screen:
        first = receive(screen)
        school.book(student=1, start=14)
        news = receive_news(screen, first)

    assert set(news) == {"version", "latest", "now", "at"}
    now = datetime.fromtimestamp(int(str(news["now"])) / 1000, UTC)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=TIMEOUT)


def test_a_change_of_another_day_sends_only_heartbeats(app: AppServer, school: School) -> None:
    other = today() + timedelta(days=3)
    with open_live(app.url, f"?date={other}") as screen:
        first = receive(screen)
        while (again := receive(screen))["version"] != first["version"]:
            first = again  # the feed was still reporting the setup of the school
        school.book(student=1, start=14)
        beat = receive(screen)

    assert beat["version"] == first["version"]
    assert int(str(beat["now"])) > int(str(again["now"]))


def test_a_screen_of_a_week_receives_a_change_of_each_of_its_days_and_of_no_other(
    app: AppServer, school: School
) -> None:
    first_day, last_day = (today() + timedelta(days=days) for days in (1, 7))
    with open_live(app.url, f"?date={first_day}/{last_day}") as screen:
        first = receive(screen)
        for day in (first_day, last_day):
            school.book(student=1, start=14, on=day)
            news = receive_news(screen, first)
            assert number(news) > number(first)
            first = news
        while (again := receive(screen))["version"] != first["version"]:
            first = again
        for day in (today(), last_day + timedelta(days=1)):
            school.book(student=2, start=14, on=day)
        beat = receive(screen)

    assert beat["version"] == first["version"]


def test_fifty_changes_at_once_are_at_most_three_messages(app: AppServer, school: School) -> None:
    made = school.book(student=1, start=14)
    row = school.db["bookings"].find_one({"_id": made.id})
    copies = [
        row
        | {
            "_id": f"copy-{n}",
            "ground_id": f"elsewhere-{n}",
            "claims": [f"ground|elsewhere-{n}|{row['date']}|168"],
        }
        for n in range(50)
    ]
    with open_live(app.url, f"?date={today()}") as screen:
        first = receive(screen)
        school.db["bookings"].insert_many(copies)
        versions = {str(first["version"])}
        while number(last := receive(screen)) < number(first) + 50:
            versions.add(str(last["version"]))

    assert len(versions) <= 3  # the first change, and those that arrived until the last


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://127.0.0.1.elsewhere.example"]
)
def test_a_page_of_another_origin_is_refused(app: AppServer, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_live(app.url, origin=origin)

    assert refused.value.response.status_code == 403


def test_the_apps_own_origin_is_served(app: AppServer) -> None:
    with open_live(app.url, origin=app.url) as screen:
        assert receive(screen)["version"]


@pytest.mark.parametrize(
    "date",
    [
        "tomorrow",
        "2026-13-01",
        "{%24gt}",
        "2026-11-23' or 1",
        "0",
        "2026-11-23/",
        "2026-11-23/2026-11-22",
        "2026-11-23/2027-01-04",  # 43 days
    ],
)
def test_an_invalid_date_is_refused(app: AppServer, date: str) -> None:
    with pytest.raises(InvalidStatus):
        open_live(app.url, f"?date={date}")


def test_a_screen_past_the_limit_receives_the_reason_and_connects_when_another_leaves(
    limited: AppServer,
) -> None:
    with contextlib.ExitStack() as stay, open_live(limited.url) as leaver:
        for screen in (leaver, *(stay.enter_context(open_live(limited.url)) for _ in range(2))):
            receive(screen)

        with open_live(limited.url) as fourth, pytest.raises(ConnectionClosed) as refused:
            fourth.recv(timeout=TIMEOUT)
        leaver.close()

        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == 1013
        assert "too many" in refused.value.rcvd.reason
        assert eventually(lambda: _is_served(limited.url))


def test_strangers_leave_places_to_signed_in_screens(mongod_uri: str, tmp_path: Path) -> None:
    places = {"LIVE_CONNECTIONS": "40", "TRUST_PROXY": "on"}
    with (
        running_app(tmp_path, mongod_uri, **places) as (app, school),
        contextlib.ExitStack() as stay,
    ):

        def served(headers: list[dict[str, str]]) -> int:
            """Opens a connection with each of ``headers``; counts those that stay."""
            screens = [
                stay.enter_context(open_live(app.url, additional_headers=h)) for h in headers
            ]
            return sum(_has_place(screen) for screen in screens)

        one_address = [{"x-forwarded-for": "192.0.2.1"}] * 100
        one_network = [{"x-forwarded-for": f"2001:db8::{n}"} for n in range(1, 50)]
        addresses = [{"x-forwarded-for": f"198.51.100.{n}"} for n in range(1, 60)]
        account = [{"cookie": f"{COOKIE}={school.token('meera')}"}] * 50

        assert served(one_address) == 4
        assert served(one_network) == 4
        assert served(addresses) == 2
        assert served(account) == 4
        for who in ("joseph", "head", "admin"):
            assert served([{"cookie": f"{COOKIE}={school.token(who)}"}]) == 1


def _has_place(screen: ClientConnection) -> bool:
    try:
        return bool(receive(screen))
    except ConnectionClosed:
        return False


def _is_served(url: str) -> bool:
    with open_live(url) as screen:
        return _has_place(screen)


def test_a_client_that_does_not_read_is_dropped_and_frees_its_place(limited: AppServer) -> None:
    unread = [_connection_that_never_reads(limited) for _ in range(3)]

    assert eventually(lambda: _is_served(limited.url), within=40)
    for connection in unread:
        connection.close()


def _connection_that_never_reads(app: AppServer) -> socket.socket:
    """Opens a connection and never reads from it after the handshake."""
    return _handshake(app, "/live", receive_buffer=1024)


def _handshake(app: AppServer, path: str, receive_buffer: int | None = None) -> socket.socket:
    """Opens a WebSocket as bare bytes."""
    connection = socket.create_connection(("127.0.0.1", app.port), timeout=TIMEOUT)
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in connection.recv(64)
    return connection


def test_a_client_that_sends_messages_is_dropped(app: AppServer) -> None:
    with open_live(app.url) as screen:
        receive(screen)
        screen.send("x" * 100_000)
        with contextlib.suppress(ConnectionClosed):
            while True:
                screen.recv(timeout=TIMEOUT)

        assert screen.close_code == 1008


@pytest.mark.parametrize("path", ["/live", "/_stcore/stream"])
def test_an_unfinished_message_of_more_than_4_mb_is_not_kept(app: AppServer, path: str) -> None:
    with _handshake(app, path) as connection:
        connection.sendall(_frame(0x2, 120_000_000))  # only its header
        assert _is_refused_for_its_size(connection)
    with _handshake(app, path) as connection:
        for opcode in (0x2, 0x0, 0x0, 0x0):
            connection.sendall(_frame(opcode, 1_000_000) + bytes(1_000_000))
        connection.sendall(_frame(0x0, 1))
        assert _is_refused_for_its_size(connection)


@pytest.mark.parametrize("path", ["/live", "/_stcore/stream"])
@pytest.mark.parametrize("size", [0, 1])
def test_a_message_of_endless_fragments_is_not_kept(app: AppServer, path: str, size: int) -> None:
    def fragments(number: int) -> bytes:
        return _frame(0x1, size) + bytes(size) + number * (_frame(0x0, size) + bytes(size))

    with _handshake(app, path) as connection:
        connection.sendall(fragments(MOST_FRAGMENTS))
        assert _is_refused_for_its_size(connection)
    with _handshake(app, path) as connection:
        last = bytes([0x80, 0x80]) + bytes(4)
        connection.sendall(fragments(MOST_FRAGMENTS - 2) + last)
        assert not _is_refused_for_its_size(connection)  # but for being a text


def _frame(opcode: int, size: int) -> bytes:
    """The header of a fragment of ``size`` bytes that is not the last one, masked with zeros."""
    return bytes([opcode, 0x80 | 127]) + size.to_bytes(8, "big") + bytes(4)


def _is_refused_for_its_size(connection: socket.socket) -> bool:
    """Whether the server closes the connection with this reason; waits until it closes."""
    received = b""
    while TOO_BIG not in received and (piece := connection.recv(65536)):
        received += piece
    return TOO_BIG in received


def test_live_is_served_under_a_base_path(mongod_uri: str, tmp_path: Path) -> None:
    base = {"STREAMLIT_SERVER_BASE_URL_PATH": "grounds"}
    with running_app(tmp_path, mongod_uri, **base) as (app, _), open_live(app.url) as screen:
        assert receive(screen)["version"]


def test_live_is_served_behind_a_proxy_that_ends_tls(app: AppServer, school: School) -> None:
    proxy = TlsProxy(app.port)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        with open_live(proxy.url, ssl=trusting, origin=proxy.url) as screen:
            first = receive(screen)
            school.book(student=1, start=14)
            assert number(receive_news(screen, first)) > number(first)
    finally:
        proxy.close()


def test_open_screens_of_an_address_without_a_session_are_few(
    mongod_uri: str, tmp_path: Path, open_window: OpenPage
) -> None:
    with (
        running_app(tmp_path, mongod_uri, TRUST_PROXY="on") as (app, school),
        contextlib.ExitStack() as stay,
    ):
        url = app.url.replace("http", "ws", 1) + "/_stcore/stream"

        def opened(headers: dict[str, str], times: int) -> list[ClientConnection]:
            """Opens so many screens; returns those that are not refused."""
            screens = []
            for _ in range(times):
                with contextlib.suppress(InvalidStatus):
                    screen = connect(url, subprotocols=["streamlit"], additional_headers=headers)
                    screens.append(stay.enter_context(screen))
            return screens

        strangers = opened({}, OF_ADDRESS + 10)
        assert len(strangers) == OF_ADDRESS
        assert not opened({"cookie": f"{COOKIE}=made-up"}, 1)
        assert len(opened({"x-forwarded-for": "192.0.2.2"}, 1)) == 1
        for who in ("meera", "joseph"):
            assert len(opened({"cookie": f"{COOKIE}={school.token(who)}"}, 5)) == 5

        wall = open_window(f"{app.url}/wall", None)
        wall.wait_for_event("websocket")  # of the first attempt, or of a later one
        expect(wall.get_by_text("Ground 1")).to_have_count(0)
        strangers[0].close()
        expect(wall.get_by_text("Ground 1").first).to_be_visible()  # it has tried again by itself
