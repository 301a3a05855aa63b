"""Delegations: valid for a range of dates, with both names in the history.

The file is long because one database with its accounts serves every test.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from invalid_input import BAD_ACTOR, BAD_DATE, BAD_ID, BAD_NOW, assert_refused, cases
from support import (
    ADMIN,
    DAY,
    DEPUTY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    at_once,
    booked,
    of_type,
    request_for,
)

from booking_core import (
    Account,
    Actor,
    Delegation,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Role,
    Status,
    add_account,
    approve,
    book,
    cancel,
    change_account,
    decides,
    delegate,
    delegations_of,
    end_delegation,
    find_delegations,
    get_booking,
    move,
    reject,
    revoke,
)
from booking_core.storage.access import delegations as delegations_store

TODAY = NOW.date()  # 06:00 in the school's zone
ONE_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def decided(school):
    """The school of this file, with accounts."""
    db, _ = school
    for actor in (MEERA, RAVI, HEAD, DEPUTY, ADMIN):
        add_account(db, Account(actor.id, actor.name, actor.role))
    return db


@pytest.fixture
def staff(decided):
    decided.delegations.delete_many({})
    decided.audit.delete_many({})
    for row in decided.bookings.find({"status": {"$in": ["Pending", "Approved"]}}):
        cancel(decided, row["_id"], by=HEAD, now=NOW)
    for actor in (MEERA, HEAD):
        change_account(decided, actor.id, role=actor.role, name=actor.name, active=True, by=None)
    return decided


def delegated(db, to=MEERA, first=TODAY, last=TODAY, by=HEAD, now=NOW):
    return delegate(db, to=to.id, first=first, last=last, by=by, now=now)


def test_a_delegate_approves_rejects_and_revokes_and_both_names_are_recorded(staff):
    delegated(staff)
    first, second = booked(staff, by=RAVI), booked(staff, by=RAVI, student=1, start=11)

    approved = approve(staff, first.id, by=MEERA, now=NOW)
    revoked = revoke(staff, first.id, by=MEERA, reason="rain", now=NOW)
    rejected = reject(staff, second.id, by=MEERA, reason="exam", now=NOW)

    for booking, status in (
        (approved, Status.APPROVED),
        (revoked, Status.REVOKED),
        (rejected, Status.REJECTED),
    ):
        last = booking.last_decision
        assert booking.status is status
        assert (last.by, last.by_name, last.on_behalf_of) == ("meera", "Meera", "Head")
    assert [e.on_behalf_of for e in get_booking(staff, first.id).history] == ["", "Head", "Head"]


def test_a_principal_decides_only_in_the_own_name(staff):
    delegated(staff, to=DEPUTY)

    decided = approve(staff, booked(staff).id, by=DEPUTY, now=NOW)

    assert decided.last_decision.on_behalf_of == ""
    assert delegations_of(staff, DEPUTY, NOW) == []


def test_a_role_that_decides_needs_no_query(staff, monkeypatch):
    queries = []
    monkeypatch.setattr(delegations_store, "find", lambda *a, **k: queries.append(k) or [])
    mine = booked(staff)

    approve(staff, mine.id, by=HEAD, now=NOW)
    cancel(staff, mine.id, by=MEERA, now=NOW)
    assert decides(staff, HEAD, NOW)
    assert queries == []

    with pytest.raises(NotAllowed):
        approve(staff, mine.id, by=MEERA, now=NOW)
    assert len(queries) == 1


def test_the_dates_of_a_delegation_count_in_the_schools_time(staff):
    delegated(staff, first=DAY, last=DAY)
    midnight = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)  # 00:00 of the 24th in Asia/Kolkata
    before, after = midnight - timedelta(milliseconds=1), midnight + ONE_DAY

    assert not decides(staff, MEERA, before)
    assert decides(staff, MEERA, midnight)
    assert decides(staff, MEERA, after - timedelta(milliseconds=1))
    assert not decides(staff, MEERA, after)
    asked = booked(staff, by=RAVI, on=DAY + 3 * ONE_DAY)
    for now in (before, after):
        with pytest.raises(NotAllowed) as error:
            approve(staff, asked.id, by=MEERA, now=now)
        assert (error.value.verb, error.value.role) == ("approve", "staff")
    assert approve(staff, asked.id, by=MEERA, now=midnight).status is Status.APPROVED


def test_a_delegation_is_for_one_account(staff):
    delegated(staff)

    with pytest.raises(NotAllowed):
        approve(staff, booked(staff).id, by=RAVI, now=NOW)
    assert decides(staff, MEERA, NOW)
    assert not decides(staff, RAVI, NOW)
    assert not decides(staff, ADMIN, NOW)


def test_an_admin_may_be_a_delegate(staff):
    delegated(staff, to=ADMIN)

    assert approve(staff, booked(staff).id, by=ADMIN, now=NOW).last_decision.on_behalf_of == "Head"


@pytest.mark.parametrize("operation", ["cancel", "move", "book approved", "delegate"])
def test_a_delegate_may_do_nothing_but_decide(staff, operation):
    given = delegated(staff)
    other = booked(staff, by=RAVI)
    attempts = {
        "cancel": lambda: cancel(staff, other.id, by=MEERA, now=NOW),
        "move": lambda: move(staff, other.id, ground_id="ground-3", by=MEERA, now=NOW),
        "book approved": lambda: booked_approved(staff, MEERA),
        "delegate": lambda: end_delegation(staff, given.id, by=MEERA),
    }

    with pytest.raises(NotAllowed) as error:
        attempts[operation]()

    assert error.value.verb == operation


def booked_approved(db, by):
    return book(db, request_for(start=15, student=9), by=by, as_approved=True, now=NOW)


def test_an_ended_delegation_is_invalid_at_once(staff):
    given = delegated(staff)
    mine = booked(staff)

    end_delegation(staff, given.id, by=DEPUTY)  # any principal may end it

    with pytest.raises(NotAllowed):
        approve(staff, mine.id, by=MEERA, now=NOW)
    assert not decides(staff, MEERA, NOW)
    assert find_delegations(staff) == []
    with pytest.raises(NotFound) as error:
        end_delegation(staff, given.id, by=HEAD)
    assert (error.value.what, error.value.id) == ("delegation", given.id)


@pytest.mark.parametrize("change", [{"role": Role.STAFF}, {"active": False}], ids=str)
def test_a_delegation_ends_when_its_giver_is_no_longer_principal(staff, change):
    delegated(staff)
    mine = booked(staff)

    change_account(staff, "head", **change, by=ADMIN)

    with pytest.raises(NotAllowed):
        approve(staff, mine.id, by=MEERA, now=NOW)
    assert not decides(staff, MEERA, NOW)


def test_the_delegation_of_another_active_principal_is_valid(staff):
    delegated(staff)
    delegated(staff, by=DEPUTY)
    change_account(staff, "head", active=False, by=ADMIN)

    decided = approve(staff, booked(staff, by=RAVI).id, by=MEERA, now=NOW)

    assert decided.last_decision.on_behalf_of == "Deputy"


def test_the_history_names_the_principal_by_the_present_name(staff):
    delegated(staff)
    change_account(staff, "head", name="Dr. Rao", by=ADMIN)

    decided = approve(staff, booked(staff, by=RAVI).id, by=MEERA, now=NOW)

    assert decided.last_decision.on_behalf_of == "Dr. Rao"


def test_delegations_are_found_by_date_ordered_by_first_day(staff):
    later = delegated(staff, to=RAVI, first=DAY + ONE_DAY, last=DAY + 2 * ONE_DAY)
    now = delegated(staff, first=TODAY - 9 * ONE_DAY, last=DAY)

    assert find_delegations(staff) == [now, later]
    assert find_delegations(staff, on=TODAY) == find_delegations(staff, on=DAY) == [now]
    assert find_delegations(staff, on=DAY + 2 * ONE_DAY) == [later]
    assert find_delegations(staff, on=DAY + 3 * ONE_DAY) == []
    assert find_delegations(staff, since=DAY + ONE_DAY) == [later]
    assert (now.by, now.by_name, now.to, now.to_name) == ("head", "Head", "meera", "Meera")


def test_giving_and_ending_a_delegation_are_logged(staff):
    given = delegated(staff)
    end_delegation(staff, given.id, by=DEPUTY, now=NOW)

    rows = list(staff.audit.find({"what": "delegation"}).sort("action"))
    assert [(r["by"], r["action"], r["id"]) for r in rows] == [
        ("deputy", "ended", given.id),
        ("head", "gave", given.id),
    ]
    assert rows[0]["details"] == {
        "by": "head",
        "to": "meera",
        "first": TODAY.isoformat(),
        "last": TODAY.isoformat(),
    }


def test_of_parallel_calls_that_end_one_delegation_one_is_logged(staff):
    given = delegated(staff)

    outcomes = at_once(*[partial(end_delegation, staff, given.id, by=HEAD)] * 4)

    assert len(of_type(outcomes, NotFound)) == 3
    assert staff.audit.count_documents({"action": "ended"}) == 1


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"to": "head"}, "to"),
        ({"to": "HEAD"}, "to"),
        ({"to": "nobody"}, "to"),
        ({"to": "gone"}, "to"),
        ({"first": DAY, "last": TODAY}, "last"),
        ({"first": TODAY - 9 * ONE_DAY, "last": TODAY - ONE_DAY}, "last"),
    ],
    ids=str,
)
def test_a_delegation_to_an_unknown_account_or_for_past_days_is_refused(staff, wanted, field):
    if wanted.get("to") == "gone" and not staff.accounts.find_one({"_id": "gone"}):
        add_account(staff, Account("gone", "Gone", Role.STAFF, active=False))

    with pytest.raises(InvalidRequest) as error:
        delegate(staff, **({"to": "meera", "first": TODAY, "last": DAY} | wanted), by=HEAD, now=NOW)

    assert error.value.field == field
    assert find_delegations(staff) == []
    assert staff.audit.count_documents({"what": "delegation"}) == 0


def test_a_principal_without_an_account_cannot_delegate(staff):
    stranger = Actor("stranger", Role.PRINCIPAL)

    with pytest.raises(NotFound) as error:
        delegated(staff, by=stranger)

    assert (error.value.what, error.value.id) == ("account", "stranger")


@pytest.mark.parametrize(
    ("field", "value"),
    cases(to=BAD_ID, first=BAD_DATE, last=BAD_DATE, by=BAD_ACTOR, now=BAD_NOW),
)
def test_bad_input_delegates_nothing(bare, field, value):
    wanted = {"to": "meera", "first": TODAY, "last": DAY, "by": HEAD, "now": NOW}

    assert_refused((bare, None), lambda db: delegate(db, **(wanted | {field: value})), field)


@pytest.mark.parametrize(("field", "value"), cases(delegation_id=BAD_ID, by=BAD_ACTOR, now=BAD_NOW))
def test_bad_input_ends_no_delegation(bare, field, value):
    wanted = {"delegation_id": "none", "by": HEAD, "now": NOW} | {field: value}

    assert_refused((bare, None), lambda db: end_delegation(db, **wanted), field)


@pytest.mark.parametrize(("field", "value"), cases(on=BAD_DATE, since=BAD_DATE))
def test_bad_dates_find_no_delegation(bare, field, value):
    assert_refused((bare, None), lambda db: find_delegations(db, **{field: value}), field)


@pytest.mark.parametrize("value", BAD_ACTOR, ids=ascii)
def test_a_bad_actor_decides_nothing(bare, value):
    assert_refused((bare, None), lambda db: decides(db, value), "by")
    assert_refused((bare, None), lambda db: delegations_of(db, value), "by")


def test_delegations_compare_by_value(staff):
    assert delegated(staff) == Delegation(
        find_delegations(staff)[0].id, "head", "Head", "meera", "Meera", TODAY, TODAY, NOW
    )
