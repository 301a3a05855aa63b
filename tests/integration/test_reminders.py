"""Reminders by mail: of what, when, once, and the link that cancels the booking."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from mailed_school import at, school_with_mail, send, text_of, tokens_in
from smtp_server import smtp_server
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, at_once, booked, request_for

from booking_core import (
    ChangedMeanwhile,
    Ground,
    InvalidRequest,
    LinkState,
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
    cancel_by_mail,
    change_account,
    change_ground,
    connect,
    decide_by_mail,
    get_account,
    get_booking,
    load_reference,
    mailed_booking,
    mailed_request,
    move,
    save_ground,
    save_policy,
    send_mails,
    set_mail_wish,
)
from booking_core.booking.mail_decisions import make_links
from booking_core.domain.mail import is_reminder_due
from booking_core.storage.mail_links import Purpose
from pages.shared.text.mails import WRITING

pytestmark = pytest.mark.usefixtures("quick_hashes")
ADDRESS = "192.0.2.1"
DUE = timedelta(hours=3)  # from NOW: 24 hours before the booking of the next day at 9:00


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    db = school_with_mail(make_db, server.port)
    set_mail_wish(db, MailWish.NONE, by=HEAD)
    save_policy(db, Policy(quota=None, remind_hours=24))
    send(db, NOW)
    return db


@pytest.fixture
def mine(mailed, server):
    """An approved booking of Meera, of which the approval is mailed."""
    asked = booked(mailed, student=1, now=NOW)
    approved = approve(mailed, asked.id, by=HEAD, now=NOW)
    send(mailed, at(minutes=1))
    server.mails.clear()
    server.recipients.clear()
    return approved


def reminded(server):
    return [mail for mail in server.mails if mail["Subject"].startswith("Reminder")]


def cancelled(db, token, *, revision, now=NOW + DUE + timedelta(minutes=1)):
    return cancel_by_mail(db, token, revision=revision, address=ADDRESS, now=now)


def link_to(db, booking, now=NOW):
    account = get_account(db, booking.created_by)
    [token] = make_links(db, account, "m", [booking], now, Purpose.CANCEL).values()
    return token


def test_a_booking_is_reminded_of_once_so_long_before_its_start(mailed, server, mine):
    send(mailed, at(hours=2, minutes=59))
    assert server.mails == []

    for minutes in (0, 1, 60, 600):
        send(mailed, NOW + DUE + timedelta(minutes=minutes))

    [mail] = server.mails
    assert server.recipients == ["meera@school.example"]
    assert mail["Subject"] == "Reminder: Ground 1, Tue 24 Nov, 9–10 AM"
    said = " ".join(text_of(mail).split())
    assert "You have booked Ground 1, Tue 24 Nov, 9–10 AM for Student 1, 2-A, Volleyball." in said
    assert len(tokens_in(mail, "cancel")) == 1


def test_no_school_is_reminded_by_default(make_db, server):
    db = school_with_mail(make_db, server.port)
    approve(db, booked(db, student=1, now=NOW).id, by=HEAD, now=NOW)

    send(db, NOW + DUE)

    assert reminded(server) == []


def test_of_several_processes_one_sends_the_reminder(mailed, server, mine):
    others = [connect(mailed.booking_settings) for _ in range(3)]

    at_once(*(lambda db=db: send_mails(db, WRITING, now=NOW + DUE) for db in (mailed, *others)))

    assert server.recipients == ["meera@school.example"]
    for db in others:
        db.client.close()


def approved_set(db, *grounds):
    """An approved set of Meera, of the first ground and ``grounds``."""
    for ground in load_reference(db).grounds.values():
        change_ground(db, ground.id, games=("Volleyball",), by=ADMIN, now=NOW)
    asked = SetRequest(request_for(class_name="2-A"), grounds)
    made = book_set(db, asked, by=MEERA, submission_id=uuid4(), now=NOW)
    parts = approve_series(db, made.id, by=HEAD, now=NOW)
    return sorted(parts, key=lambda part: part.set_place)


def test_one_reminder_names_all_grounds_of_a_set(mailed, server):
    approved_set(mailed, "ground-3", "ground-2")

    send(mailed, NOW + DUE)
    send(mailed, NOW + DUE + timedelta(minutes=1))

    [mail] = reminded(server)
    assert mail["Subject"] == "Reminder: Ground 1, Tue 24 Nov, 9–10 AM, and 2 more"
    said = " ".join(text_of(mail).split())
    assert "You have booked Ground 1, Tue 24 Nov, 9–10 AM for 2-A, whole class, Volleyball." in said
    assert "At the same time: Ground 3, Ground 2" in said
    assert "you booked these grounds." in said
    assert tokens_in(mail, "cancel") == []


def test_a_set_whose_first_ground_waits_has_its_reminder_of_the_others(mailed, server):
    first, *_ = approved_set(mailed, "ground-3", "ground-2")
    save_ground(mailed, Ground(id="ground-4", name="Ground 4", games=("Volleyball",)), by=ADMIN)
    move(mailed, first.id, ground_id="ground-4", by=MEERA, now=NOW)

    send(mailed, NOW + DUE)
    send(mailed, NOW + DUE + timedelta(minutes=1))

    [mail] = reminded(server)
    assert mail["Subject"] == "Reminder: Ground 3, Tue 24 Nov, 9–10 AM, and 1 more"
    assert "At the same time: Ground 2" in " ".join(text_of(mail).split())


def test_a_reminder_of_a_set_leaves_out_what_has_ended_or_waits(mailed, server):
    _, second = approved_set(mailed, "ground-2")
    move(mailed, second.id, ground_id="ground-3", by=MEERA, now=NOW)
    waiting = get_booking(mailed, second.id)

    send(mailed, NOW + DUE)

    assert waiting.status is Status.PENDING
    [mail] = reminded(server)
    assert mail["Subject"] == "Reminder: Ground 1, Tue 24 Nov, 9–10 AM"
    assert "At the same time" not in text_of(mail)
    assert "you booked this ground." in text_of(mail)


def test_a_reminder_of_a_date_of_a_series_names_no_other_date(mailed, server):
    asked = SeriesRequest(request_for(student=1), count=2)
    made = book_series(mailed, asked, by=MEERA, submission_id=uuid4(), now=NOW)
    approve_series(mailed, made.id, by=HEAD, now=NOW)

    send(mailed, NOW + DUE)

    [mail] = reminded(server)
    assert mail["Subject"] == "Reminder: Ground 1, Tue 24 Nov, 9–10 AM"
    assert "At the same time" not in text_of(mail)


def test_a_request_and_what_was_decided_since_are_not_reminded_of(mailed, server):
    booked(mailed, student=1, now=NOW)
    late = booked(mailed, student=2, start=10, now=NOW)
    approve(mailed, late.id, by=HEAD, now=NOW + DUE + timedelta(hours=2))

    send(mailed, NOW + DUE + timedelta(hours=3))

    assert reminded(server) == []


def test_what_is_cancelled_before_the_mail_is_sent_is_not_reminded_of(mailed, server, mine):
    server.stop()
    send(mailed, NOW + DUE)
    assert mailed["mails"].count_documents({"reminds": mine.id}) == 1
    cancel(mailed, mine.id, by=MEERA, now=NOW + DUE + timedelta(seconds=30))

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(minutes=10))

    assert reminded(again) == []
    assert mailed["mails"].count_documents({"reminds": mine.id}) == 0


def test_what_is_moved_before_the_mail_is_sent_is_reminded_of_before_its_new_start(
    mailed, server, mine
):
    server.stop()
    send(mailed, NOW + DUE)
    moved = move(
        mailed, mine.id, date=DAY + timedelta(days=3), by=HEAD, now=NOW + DUE + timedelta(seconds=9)
    )

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(minutes=10))
        assert reminded(again) == []
        send(mailed, NOW + DUE + timedelta(days=3))
        send(mailed, NOW + DUE + timedelta(days=3, minutes=1))

        assert moved.status.value == "Approved"
        assert [mail["Subject"] for mail in reminded(again)] == [
            "Reminder: Ground 1, Fri 27 Nov, 9–10 AM"
        ]


def test_what_is_moved_after_its_reminder_is_reminded_of_before_its_new_start(mailed, server, mine):
    send(mailed, NOW + DUE)
    move(mailed, mine.id, date=DAY + timedelta(days=3), by=HEAD, now=NOW + DUE)

    send(mailed, NOW + DUE + timedelta(days=3))
    send(mailed, NOW + DUE + timedelta(days=3, minutes=1))

    assert [mail["Subject"] for mail in reminded(server)] == [
        "Reminder: Ground 1, Tue 24 Nov, 9–10 AM",
        "Reminder: Ground 1, Fri 27 Nov, 9–10 AM",
    ]


@pytest.mark.parametrize("wish", [MailWish.DAILY, MailWish.NONE])
def test_a_reminder_follows_the_wish_of_its_reader(mailed, server, mine, wish):
    set_mail_wish(mailed, wish, by=MEERA)

    send(mailed, NOW + DUE)

    assert len(reminded(server)) == (0 if wish is MailWish.NONE else 1)


def test_switching_reminders_off_ends_those_that_wait(mailed, server, mine):
    server.stop()
    send(mailed, NOW + DUE)
    save_policy(mailed, Policy(quota=None))

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(minutes=10))

    assert reminded(again) == []


def test_without_a_public_address_a_reminder_has_no_link(make_db, server):
    db = school_with_mail(make_db, server.port, public_url=None)
    save_policy(db, Policy(quota=None, remind_hours=24))
    approve(db, booked(db, student=1, now=NOW).id, by=HEAD, now=NOW)

    send(db, NOW + DUE)

    [mail] = reminded(server)
    assert "/cancel/" not in text_of(mail)
    assert db["mail_links"].count_documents({"purpose": "cancel"}) == 0


def test_nobody_is_reminded_after_the_start(mailed, server, mine):
    send(mailed, at(hours=27))

    assert reminded(server) == []


def test_the_link_cancels_its_booking_once(mailed, server, mine):
    send(mailed, NOW + DUE)
    [token] = tokens_in(server.mails[0], "cancel")
    looked = mailed_booking(mailed, token, address=ADDRESS, now=NOW + DUE)
    assert (looked.state, looked.booking) == (LinkState.OPEN, mine)
    assert get_booking(mailed, mine.id) == mine

    done, again = (cancelled(mailed, token, revision=mine.revision) for _ in range(2))

    assert done == again
    assert (done.state, done.action) == (LinkState.USED, "cancel")
    last = get_booking(mailed, mine.id).last_decision
    assert (last.action, last.by, last.by_mail) == ("cancelled", MEERA.id, True)
    assert mailed["mail_links"].count_documents({"purpose": "cancel"}) == 1


def test_of_two_presses_at_once_one_cancels(mailed, mine):
    token = link_to(mailed, mine)

    outcomes = at_once(*[lambda: cancelled(mailed, token, revision=mine.revision)] * 3)

    assert {one.state for one in outcomes} == {LinkState.USED}
    assert len(get_booking(mailed, mine.id).history) == len(mine.history) + 1


def test_a_booking_that_changed_is_not_cancelled_unseen(mailed, mine):
    token = link_to(mailed, mine)
    moved = move(mailed, mine.id, ground_id="ground-3", by=HEAD, now=at(hours=1))

    with pytest.raises(ChangedMeanwhile):
        cancelled(mailed, token, revision=mine.revision)

    assert get_booking(mailed, mine.id) == moved
    found = mailed_booking(mailed, token, address=ADDRESS, now=at(hours=4))
    assert (found.state, found.is_changed, found.booking) == (LinkState.OPEN, True, moved)
    [entry] = mailed["audit"].find({"action": "did not cancel by mail"})
    assert (entry["what"], entry["id"]) == ("booking", mine.id)


def test_a_link_ends_at_the_start_and_with_the_sign_ins_of_its_account(mailed, mine):
    token = link_to(mailed, mine)
    begun = cancelled(mailed, token, revision=mine.revision, now=at(hours=27))
    change_account(mailed, MEERA.id, active=False, by=ADMIN)
    over = cancelled(mailed, token, revision=mine.revision)

    assert (begun.state, over.state) == (LinkState.BEGUN, LinkState.OVER)
    assert get_booking(mailed, mine.id) == mine


@pytest.mark.parametrize("other", [RAVI, HEAD])
def test_a_link_of_somebody_elses_booking_cancels_nothing(mailed, mine, other):
    account = get_account(mailed, other.id)
    [token] = make_links(mailed, account, "m", [mine], NOW, Purpose.CANCEL).values()

    answer = cancelled(mailed, token, revision=mine.revision)

    assert answer.state is LinkState.NO_RIGHT
    assert get_booking(mailed, mine.id) == mine


def test_a_link_does_only_what_it_was_made_for(mailed, mine):
    asked = booked(mailed, student=2, start=10, now=NOW)
    [deciding] = make_links(mailed, get_account(mailed, HEAD.id), "m", [asked], NOW).values()
    cancelling = link_to(mailed, asked)
    options = {"revision": asked.revision, "address": ADDRESS, "now": at(minutes=1)}

    answers = [
        cancel_by_mail(mailed, deciding, **options),
        decide_by_mail(mailed, cancelling, "approve", **options),
        mailed_request(mailed, cancelling, address=ADDRESS, now=at(minutes=1)),
    ]

    assert {one.state for one in answers} == {LinkState.UNKNOWN}
    assert get_booking(mailed, asked.id) == asked


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.APPROVED])
def test_only_an_approved_booking_is_due_a_reminder(mailed, mine, status):
    zone = mailed.booking_settings.zone

    assert is_reminder_due(mine, 24, NOW + DUE, zone)
    assert not is_reminder_due(replace(mine, status=status), 24, NOW + DUE, zone)


@pytest.mark.parametrize(
    ("policy", "sent_after"),
    [
        ({}, [8, 32]),  # 3 hours before the start at 17:00, and 24 hours after that
        ({"ask_soon_hours": 0}, [24]),
        ({"ask_again_hours": 5, "ask_soon_hours": 0}, [5, 10, 15, 20, 25, 30]),
        ({"ask_again_hours": 0, "ask_soon_hours": 6}, [5]),
        ({"ask_again_hours": 0, "ask_soon_hours": 0}, []),
    ],
)
def test_requests_that_wait_are_mailed_again_as_the_settings_say(
    mailed, server, policy, sent_after
):
    save_policy(mailed, Policy(quota=None, **policy))
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    booked(mailed, student=1, start=17, on=NOW.date(), now=NOW)
    booked(mailed, student=2, on=DAY + timedelta(days=6), now=NOW)
    send(mailed, at(minutes=1))
    server.mails.clear()

    found = []
    for hour in range(1, 34):
        send(mailed, at(hours=hour, minutes=2))
        found += [hour] * len(server.mails)
        server.mails.clear()

    assert found == sent_after


@pytest.mark.parametrize("hours", [-1, 73, 1.5, True, None])
def test_hours_are_a_whole_number_up_to_three_days(hours):
    for name in ("remind_hours", "ask_again_hours", "ask_soon_hours"):
        with pytest.raises(InvalidRequest) as refused:
            Policy(**{name: hours})

        assert refused.value.field == name
