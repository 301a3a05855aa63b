"""The ID token of an identity provider as a one-time login token."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from invalid_input import UNSTORABLE
from support import NOW, at_once, of_type

from booking_core import (
    Account,
    IdTokenOutOfTime,
    IdTokenSpent,
    InvalidRequest,
    Role,
    SignInRefused,
    add_account,
    change_account,
)
from booking_core.access.oidc import AHEAD, FRESH, KEPT
from booking_core.sessions import IdToken, SignedIn, session_of, sign_in_by_id_token, sign_out

SECOND = timedelta(seconds=1)
TOKEN = IdToken("provider, subject, moment", "asha@school.example", NOW)


@pytest.fixture
def staff(bare):
    """A database with two accounts: asha; gone, disabled."""
    add_account(bare, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
    gone = Account("gone", "Gone", Role.STAFF, "gone@school.example", active=False)
    add_account(bare, gone)
    return bare


def test_of_parallel_sign_ins_with_one_token_one_gets_a_session(staff):
    outcomes = at_once(*(partial(sign_in_by_id_token, staff, TOKEN, now=NOW) for _ in range(24)))

    [signed_in] = of_type(outcomes, SignedIn)
    assert len(of_type(outcomes, IdTokenSpent)) == 23
    assert session_of(staff, signed_in.token, now=NOW).account.id == "asha"
    assert staff.sessions.count_documents({}) == 1


def test_a_token_whose_session_has_ended_opens_no_other(staff):
    session = sign_in_by_id_token(staff, TOKEN, now=NOW)
    sign_out(staff, session.token)

    with pytest.raises(IdTokenSpent):
        sign_in_by_id_token(staff, TOKEN, now=NOW + SECOND)
    assert staff.sessions.count_documents({}) == 0


@pytest.mark.parametrize("email", ["asha@school.example", "Asha@School.EXAMPLE"])
def test_an_address_matches_in_any_case(staff, email):
    assert sign_in_by_id_token(staff, replace(TOKEN, email=email), now=NOW).account.id == "asha"


@pytest.mark.parametrize(
    "email", ["", "no address", "ravi@school.example", "gone@school.example", *UNSTORABLE]
)
def test_an_address_without_an_active_account_is_refused(staff, email):
    with pytest.raises(SignInRefused) as refused:
        sign_in_by_id_token(staff, replace(TOKEN, email=email), now=NOW)

    assert type(refused.value) is SignInRefused
    assert staff.sessions.count_documents({}) == staff.proofs.count_documents({}) == 0


def test_disabling_ends_the_session_and_refuses_the_next_token(staff):
    token = sign_in_by_id_token(staff, TOKEN, now=NOW).token
    change_account(staff, "asha", active=False, by=None)

    assert session_of(staff, token, now=NOW) is None
    with pytest.raises(SignInRefused):
        sign_in_by_id_token(staff, replace(TOKEN, id="new"), now=NOW)


@pytest.mark.parametrize("age", [-AHEAD, timedelta(0), FRESH])
def test_a_small_difference_of_clocks_is_accepted(staff, age):
    assert sign_in_by_id_token(staff, TOKEN, now=NOW + age).account.id == "asha"


@pytest.mark.parametrize("age", [-AHEAD - SECOND, FRESH + SECOND, timedelta(days=30)])
def test_an_old_or_future_token_is_refused_with_its_age(staff, age):
    with pytest.raises(IdTokenOutOfTime) as refused:
        sign_in_by_id_token(staff, TOKEN, now=NOW + age)

    assert refused.value.age_seconds == age.total_seconds()
    assert staff.sessions.count_documents({}) == 0


def test_the_hash_of_a_token_is_kept_for_a_day(staff):
    sign_in_by_id_token(staff, TOKEN, now=NOW)

    [kept] = staff.proofs.find()
    assert kept["expires_at"] == NOW + KEPT > NOW + FRESH + AHEAD
    assert "subject" not in str(kept)
    assert "asha" not in str(kept)
    assert staff.proofs.index_information()["proofs_end"]["expireAfterSeconds"] == 0


@pytest.mark.parametrize(
    "token",
    [
        None,
        "asha@school.example",
        replace(TOKEN, id=""),
        replace(TOKEN, id="x" * 20_000),
        replace(TOKEN, issued_at=None),
        replace(TOKEN, issued_at=NOW.replace(tzinfo=None)),
        replace(TOKEN, issued_at=NOW.timestamp()),
    ],
)
def test_a_malformed_token_is_refused(staff, token):
    with pytest.raises(InvalidRequest):
        sign_in_by_id_token(staff, token, now=NOW)

    assert staff.sessions.count_documents({}) == staff.proofs.count_documents({}) == 0
