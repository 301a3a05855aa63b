"""A mail that may arrive twice: the links of both copies work."""

from __future__ import annotations

import pytest
from mailed_school import at, school_with_mail, send, tokens_in
from smtp_server import smtp_server
from support import ADMIN, HEAD, NOW, booked

from booking_core import (
    LinkState,
    Status,
    decide_by_mail,
    get_booking,
    mailed_request,
    reset_password,
    send_mails,
)
from booking_core.mail import outbox
from booking_core.mail.server import MailServer
from booking_core.sessions import account_of_password_link, ask_for_new_password
from booking_core.storage import mails
from pages.shared.text.mails import WRITING

pytestmark = pytest.mark.usefixtures("quick_hashes")
ADDRESS = "192.0.2.1"


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    return school_with_mail(make_db, server.port)


class Killed(BaseException):
    """As if the process had been killed at this step."""


def state(db, token):
    return mailed_request(db, token, address=ADDRESS, now=at(minutes=9)).state


def test_after_a_lost_answer_the_links_of_both_copies_work(mailed, server):
    asked = booked(mailed, student=1, now=NOW)
    server.loses_answer = True
    send(mailed, at(seconds=12))
    server.loses_answer = False
    send(mailed, at(minutes=2))

    first, second = (mail for mail in server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    [old], [new] = tokens_in(first), tokens_in(second)
    assert old != new
    assert (state(mailed, old), state(mailed, new)) == (LinkState.OPEN, LinkState.OPEN)

    done = decide_by_mail(
        mailed, old, "approve", revision=asked.revision, address=ADDRESS, now=at(minutes=9)
    )

    assert done.state is LinkState.USED
    assert get_booking(mailed, asked.id).status is Status.APPROVED
    assert state(mailed, new) is not LinkState.OPEN


def test_a_refusal_after_a_lost_answer_ends_the_links_of_its_own_try_alone(mailed, server):
    booked(mailed, student=1, now=NOW)
    server.loses_answer = True
    send(mailed, at(seconds=12))
    server.loses_answer, server.after_data = False, "451 later"
    send(mailed, at(minutes=2))

    [token] = tokens_in(server.mails[0])
    assert state(mailed, token) is LinkState.OPEN
    assert mailed["mail_links"].count_documents({}) == 1


def test_a_link_to_a_password_works_after_a_lost_answer(mailed, server):
    reset_password(mailed, HEAD.id, by=ADMIN, now=NOW)
    ask_for_new_password(mailed, HEAD.id, address=ADDRESS, now=NOW)
    server.loses_answer = True
    send_mails(mailed, WRITING, now=NOW)
    server.loses_answer = False
    send_mails(mailed, WRITING, now=at(minutes=2))

    tokens = [tokens_in(mail, "newpassword")[0] for mail in server.mails]
    assert len(set(tokens)) == 2
    for token in tokens:
        found = account_of_password_link(mailed, token, address=ADDRESS, now=at(minutes=3))
        assert found is not None
        assert found.id == HEAD.id


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("place", "step"),
    [(outbox, "_composed"), (MailServer, "send"), (mails, "note_sent")],
    ids=["compose", "send", "note"],
)
def test_each_copy_that_arrives_has_a_link_that_works_wherever_a_process_is_killed(
    mailed, server, monkeypatch, place, step, moment
):
    booked(mailed, student=1, now=NOW)
    work = getattr(place, step)

    def killed(*args, **options):
        if moment == "after":
            work(*args, **options)
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(place, step, killed)
        with pytest.raises(Killed):
            send(mailed, at(seconds=12))
    send(mailed, at(minutes=4))

    assert server.mails
    for mail in server.mails:
        [token] = tokens_in(mail)
        assert state(mailed, token) is LinkState.OPEN
