"""The routes of calendars over HTTP, of a running app: without a session, by tag, in secret."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from calendar_reading import events_of
from support import ADMIN, HTTP_SECONDS, booked, eventually

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import HEAD, MEERA, AppServer, School, running_app, tomorrow

from booking_core import Policy, change_account, save_policy
from booking_core.calendars import make_calendar_address, revoke_calendar_address

PUBLIC = "https://grounds.school.example/app"
CALENDARS = ("/calendars/school.ics", "/calendars/grounds/ground-1.ics")


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    home = tmp_path_factory.mktemp("home")
    with running_app(home, mongod_uri, PUBLIC_URL=PUBLIC) as both:
        yield both


@pytest.fixture
def school(running: tuple[AppServer, School]) -> School:
    running[1].reset()
    return running[1]


@pytest.fixture
def visitor(running: tuple[AppServer, School]) -> Iterator[httpx.Client]:
    """A client without a session."""
    with httpx.Client(base_url=running[0].url, timeout=HTTP_SECONDS) as client:
        yield client


def names(visitor: httpx.Client, path: str, title: str) -> httpx.Response | None:
    answer = visitor.get(path)
    found = [event["SUMMARY"] for event in events_of(answer.content).values()]
    return answer if title in found else None


@pytest.mark.parametrize("path", CALENDARS)
def test_a_public_calendar_needs_no_session_and_is_sent_again_once_it_has_changed(
    school, visitor, path
):
    booking = booked(school.db, by=HEAD, on=tomorrow(), now=None)
    first = eventually(lambda: names(visitor, path, "Volleyball, 1-A"))
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    [event] = events_of(first.content).values()
    assert event["URL"] == f"{PUBLIC}/bookings?search={booking.reference}"

    etag = first.headers["etag"]
    again = visitor.get(path, headers={"if-none-match": f'"x", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)

    booked(school.db, by=HEAD, on=tomorrow(), start=11, student=1, now=None)
    changed = eventually(lambda: names(visitor, path, "Volleyball, 2-A"))
    assert changed.headers["etag"] != etag
    assert visitor.get(path, headers={"if-none-match": etag}).status_code == 200
    save_policy(school.db, Policy(wall_shows="none"), by=ADMIN)
    eventually(lambda: names(visitor, path, "Booked"))


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize(
    "path",
    [
        "/calendars/grounds/ground-9.ics",
        "/calendars/grounds/.ics",
        "/calendars/mine/none.ics",
        "/calendars/mine/.ics",
        "/calendars/mine/a/b.ics",
        f"/calendars/mine/{'x' * 5000}.ics",
        "/calendars/mine/%F0%9F%8F%8F%FF.ics",
        "/calendars/other.ics",
        "/calendars/",
    ],
)
def test_every_other_address_has_the_same_answer(school, visitor, path, accept):
    make_calendar_address(school.db, by=MEERA)

    answer = visitor.get(path, headers={"accept": accept})

    assert answer.status_code == 404
    assert answer.text == "There is no calendar at this address.\n"
    assert answer.headers["cache-control"] == "no-store"


def test_the_secret_address_shows_the_bookings_of_its_account_until_it_ends(school, visitor):
    booked(school.db, by=MEERA, on=tomorrow(), now=None)
    booked(school.db, by=HEAD, on=tomorrow(), start=12, student=1, now=None)
    first = f"/calendars/mine/{make_calendar_address(school.db, by=MEERA)}.ics"
    answer = visitor.get(first)
    assert answer.headers["cache-control"] == "private, no-cache"
    [event] = events_of(answer.content).values()
    assert event["SUMMARY"] == "Requested: Volleyball: Student 0, 1-A"
    known = {"if-none-match": answer.headers["etag"]}
    assert visitor.get(first, headers=known).status_code == 304

    second = f"/calendars/mine/{make_calendar_address(school.db, by=MEERA)}.ics"
    assert visitor.get(first, headers=known).status_code == 404
    assert visitor.get(second).content == answer.content
    revoke_calendar_address(school.db, by=MEERA)
    assert visitor.get(second).status_code == 404
    third = f"/calendars/mine/{make_calendar_address(school.db, by=MEERA)}.ics"
    change_account(school.db, MEERA.id, active=False, by=ADMIN)
    gone = visitor.get(third)
    change_account(school.db, MEERA.id, active=True, by=ADMIN)
    assert (gone.status_code, gone.text) == (404, visitor.get("/calendars/x").text)
