"""The page of a link that cancels a booking, of a running app over HTTP."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from support import HTTP_SECONDS, at_once

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from app_server import HEAD, AppServer, School, running_app

from booking_core import Actor, cancel, get_account, get_booking, move
from booking_core.booking.mail_decisions import make_links
from booking_core.storage.client.database import present
from booking_core.storage.mail_links import Purpose


@pytest.fixture(scope="module")
def running(
    mongod_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppServer, School]]:
    with running_app(tmp_path_factory.mktemp("home"), mongod_uri) as both:
        yield both


@pytest.fixture
def school(running: tuple[AppServer, School]) -> School:
    running[1].reset()
    return running[1]


@pytest.fixture
def client(running: tuple[AppServer, School]) -> Iterator[httpx.Client]:
    """A client without a cookie, as a mail program opens a browser."""
    with httpx.Client(
        base_url=running[0].url, headers={"sec-fetch-site": "same-origin"}, timeout=HTTP_SECONDS
    ) as browser:
        yield browser


def link_to(school: School, booking) -> str:
    account = get_account(school.db, booking.created_by)
    now = present(school.db)
    [token] = make_links(school.db, account, "m", [booking], now, Purpose.CANCEL).values()
    return f"/cancel/{token}"


def said(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.text.partition("<main")[2])).split())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_shows_the_booking_and_cancels_nothing(client, school, method):
    mine = school.book(student=1, start=14, purpose="Selection <b>trial</b>")

    answers = [client.request(method, link_to(school, mine)) for _ in range(3)]

    assert [one.status_code for one in answers] == [200] * 3
    assert {one.headers["referrer-policy"] for one in answers} == {"no-referrer"}
    assert get_booking(school.db, mine.id) == mine
    if method == "GET":
        for fact in ("Ground 1", "Student 1", "<b>trial</b>", "You booked this as Joseph Mathew."):
            assert fact in said(answers[0])


def test_cancelling_takes_one_post_and_two_at_once_cancel_once(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    form = {"do": "cancel", "revision": str(mine.revision)}

    answers = at_once(*[lambda: client.post(link, data=form)] * 2)

    assert [one.status_code for one in answers] == [200, 200]
    assert "You cancelled your booking: Ground 1" in said(answers[0])
    assert len(get_booking(school.db, mine.id).history) == len(mine.history) + 1
    assert get_booking(school.db, mine.id).status.value == "Cancelled"
    later = client.get(link)
    assert (later.status_code, "it cancelled the booking" in said(later)) == (410, True)


def test_a_booking_that_changed_is_shown_anew(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    author = Actor(mine.created_by, get_account(school.db, mine.created_by).role, "Joseph Mathew")
    moved = move(school.db, mine.id, ground_id="ground-3", by=author)

    stale = client.post(link, data={"do": "cancel", "revision": str(mine.revision)})

    assert stale.status_code == 409
    assert "It changed while you looked." in said(stale)
    assert f'name="revision" value="{moved.revision}"' in stale.text
    assert get_booking(school.db, mine.id) == moved


def test_what_was_cancelled_elsewhere_is_said(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    cancel(school.db, mine.id, by=HEAD)

    answer = client.get(link)

    assert answer.status_code == 410
    assert "The booking is cancelled already, by Dr. Anand Rao." in said(answer)


@pytest.mark.parametrize("form", [{}, {"do": "approve", "revision": "0"}, {"do": "cancel"}])
def test_a_form_that_is_none_of_ours_cancels_nothing(client, school, form):
    mine = school.book(student=1, start=14)

    answer = client.post(link_to(school, mine), data=form)

    assert (answer.status_code, get_booking(school.db, mine.id)) == (400, mine)


def test_a_link_that_is_none_says_so_and_a_form_of_another_site_is_refused(client, school):
    mine = school.book(student=1, start=14)
    form = {"do": "cancel", "revision": "0"}

    none = client.get("/cancel/x")
    foreign = client.post(
        link_to(school, mine), data=form, headers={"sec-fetch-site": "cross-site"}
    )

    assert (none.status_code, "This link leads to no booking." in said(none)) == (404, True)
    assert (foreign.status_code, get_booking(school.db, mine.id)) == (403, mine)
