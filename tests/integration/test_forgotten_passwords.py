"""A forgotten password: a link by mail, once, for half an hour, and nobody learns who exists."""

from __future__ import annotations

import pyotp
import pytest
from large_school import open_recorded
from mailed_school import at, school_with_mail, send, text_of, tokens_in
from smtp_server import smtp_server
from support import ADMIN, NOW, at_once, audit_entry, booked

from booking_core import (
    Account,
    InvalidRequest,
    LinkState,
    MailWish,
    Role,
    TooManyAttempts,
    add_account,
    change_account,
    erase_account,
    get_account,
    mailed_request,
    reset_password,
    set_mail_wish,
)
from booking_core.booking.mail_decisions import make_links
from booking_core.domain.errors import SecondFactorNeeded, SignInRefused
from booking_core.sessions import (
    account_of_password_link,
    ask_for_new_password,
    begin_second_factor,
    confirm_second_factor,
    open_session,
    session_of,
    set_forgotten_password,
    sign_in,
)

pytestmark = pytest.mark.usefixtures("quick_hashes")
OLD, NEW = "four horses in a field", "seven otters on a hill"
ADDRESS = "192.0.2.1"


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    """Asha has a password and an address; Meera has an address alone, Nobuko a password alone."""
    db = school_with_mail(make_db, server.port)
    asha = Account("asha", "Asha Rao", Role.PRINCIPAL, "asha@school.example")
    add_account(db, asha, password=OLD, now=NOW)
    add_account(db, Account("nobuko", "Nobuko", Role.STAFF), password=OLD, now=NOW)
    return db


def ask(db, name="asha", *, now=NOW, address=ADDRESS):
    ask_for_new_password(db, name, address=address, now=now)
    send(db, now)


def link(db, server):
    ask(db)
    return tokens_in(server.mails[-1], "newpassword")[0]


def choose(db, token, new=NEW, *, now=None, address=ADDRESS):
    return set_forgotten_password(db, token, new, address=address, now=now or at(minutes=1))


def opens(db, password, now=None):
    return sign_in(db, "asha", password, address=ADDRESS, now=now or at(minutes=2)).account.id


@pytest.mark.parametrize("name", ["asha", " ASHA ", "asha@school.example", "Asha@School.Example"])
def test_a_link_sets_a_new_password_and_ends_the_sessions(mailed, server, name):
    session = open_session(mailed, "asha", now=NOW)
    ask(mailed, name)

    [mail] = server.mails
    assert server.recipients == ["asha@school.example"]
    assert mail["Subject"] == "Choose a new password"
    [token] = tokens_in(mail, "newpassword")
    assert token not in str(list(mailed["mail_links"].find()))
    assert token not in str(list(mailed["mails"].find()))
    assert choose(mailed, token).id == "asha"

    assert session_of(mailed, session, now=at(minutes=1)) is None
    assert opens(mailed, NEW) == "asha"
    with pytest.raises(SignInRefused):
        opens(mailed, OLD)
    assert audit_entry(mailed, "changed by mail the password of")["by"] == "asha"
    assert audit_entry(mailed, "sent a password link to")["id"] == "asha"


def test_a_link_works_once_also_at_the_same_moment(mailed, server):
    token = link(mailed, server)

    outcomes = at_once(
        *(lambda new=f"{NEW} {n}": choose(mailed, new=new, token=token) for n in range(4))
    )

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert sum(one is not None for one in outcomes) == 1
    assert choose(mailed, token) is None
    assert [row["used_for"] for row in mailed["mail_links"].find()] == ["password"]
    assert mailed["audit"].count_documents({"action": "changed by mail the password of"}) == 1


def test_a_link_is_over_after_half_an_hour(mailed, server):
    token = link(mailed, server)

    def open_at(now):
        return account_of_password_link(mailed, token, address=ADDRESS, now=now)

    assert open_at(at(minutes=29, seconds=59)).id == "asha"
    assert open_at(at(minutes=30)) is None
    assert choose(mailed, token, now=at(minutes=30)) is None
    assert opens(mailed, OLD) == "asha"


ENDS = {
    "disabled": lambda db: change_account(db, "asha", active=False, by=ADMIN),
    "another role": lambda db: change_account(db, "asha", role=Role.STAFF, by=ADMIN),
    "another password": lambda db: reset_password(db, "asha", by=ADMIN),
    "without an address": lambda db: change_account(db, "asha", email=None, by=ADMIN),
    "another address": lambda db: change_account(
        db, "asha", email="a@new.example", by=ADMIN, now=NOW
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_link_ends_with_what_changes_its_account(mailed, server, end):
    token = link(mailed, server)
    end(mailed)
    stored = mailed["accounts"].find_one({"_id": "asha"})

    assert choose(mailed, token) is None
    assert mailed["accounts"].find_one({"_id": "asha"}) == stored


def test_an_erased_account_leaves_no_link(mailed, server):
    link(mailed, server)
    change_account(mailed, "asha", active=False, by=ADMIN)
    erase_account(mailed, "asha", by=ADMIN)
    assert mailed["mail_links"].count_documents({}) == 0


def test_the_second_factor_stays_and_is_asked_for(mailed, server):
    session = open_session(mailed, "asha", now=NOW)
    made = begin_second_factor(mailed, session, now=NOW)
    confirm_second_factor(mailed, session, pyotp.TOTP(made.key).at(NOW), now=NOW)

    choose(mailed, link(mailed, server))

    assert get_account(mailed, "asha").has_second_factor
    with pytest.raises(SecondFactorNeeded):
        opens(mailed, NEW)


@pytest.mark.parametrize("new", ["short", "password1234", "asha asha asha", "x" * 201])
def test_a_password_that_breaks_a_rule_leaves_the_link_open(mailed, server, new):
    token = link(mailed, server)

    with pytest.raises(InvalidRequest) as refused:
        choose(mailed, token, new)

    assert refused.value.field == "password"
    assert choose(mailed, token).id == "asha"


@pytest.mark.parametrize(
    "name",
    ["nobody", "", "-", "meera", "nobuko", "gone@school.example", "x" * 5000, "\ud800", "a\nb"],
)
def test_who_has_no_password_or_no_address_gets_no_mail(mailed, server, name):
    ask(mailed, name)

    assert server.mails == []
    assert mailed["mails"].count_documents({}) == 0
    assert mailed["mail_links"].count_documents({}) == 0


def test_a_disabled_account_gets_no_mail_and_a_wish_for_none_does_not_matter(mailed, server):
    change_account(mailed, "asha", active=False, by=ADMIN)
    ask(mailed)
    assert server.mails == []
    change_account(mailed, "asha", active=True, by=ADMIN)
    set_mail_wish(mailed, MailWish.NONE, by=get_account(mailed, "asha").actor)
    ask(mailed, now=at(minutes=1))
    assert len(server.mails) == 1


def test_every_name_costs_the_same(mailed, mongod_uri):
    db, recorder = open_recorded(mongod_uri, mailed.name)
    db.booking_settings = mailed.booking_settings
    ask_for_new_password(db, "warm", address=ADDRESS, now=NOW)

    counts = []
    for n, name in enumerate(("asha", "asha@school.example", "meera", "nobody", "", "x" * 500)):
        recorder.queries.clear()
        before = mailed["mails"].count_documents({})
        ask_for_new_password(db, name, address=f"192.0.2.{n}", now=NOW)
        counts.append(
            (
                sorted(query.collection for query in recorder.queries),
                mailed["mails"].count_documents({}) - before,
            )
        )

    db.client.close()
    assert counts == [counts[0]] * len(counts)
    assert counts[0][1] == 1
    assert counts[0][0].count("accounts") == 2


def test_a_name_and_an_address_are_limited_alike_whether_they_exist(mailed):
    for name in ("asha", "nobody"):
        for _ in range(5):
            ask_for_new_password(mailed, name, address=f"192.0.2.{name}", now=NOW)
        with pytest.raises(TooManyAttempts):
            ask_for_new_password(mailed, name, address="198.51.100.1", now=NOW)
    for n in range(100):  # a whole school may share one address
        ask_for_new_password(mailed, f"guess{n}", address="203.0.113.1", now=NOW)
    with pytest.raises(TooManyAttempts):
        ask_for_new_password(mailed, "another", address="203.0.113.1", now=NOW)


def test_an_account_gets_three_mails_an_hour_by_whichever_name(mailed, server):
    for n, name in enumerate(("asha", "asha@school.example", "ASHA", "asha")):
        ask(mailed, name, now=at(seconds=n))
    assert len(server.mails) == 3
    ask(mailed, now=at(hours=1, seconds=1))
    assert len(server.mails) == 4


def test_a_mail_that_waited_too_long_is_not_sent(mailed, server):
    server.stop()
    ask(mailed)
    with smtp_server(port=server.port) as again:
        send(mailed, at(minutes=31))
    assert again.mails == []
    assert mailed["mails"].count_documents({}) == 0


def test_a_link_to_a_decision_sets_no_password_and_the_other_way_round(mailed, server):
    token = link(mailed, server)
    mine = booked(mailed, now=NOW)
    asha = get_account(mailed, "asha")
    [decision] = make_links(mailed, asha, "m", [mine], NOW).values()

    assert mailed_request(mailed, token, address=ADDRESS, now=NOW).state is LinkState.UNKNOWN
    assert choose(mailed, decision) is None


@pytest.mark.parametrize("settings", [{"public_url": None}, {"smtp_host": None}])
def test_without_mail_or_a_public_address_there_is_no_link(make_db, server, settings):
    db = school_with_mail(make_db, server.port, **settings)
    with pytest.raises(InvalidRequest):
        ask_for_new_password(db, "asha", address=ADDRESS, now=NOW)
    assert db["mails"].count_documents({}) == 0


def test_guesses_are_counted_with_those_of_the_other_links(mailed, server):
    token = link(mailed, server)
    for n in range(100):
        assert choose(mailed, f"guess{n}") is None
    with pytest.raises(TooManyAttempts):
        choose(mailed, token)
    assert choose(mailed, token, address="192.0.2.9").id == "asha"


def test_a_name_adds_no_header(mailed, server):
    change_account(mailed, "asha", name="Asha <b>Bcc: eve@evil.example</b>", by=ADMIN)
    ask(mailed)
    [mail] = server.mails
    assert mail["Bcc"] is None
    assert server.recipients == ["asha@school.example"]
    assert "<b>Bcc" not in mail.get_body(("html",)).get_content()
    assert "for asha at the ground bookings" in " ".join(text_of(mail).split())
