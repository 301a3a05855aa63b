"""Deciding a request by the link of a mail: once, by whom it was sent to, and as long as it may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from large_school import open_recorded
from mailed_school import at, school_with_mail, send, text_of, tokens_in
from smtp_server import smtp_server
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, at_once, booked

from booking_core import (
    Account,
    ChangedMeanwhile,
    InvalidRequest,
    LinkState,
    Policy,
    Role,
    TooManyAttempts,
    add_account,
    approve,
    cancel,
    change_account,
    decide_by_mail,
    delegate,
    end_delegation,
    get_account,
    get_booking,
    load_reference,
    mailed_request,
    move,
    reject,
    reset_password,
    save_policy,
    undo_change,
)
from booking_core.booking.mail_decisions import make_links
from booking_core.reports import find_changes
from booking_core.sessions import end_other_sessions
from booking_core.storage.bookings import writes

pytestmark = pytest.mark.usefixtures("quick_hashes")
ADDRESS = "192.0.2.1"


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    return school_with_mail(make_db, server.port)


@pytest.fixture
def asked(mailed, server):
    """A request of Meera, and the token of its link in the mail to the principal."""
    mine = booked(mailed, student=1, now=NOW)
    send(mailed, at(seconds=12))
    [mail] = server.mails
    [token] = tokens_in(mail)
    return mine, token


def looked(db, token, now=None):
    return mailed_request(db, token, address=ADDRESS, now=now or at(minutes=1))


def decided(db, token, verb="approve", *, revision=0, reason="", now=None, address=ADDRESS):
    return decide_by_mail(
        db,
        token,
        verb,
        revision=revision,
        reason=reason,
        address=address,
        now=now or at(minutes=1),
    )


def log_of(db):
    return [
        (row["by"], row["details"]["wanted"], row["details"]["refused"])
        for row in db["audit"].find({"action": "did not decide by mail"})
    ]


def test_a_mail_has_a_link_for_each_of_ten_requests_and_leads_to_approvals(mailed, server):
    for n in range(12):
        booked(mailed, student=n, start=8 + n % 6, on=DAY + timedelta(days=n // 6), now=NOW)

    send(mailed, at(seconds=12))

    [mail] = server.mails
    assert len(set(tokens_in(mail))) == 10
    said = " ".join(text_of(mail).split())
    assert "Ground 1, Tue 24 Nov, 8–9 AM for Student 0, 1-A, Volleyball, asked by Meera." in said
    assert "2 more wait on Approvals." in said
    assert "https://grounds.school.example/approvals" in said
    html = mail.get_body(("html",)).get_content()
    assert html.count('href="https://grounds.school.example/decide/') == 10
    stored = str(list(mailed["mail_links"].find()))
    assert [token for token in tokens_in(mail) if token in stored] == []


@pytest.mark.parametrize("settings", [{"public_url": None}, {"mail_decisions": "nobody"}])
def test_without_a_public_address_or_leave_a_mail_has_no_such_link(make_db, server, settings):
    policy = settings.pop("mail_decisions", None)
    db = school_with_mail(make_db, server.port, **settings)
    if policy is not None:
        save_policy(db, Policy(quota=None, mail_decisions=policy))
    booked(db, student=1, now=NOW)

    send(db, at(seconds=12))

    [mail] = server.mails
    assert "/decide/" not in text_of(mail)
    assert db["mail_links"].count_documents({}) == 0


def test_looking_changes_nothing_and_approving_is_in_the_history_by_mail(mailed, asked):
    mine, token = asked

    found = [looked(mailed, token) for _ in range(3)]

    assert [one.state for one in found] == [LinkState.OPEN] * 3
    assert get_booking(mailed, mine.id) == mine
    assert not found[0].is_changed
    done = decided(mailed, token)
    assert (done.state, done.action, done.booking.status.value) == (
        LinkState.USED,
        "approve",
        "Approved",
    )
    last = get_booking(mailed, mine.id).last_decision
    assert (last.action, last.by, last.by_mail) == ("approved", HEAD.id, True)
    [change] = [
        one
        for one in find_changes(mailed, by=ADMIN, first=NOW.date(), last=NOW.date())
        if one.action == "approved"
    ]
    assert change.details["by_mail"] is True


def test_the_same_call_again_is_answered_as_the_first_and_another_is_told(mailed, asked):
    mine, token = asked
    first = decided(mailed, token, "reject", reason="Exam")

    again = decided(mailed, token, "reject", reason="Exam")
    other = decided(mailed, token, "approve")
    longer = decided(mailed, token, "reject", reason="Other")

    assert (again.state, again.booking) == (LinkState.USED, first.booking)
    for one in (other, longer):
        assert (one.state, one.action, one.booking) == (LinkState.USED, "reject", None)
    assert len(get_booking(mailed, mine.id).history) == 2


def test_a_used_link_decides_nothing_after_an_undo(mailed, asked):
    mine, token = asked
    done = decided(mailed, token, "reject", reason="Exam", now=at(minutes=1))
    undone = undo_change(
        mailed, mine.id, by=HEAD, revision=done.booking.revision, now=at(minutes=1, seconds=5)
    )

    answer = decided(mailed, token, revision=undone.revision)

    assert (answer.state, answer.booking) == (LinkState.USED, None)
    assert get_booking(mailed, mine.id).status.value == "Pending"


@pytest.mark.parametrize("verbs", [("approve", "reject"), ("approve", "approve")])
def test_of_two_at_once_one_acts_and_the_other_is_told(mailed, asked, verbs):
    mine, token = asked
    outcomes = at_once(
        *(
            lambda verb=verb: decided(
                mailed, token, verb, reason="" if verb == "approve" else "Exam"
            )
            for verb in verbs
        )
    )

    assert {one.state for one in outcomes} == {LinkState.USED}
    stored = get_booking(mailed, mine.id)
    assert len(stored.history) == 2
    assert {one.action for one in outcomes} == {
        "approve" if stored.status.value == "Approved" else "reject"
    }
    assert sum(one.booking is not None for one in outcomes) == (1 if len(set(verbs)) == 2 else 2)


def test_a_link_that_is_used_while_it_is_read_is_told_as_used(mailed, asked, monkeypatch):
    _, token = asked
    real = writes.read

    def read_after_the_decision(db, id):
        monkeypatch.setattr(writes, "read", real)
        decided(mailed, token)
        return real(db, id)

    monkeypatch.setattr(writes, "read", read_after_the_decision)

    assert looked(mailed, token).state is LinkState.USED


def test_a_link_is_used_and_its_request_decided_in_one_step(mailed, asked, monkeypatch):
    _, token = asked

    class Killed(BaseException):
        pass

    def killed(*args, **options):
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(writes, "replace", killed)
        with pytest.raises(Killed):
            decided(mailed, token)

    assert looked(mailed, token).state is LinkState.OPEN
    assert decided(mailed, token).booking.status.value == "Approved"


def test_a_request_that_was_moved_is_shown_as_it_is_and_asked_about_again(mailed, asked):
    mine, token = asked
    moved = move(mailed, mine.id, ground_id="ground-3", by=MEERA, now=at(minutes=2))

    with pytest.raises(ChangedMeanwhile):
        decided(mailed, token, revision=mine.revision, now=at(minutes=3))

    found = looked(mailed, token, at(minutes=3))
    assert (found.state, found.is_changed, found.booking) == (LinkState.OPEN, True, moved)
    assert [entry.action for entry in found.since] == ["moved"]
    assert log_of(mailed) == [(HEAD.id, "approve", "ChangedMeanwhile")]
    done = decided(mailed, token, revision=moved.revision, now=at(minutes=4))
    assert done.booking.status.value == "Approved"


def test_a_move_between_the_look_and_the_write_is_not_approved(mailed, asked, monkeypatch):
    mine, token = asked
    replace = writes.replace

    def moved_before(db, before, after, session=None):
        if session is not None:
            monkeypatch.setattr(writes, "replace", replace)
            move(mailed, mine.id, ground_id="ground-3", by=MEERA, now=at(minutes=1))
        return replace(db, before, after, session)

    monkeypatch.setattr(writes, "replace", moved_before)
    with pytest.raises(ChangedMeanwhile):
        decided(mailed, token)

    assert get_booking(mailed, mine.id).status.value == "Pending"
    assert looked(mailed, token).state is LinkState.OPEN


def test_a_link_ends_as_the_slot_begins(mailed, asked):
    mine, token = asked
    begins = mine.slot.starts_at(mailed.booking_settings.zone)

    assert looked(mailed, token, begins - timedelta(seconds=1)).state is LinkState.OPEN
    assert looked(mailed, token, begins).state is LinkState.BEGUN
    assert decided(mailed, token, now=begins).state is LinkState.BEGUN
    assert get_booking(mailed, mine.id).status.value == "Pending"


def test_a_link_ends_after_seven_days(mailed, server):
    mine = booked(mailed, student=1, on=DAY + timedelta(days=20), now=NOW)
    send(mailed, at(seconds=12))
    [token] = tokens_in(server.mails[0])

    assert looked(mailed, token, at(days=7)).state is LinkState.OPEN
    for now in (at(days=7, seconds=12), at(days=8)):
        assert looked(mailed, token, now).state is LinkState.OVER
        assert decided(mailed, token, now=now).state is LinkState.OVER
    assert get_booking(mailed, mine.id).status.value == "Pending"


ENDS = {
    "disabled": lambda db: change_account(db, HEAD.id, active=False, by=ADMIN),
    "another role": lambda db: change_account(db, HEAD.id, role=Role.STAFF, by=ADMIN),
    "another password": lambda db: reset_password(db, HEAD.id, by=ADMIN),
    "signed out everywhere": lambda db: end_other_sessions(db, "", by=HEAD),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_link_ends_with_the_sign_ins_of_its_account(mailed, asked, end, monkeypatch):
    mine, token = asked
    monkeypatch.setattr("booking_core.access.sessions.present", lambda db: at(minutes=1))
    end(mailed)

    assert looked(mailed, token, at(minutes=1)).state is LinkState.OVER
    assert decided(mailed, token, now=at(minutes=1)).state is LinkState.OVER
    assert get_booking(mailed, mine.id).status.value == "Pending"


def test_a_link_ends_when_the_school_allows_it_no_more(mailed, asked):
    mine, token = asked
    save_policy(mailed, Policy(quota=None, mail_decisions="nobody"))

    assert looked(mailed, token).state is LinkState.NO_RIGHT
    assert decided(mailed, token).state is LinkState.NO_RIGHT
    assert get_booking(mailed, mine.id).status.value == "Pending"


@pytest.mark.parametrize("decide", [approve, reject, cancel])
def test_a_link_says_what_became_of_its_request(mailed, asked, decide):
    mine, token = asked
    reason = {} if decide is approve else {"reason": "Exam"}
    decide(mailed, mine.id, by=HEAD, now=NOW, **reason)

    found = decided(mailed, token)

    assert (found.state, found.booking) == (LinkState.DECIDED, get_booking(mailed, mine.id))
    assert len(found.booking.history) == 2


def test_a_delegate_gets_the_mail_too_and_decides_on_behalf(mailed, server):
    given = delegate(mailed, to=RAVI.id, first=NOW.date(), last=NOW.date(), by=HEAD, now=NOW)
    theirs = booked(mailed, student=1, now=NOW)
    booked(mailed, student=2, start=10, by=RAVI, now=NOW)

    send(mailed, at(seconds=12))

    sent = dict(zip(server.recipients, server.mails, strict=True))
    assert sorted(sent) == ["head@school.example", "ravi@school.example"]
    assert "1 request waits for a decision." in " ".join(
        text_of(sent["ravi@school.example"]).split()
    )
    [token] = tokens_in(sent["ravi@school.example"])
    done = decided(mailed, token)
    assert done.booking.id == theirs.id
    assert done.booking.last_decision.on_behalf_of == "Head"
    end_delegation(mailed, given.id, by=HEAD, now=at(minutes=2))


def test_a_delegation_that_ended_ends_the_links_of_the_delegate(mailed, server):
    given = delegate(mailed, to=RAVI.id, first=NOW.date(), last=NOW.date(), by=HEAD, now=NOW)
    mine = booked(mailed, student=1, now=NOW)
    send(mailed, at(seconds=12))
    sent = dict(zip(server.recipients, server.mails, strict=True))
    [token] = tokens_in(sent["ravi@school.example"])
    end_delegation(mailed, given.id, by=HEAD, now=at(seconds=30))

    assert looked(mailed, token).state is LinkState.NO_RIGHT
    assert decided(mailed, token).state is LinkState.NO_RIGHT
    assert get_booking(mailed, mine.id).status.value == "Pending"


def test_a_second_factor_is_not_got_round_by_a_mail(mailed, server):
    mailed["accounts"].update_one(
        {"_id": HEAD.id},
        {"$set": {"second_factor": {"secret": "A" * 32, "last_step": 0, "recovery": []}}},
    )
    booked(mailed, student=1, now=NOW)
    send(mailed, at(seconds=12))
    assert "/decide/" not in text_of(server.mails[0])

    save_policy(mailed, Policy(quota=None, mail_decisions="everybody"))
    booked(mailed, student=2, start=11, now=at(minutes=20))
    send(mailed, at(minutes=21))

    tokens = tokens_in(server.mails[1])
    assert len(tokens) == 2
    save_policy(mailed, Policy(quota=None))
    assert looked(mailed, tokens[0], at(minutes=22)).state is LinkState.NO_RIGHT


def test_where_the_school_asks_for_a_second_factor_nobody_without_one_gets_links(mailed, server):
    add_account(
        mailed,
        Account("deputy", "Deputy", Role.PRINCIPAL, "deputy@school.example"),
        password="four horses in a field",
        now=NOW,
    )
    save_policy(mailed, Policy(quota=None, second_factor=True))
    booked(mailed, student=1, now=NOW)

    send(mailed, at(seconds=12))

    sent = dict(zip(server.recipients, server.mails, strict=True))
    assert "/decide/" not in text_of(sent["deputy@school.example"])


def test_a_rule_that_the_request_breaks_by_now_leaves_the_link_open(mailed, asked):
    _, token = asked
    students = mailed["students"]
    students.update_one({"_id": "S001"}, {"$set": {"active": False}})
    mailed["meta"].update_one({"_id": "revision"}, {"$inc": {"students": 1}})
    assert not load_reference(mailed).students["S001"].active

    with pytest.raises(Exception, match="StudentInactive"):
        decided(mailed, token)

    assert log_of(mailed) == [(HEAD.id, "approve", "StudentInactive")]
    assert looked(mailed, token).state is LinkState.OPEN


def test_every_link_costs_the_same_reads(mailed, asked, mongod_uri):
    _, token = asked
    used = link_to(mailed, student=8, start=15)
    decided(mailed, used)
    over = link_to(mailed, student=9, start=16, now=at(days=-8))
    db, recorder = open_recorded(mongod_uri, mailed.name)
    mailed_request(db, token, address=ADDRESS)

    counts = []
    for text in (token, used, over, token[:-1], "", "x" * 5000, "ü"):
        recorder.queries.clear()
        mailed_request(db, text, address=ADDRESS, now=at(minutes=40))
        counts.append(sorted(query.collection for query in recorder.queries))

    db.client.close()
    assert counts == [counts[0]] * len(counts)
    assert len(counts[0]) >= 4


def link_to(db, *, now=NOW, **request):
    mine = booked(db, now=NOW, **request)
    [token] = make_links(db, get_account(db, HEAD.id), "a", [mine], now).values()
    return token


def test_guesses_are_slowed_and_a_right_token_is_no_guess(mailed, asked):
    _, token = asked
    for n in range(99):
        assert looked(mailed, f"guess{n}").state is LinkState.UNKNOWN
        if n % 10 == 0:
            assert looked(mailed, token).state is LinkState.OPEN
    assert looked(mailed, "the hundredth").state is LinkState.UNKNOWN

    with pytest.raises(TooManyAttempts):
        looked(mailed, token)
    with pytest.raises(TooManyAttempts):
        decided(mailed, token)
    assert decided(mailed, token, address="192.0.2.2").state is LinkState.USED


@pytest.mark.parametrize(
    ("verb", "fields", "field"),
    [
        ("revoke", {}, "verb"),
        ("reject", {}, "reason"),
        ("approve", {"revision": "0"}, "revision"),
        ("approve", {"revision": True}, "revision"),
        ("reject", {"reason": "x" * 501}, "reason"),
    ],
)
def test_bad_input_names_its_field(mailed, asked, verb, fields, field):
    with pytest.raises(InvalidRequest) as refused:
        decided(mailed, asked[1], verb, **fields)
    assert refused.value.field == field


def test_a_mail_that_was_not_taken_leaves_no_links(mailed, server):
    booked(mailed, student=1, now=NOW)
    server.stop()
    send(mailed, at(seconds=12))
    assert mailed["mail_links"].count_documents({}) == 0
    with smtp_server(port=server.port) as again:
        send(mailed, at(minutes=3))
    [token] = tokens_in(again.mails[0])
    assert looked(mailed, token, at(minutes=4)).state is LinkState.OPEN
    assert mailed["mail_links"].count_documents({}) == 1


def test_a_name_or_a_purpose_adds_no_line_of_its_own_and_no_link(mailed, server):
    wicked = "Eve <a href='https://evil.example'>x</a>"
    change_account(mailed, MEERA.id, name=wicked, by=ADMIN)
    booked(mailed, student=1, purpose="\nBcc: eve@evil.example\n", now=NOW,
           by=MEERA.__class__(MEERA.id, MEERA.role, wicked))  # fmt: skip

    send(mailed, at(seconds=12))

    [mail] = server.mails
    assert server.recipients == ["head@school.example"]
    assert mail["Bcc"] is None
    assert "<a href='https://evil" not in mail.get_body(("html",)).get_content()
