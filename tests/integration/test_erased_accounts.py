"""Erasing an account: no collection, export or list names the person, and the history still reads.

The file is long because each collection that can name a user has its own case.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pyotp
import pytest
from closing_steps import closed
from support import ADMIN, DAY, HEAD, MEERA, NOW, at_once, booked, eventually, of_type, request_for

from booking_core import (
    Account,
    Actor,
    InvalidRequest,
    LastAdmin,
    NotFound,
    Role,
    SignInRefused,
    Slot,
    StoreUnavailable,
    SwapOffer,
    Team,
    account_erasure_of,
    add_account,
    approve,
    cancel,
    change_account,
    delegate,
    erase_account,
    find_accounts,
    find_bookings,
    find_delegations,
    finish_erasures,
    get_account,
    get_booking,
    join_waiting_list,
    reject,
    save_team,
)
from booking_core.access.erasure import AccountErasure
from booking_core.domain.errors import SecondFactorNeeded
from booking_core.domain.mail import Mail
from booking_core.insight import exports
from booking_core.live import Feed
from booking_core.reports import find_changes
from booking_core.sessions import (
    begin_second_factor,
    confirm_second_factor,
    open_session,
    remember_device,
    session_of,
    sign_in,
)
from booking_core.storage import audit_log, mail_links, mails
from booking_core.storage.access import erasure as store
from booking_core.storage.bookings import swap_offers, writes
from booking_core.storage.client.database import Documents
from booking_core.storage.client.transactions import transact
from booking_core.storage.mail_links import Purpose, StoredLink
from booking_core.storage.schema import schema

FIRST = Actor("zquill", Role.PRINCIPAL, "Zarqa Quill")  # before a change of the name
LEAVER = Actor("zquill", Role.PRINCIPAL, "Zarqa Vexler")
TEACHER = Actor("jquorn", Role.STAFF, "Jorun Quorn")
PASSWORD = "correct horse battery"
TEXTS = ("zquill", "zarqa", "quill", "vexler", "jquorn", "jorun", "quorn")
LATER = NOW + timedelta(minutes=1)
FINISHED = LATER + timedelta(minutes=5)  # no verb that began before the erasure can still run
# Of a new collection the fixture below must store what names a user, or this must say that none
# of its fields does.
NAMES_NO_USER = {
    *(schema.GROUNDS, schema.TIMETABLES, schema.DAYS, schema.TERMS, schema.STUDENTS),
    *(schema.GROUND_PHOTOS, schema.LOGO, schema.SCHOOL_HISTORY, schema.PROOFS, schema.META),
    schema.ATTEMPTS,  # hashes, which expire
}

OFFERED = {"a": 9, "b": 10}  # two bookings -> the hours of their slots

pytestmark = pytest.mark.usefixtures("quick_hashes")


def mentioning(db: Documents, *texts: str) -> set[str]:
    """Returns the collections in which one of ``texts`` occurs, in any field and any case."""
    return {
        name
        for name in db.list_collection_names()
        for row in db[name].find()
        if any(text.casefold() in repr(row).casefold() for text in texts or TEXTS)
    }


def open_all(db: Documents, who: Actor, now: datetime = NOW) -> str:
    """Opens a session and remembers its device; the token."""
    token = open_session(db, who.id, now=now)
    remember_device(db, token, now=now)
    return token


@pytest.fixture
def staffed(db: Documents) -> Documents:
    """A principal and a teacher, who leave, in every collection that can name a user."""
    for actor in (ADMIN, HEAD, FIRST, TEACHER, MEERA):
        email = f"{actor.id}@example.org"
        account = Account(actor.id, actor.name, actor.role, email, must_change=False)
        add_account(db, account, password=PASSWORD, by=ADMIN, now=NOW)
    approve(db, booked(db, by=TEACHER).id, by=FIRST, now=NOW)
    change_account(db, LEAVER.id, name=LEAVER.name, reason="Zarqa married", by=ADMIN, now=NOW)
    delegate(db, to=TEACHER.id, first=NOW.date(), last=DAY, by=LEAVER, now=NOW)
    reject(db, booked(db, student=1, start=10).id, by=TEACHER, reason="rain", now=NOW)
    closed(db, ground_ids=["ground-1"], by=LEAVER)  # displaces, which a notice tells
    booked(db, ground="ground-2", student=2, start=11, by=LEAVER)
    booked(db, ground="ground-2", student=3, start=12)
    booked(db, ground="ground-2", student=4, start=15, by=HEAD, supervisor_id=TEACHER.id)
    save_team(db, Team("team-1", "Eleven", staff=(LEAVER.id, TEACHER.id)))
    for who in (LEAVER, TEACHER):
        wanted = request_for(ground="ground-2", student=5, start=12, supervisor_id=who.id)
        join_waiting_list(db, wanted, by=who, now=NOW)
    for who in (LEAVER, TEACHER):
        mails.queue(db, Mail(f"mail-to-{who.role.value}", who.id, NOW, (), asks=True))
        link = StoredLink(who.id, 0, Purpose.PASSWORD, "mail", NOW, NOW + timedelta(minutes=30))
        mail_links.insert(db, {sha256(who.id.encode()).hexdigest(): link})
    slots = {id: Slot("ground-2", DAY, time(hour), time(hour + 1)) for id, hour in OFFERED.items()}
    for id, (by, to) in {"one": (LEAVER, TEACHER), "other": (TEACHER, LEAVER)}.items():
        offer = SwapOffer(id, *OFFERED, slots, NOW, by.id, by.name, to.id, "")
        transact(db, lambda tx, offer=offer: swap_offers.open_again(db, tx, offer, ZoneInfo("UTC")))
    begun = NOW - timedelta(minutes=10)
    token = open_session(db, LEAVER.id, now=begun)
    key = begin_second_factor(db, token, now=begun).key
    confirm_second_factor(db, token, pyotp.TOTP(key).at(begun), now=begun)
    with pytest.raises(SecondFactorNeeded):
        sign_in(db, LEAVER.id, PASSWORD, address="192.0.2.1", now=NOW)
    for who in (LEAVER, TEACHER):
        open_all(db, who)
        with pytest.raises(SignInRefused):
            sign_in(db, who.id, "wrong", address="192.0.2.1", now=NOW)
    return db


def test_no_collection_names_an_erased_user(staffed: Documents) -> None:
    assert mentioning(staffed) == set(schema.VALIDATORS) - NAMES_NO_USER
    before = staffed["attempts"].count_documents({})

    assert erase_account(staffed, LEAVER.id, by=ADMIN, now=LATER) == 1
    assert erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER) == 1

    assert mentioning(staffed) == {schema.META}  # the notes for what comes in late
    assert staffed["attempts"].count_documents({}) == before - 2
    assert finish_erasures(staffed, now=FINISHED) == 0
    assert mentioning(staffed) == set()
    assert {one.id for one in find_accounts(staffed)} == {"admin", "head", "meera"}


def test_all_that_an_erased_user_did_is_under_one_pseudonym(staffed: Documents) -> None:
    erase_account(staffed, LEAVER.id, by=ADMIN, now=LATER)

    [entry] = staffed["audit"].find({"action": "erased"})
    pseudonym, name = entry["id"], entry["details"]["name"]
    assert name == f"Former staff {pseudonym[-8:]}"
    assert entry["by"] == "admin"
    [mine] = find_bookings(staffed, created_by=pseudonym, status="Approved", kind="booking")
    assert (mine.created_by_name, mine.student_name, mine.fingerprint) == (name, "Student 2", "")
    asked = find_bookings(staffed, created_by=TEACHER.id)[0]
    acts = [(one.action, one.by, one.by_name) for one in asked.history]
    assert acts == [
        ("requested", "jquorn", TEACHER.name),
        ("approved", pseudonym, name),
        ("displaced", pseudonym, name),
    ]
    [rejected] = find_bookings(staffed, status="Rejected")
    assert rejected.last_decision.on_behalf_of == name
    assert rejected.last_decision.by == TEACHER.id
    assert {row["by_name"] for row in staffed["notices"].find({"to": TEACHER.id})} == {name}
    assert find_delegations(staffed) == []
    [gave] = staffed["audit"].find({"action": "gave"})
    assert (gave["by"], gave["details"]["by"], gave["details"]["to"]) == (
        *(pseudonym, pseudonym),
        TEACHER.id,
    )
    of_account = list(staffed["audit"].find({"what": "account", "id": pseudonym}))
    assert {row["action"] for row in of_account} >= {"added", "changed", "erased"}
    assert not any("reason" in row["details"] for row in of_account if row["details"])
    # What others did is as it was.
    [other] = find_bookings(staffed, created_by=MEERA.id, status="Pending")
    assert other.revision == 0


def test_no_export_names_an_erased_user(staffed: Documents) -> None:
    for who in (LEAVER, TEACHER):
        erase_account(staffed, who.id, by=ADMIN, now=LATER)

    days = {"first": NOW.date(), "last": DAY}
    changes = exports.export_changes(staffed, by=ADMIN, **days)
    text = (exports.to_csv(exports.export_bookings(staffed)) + exports.to_csv(changes)).decode()

    assert "Former staff " in text
    assert [one for one in TEXTS if one in text.casefold()] == []
    assert find_changes(staffed, by=ADMIN, **days)


def test_the_sessions_of_an_erased_user_end(staffed: Documents) -> None:
    token = open_all(staffed, TEACHER)
    assert session_of(staffed, token, now=NOW) is not None

    erase_account(staffed, TEACHER.id, by=ADMIN, now=NOW)

    assert session_of(staffed, token, now=NOW) is None
    with pytest.raises(SignInRefused):
        sign_in(staffed, TEACHER.id, PASSWORD, address="192.0.2.9", now=NOW)


def test_a_booking_made_at_the_moment_of_the_erasure_is_under_the_pseudonym(
    staffed: Documents,
) -> None:
    token = open_all(staffed, TEACHER)

    outcomes = at_once(
        lambda: erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER),
        *[
            lambda hour=hour: booked(
                staffed, ground="ground-2", student=hour, start=hour, by=TEACHER
            )
            for hour in (8, 9, 13, 14)
        ],
    )
    finish_erasures(staffed, now=FINISHED)

    made = [one for one in outcomes if not isinstance(one, int)]
    assert [get_booking(staffed, one.id).student_name for one in made] == [
        f"Student {hour}" for hour in (8, 9, 13, 14)
    ]
    assert mentioning(staffed, TEACHER.id, TEACHER.name) == set()
    assert (
        len(staffed["bookings"].distinct("created_by", {"_id": {"$in": [b.id for b in made]}})) == 1
    )
    assert session_of(staffed, token, now=NOW) is None


def test_what_comes_in_late_is_erased_once_no_verb_can_still_run(staffed: Documents) -> None:
    signed_in = staffed["sessions"].find_one({"account_id": LEAVER.id})
    erase_account(staffed, LEAVER.id, by=ADMIN, now=LATER)
    staffed["sessions"].insert_one(signed_in)
    late = booked(staffed, ground="ground-3", student=5, by=LEAVER)

    assert finish_erasures(staffed, now=FINISHED - timedelta(seconds=1)) == 0
    assert get_booking(staffed, late.id).created_by == LEAVER.id
    assert sum(at_once(*[lambda: finish_erasures(staffed, now=FINISHED)] * 2)) >= 1

    assert mentioning(staffed, "zquill", "zarqa", "vexler") == set()
    assert (
        len(staffed["bookings"].distinct("created_by", {"created_by": {"$regex": "^former"}})) == 1
    )


def test_an_interrupted_erasure_is_completed_later(
    staffed: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise StoreUnavailable("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_take_out_of_bookings", fail)
        assert erase_account(staffed, LEAVER.id, by=ADMIN, now=LATER) == 1
    assert "bookings" in mentioning(staffed, "zquill")

    finish_erasures(staffed, now=FINISHED)

    assert mentioning(staffed, "zquill", "zarqa", "vexler") == set()


def test_an_erasure_whose_note_cannot_be_stored_changes_nothing(
    staffed: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the audit log cannot be written")

    monkeypatch.setattr(audit_log, "write", fail)
    with pytest.raises(RuntimeError, match="audit log"):
        erase_account(staffed, LEAVER.id, by=ADMIN, now=LATER)

    assert get_account(staffed, LEAVER.id).active
    assert finish_erasures(staffed, now=FINISHED) == 0
    assert len(find_bookings(staffed, created_by=LEAVER.id, kind="booking")) == 1


def test_a_name_that_another_account_has_too_stays_where_that_one_acted(staffed: Documents) -> None:
    namesake = Actor("namesake", Role.PRINCIPAL, LEAVER.name)
    add_account(staffed, Account(namesake.id, namesake.name, namesake.role))
    delegate(staffed, to=MEERA.id, first=NOW.date(), last=DAY, by=namesake, now=NOW)
    asked = booked(staffed, ground="ground-3", student=6, by=TEACHER)
    reject(staffed, asked.id, by=MEERA, reason="exams", now=NOW)
    displaced = booked(staffed, ground="ground-3", student=7, start=15, by=TEACHER)
    closed(staffed, ground_ids=["ground-3"], by=namesake)

    erase_account(staffed, LEAVER.id, by=ADMIN, now=LATER)

    assert get_booking(staffed, asked.id).last_decision.on_behalf_of == namesake.name
    told = staffed["notices"].find({"to": TEACHER.id})
    names = {row["booking_id"] == displaced.id: row["by_name"] for row in told}
    assert names[True] == namesake.name
    assert names[False].startswith("Former staff ")
    [rejected] = [b for b in find_bookings(staffed, status="Rejected") if b.id != asked.id]
    assert rejected.last_decision.on_behalf_of.startswith("Former staff ")


def test_the_effect_of_erasing_is_known_in_advance(staffed: Documents) -> None:
    past = NOW + timedelta(days=3)
    booked(staffed, ground="ground-3", student=8, purpose="Against zarqa vexler's team")
    booked(staffed, ground="ground-3", student=9, start=10, purpose="Against Zarqa Vexlerford")

    assert account_erasure_of(staffed, LEAVER.id, by=ADMIN, now=NOW) == AccountErasure(1, 1, 1)
    assert account_erasure_of(staffed, LEAVER.id, by=None, now=past) == AccountErasure(1, 0, 1)
    with pytest.raises(NotFound):
        account_erasure_of(staffed, "nobody", by=ADMIN)


def test_the_bookings_ahead_of_an_erased_user_can_be_decided_and_cancelled(
    staffed: Documents,
) -> None:
    first = booked(staffed, ground="ground-3", student=8, by=TEACHER)
    second = booked(staffed, ground="ground-3", student=9, start=10, by=TEACHER)
    erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER)

    assert approve(staffed, first.id, by=HEAD, now=LATER).status.value == "Approved"
    assert cancel(staffed, second.id, by=HEAD, now=LATER).status.value == "Cancelled"
    [displaced] = closed(staffed, ground_ids=["ground-3"], now=LATER).displaced
    assert displaced.id == first.id


def test_nobody_erases_the_own_account(staffed: Documents) -> None:
    add_account(staffed, Account("second", "Second", Role.ADMIN))
    for attempt in (erase_account, account_erasure_of):
        with pytest.raises(InvalidRequest) as refused:
            attempt(staffed, "ADMIN", by=ADMIN, now=LATER)
        assert refused.value.field == "account_id"

    assert get_account(staffed, ADMIN.id).active


def test_the_last_admin_is_not_erased(staffed: Documents) -> None:
    with pytest.raises(LastAdmin):
        erase_account(staffed, ADMIN.id, by=None, now=LATER)
    add_account(staffed, Account("second", "Second", Role.ADMIN))
    second = Actor("second", Role.ADMIN, "Second")

    outcomes = at_once(
        lambda: erase_account(staffed, "second", by=ADMIN, now=LATER),
        lambda: erase_account(staffed, ADMIN.id, by=second, now=LATER),
    )

    assert len(of_type(outcomes, LastAdmin)) == 1
    assert [one.role for one in find_accounts(staffed)].count(Role.ADMIN) == 1


def test_of_several_erasures_of_one_account_one_succeeds(staffed: Documents) -> None:
    outcomes = at_once(*[lambda: erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER)] * 3)

    assert outcomes.count(1) == 1
    assert len(of_type(outcomes, NotFound)) == 2


def test_the_name_of_an_erased_account_can_be_given_again_once_it_is_finished(
    staffed: Documents,
) -> None:
    erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER)
    [pseudonym] = staffed["bookings"].distinct("created_by", {"created_by": {"$regex": "^former"}})
    for id, words in ((TEACHER.id.upper(), "erased just now"), (pseudonym, "former account")):
        with pytest.raises(InvalidRequest, match=words) as refused:
            add_account(staffed, Account(id, "New", Role.STAFF), by=ADMIN)
        assert refused.value.field == "id"

    finish_erasures(staffed, now=FINISHED)

    add_account(staffed, Account(TEACHER.id, "Somebody New", Role.STAFF), by=ADMIN)
    assert find_bookings(staffed, created_by=TEACHER.id) == []


def test_an_erasure_raises_the_version_of_its_days(staffed: Documents) -> None:
    feed = Feed(staffed)
    feed.start()
    try:
        before, people = feed.version(DAY), feed.people

        erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER)

        eventually(lambda: feed.version(DAY) > before and feed.people > people)
    finally:
        feed.stop()


def test_a_booking_that_is_decided_between_its_reading_and_its_writing_stays_decided(
    staffed: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = booked(staffed, ground="ground-3", student=20, by=TEACHER)
    without_account = store.without_account

    def decided_meanwhile(row: Any, person: Any) -> Any:
        after = without_account(row, person)
        if row["_id"] == made.id and row["status"] == "Pending":
            approve(staffed, made.id, by=HEAD, now=NOW)
        return after

    monkeypatch.setattr(store, "without_account", decided_meanwhile)
    erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER)

    stored = get_booking(staffed, made.id)
    assert (stored.status.value, stored.revision) == ("Approved", 2)
    assert stored.created_by_name.startswith("Former staff ")
    assert mentioning(staffed, TEACHER.id, TEACHER.name) == {schema.META}


def test_a_decision_on_a_booking_as_it_was_before_the_erasure_does_not_bring_the_name_back(
    staffed: Documents,
) -> None:
    made = booked(staffed, ground="ground-3", student=20, by=TEACHER)
    before = get_booking(staffed, made.id)

    erase_account(staffed, TEACHER.id, by=ADMIN, now=LATER)

    assert writes.replace(staffed, before, replace(before, purpose="Changed")) is None
    assert get_booking(staffed, made.id).created_by_name.startswith("Former staff ")
