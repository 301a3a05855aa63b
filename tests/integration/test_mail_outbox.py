"""Notices by mail: what one mail tells, to whom and when; each once, whatever fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from closing_steps import closed
from icalendar import Calendar as ICalendar
from smtp_server import silent_server, smtp_server
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, at_once, booked, eventually

from booking_core import (
    Account,
    MailWish,
    Policy,
    Role,
    add_account,
    answer,
    approve,
    ask,
    cancel,
    change_account,
    connect,
    end_early,
    erase_account,
    get_account,
    load_reference,
    mark_read,
    move,
    notices_for,
    reject,
    revoke,
    save_ground,
    save_policy,
    send_mails,
    set_mail_wish,
    undo_change,
    undo_closing,
    write_notices,
)
from booking_core.domain.mail import Mail
from booking_core.mail import outbox
from booking_core.mail.server import MailServer
from booking_core.operations import doctor
from booking_core.storage import mails
from pages.shared.live.runtime import Services
from pages.shared.text.mails import WRITING

pytestmark = pytest.mark.usefixtures("quick_hashes")
QUIET = timedelta(seconds=12)
STAFF_MAILS = ("meera@school.example", "ravi@school.example")


def at(**later: float) -> datetime:
    return NOW + timedelta(**later)


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def mailed(make_db, server):
    """A school with a mail server, and accounts of Meera, Ravi and a principal with addresses."""
    db = make_db(
        quota=None,
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_security="none",
        mail_from="grounds@school.example",
        public_url="https://grounds.school.example",
    )
    for actor in (MEERA, RAVI, HEAD, ADMIN):
        email = f"{actor.id}@school.example"
        add_account(db, Account(actor.id, actor.name, actor.role, email), now=NOW)
    set_mail_wish(db, MailWish.NONE, by=HEAD)  # requests are told to principals: own tests
    assert write_notices(db, now=NOW) == 0
    return db


def send(db, now):
    write_notices(db, now=now)
    return send_mails(db, WRITING, now=now)


def text_of(mail):
    return " ".join(mail.get_body(("plain",)).get_content().split())


def approved(db, *, by=MEERA, now=NOW, **request):
    mine = booked(db, by=by, now=now, **request)
    return approve(db, mine.id, by=HEAD, now=now)


def test_a_decision_is_mailed_once_after_the_quiet(mailed, server):
    approved(mailed, student=1)

    assert send(mailed, at(seconds=11)) == pytest.approx(1.0)
    assert server.mails == []
    send(mailed, at(seconds=12))
    send(mailed, at(seconds=60))

    [mail] = server.mails
    assert server.recipients == ["meera@school.example"]
    assert mail["Subject"] == "Approved: Ground 1, Tue 24 Nov, 9–10 AM"
    assert "Your booking Ground 1, Tue 24 Nov, 9–10 AM for Student 1" in text_of(mail)
    assert "was approved by Head." in text_of(mail)
    assert "https://grounds.school.example/bookings" in text_of(mail)


def test_forty_approvals_in_one_go_are_one_mail(mailed, server):
    ids = [
        booked(mailed, student=n, ground=f"ground-{1 + n % 2}", start=8 + n // 2 % 10,
               on=DAY + timedelta(days=n // 20), now=NOW).id
        for n in range(40)
    ]  # fmt: skip
    for n, id in enumerate(ids):
        approve(mailed, id, by=HEAD, now=at(seconds=n / 4))

    send(mailed, at(seconds=11))
    send(mailed, at(seconds=22))

    [mail] = server.mails
    assert mail["Subject"] == "Approved: 40 of your bookings"
    assert "40 of your bookings were approved by Head." in text_of(mail)


def events_of(mail):
    """Method, status, UID, SEQUENCE and start of each attached event."""
    found = []
    for part in mail.iter_attachments():
        assert part.get_content_type() == "text/calendar"
        calendar = ICalendar.from_ical(part.get_content())
        [event] = calendar.walk("VEVENT")
        assert part.get_param("method") == calendar["METHOD"]
        assert str(event["ATTENDEE"]) == f"mailto:{mail['To'].addresses[0].addr_spec}"
        start = f"{event['DTSTART'].dt:%d %H:%M}"
        found.append(
            (calendar["METHOD"], event["STATUS"], event["UID"], int(event["SEQUENCE"]), start)
        )
    return found


def test_the_event_in_a_mail_updates_and_cancels_the_one_before(mailed, server):
    mine = approved(mailed, student=1)
    send(mailed, at(seconds=12))
    move(mailed, mine.id, start=time(14), end=time(15), by=HEAD, now=at(minutes=5))
    send(mailed, at(minutes=6))
    revoke(mailed, mine.id, reason="Rain", by=HEAD, now=at(minutes=10))
    send(mailed, at(minutes=11))

    first, moved, revoked = [event for mail in server.mails for event in events_of(mail)]
    assert (first[:2], first[4]) == (("REQUEST", "CONFIRMED"), "24 09:00")
    assert (moved[0], moved[4]) == ("REQUEST", "24 14:00")
    assert revoked[:2] == ("CANCEL", "CANCELLED")
    assert first[2] == moved[2] == revoked[2]
    assert first[3] < moved[3] < revoked[3]


def test_the_mail_of_an_early_end_has_the_event_with_the_new_end(mailed, server):
    mine = approved(mailed, student=1)
    send(mailed, at(seconds=12))
    end_early(mailed, mine.id, by=HEAD, reason="Rain", now=at(hours=27, minutes=18))
    send(mailed, at(hours=27, minutes=19))

    mail = server.mails[-1]
    assert mail["Subject"] == "Ended early: Ground 1, Tue 24 Nov, 9–10 AM"
    assert "was ended early by Head: Rain. Its end is 9:20 AM now." in text_of(mail)
    [part] = mail.iter_attachments()
    [event] = ICalendar.from_ical(part.get_content()).walk("VEVENT")
    assert f"{event['DTEND'].dt:%d %H:%M}" == "24 09:20"


def test_a_mail_of_many_bookings_has_no_events(mailed, server):
    for n in range(11):
        approved(mailed, student=n, start=8 + n % 10, on=DAY + timedelta(days=n // 10))

    send(mailed, at(seconds=12))

    [mail] = server.mails
    assert events_of(mail) == []


def test_what_never_comes_to_rest_is_mailed_within_minutes(mailed, server):
    for n in range(16):
        approved(mailed, student=n, start=8 + n % 10, on=DAY + timedelta(days=n // 10),
                 now=at(seconds=10 * n))  # fmt: skip

    send(mailed, at(seconds=151))

    assert len(server.mails) == 1
    send(mailed, at(seconds=300))
    assert [mail["Subject"] for mail in server.mails] == [
        "Approved: 14 of your bookings",
        "Approved: 2 of your bookings",
    ]


def test_a_closing_is_one_mail_to_each_author(mailed, server):
    booked(mailed, student=1)
    booked(mailed, student=2, start=10)
    booked(mailed, student=3, start=11, by=RAVI)
    closed(mailed, ground_ids=["ground-1"])

    send(mailed, at(minutes=1))

    assert sorted(server.recipients) == sorted(STAFF_MAILS)
    assert "Revoked: 2 of your bookings" in {mail["Subject"] for mail in server.mails}


def test_a_change_that_is_undone_within_the_quiet_is_not_mailed(mailed, server):
    mine = booked(mailed, student=1)
    rejected = reject(mailed, mine.id, by=HEAD, reason="Exam", now=NOW)
    write_notices(mailed, now=at(seconds=1))
    undo_change(mailed, mine.id, by=HEAD, revision=rejected.revision, now=at(seconds=10))

    # No other step writes notices before the mail is gathered.
    send_mails(mailed, WRITING, now=at(seconds=13))
    send(mailed, at(minutes=5))

    assert server.mails == []


def test_a_change_that_is_undone_after_its_mail_is_mailed_with_its_event(mailed, server):
    mine = approved(mailed, student=1)
    send(mailed, at(seconds=12))
    revoked = revoke(mailed, mine.id, by=HEAD, reason="Exam", now=at(minutes=5))
    send(mailed, at(minutes=5, seconds=13))

    undo_change(mailed, mine.id, revision=revoked.revision, by=HEAD, now=at(minutes=5, seconds=20))
    for seconds in (21, 40, 300):
        send(mailed, at(minutes=5, seconds=seconds))

    assert [notice.kind for notice in notices_for(mailed, MEERA.id)] == ["undone"]
    place = "Ground 1, Tue 24 Nov, 9–10 AM"
    words = ("Approved", "Revoked", "As before")
    assert [mail["Subject"] for mail in server.mails] == [f"{word}: {place}" for word in words]
    events = [event for mail in server.mails for event in events_of(mail)]
    assert [event[0] for event in events] == ["REQUEST", "CANCEL", "REQUEST"]
    assert events[1][3] < events[2][3]


def test_a_closing_that_is_undone_after_its_mail_is_mailed(mailed, server):
    booked(mailed, student=1)
    closing = closed(mailed, ground_ids=["ground-1"], now=NOW, by=HEAD)
    send(mailed, at(seconds=13))

    revisions = {booking.id: booking.revision for booking in closing.displaced}
    undo_closing(mailed, closing.id, revisions=revisions, by=HEAD, now=at(seconds=20))
    for seconds in (21, 40, 300):
        send(mailed, at(seconds=seconds))

    words = [mail["Subject"].partition(":")[0] for mail in server.mails]
    assert words == ["Revoked", "As before"]


@pytest.mark.parametrize("change", ["read", "withdrawn", "replaced"])
def test_what_is_no_news_any_more_is_not_sent(mailed, server, change):
    mine = booked(mailed, student=1)
    decided = reject(mailed, mine.id, by=HEAD, reason="Exam", now=NOW)
    server.stop()
    send(mailed, at(seconds=20))  # gathered, and not sent
    assert mailed["mails"].count_documents({"status": "queued"}) == 1
    if change == "read":
        [notice] = notices_for(mailed, MEERA.id)
        mark_read(mailed, [notice.id], by=MEERA)
    elif change == "withdrawn":
        undo_change(mailed, mine.id, by=HEAD, revision=decided.revision, now=at(seconds=30))
    else:
        undo_change(mailed, mine.id, by=HEAD, revision=decided.revision, now=at(seconds=30))
        approve(mailed, mine.id, by=HEAD, now=at(seconds=31))
    write_notices(mailed, now=at(seconds=32))
    with smtp_server(port=server.port) as again:
        send(mailed, at(minutes=5))

    # What a mail that waits has told may have been told: that it was undone is news.
    told = {"read": [], "withdrawn": ["As before"], "replaced": ["Approved"]}[change]
    expected = [f"{word}: Ground 1, Tue 24 Nov, 9–10 AM" for word in told]
    assert [mail["Subject"] for mail in again.mails] == expected
    assert mailed["mails"].count_documents({"status": "queued"}) == 0


def test_several_processes_send_each_mail_once(mailed, server):
    others = [connect(mailed.booking_settings) for _ in range(3)]
    for n, actor in enumerate((MEERA, RAVI) * 4):
        approved(mailed, student=n, start=8 + n, by=actor)
    write_notices(mailed, now=at(seconds=1))

    outcomes = at_once(
        *(lambda db=db: send_mails(db, WRITING, now=at(minutes=1)) for db in (mailed, *others))
    )

    assert [one for one in outcomes if not isinstance(one, float)] == []
    assert sorted(server.recipients) == sorted(STAFF_MAILS)
    for db in others:
        db.client.close()


class Killed(BaseException):
    """As if the process had been killed at this step."""


STEPS = [
    (mails, "queue"),
    (mails, "lease"),
    (outbox, "_composed"),
    (MailServer, "send"),
    (mails, "note_sent"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("place", "step"), STEPS, ids=[name for _, name in STEPS])
def test_a_process_that_is_killed_at_a_step_leaves_each_mail_to_another(
    mailed, server, monkeypatch, place, step, moment
):
    for n, actor in enumerate((MEERA, RAVI)):
        approved(mailed, student=n, start=8 + n, by=actor)
    write_notices(mailed, now=at(seconds=1))
    work = getattr(place, step)

    def killed(*args, **options):
        if moment == "after":
            work(*args, **options)
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(place, step, killed)
        with pytest.raises(Killed):
            send_mails(mailed, WRITING, now=at(seconds=20))
    send_mails(mailed, WRITING, now=at(seconds=21))
    send_mails(mailed, WRITING, now=at(minutes=3))

    ids = [mail["Message-ID"] for mail in server.mails]
    assert set(server.recipients) == set(STAFF_MAILS)
    assert len(set(ids)) == 2
    sent_twice = (step, moment) in {("send", "after"), ("note_sent", "before")}
    assert len(ids) == (3 if sent_twice else 2)


def test_while_the_mail_server_is_down_bookings_go_on_and_mail_follows(mailed, server):
    server.stop()
    approved(mailed, student=1)
    approved(mailed, student=2, start=10, by=RAVI)
    tries = []
    for minute in range(0, 90):
        send(mailed, at(seconds=20, minutes=minute))
        tries.append(sum(row["tries"] for row in mailed["mails"].find()))
    assert tries[-1] < 20  # of two mails in 90 minutes

    finding = doctor.last_mail(mailed)
    assert not finding.ok
    assert "2 wait" in finding.detail
    assert "it cannot be reached (connection refused)" in finding.detail
    with smtp_server(port=server.port) as again:
        send(mailed, at(hours=3))
        send(mailed, at(hours=3, minutes=1))

    assert sorted(again.recipients) == sorted(STAFF_MAILS)
    assert doctor.last_mail(mailed).ok


def test_a_mail_is_given_up_after_two_days(mailed, server):
    server.stop()
    approved(mailed, student=1)
    for hour in range(50):
        send(mailed, at(hours=hour, seconds=20))

    [row] = mailed["mails"].find()
    assert row["status"] == "failed"
    assert row["tries"] > 20
    assert "connection refused" in doctor.last_mail(mailed).detail


def test_a_refused_address_fails_at_once_and_blocks_nobody(mailed, server):
    server.answers["meera@school.example"] = "550 No such user"
    approved(mailed, student=1)
    approved(mailed, student=2, start=10, by=RAVI)

    send(mailed, at(seconds=20))
    send(mailed, at(hours=1))

    assert server.recipients == ["ravi@school.example"]
    failed = mailed["mails"].find_one({"to": "meera"})
    assert (failed["status"], failed["tries"], failed["answer"]) == (
        "failed",
        1,
        "550 No such user",
    )


def test_an_address_that_is_refused_for_now_is_tried_again(mailed, server):
    server.answers["meera@school.example"] = "450 Greylisted"
    approved(mailed, student=1)
    approved(mailed, student=2, start=10, by=RAVI)
    send(mailed, at(seconds=20))
    assert server.recipients == ["ravi@school.example"]
    server.answers.clear()

    send(mailed, at(seconds=40))
    send(mailed, at(seconds=90))

    assert server.recipients == ["ravi@school.example", "meera@school.example"]


def test_who_wishes_none_or_has_no_address_gets_none(mailed, server):
    set_mail_wish(mailed, MailWish.NONE, by=MEERA)
    change_account(mailed, RAVI.id, email=None, by=ADMIN)
    approved(mailed, student=1)
    approved(mailed, student=2, start=10, by=RAVI)
    send(mailed, at(seconds=20))
    set_mail_wish(mailed, MailWish.AT_ONCE, by=MEERA)

    send(mailed, at(hours=1))

    assert server.mails == []


@pytest.mark.parametrize("undone", [False, True])
def test_a_digest_waits_for_the_quiet_of_a_change(mailed, server, undone):
    """NOW is 6:00 in the school's zone."""
    for account in (MEERA, HEAD):
        set_mail_wish(mailed, MailWish.DAILY, by=account)
    mine = booked(mailed, student=1)
    cancel(mailed, booked(mailed, student=2, start=10, by=HEAD).id, by=ADMIN, now=at(minutes=59.95))
    rejected = reject(mailed, mine.id, by=HEAD, reason="Exam", now=at(minutes=59.95))
    booked(mailed, student=3, start=11, by=RAVI)
    send(mailed, at(minutes=60, seconds=1))
    assert server.mails == []

    if undone:
        revision = rejected.revision
        undo_change(mailed, mine.id, revision=revision, by=HEAD, now=at(minutes=60, seconds=5))
    for minutes in (60.2, 61, 70):
        send(mailed, at(minutes=minutes))

    place = "Ground 1, Tue 24 Nov"
    waiting = "2 requests wait" if undone else "1 request waits"
    to_head = f"Cancelled: {place}, 10–11 AM; {waiting} for a decision"
    to_meera = [] if undone else [f"Rejected: {place}, 9–10 AM"]
    assert sorted(mail["Subject"] for mail in server.mails) == sorted([to_head, *to_meera])


def test_notices_that_wait_for_the_next_digest_delay_no_other_mail(mailed, server, monkeypatch):
    monkeypatch.setattr(outbox, "_MOST", 2)
    set_mail_wish(mailed, MailWish.DAILY, by=RAVI)
    for n in range(3):
        approved(mailed, student=n, start=9 + n, by=RAVI, now=at(hours=2))
    approved(mailed, student=5, start=15, now=at(hours=2, minutes=5))

    assert send(mailed, at(hours=2, minutes=5, seconds=2)) == pytest.approx(10.0)
    send(mailed, at(hours=2, minutes=6))

    assert server.recipients == ["meera@school.example"]


def test_a_notice_is_in_one_of_two_mails_that_were_gathered_at_once(mailed, server):
    for n in range(2):
        approved(mailed, student=n, start=9 + n)
    write_notices(mailed, now=NOW)
    ids = [notice.id for notice in notices_for(mailed, MEERA.id)]
    for id, told in (("a", ids[:1]), ("b", ids)):
        assert mails.queue(mailed, Mail(id, MEERA.id, at(minutes=3), tuple(told), asks=False))
    assert not mails.queue(mailed, Mail("c", MEERA.id, at(minutes=3), tuple(ids), asks=False))

    send(mailed, at(minutes=4))

    hours = sorted(mail["Subject"].rpartition(", ")[2] for mail in server.mails)
    assert hours == ["10–11 AM", "9–10 AM"]


def test_a_wish_counts_also_between_gathering_and_sending(mailed, server):
    server.stop()
    approved(mailed, student=1)
    send(mailed, at(seconds=20))
    set_mail_wish(mailed, MailWish.NONE, by=MEERA)
    with smtp_server(port=server.port) as again:
        send(mailed, at(minutes=5))

    assert again.mails == []


def test_a_digest_has_all_until_seven_and_what_is_later_waits_for_the_next(mailed, server):
    """NOW is 6:00 in the school's zone."""
    set_mail_wish(mailed, MailWish.DAILY, by=MEERA)
    first = approved(mailed, student=1)
    approved(mailed, student=2, start=10, now=at(minutes=30))
    revoke(mailed, first.id, by=HEAD, reason="Rain", now=at(minutes=40))
    send(mailed, at(minutes=59))
    assert server.mails == []

    send(mailed, at(minutes=60))
    approved(mailed, student=3, start=11, now=at(minutes=61))
    send(mailed, at(minutes=70))

    [mail] = server.mails
    assert mail["Subject"] == "Changed: 2 of your bookings"
    assert "was revoked by Head: Rain" in text_of(mail)
    send(mailed, at(hours=24, minutes=59))
    assert len(server.mails) == 1
    send(mailed, at(hours=25))
    assert server.mails[1]["Subject"] == "Approved: Ground 1, Tue 24 Nov, 11 AM – 12 PM"


def test_requests_that_wait_are_one_mail_to_who_decides(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    for n in range(3):
        booked(mailed, student=n, start=11 - n, now=at(seconds=n))

    send(mailed, at(seconds=13))
    assert server.mails == []
    send(mailed, at(seconds=14))
    send(mailed, at(seconds=60))

    [mail] = server.mails
    assert (server.recipients, mail["Subject"]) == (
        ["head@school.example"],
        "3 requests wait for a decision",
    )
    said = text_of(mail)
    assert said.index("for Student 2") < said.index("for Student 0")
    assert "https://grounds.school.example/approvals" in said


def test_without_links_a_mail_names_the_next_request(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    save_policy(mailed, Policy(quota=None, mail_decisions="nobody"))
    booked(mailed, student=1, now=NOW)

    send(mailed, at(seconds=12))

    assert "The next is Ground 1, Tue 24 Nov, 9–10 AM." in text_of(server.mails[0])


def test_further_requests_are_told_a_quarter_of_an_hour_later_and_all_after_a_day(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    late = DAY + timedelta(days=5)
    booked(mailed, student=1, on=late)
    send(mailed, at(seconds=20))
    booked(mailed, student=2, start=10, on=late, now=at(minutes=1))
    send(mailed, at(minutes=14))
    assert [mail["Subject"] for mail in server.mails] == ["1 request waits for a decision"]
    send(mailed, at(minutes=16))
    for hour in range(1, 24):
        send(mailed, at(hours=hour))
    assert len(server.mails) == 2

    send(mailed, at(hours=24, minutes=17))

    told = [mail["Subject"] for mail in server.mails[1:]]
    assert told == ["2 requests wait for a decision"] * 2


def test_a_request_that_begins_soon_is_told_again(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    booked(mailed, student=1, on=NOW.date(), start=17)  # eleven hours ahead
    send(mailed, at(seconds=20))
    send(mailed, at(hours=7, minutes=59))
    assert len(server.mails) == 1

    send(mailed, at(hours=8))
    send(mailed, at(hours=9))

    assert len(server.mails) == 2


def test_what_is_decided_before_the_mail_is_sent_is_not_told(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    mine = booked(mailed, student=1)
    cancel(mailed, mine.id, by=MEERA, now=at(seconds=5))

    send(mailed, at(seconds=20))

    assert server.mails == []


def test_several_processes_ask_a_principal_once(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    others = [connect(mailed.booking_settings) for _ in range(3)]
    booked(mailed, student=1)

    at_once(*(lambda db=db: send_mails(db, WRITING, now=at(minutes=1)) for db in (mailed, *others)))

    assert server.recipients == ["head@school.example"]
    for db in others:
        db.client.close()


def test_an_erased_user_gets_no_mail_that_waited(mailed, server):
    server.stop()
    approved(mailed, student=1)
    send(mailed, at(seconds=20))
    change_account(mailed, MEERA.id, active=False, by=ADMIN)
    erase_account(mailed, MEERA.id, by=ADMIN, now=at(minutes=1))

    assert mailed["mails"].count_documents({}) == 0
    with smtp_server(port=server.port) as again:
        send(mailed, at(minutes=5))
    assert again.mails == []


def test_notices_of_before_the_mail_server_was_set_up_are_not_mailed(make_db, server):
    before = make_db(quota=None)
    add_account(before, Account("meera", "Meera", Role.STAFF, "meera@school.example"))
    write_notices(before, now=NOW)
    approved(before, student=1)
    write_notices(before, now=at(seconds=20))
    db = make_db(
        school=False,
        database=before.name,
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_security="none",
        mail_from="grounds@school.example",
    )

    send(db, at(minutes=1))

    assert server.mails == []


def test_names_of_the_school_are_text_in_a_mail(mailed, server):
    known = load_reference(mailed).grounds["ground-1"]
    save_ground(mailed, replace(known, name="<b>Oval</b> & co"))
    approved(mailed, student=1)

    send(mailed, at(seconds=20))

    [mail] = server.mails
    assert "<b>Oval</b> & co" in mail["Subject"]
    assert "&lt;b&gt;Oval&lt;/b&gt; &amp; co" in mail.get_body(("html",)).get_content()


def test_a_wish_is_stored_and_on_record(mailed):
    assert get_account(mailed, "meera").mail is MailWish.AT_ONCE

    set_mail_wish(mailed, MailWish.DAILY, by=MEERA)

    assert get_account(mailed, "meera").mail is MailWish.DAILY
    entry = mailed["audit"].find_one({"action": "changed", "id": "meera"})
    assert entry["details"] == {"before": {"mail": "at once"}, "after": {"mail": "daily"}}


def test_the_app_sends_by_itself_and_no_mail_server_delays_its_end(mailed, server):
    """By the clock of now: the app has no other."""
    shared = Services(mailed.booking_settings)
    shared.start()
    try:
        eventually(lambda: shared.is_live)
        now, day = datetime.now(UTC), datetime.now(UTC).date() + timedelta(days=3)
        with shared.change():
            approved(mailed, student=1, on=day, now=now)
        eventually(lambda: server.recipients == ["meera@school.example"], within=60)
    finally:
        shared.stop()


def test_a_mail_server_that_hangs_delays_no_booking_and_no_end_of_the_app(mailed):
    with silent_server() as port:
        shared = Services(replace(mailed.booking_settings, smtp_port=port))
        shared.start()
        try:
            eventually(lambda: shared.is_live)
            long_ago = datetime.now(UTC) - timedelta(minutes=1)
            mailed["mails"].insert_one(
                {
                    "_id": "m",
                    "to": "meera",
                    "at": long_ago,
                    "status": "queued",
                    "notices": [],
                    "asks": True,
                    "next_at": long_ago,
                    "tries": 0,
                    "answer": "",
                }
            )
            change_account(mailed, MEERA.id, role=Role.PRINCIPAL, by=ADMIN)
            day = datetime.now(UTC).date() + timedelta(days=3)
            booked(mailed, student=1, on=day, by=RAVI, now=datetime.now(UTC))
            eventually(lambda: mailed["mails"].find_one({"tries": 1}), within=60)
            begun = datetime.now(UTC)
            approve(mailed, booked(mailed, student=2, start=10, on=day, now=begun).id, by=HEAD)
            assert datetime.now(UTC) - begun < timedelta(seconds=5)
        finally:
            begun = datetime.now(UTC)
            shared.stop()
        assert datetime.now(UTC) - begun < timedelta(seconds=8)


def test_no_log_names_an_address_or_a_person(mailed, server, caplog):
    caplog.set_level("DEBUG")
    server.answers["meera@school.example"] = "550 <meera@school.example> is unknown here"
    server.answers["ravi@school.example"] = "421 <ravi@school.example> not now"
    approved(mailed, student=1)
    approved(mailed, student=2, start=10, by=RAVI)

    send(mailed, at(seconds=20))
    send(mailed, at(seconds=21))

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("booking")]
    assert "a mail was refused for good" in ours
    assert "the mail server takes no mail; Health says why" in ours
    assert not any(word in line for line in ours for word in ("school.example", "Meera", "Ravi"))


def test_a_mail_that_cannot_be_made_holds_up_no_other_and_is_given_up(mailed, server, monkeypatch):
    approved(mailed, student=1)
    approved(mailed, by=RAVI, student=2, start=11)
    real = outbox.compose

    def fails_for_meera(settings, to, **more):
        if to.email == STAFF_MAILS[0]:
            raise UnicodeError
        return real(settings, to, **more)

    monkeypatch.setattr(outbox, "compose", fails_for_meera)
    send(mailed, at(seconds=12))

    assert server.recipients == [STAFF_MAILS[1]]
    for hours in range(1, 51):
        send(mailed, at(hours=hours))
    [failed] = mailed["mails"].find({"status": "failed"})
    assert (failed["to"], failed["answer"]) == ("meera", "the mail could not be made")


def test_an_address_that_no_header_can_have_is_refused(mailed, server):
    change_account(mailed, MEERA.id, email="a@[school.example", by=ADMIN, now=NOW)
    approved(mailed, student=1)

    send(mailed, at(seconds=12))

    [failed] = mailed["mails"].find()
    assert failed["status"] == "failed"


def test_a_question_and_its_answer_are_mailed_to_who_waits_for_them(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    mine = booked(mailed, by=MEERA)
    send(mailed, at(seconds=12))
    ask(mailed, mine.id, "Who supervises?", by=HEAD, now=at(minutes=20))
    send(mailed, at(minutes=21))
    answer(mailed, mine.id, "I do.", by=MEERA, now=at(minutes=40))
    send(mailed, at(minutes=41))

    [asks, question, answered] = server.mails
    assert [mail["To"].addresses[0].addr_spec for mail in server.mails] == [
        "head@school.example",
        "meera@school.example",
        "head@school.example",
    ]
    assert "1 request waits for a decision." in text_of(asks)
    assert question["Subject"].startswith("A question: Ground 1")
    said = text_of(question)
    assert "waits for your answer. Head asks: Who supervises?" in said
    assert f"Answer: https://grounds.school.example/bookings?search={mine.reference}" in said
    said = text_of(answered)
    assert "has an answer by Meera: I do." in said
    assert "1 request waits for a decision." in said  # again, since the answer
    unfolded = " ".join(said.split())
    assert "asked by Meera. Head asks: Who supervises? · Meera answers: I do." in unfolded
    assert "because you have asked about a request, and because you decide" in said
    assert not [part for part in answered.walk() if part.get_content_type() == "text/calendar"]


@pytest.mark.parametrize("is_told", [False, True])
def test_a_question_that_waits_again_is_mailed_once(mailed, server, is_told):
    set_mail_wish(mailed, MailWish.NONE, by=HEAD)
    mine = booked(mailed, by=MEERA)
    send(mailed, NOW)
    ask(mailed, mine.id, "Who supervises?", by=HEAD, now=at(seconds=1))
    send(mailed, at(seconds=14 if is_told else 2))
    gone = reject(mailed, mine.id, by=HEAD, reason="Exam", now=at(seconds=20))
    send(mailed, at(seconds=21))
    undo_change(mailed, mine.id, by=HEAD, revision=gone.revision, now=at(seconds=25))
    send(mailed, at(seconds=26))
    send(mailed, at(minutes=2))

    [question] = server.mails
    assert "Head asks: Who supervises?" in text_of(question)


def test_a_request_that_waits_for_an_answer_is_in_no_mail_about_decisions(mailed, server):
    set_mail_wish(mailed, MailWish.AT_ONCE, by=HEAD)
    mine = booked(mailed, by=MEERA)
    ask(mailed, mine.id, "Who supervises?", by=HEAD, now=at(seconds=1))

    send(mailed, at(minutes=1))

    assert [mail["To"].addresses[0].addr_spec for mail in server.mails] == ["meera@school.example"]
