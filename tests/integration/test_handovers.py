"""Mails to those to whom decisions were handed over: to whom, when, once, and what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mailed_school import PUBLIC_URL, at, school_with_mail, send, text_of
from smtp_server import smtp_server
from support import ADMIN, DAY, DEPUTY, HEAD, MEERA, NOW, RAVI, at_once

from booking_core import (
    Account,
    MailWish,
    Role,
    add_account,
    change_account,
    connect,
    delegate,
    end_delegation,
    send_mails,
    set_mail_wish,
)
from booking_core.domain.mail import Mail
from booking_core.storage import mails
from pages.shared.text.mails import WRITING

pytestmark = pytest.mark.usefixtures("quick_hashes")
TODAY = NOW.date()


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    db = school_with_mail(make_db, server.port)
    add_account(db, Account("deputy", "Deputy", Role.PRINCIPAL, "deputy@school.example"), now=NOW)
    send(db, NOW)
    return db


def given(db, to=MEERA, first=TODAY, last=TODAY, by=HEAD, now=NOW):
    return delegate(db, to=to.id, first=first, last=last, by=by, now=now)


def said(mail):
    return " ".join(text_of(mail).split())


def test_a_delegate_gets_one_mail_with_the_days(mailed, server):
    given(mailed, last=DAY + timedelta(days=2))

    send(mailed, at(seconds=11))
    assert server.mails == []
    for later in (12, 13, 60, 100_000):
        send(mailed, at(seconds=later))

    [mail] = server.mails
    assert server.recipients == ["meera@school.example"]
    assert mail["Subject"] == "You decide for Head, from Mon 23 Nov until Thu 26 Nov"
    days = "from Mon 23 Nov until Thu 26 Nov."
    assert f"You decide about requests for Head {days}" in said(mail)
    assert "Approvals lists what waits then. Others approve your own requests." in said(mail)
    assert f"Open Approvals: {PUBLIC_URL}/approvals" in text_of(mail)
    assert "because Head has handed decisions over to you." in said(mail)


def test_before_the_first_day_there_is_no_link_to_approvals(mailed, server):
    given(mailed, first=DAY, last=DAY)

    send(mailed, at(seconds=12))

    [mail] = server.mails
    assert mail["Subject"] == "You decide for Head, on Tue 24 Nov"
    assert "/approvals" not in text_of(mail)


def test_of_several_processes_one_mails_it(mailed, server):
    given(mailed)
    others = [connect(mailed.booking_settings) for _ in range(3)]
    now = at(seconds=12)

    at_once(*(lambda db=db: send_mails(db, WRITING, now=now) for db in (mailed, *others)))

    assert server.recipients == ["meera@school.example"]
    for db in others:
        db.client.close()


def test_each_delegation_has_a_mail(mailed, server):
    given(mailed)
    given(mailed, by=DEPUTY)
    given(mailed, to=RAVI)

    send(mailed, at(seconds=12))

    assert sorted(server.recipients) == [
        "meera@school.example", "meera@school.example", "ravi@school.example"
    ]  # fmt: skip


def test_a_delegation_that_ends_at_once_is_not_mailed(mailed, server):
    one = given(mailed)
    end_delegation(mailed, one.id, by=HEAD, now=at(seconds=9))

    send(mailed, at(seconds=12))

    assert server.mails == []


@pytest.mark.parametrize("change", ["ended", "no principal", "is principal", "over"])
def test_what_lets_nobody_decide_when_the_mail_is_sent_is_not_told(mailed, server, change):
    one = given(mailed)
    server.stop()
    send(mailed, at(seconds=12))
    assert mailed["mails"].count_documents({"reminds": one.id}) == 1
    if change == "ended":
        end_delegation(mailed, one.id, by=HEAD, now=at(seconds=20))
    elif change == "no principal":
        change_account(mailed, HEAD.id, role=Role.STAFF, by=ADMIN)
    elif change == "is principal":
        change_account(mailed, MEERA.id, role=Role.PRINCIPAL, by=ADMIN)

    with smtp_server(port=server.port) as again:
        send(mailed, at(hours=24) if change == "over" else at(minutes=10))

    assert again.mails == []
    assert mailed["mails"].count_documents({"reminds": one.id}) == 0


def test_a_principal_who_could_decide_anyway_gets_no_mail(mailed, server):
    given(mailed, to=DEPUTY)

    send(mailed, at(seconds=12))

    assert mailed["mails"].count_documents({}) == 0


def test_a_delegation_of_a_time_without_mail_is_not_told(mailed, server):
    given(mailed, last=DAY + timedelta(days=9))

    send(mailed, at(hours=48, seconds=1))

    assert server.mails == []


def test_no_mail_goes_to_who_wants_none(mailed, server):
    set_mail_wish(mailed, MailWish.NONE, by=MEERA)
    given(mailed)

    send(mailed, at(seconds=12))

    assert server.mails == []


def test_who_gets_one_mail_a_day_is_told_at_its_time(mailed, server):
    """NOW is 6:00 in the school's zone."""
    set_mail_wish(mailed, MailWish.DAILY, by=MEERA)
    given(mailed, last=DAY)

    send(mailed, at(minutes=59))
    assert server.mails == []
    send(mailed, at(minutes=60))

    [mail] = server.mails
    assert mail["Subject"] == "You decide for Head, from Mon 23 Nov until Tue 24 Nov"


def test_nobody_else_is_told_of_a_delegation(mailed, server):
    one = given(mailed)
    send(mailed, at(seconds=12))
    [stored] = mailed["mails"].find({"reminds": one.id})
    mailed["mails"].delete_one({"_id": stored["_id"]})
    server.mails.clear()
    mails.queue(mailed, Mail(stored["_id"], RAVI.id, NOW, (), asks=False, reminds=one.id))

    send(mailed, at(seconds=13))

    assert server.mails == []
