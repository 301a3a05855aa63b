"""The word of an identity provider: it opens one session, soon, and never another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from junk import UNSTORABLE
from support import at_once, of_type

from booking_core import (
    Account,
    InvalidRequest,
    Proof,
    ProofOutOfTime,
    ProofSpent,
    Role,
    SignedIn,
    SignInRefused,
    add_account,
    change_account,
    check_proof,
    end_sessions,
    session_of,
    sign_in_by_proof,
    sign_out,
)
from booking_core.access.oidc import AHEAD, FRESH, KEPT

NOW = datetime.now(UTC).replace(microsecond=0)
SECOND = timedelta(seconds=1)
PROOF = Proof("provider, subject, moment", "asha@school.example", NOW)


@pytest.fixture
def door(bare):
    """Asha, who has an address; and Gone, who is disabled."""
    add_account(bare, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
    gone = Account("gone", "Gone", Role.STAFF, "gone@school.example", active=False)
    add_account(bare, gone)
    return bare


def test_of_many_who_show_one_word_at_once_one_gets_a_session(door):
    outcomes = at_once(*(partial(sign_in_by_proof, door, PROOF, now=NOW) for _ in range(24)))

    [signed_in] = of_type(outcomes, SignedIn)
    assert len(of_type(outcomes, ProofSpent)) == 23
    assert session_of(door, signed_in.token, now=NOW).account.id == "asha"
    assert door.sessions.count_documents({}) == 1


@pytest.mark.parametrize("end", [sign_out, lambda db, token: end_sessions(db, "asha")])
def test_a_word_whose_session_has_ended_opens_no_other(door, end):
    token = sign_in_by_proof(door, PROOF, now=NOW).token
    end(door, token)

    for show in (check_proof, sign_in_by_proof):
        with pytest.raises(ProofSpent):
            show(door, PROOF, now=NOW + SECOND)
    assert door.sessions.count_documents({}) == 0


def test_a_look_at_a_word_spends_nothing(door):
    looked = [check_proof(door, PROOF, now=NOW) for _ in range(2)]

    assert [sign_in_by_proof(door, PROOF, now=NOW).account] * 2 == looked


@pytest.mark.parametrize("email", ["asha@school.example", "Asha@School.EXAMPLE"])
def test_an_address_is_the_same_in_any_case(door, email):
    assert sign_in_by_proof(door, replace(PROOF, email=email), now=NOW).account.id == "asha"


@pytest.mark.parametrize(
    "email", ["", "no address", "ravi@school.example", "gone@school.example", *UNSTORABLE]
)
def test_without_an_active_account_of_that_address_nobody_gets_in(door, email):
    with pytest.raises(SignInRefused) as refused:
        sign_in_by_proof(door, replace(PROOF, email=email), now=NOW)

    assert type(refused.value) is SignInRefused
    assert door.sessions.count_documents({}) == door.proofs.count_documents({}) == 0


def test_whoever_is_disabled_is_out_and_their_next_word_opens_nothing(door):
    token = sign_in_by_proof(door, PROOF, now=NOW).token
    change_account(door, "asha", active=False, by=None)

    assert session_of(door, token, now=NOW) is None
    with pytest.raises(SignInRefused):
        sign_in_by_proof(door, replace(PROOF, id="new"), now=NOW)


@pytest.mark.parametrize("age", [-AHEAD, timedelta(0), FRESH])
def test_clocks_that_differ_a_little_keep_nobody_out(door, age):
    assert sign_in_by_proof(door, PROOF, now=NOW + age).account.id == "asha"


@pytest.mark.parametrize("age", [-AHEAD - SECOND, FRESH + SECOND, timedelta(days=30)])
def test_a_word_of_another_time_opens_nothing_and_says_from_when_it_is(door, age):
    with pytest.raises(ProofOutOfTime) as refused:
        sign_in_by_proof(door, PROOF, now=NOW + age)

    assert refused.value.age_seconds == age.total_seconds()
    assert door.sessions.count_documents({}) == 0


def test_of_a_word_a_hash_is_kept_until_long_after_it_is_too_old(door):
    sign_in_by_proof(door, PROOF, now=NOW)

    [kept] = door.proofs.find()
    assert kept["expires_at"] == NOW + KEPT > NOW + FRESH + AHEAD
    assert "subject" not in str(kept)
    assert "asha" not in str(kept)
    assert door.proofs.index_information()["proofs_end"]["expireAfterSeconds"] == 0
    with pytest.raises(ProofSpent):  # not merely old: the door says that a session has ended
        check_proof(door, PROOF, now=NOW + timedelta(hours=3))


@pytest.mark.parametrize(
    "proof",
    [
        None,
        "asha@school.example",
        replace(PROOF, id=""),
        replace(PROOF, id="x" * 20_000),
        replace(PROOF, issued_at=None),
        replace(PROOF, issued_at=NOW.replace(tzinfo=None)),
        replace(PROOF, issued_at=NOW.timestamp()),
    ],
)
def test_what_is_no_proof_is_refused(door, proof):
    with pytest.raises(InvalidRequest):
        sign_in_by_proof(door, proof, now=NOW)

    assert door.sessions.count_documents({}) == door.proofs.count_documents({}) == 0
