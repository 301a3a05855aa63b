"""The list of a day by mail to the caretakers of grounds: what, when, once, and to whom."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from closing_steps import closed
from mailed_school import at, school_with_mail, send, text_of
from smtp_server import smtp_server
from support import ADMIN, DAY, HEAD, MEERA, NOW, at_once, booked

from booking_core import (
    InvalidRequest,
    MailWish,
    Policy,
    approve,
    change_ground,
    connect,
    erase_account,
    load_reference,
    save_days,
    save_policy,
    send_mails,
    set_mail_wish,
)
from booking_core.domain.mail import is_day_list_due
from pages.shared.text.mails import WRITING

pytestmark = pytest.mark.usefixtures("quick_hashes")
CARETAKER = "caretaker@school.example"
TIME = time(7)
DUE = timedelta(hours=25)  # from NOW: 7:00 of the next day


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    db = school_with_mail(make_db, server.port)
    for who in (HEAD, MEERA):
        set_mail_wish(db, MailWish.NONE, by=who)
    save_policy(db, Policy(quota=None, day_list_at=TIME))
    change_ground(db, "ground-1", caretaker_email=CARETAKER, by=ADMIN, now=NOW)
    return db


def lists(server):
    return [mail for mail in server.mails if "the school has your address" in text_of(mail)]


def said(mail):
    return " ".join(text_of(mail).split())


def test_the_list_of_the_day_is_mailed_once_at_its_time(mailed, server):
    approve(mailed, booked(mailed, student=1, now=NOW).id, by=HEAD, now=NOW)
    booked(mailed, student=2, start=11, now=NOW)
    booked(mailed, student=3, ground="ground-2", now=NOW)
    send(mailed, NOW + DUE - timedelta(minutes=1))
    assert lists(server) == []

    for minutes in (0, 1, 90):
        send(mailed, NOW + DUE + timedelta(minutes=minutes))

    [mail] = lists(server)
    assert server.recipients == [CARETAKER]
    assert mail["Subject"] == "Tue 24 Nov: Ground 1"
    assert mail["List-Unsubscribe"] is None
    assert "Hello, As of 7 AM today. What changes later is not mailed again." in said(mail)
    assert "Ground 1 9–10 AM Volleyball 2-A 11 AM – 12 PM Volleyball" in said(mail)
    assert "Requested" in said(mail)
    assert "Student 1" not in said(mail)
    assert "/wall?ground=ground-1" in said(mail)
    assert "/mail" not in said(mail)


@pytest.mark.parametrize(
    ("shows", "is_said", "is_not"),
    [
        ("none", "9–10 AM Booked", "Volleyball"),
        ("class", "9–10 AM Volleyball 2-A", "Student 1"),
        ("student", "9–10 AM Volleyball Student 1, 2-A", "nothing"),
    ],
)
def test_a_list_names_what_the_wall_may_show(mailed, server, shows, is_said, is_not):
    save_policy(mailed, Policy(quota=None, day_list_at=TIME, wall_shows=shows))
    approve(mailed, booked(mailed, student=1, now=NOW).id, by=HEAD, now=NOW)

    send(mailed, NOW + DUE)

    [mail] = lists(server)
    assert is_said in said(mail)
    assert is_not not in said(mail)


def test_the_grounds_of_one_address_are_in_one_mail(mailed, server):
    change_ground(mailed, "ground-2", caretaker_email=CARETAKER.upper(), by=ADMIN, now=NOW)
    change_ground(mailed, "ground-3", caretaker_email="other@school.example", by=ADMIN, now=NOW)
    closed(mailed, ground_ids=["ground-2"], start=time(9), end=time(0))

    send(mailed, NOW + DUE)

    assert sorted(server.recipients) == [CARETAKER, "other@school.example"]
    by_reader = {mail["To"]: said(mail) for mail in lists(server)}
    assert "Ground 1 Nothing is booked. Ground 2 from 9 AM Closed" in by_reader[CARETAKER]
    assert "Ground 3 Nothing is booked." in by_reader["other@school.example"]


def test_of_several_processes_one_sends_the_list(mailed, server):
    others = [connect(mailed.booking_settings) for _ in range(3)]

    at_once(*(lambda db=db: send_mails(db, WRITING, now=NOW + DUE) for db in (mailed, *others)))

    assert server.recipients == [CARETAKER]
    for db in others:
        db.client.close()


def test_no_school_mails_lists_by_default(mailed, server):
    save_policy(mailed, Policy(quota=None))

    send(mailed, NOW + DUE)

    assert lists(server) == []


def test_a_day_without_school_has_no_list(mailed, server):
    save_days(mailed, [DAY], timetable_id=None, note="Holiday")

    send(mailed, NOW + DUE)

    assert lists(server) == []


def test_a_retired_ground_is_in_no_list(mailed, server):
    change_ground(mailed, "ground-1", retired=True, by=ADMIN, now=NOW)

    send(mailed, NOW + DUE)

    assert lists(server) == []


def test_a_list_that_was_not_sent_is_that_of_its_moment_and_ends_with_the_day(mailed, server):
    server.stop()
    send(mailed, NOW + DUE)
    booked(mailed, student=1, start=12, now=NOW + DUE)

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(hours=2))
        [mail] = lists(again)

    assert "As of 9 AM today" in said(mail)
    assert "12–1 PM" in said(mail)


def test_a_list_is_not_sent_once_its_day_is_over(mailed, server):
    server.stop()
    send(mailed, NOW + DUE)

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(hours=16))

        assert lists(again) == []
        assert mailed["mails"].count_documents({"day_list": DAY.isoformat()}) == 0


@pytest.mark.parametrize("change", ["address", "setting"])
def test_what_no_ground_or_school_wants_any_more_is_deleted_unsent(mailed, server, change):
    server.stop()
    send(mailed, NOW + DUE)
    assert CARETAKER not in repr(list(mailed["mails"].find()))
    if change == "address":
        change_ground(mailed, "ground-1", caretaker_email="", by=ADMIN, now=NOW + DUE)
    else:
        save_policy(mailed, Policy(quota=None))

    with smtp_server(port=server.port) as again:
        send(mailed, NOW + DUE + timedelta(minutes=10))

        assert lists(again) == []
    assert mailed["mails"].count_documents({"day_list": {"$exists": True}}) == 0


def test_a_wrong_address_is_refused_with_its_field(mailed):
    for wrong in ("nobody", "a b@school.example", "a@school", "a@b.c\r\nBcc: x@y.z", "x" * 260):
        with pytest.raises(InvalidRequest) as refused:
            change_ground(mailed, "ground-1", caretaker_email=wrong, by=ADMIN, now=NOW)
        assert refused.value.field == "caretaker_email"

    assert load_reference(mailed).grounds["ground-1"].caretaker_email == CARETAKER


@pytest.mark.parametrize("wrong", ["07:00", 7, time(7, 3)])
def test_the_time_of_the_list_is_a_time_of_day(wrong):
    with pytest.raises(InvalidRequest) as refused:
        Policy(day_list_at=wrong)

    assert refused.value.field == "day_list_at"


def test_no_copy_of_the_past_and_no_entry_of_the_audit_log_has_the_address(mailed):
    change_ground(mailed, "ground-1", name="Main", by=ADMIN, now=at(days=1))
    change_ground(mailed, "ground-1", caretaker_email="", by=ADMIN, now=at(days=2))

    for name in ("school_history", "audit"):
        rows = list(mailed[name].find())
        assert rows
        assert CARETAKER not in repr(rows)
    entries = mailed["audit"].find({"what": "ground", "by": ADMIN.id}, sort=[("at", 1)])
    said = [entry["details"]["after"].get("caretaker") for entry in entries]
    assert said == ["another address", None, "no address"]


def test_erasing_an_account_takes_its_address_from_grounds(mailed):
    change_ground(
        mailed, "ground-1", caretaker_email=f"{MEERA.id}@school.example", by=ADMIN, now=NOW
    )
    change_ground(mailed, "ground-2", caretaker_email=CARETAKER, by=ADMIN, now=NOW)

    erase_account(mailed, MEERA.id, by=ADMIN, now=at(minutes=1))

    grounds = load_reference(mailed).grounds
    assert (grounds["ground-1"].caretaker_email, grounds["ground-2"].caretaker_email) == (
        "",
        CARETAKER,
    )


def test_a_list_is_due_from_its_time_until_the_last_period_ends(mailed):
    zone, ends = mailed.booking_settings.zone, [time(10), time(15)]

    def is_due(hour, minute=0, when=TIME, ends=ends):
        now = NOW.astimezone(zone).replace(hour=hour, minute=minute)
        return is_day_list_due(when, now.date(), ends, now, zone)

    assert [is_due(6, 59), is_due(7), is_due(14, 59), is_due(15)] == [False, True, True, False]
    assert not is_due(8, when=None)
    assert not is_due(8, ends=[])
    assert is_due(23, 59, ends=[time(0)])
