"""The page of a link that decides a request, of a running app over HTTP."""

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
from app_server import HEAD, JOSEPH, MEERA, AppServer, School, running_app

from booking_core import get_account, get_booking, move, reject
from booking_core.booking import questions
from booking_core.booking.mail_decisions import make_links
from booking_core.storage.client.database import present

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


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
        base_url=running[0].url, headers=SAME_ORIGIN, timeout=HTTP_SECONDS
    ) as browser:
        yield browser


def link_to(school: School, booking) -> str:
    account = get_account(school.db, HEAD.id)
    [token] = make_links(school.db, account, "m", [booking], present(school.db)).values()
    return f"/decide/{token}"


def said(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.text.partition("<main")[2])).split())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_shows_the_request_and_changes_nothing(client, school, method):
    mine = school.book(student=1, start=14, purpose="Selection <b>trial</b>")
    link = link_to(school, mine)

    answers = [client.request(method, link) for _ in range(3)]

    assert [one.status_code for one in answers] == [200] * 3
    assert {one.headers["referrer-policy"] for one in answers} == {"no-referrer"}
    assert {one.headers["cache-control"] for one in answers} == {"no-store"}
    assert get_booking(school.db, mine.id) == mine
    if method == "GET":
        text = said(answers[0])
        for fact in ("Ground 1", "Student 1", "Volleyball", "Selection <b>trial</b>", "Joseph"):
            assert fact in text
        assert "You decide as Dr. Anand Rao." in text


def test_approving_takes_one_post_and_the_same_again_is_answered_the_same(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    form = {"do": "approve", "revision": str(mine.revision)}

    first, again = (client.post(link, data=form) for _ in range(2))
    other = client.post(link, data=form | {"do": "reject", "reason": "Exam"})

    assert get_booking(school.db, mine.id).status.value == "Approved"
    assert (first.status_code, said(first)) == (200, said(again))
    assert "You approved the request of Joseph Mathew: Ground 1" in said(first)
    assert (other.status_code, client.get(link).status_code) == (410, 410)
    for one in (other, client.get(link)):
        assert "This link was used: it approved the request." in said(one)
        assert 'href="/approvals"' in one.text


def test_a_question_is_asked_once_and_the_link_still_decides(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    form = {"do": "ask", "revision": str(mine.revision)}

    empty = client.post(link, data=form | {"question": " "})
    form["question"] = "Who <b>is</b> there?"
    asked, again = (client.post(link, data=form) for _ in range(2))
    other = client.post(link, data=form | {"question": "And the ball?"})

    assert (empty.status_code, asked.status_code, again.status_code) == (422, 200, 200)
    assert other.status_code == 422
    [question] = get_booking(school.db, mine.id).questions
    assert (question.reason, question.by) == ("Who <b>is</b> there?", HEAD.id)
    assert question.by_mail
    for one in (asked, client.get(link)):
        assert "Joseph Mathew has not answered yet: “Who <b>is</b> there?”" in said(one)
        assert 'name="question"' not in one.text
    questions.answer(school.db, mine.id, "I am.", by=JOSEPH)
    shown = client.get(link)
    assert "I am." in said(shown)
    assert 'name="question"' in shown.text
    done = client.post(link, data={"do": "approve", "revision": "2"})
    assert "You approved the request" in said(done)


def test_the_page_of_a_later_mail_shows_the_question_and_its_answer(client, school):
    mine = school.book(student=1, start=14)
    questions.ask(school.db, mine.id, "Who is there?", by=HEAD)
    waits = client.get(link_to(school, mine))
    answered = questions.answer(school.db, mine.id, "I am.", by=JOSEPH)

    shown = client.get(link_to(school, answered))

    assert "Questions Waits for an answer from Joseph Mathew" in said(waits)
    both = "Questions Dr. Anand Rao asks: Who is there? Joseph Mathew answers: I am."
    assert both in said(shown)


def test_a_question_about_another_slot_than_was_shown_is_not_asked(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    moved = move(school.db, mine.id, ground_id="ground-3", by=JOSEPH)

    stale = client.post(link, data={"do": "ask", "revision": "0", "question": "Which half?"})

    assert stale.status_code == 409
    assert "It changed while you looked." in said(stale)
    assert 'value="Which half?"' in stale.text
    assert get_booking(school.db, mine.id) == moved
    form = {"do": "ask", "revision": str(moved.revision), "question": "Which half?"}
    assert client.post(link, data=form).status_code == 200
    assert len(get_booking(school.db, mine.id).questions) == 1


def test_of_two_posts_at_once_one_acts_and_the_other_is_told(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    forms = ({"do": "approve"}, {"do": "reject", "reason": "Exam"})

    answers = at_once(
        *(lambda form=form: client.post(link, data=form | {"revision": "0"}) for form in forms)
    )

    assert sorted(one.status_code for one in answers) == [200, 410]
    assert len(get_booking(school.db, mine.id).history) == 2


def test_a_request_that_changed_is_asked_about_again(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    moved = move(school.db, mine.id, ground_id="ground-3", by=MEERA.__class__(
        mine.created_by, MEERA.role, mine.created_by_name))  # fmt: skip

    stale = client.post(link, data={"do": "approve", "revision": str(mine.revision)})

    assert stale.status_code == 409
    assert "It changed while you looked." in said(stale)
    assert "It is not as the mail said any more." in said(stale)
    assert "Moved by Joseph Mathew, from Ground 1" in said(stale)
    assert f'name="revision" value="{moved.revision}"' in stale.text
    assert get_booking(school.db, mine.id).status.value == "Pending"
    fresh = client.post(link, data={"do": "approve", "revision": str(moved.revision)})
    assert (fresh.status_code, get_booking(school.db, mine.id).status.value) == (200, "Approved")


def test_a_rejection_needs_a_reason_and_keeps_what_was_typed(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)

    without = client.post(link, data={"do": "reject", "revision": "0", "reason": " "})
    long = client.post(link, data={"do": "reject", "revision": "0", "reason": "x" * 501})

    assert (without.status_code, long.status_code) == (422, 422)
    assert "reason" in said(without)
    assert 'value="' + "x" * 501 in long.text
    assert get_booking(school.db, mine.id) == mine
    assert client.post(
        link, data={"do": "reject", "revision": "0", "reason": "Exam"}
    ).status_code == 200  # fmt: skip
    assert get_booking(school.db, mine.id).last_decision.reason == "Exam"


def test_what_was_decided_elsewhere_is_said(client, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    reject(school.db, mine.id, by=HEAD, reason="Exam")

    answer = client.get(link)

    assert answer.status_code == 410
    assert "The request waits no more: it is rejected, by Dr. Anand Rao." in said(answer)


@pytest.mark.parametrize("path", ["x", "x" * 300, "\u00fc", "x/y", ""])
def test_a_link_that_is_none_says_so_and_leads_to_approvals(client, school, path):
    for answer in (
        client.get(f"/decide/{path}"),
        client.post(f"/decide/{path}", data={"do": "approve", "revision": "0"}),
    ):
        assert answer.status_code == 404
        assert 'href="/approvals"' in answer.text or "nothing at this address" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": "revoke", "revision": "0"},
        {"do": "approve"},
        {"do": "approve", "revision": "-1"},
        {"do": "approve", "revision": "9" * 30},
        {"do": "approve", "revision": "\u0661"},
    ],
)
def test_a_form_that_is_none_of_ours_decides_nothing(client, school, form):
    mine = school.book(student=1, start=14)

    answer = client.post(link_to(school, mine), data=form)

    assert (answer.status_code, get_booking(school.db, mine.id)) == (400, mine)


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, False),
        ({"origin": "https://evil.example"}, False),
        ({}, False),
        ({"origin": "null"}, True),  # as a page without a referrer sends it, without TLS
    ],
)
def test_a_form_of_another_site_decides_nothing(running, school, headers, is_ours):
    mine = school.book(student=1, start=14)
    address = f"{running[0].url}{link_to(school, mine)}"

    answer = httpx.post(
        address, data={"do": "approve", "revision": "0"}, headers=headers, timeout=HTTP_SECONDS
    )

    assert answer.status_code == (200 if is_ours else 403)
    assert get_booking(school.db, mine.id).status.value == ("Approved" if is_ours else "Pending")


def test_no_other_form_takes_an_opaque_origin(running, school):
    answer = httpx.post(
        f"{running[0].url}/signin", data={}, headers={"origin": "null"}, timeout=HTTP_SECONDS
    )
    assert answer.status_code == 403


def test_no_log_has_a_token(client, running, school):
    mine = school.book(student=1, start=14)
    link = link_to(school, mine)
    client.get(link)
    client.post(link, data={"do": "approve", "revision": "0"})
    client.get(f"{link}x")

    assert link.rpartition("/")[2] not in running[0].log.read_text()
