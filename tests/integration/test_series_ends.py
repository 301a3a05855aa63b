"""Mails that a series ends: of which, when, once, and what they say."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from mailed_school import PUBLIC_URL, at, school_with_mail, send, text_of
from smtp_server import smtp_server
from support import DAY, HEAD, MEERA, NOW, RAVI, at_once, request_for

from booking_core import (
    MailWish,
    Policy,
    SeriesRequest,
    SetRequest,
    Status,
    approve,
    approve_series,
    book_series,
    book_set,
    cancel,
    cancel_series,
    connect,
    get_booking,
    move,
    reject_series,
    save_policy,
    send_mails,
    set_mail_wish,
)
from booking_core.domain.mail import Mail
from booking_core.storage import mails
from pages.shared.text.mails import WRITING

pytestmark = pytest.mark.usefixtures("quick_hashes")
WEEK = timedelta(days=7)
LAST = DAY + 3 * WEEK
DUE = timedelta(days=8, hours=1)  # from NOW: 7:00 of the day two weeks before LAST


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    db = school_with_mail(make_db, server.port)
    set_mail_wish(db, MailWish.NONE, by=HEAD)
    send(db, NOW)
    return db


@pytest.fixture
def made(mailed, server):
    """An approved series of Meera on four Tuesdays, of which the approval is mailed."""
    parts = series(mailed)
    send(mailed, at(minutes=1))
    server.mails.clear()
    server.recipients.clear()
    return parts


def series(db, *, count=4, now=NOW, decide=approve_series, **request):
    asked = SeriesRequest(request_for(student=1, **request), count=count)
    made = book_series(db, asked, by=MEERA, submission_id=uuid4(), now=now)
    return decide(db, made.id, by=HEAD, now=now)


def undecided(db, series_id, **_):
    return ()


def told(server):
    return [mail for mail in server.mails if mail["Subject"].startswith("Your series ends")]


def said(mail):
    return " ".join(text_of(mail).split())


def test_the_end_of_a_series_is_mailed_once_two_weeks_before_its_last_date(mailed, server, made):
    for before in (WEEK, timedelta(minutes=1)):  # a week before, for the date before the last
        send(mailed, NOW + DUE - before)
    assert server.mails == []

    for later in (timedelta(), timedelta(minutes=1), timedelta(days=1), timedelta(days=14)):
        send(mailed, NOW + DUE + later)

    [mail] = server.mails
    assert server.recipients == ["meera@school.example"]
    assert mail["Subject"] == "Your series ends: Ground 1, Tue 15 Dec, 9–10 AM"
    last = "The last date of your series: Ground 1, Tue 15 Dec, 9–10 AM for Student 1, 2-A"
    assert last in said(mail)
    assert "choose a slot on Book and press Repeat… there." in said(mail)
    address = f"{PUBLIC_URL}/book?ground=ground-1&date=2026-12-22&from=09%3A00&to=10%3A00"
    assert f"Open Book on Tue 22 Dec: {address}" in text_of(mail)


def test_of_several_processes_one_mails_the_end(mailed, server, made):
    others = [connect(mailed.booking_settings) for _ in range(3)]

    at_once(*(lambda db=db: send_mails(db, WRITING, now=NOW + DUE) for db in (mailed, *others)))

    assert server.recipients == ["meera@school.example"]
    for db in others:
        db.client.close()


def test_a_mail_of_a_process_that_was_killed_is_sent_again_with_its_id(
    mailed, server, made, monkeypatch
):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(mails, "note_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            send(mailed, NOW + DUE)

    for minutes in (1, 3, 9):
        send(mailed, NOW + DUE + timedelta(minutes=minutes))

    first, second = told(server)
    assert first["Message-ID"] == second["Message-ID"]


def test_where_the_last_date_cannot_be_followed_by_one_yet_the_link_names_no_day(
    mailed, server, made
):
    save_policy(mailed, Policy(quota=None, advance_days=20))

    send(mailed, NOW + DUE)

    [mail] = told(server)
    assert f"Open Book: {PUBLIC_URL}/book?ground=ground-1" in text_of(mail).splitlines()


@pytest.mark.parametrize(
    ("days", "is_told"), [(0, True), (2, True), (3, False), (-1, False), (14, False)]
)
def test_a_worker_that_was_away_tells_of_it_for_three_days(mailed, server, made, days, is_told):
    send(mailed, NOW + DUE + timedelta(days=days))

    assert len(told(server)) == is_told


@pytest.mark.parametrize(("wish", "count"), [(MailWish.DAILY, 1), (MailWish.NONE, 0)])
def test_the_mail_follows_the_wish_of_its_reader(mailed, server, made, wish, count):
    set_mail_wish(mailed, wish, by=MEERA)

    send(mailed, NOW + DUE)

    assert len(told(server)) == count


def test_the_last_date_that_is_left_decides(mailed, server):
    made = series(mailed, count=5)
    cancel(mailed, made[-1].id, by=MEERA, now=NOW)

    send(mailed, NOW + DUE)
    send(mailed, NOW + DUE + WEEK)

    [mail] = told(server)
    assert "Tue 15 Dec" in mail["Subject"]


def test_a_last_date_that_waits_for_a_decision_is_not_told_before_it(mailed, server, made):
    moved = move(mailed, made[-1].id, date=LAST + timedelta(days=1), by=MEERA, now=NOW)
    assert moved.status is Status.PENDING

    for hours in (0, 25):
        send(mailed, NOW + DUE + timedelta(hours=hours))
    assert told(server) == []
    approve(mailed, moved.id, by=HEAD, now=NOW + DUE + timedelta(hours=26))
    send(mailed, NOW + DUE + timedelta(hours=27))

    [mail] = told(server)
    assert "Wed 16 Dec" in mail["Subject"]


def test_who_booked_the_series_after_the_mail_was_due_gets_none(mailed, server):
    series(mailed, on=LAST - WEEK, count=2, now=NOW + DUE)

    send(mailed, NOW + DUE + timedelta(minutes=1))

    assert told(server) == []


@pytest.mark.parametrize(
    "decide", [undecided, partial(reject_series, reason="Exams"), cancel_series]
)
def test_a_series_without_an_approved_last_date_is_not_told(mailed, server, decide):
    series(mailed, decide=decide)

    send(mailed, NOW + DUE)

    assert told(server) == []


def test_a_set_of_grounds_is_no_series(mailed, server):
    for_class = request_for(class_name="2-A", on=LAST, game="Football")
    asked = SetRequest(for_class, ("ground-2",))
    made = book_set(mailed, asked, by=MEERA, submission_id=uuid4(), now=NOW)
    approve_series(mailed, made.id, by=HEAD, now=NOW)

    send(mailed, NOW + DUE)

    assert told(server) == []


def test_what_has_changed_before_the_mail_is_sent_is_told_as_it_is_then(mailed, server, made):
    server.stop()
    send(mailed, NOW + DUE)
    assert mailed["mails"].count_documents({"reminds": made[-1].id}) == 1
    moved = move(
        mailed,
        made[-1].id,
        date=LAST + timedelta(days=1),
        ground_id="ground-3",
        by=HEAD,
        now=NOW + DUE + timedelta(seconds=9),
    )

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(minutes=10))
        assert told(again) == []
        send(mailed, NOW + DUE + timedelta(days=1))

    assert get_booking(mailed, moved.id).status is Status.APPROVED
    [mail] = told(again)
    assert mail["Subject"] == "Your series ends: Ground 3, Wed 16 Dec, 9–10 AM"


def test_a_last_date_that_waits_again_when_the_mail_is_sent_is_not_told(mailed, server, made):
    server.stop()
    send(mailed, NOW + DUE)
    later = NOW + DUE + timedelta(seconds=9)
    moved = move(mailed, made[-1].id, ground_id="ground-3", by=MEERA, now=later)
    assert moved.status is Status.PENDING

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(minutes=10))

    assert told(again) == []


def test_nobody_else_is_told_of_a_series(mailed, server, made):
    send(mailed, NOW + DUE)
    [stored] = mailed["mails"].find({"reminds": made[-1].id})
    mailed["mails"].delete_one({"_id": stored["_id"]})
    server.mails.clear()
    for_ravi = Mail(stored["_id"], RAVI.id, NOW + DUE, (), asks=False, reminds=made[-1].id)
    assert mails.queue(mailed, for_ravi)

    send(mailed, NOW + DUE + timedelta(minutes=1))

    assert server.mails == []
