"""Sign-in by name and password, and that every refusal is the same."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from invalid_input import BAD_NOW, UNSTORABLE, WRONG_TYPE, assert_refused, cases
from sign_in_client import MINUTE, PASSWORD, THIS_ADDRESS, fail
from support import NOW

from booking_core import Account, Role, SignInRefused, add_account
from booking_core.access import passwords
from booking_core.sessions import session_of, sign_in

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_name_and_password_open_a_session(staff):
    signed_in = sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS, now=NOW)

    session = session_of(staff, signed_in.token, now=NOW)
    assert signed_in.account == session.account
    assert (session.account.id, session.account.role) == ("ravi", Role.STAFF)
    assert session.created_at == session.seen_at == NOW
    assert session.expires_at == NOW + 60 * MINUTE


@pytest.mark.parametrize("name", ["RAVI", " Ravi ", "ravi\n"])
def test_a_name_is_compared_without_case_and_outer_spaces(staff, name):
    assert sign_in(staff, name, PASSWORD, address=THIS_ADDRESS).account.id == "ravi"


def test_a_password_matches_in_composed_and_decomposed_form(staff):
    add_account(staff, Account("rene", "René", Role.STAFF), password="caf\u00e9 au lait")

    assert sign_in(staff, "rene", "cafe\u0301 au lait", address=THIS_ADDRESS)


def test_a_password_is_compared_with_case_and_spaces(staff):
    for password in (PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} ", PASSWORD[:-1]):
        fail(staff, password=password, address=password)
        staff.attempts.delete_many({})


REFUSED = {
    "unknown name": ("nobody", PASSWORD),
    "no name at all": ("", PASSWORD),
    "no possible name": ("<script>", PASSWORD),
    "very long name": ("x" * 100_000, PASSWORD),
    "operator as a name": ('{"$gt": ""}', PASSWORD),
    "wrong password": ("ravi", "a wrong guess"),
    "no password": ("ravi", ""),
    "very long password": ("ravi", PASSWORD + "x" * 100_000),
    "unwritable password": ("ravi", "\ud800" * 12),
    "disabled account": ("gone", PASSWORD),
    "disabled account, wrong password": ("gone", "a wrong guess"),
    "account without a password": ("meera", PASSWORD),
    "account without a password, none given": ("meera", ""),
    **{f"name {ascii(text)[:12]}": (text, PASSWORD) for text in UNSTORABLE},
}


@pytest.mark.parametrize(("name", "password"), REFUSED.values(), ids=REFUSED.keys())
def test_every_refusal_is_the_same_answer_after_the_same_work(staff, checked, name, password):
    with pytest.raises(SignInRefused) as error:
        sign_in(staff, name, password, address=THIS_ADDRESS)

    assert type(error.value) is SignInRefused
    assert str(error.value) == ""
    assert vars(error.value) == {}
    assert len(checked) == 1  # one hash is verified, even if the account has none
    parameters = {hash.rsplit("$", 2)[0] for hash in checked}
    assert parameters == {passwords.hashed("x").rsplit("$", 2)[0]}
    assert staff.attempts.count_documents({}) == 3  # of the name, of the address, of both
    assert staff.sessions.count_documents({}) == 0


def test_the_spellings_of_one_name_share_their_failures(staff):
    for name in ("ravi", "RAVI", " Ravi", "ra\u200dvi"):
        fail(staff, name=name)

    assert staff.attempts.count_documents({}) == 3  # of the name, of the address, of both


def test_no_typed_name_or_address_is_stored_in_plain_text(staff):
    fail(staff, name="my password by mistake")
    fail(staff, name="x" * 100_000)

    rows = list(staff.attempts.find())
    assert "mistake" not in str(rows)
    assert THIS_ADDRESS not in str(rows)
    assert all(len(str(row)) < 1000 for row in rows)


def test_a_hash_with_outdated_parameters_is_renewed_at_the_next_sign_in(staff, monkeypatch):
    before = staff.accounts.find_one({"_id": "ravi"})["password_hash"]
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(2, 16, 1))

    fail(staff, password="a wrong guess")
    assert staff.accounts.find_one({"_id": "ravi"})["password_hash"] == before
    token = sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS).token

    after = staff.accounts.find_one({"_id": "ravi"})["password_hash"]
    assert "$m=16,t=2,p=1$" in after
    assert session_of(staff, token) is not None
    assert sign_in(staff, "ravi", PASSWORD, address=THIS_ADDRESS)
    assert staff.accounts.find_one({"_id": "ravi"})["password_hash"] == after


@pytest.mark.parametrize(
    ("field", "value"),
    cases(
        name=[*WRONG_TYPE, None],
        password=[*WRONG_TYPE, None],
        address=[*WRONG_TYPE, None, "", "  ", "x" * 201, "a\x00b"],
        now=BAD_NOW,
    ),
)
def test_invalid_input_is_refused_with_its_field(bare, field, value):
    wanted = {"name": "ravi", "password": PASSWORD, "address": THIS_ADDRESS} | {field: value}

    assert_refused((bare, None), lambda db: sign_in(db, **wanted), field)
