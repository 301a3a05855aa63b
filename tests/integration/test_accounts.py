"""Accounts: adding and changing them, and the rule that one active admin must remain.

The file is long because all subjects share one database and the table of invalid values at the end.
"""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from invalid_input import BAD_ACTOR, BAD_ID, BAD_NAME, BAD_NOW, WRONG_TYPE, assert_refused, cases
from sign_in_client import BOSS, PASSWORD, RAVI, account_entries
from support import ADMIN, HEAD, MEERA, at_once, of_type

from booking_core import (
    Account,
    AlreadyExists,
    InvalidRequest,
    LastAdmin,
    NotAllowed,
    NotFound,
    Role,
    add_account,
    change_account,
    change_password,
    find_accounts,
    get_account,
    has_admin,
    reset_password,
)
from booking_core.access.accounts import account_of_email
from booking_core.sessions import open_session, session_of, sign_in

pytestmark = pytest.mark.usefixtures("quick_hashes")


# Adding


def test_an_account_is_added_and_found_by_its_id_and_by_its_address(bare):
    made = add_account(bare, RAVI, password=PASSWORD, by=ADMIN)

    assert made == get_account(bare, "ravi") == account_of_email(bare, "ravi@school.test")
    assert (made.name, made.role, made.active, made.has_password) == (
        "Ravi Kumar",
        Role.STAFF,
        True,
        True,
    )
    assert find_accounts(bare) == [made]
    assert account_entries(bare) == [("admin", "added", "account", "ravi")]


def test_names_and_addresses_are_compared_in_lower_case(bare):
    add_account(bare, Account("Ravi", "Ravi", Role.STAFF, "Ravi@School.test"))

    assert get_account(bare, "RAVI").id == "ravi"
    assert account_of_email(bare, "RAVI@SCHOOL.TEST").email == "ravi@school.test"
    with pytest.raises(AlreadyExists) as error:
        add_account(bare, Account("RAVI", "Another", Role.STAFF))
    assert (error.value.what, error.value.id) == ("account", "ravi")
    with pytest.raises(AlreadyExists) as error:
        add_account(bare, Account("other", "Other", Role.STAFF, "rAvI@school.TEST"))
    assert error.value.id == "ravi@school.test"
    assert len(find_accounts(bare)) == 1
    assert len(account_entries(bare)) == 1


def test_two_parallel_additions_of_one_name_or_address_make_one_account(bare):
    same_name = at_once(
        *(partial(add_account, bare, Account("ravi", f"Ravi {n}", Role.STAFF)) for n in range(4))
    )
    same_address = at_once(
        *(
            partial(add_account, bare, Account(f"a{n}", "A", Role.STAFF, "one@school.test"))
            for n in range(4)
        )
    )

    assert len(of_type(same_name, Account)) == len(of_type(same_address, Account)) == 1
    assert len(of_type(same_name + same_address, AlreadyExists)) == 6
    assert len(account_entries(bare)) == 2


ALIKE = {
    "capitals and sharp s": ("STRASSE", "stra\u00dfe"),
    "composed and decomposed": ("ren\u00e9", "Rene\u0301"),
    "sigmas": ("\u03bf\u03c3", "\u03bf\u03c2"),
}


@pytest.mark.parametrize(("one", "other"), ALIKE.values(), ids=ALIKE)
def test_of_two_names_or_addresses_that_cannot_be_told_apart_one_is_refused(bare, one, other):
    add_account(bare, Account(one, "One", Role.STAFF, f"{one}@school.test"))
    add_account(bare, Account("other", "Other", Role.STAFF, "other@school.test"))

    with pytest.raises(AlreadyExists):
        add_account(bare, Account(other, "Two", Role.STAFF))
    with pytest.raises(AlreadyExists):
        add_account(bare, Account("two", "Two", Role.STAFF, f"{other}@school.test"))
    with pytest.raises(AlreadyExists):
        change_account(bare, "other", email=f"{other}@school.test", by=ADMIN)

    assert get_account(bare, "other").email == "other@school.test"
    assert len(find_accounts(bare)) == 2
    change_account(bare, one, email=None, by=ADMIN)
    assert change_account(bare, "other", email=f"{other}@school.test", by=ADMIN).email


def test_an_account_is_found_by_every_spelling_that_cannot_be_told_from_its_name(bare):
    made = add_account(bare, Account("stra\u00dfe", "One", Role.STAFF), password=PASSWORD)

    token = sign_in(bare, "STRASSE", PASSWORD, address="192.0.2.1").token
    assert session_of(bare, token).account == made == get_account(bare, "strasse")
    assert session_of(bare, open_session(bare, "Strasse")).account == made
    new = reset_password(bare, "strasse", by=ADMIN)
    assert session_of(bare, token) is None
    changed = change_password(bare, "strasse", old=new, new="another horse")
    assert changed.id == made.id == "stra\u00dfe"
    assert {id for _, _, _, id in account_entries(bare)} == {made.id}
    assert change_account(bare, "STRASSE", active=False, by=ADMIN).id == made.id


# Turkish, German and Greek letters; some are several code points in the other case.
CASED = st.text(
    "iI\u0130\u0131\u015f\u015esS\u00df\u1e9e\u03c3\u03c2\u03a3\u0390\u03b0\u03ca\u0149\u01f0a1",
    min_size=1,
    max_size=64,
)


@given(CASED)
@example("\u0130lker")
@example("\u0131\u015f\u0131k")
@example("\u00df" * 64)
@example("\u0390" * 64)
@settings(max_examples=40)
def test_a_name_that_can_be_added_signs_in_in_any_letter_case(bare, name):
    for collection in ("accounts", "sessions", "attempts"):
        bare[collection].delete_many({})
    made = add_account(bare, Account(name, "Ilker", Role.STAFF), password=PASSWORD)

    for case in (str.upper, str.lower, str.casefold, str.title, str.swapcase, str):
        signed_in = sign_in(bare, case(name), PASSWORD, address="192.0.2.1")
        assert signed_in.account == made == session_of(bare, signed_in.token).account
    assert find_accounts(bare) == [made]
    assert get_account(bare, made.id) == made


def test_of_two_names_that_differ_in_a_dot_of_turkish_one_is_refused(bare):
    add_account(bare, Account("\u0131\u015f\u0131k", "One", Role.STAFF))

    for name in ("i\u015fik", "\u0130\u015e\u0130K", "I\u015eIK", "\u0131\u015fik"):
        with pytest.raises(AlreadyExists):
            add_account(bare, Account(name, "Two", Role.STAFF))

    assert get_account(bare, "I\u015eIK").id == "\u0131\u015f\u0131k"


def test_accounts_of_before_whose_names_differ_in_a_dot_are_each_found_by_their_own(bare):
    dotted, dotless = "i\u015fik", "\u0131\u015f\u0131k"
    passwords = {dotless: "dotless horses", dotted: "dotted horses"}
    for name, password in passwords.items():
        add_account(bare, Account(name, "Name", Role.STAFF), password=password)
        # As an earlier version stored it: with letters of its own in the key.
        bare.accounts.update_one({"_id": name}, {"$set": {"id_key": name}})

    for name, password in passwords.items():
        assert sign_in(bare, name, password, address="192.0.2.1").account.id == name
        assert get_account(bare, name).id == name
        assert change_account(bare, name, name=f"Name {name}", by=ADMIN).id == name
        new = reset_password(bare, name, by=ADMIN)
        assert sign_in(bare, name, new, address="192.0.2.1").account.id == name


def test_an_address_is_found_however_its_letters_are_composed(bare):
    made = add_account(bare, Account("one", "One", Role.STAFF, "J\u030cana@school.test"))

    assert account_of_email(bare, "J\u030cana@school.test") == made
    assert account_of_email(bare, "\u01f0ana@school.test") == made


def test_an_address_that_looks_like_that_of_an_account_is_not_taken_for_it(bare):
    made = add_account(bare, Account("one", "One", Role.STAFF, "stra\u00dfe@school.test"))

    assert account_of_email(bare, "STRA\u00dfE@school.test") == made
    assert account_of_email(bare, "strasse@school.test") is None


def test_many_accounts_may_have_no_address(bare):
    for number in range(3):
        add_account(bare, Account(f"staff{number}", "Somebody", Role.STAFF))

    assert len(find_accounts(bare)) == 3


def test_only_an_argon2id_hash_of_a_password_is_stored(bare, monkeypatch):
    monkeypatch.undo()  # the real parameters of the hash
    add_account(bare, RAVI, password=PASSWORD)

    (stored,) = bare.accounts.find()
    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$", stored["password_hash"])
    assert PASSWORD not in str(stored) + str(list(bare.audit.find()))
    assert stored["password_hash"] not in str(list(bare.audit.find()))


@pytest.mark.parametrize(
    "password",
    [
        *WRONG_TYPE,
        "",
        "short",
        "123456789",
        " " * 12,
        "x" * 201,
        "x" * 100_000,
        "\ud800" * 12,
        "ravi.kumar1",
        "RAVI.KUMAR1",
        " ravi.kumar1 ",
        "Ravi Kumar the First",
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_password_has_10_to_200_characters_and_is_more_than_the_name(bare, password):
    account = Account("ravi.kumar1", "Ravi Kumar the First", Role.STAFF)

    with pytest.raises(InvalidRequest) as error:
        add_account(bare, account, password=password)

    assert error.value.field == "password"
    assert find_accounts(bare) == []


@pytest.mark.parametrize(
    "password", ["mango 0123", "mango lamp " * 18, "ಪಾಸ್‌ವರ್ಡ್ ಒಂದು", "a\x00b\x00c\x00d\x00e\x00"]
)
def test_any_other_password_is_accepted(bare, password):
    add_account(bare, RAVI, password=password)

    assert sign_in(bare, "ravi", password, address="192.0.2.1").account.id == "ravi"


def test_no_account_takes_the_id_that_the_audit_log_uses_for_no_user(bare):
    with pytest.raises(InvalidRequest) as error:
        add_account(bare, Account("System", "A name", Role.STAFF))

    assert error.value.field == "id"


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=lambda by: by.role.value)
def test_only_admins_change_accounts(bare, by):
    add_account(bare, RAVI, password=PASSWORD)
    before = account_entries(bare)

    for attempt in (
        lambda: add_account(bare, BOSS, by=by),
        lambda: change_account(bare, "ravi", active=False, by=by),
        lambda: reset_password(bare, "ravi", by=by),
    ):
        with pytest.raises(NotAllowed) as error:
            attempt()
        assert (error.value.verb, error.value.role) == ("administer", by.role.value)

    assert account_entries(bare) == before


# Changing


def test_given_fields_are_changed_and_the_others_are_kept(bare):
    add_account(bare, RAVI)

    change_account(bare, "ravi", name="Ravi K.", by=ADMIN)
    changed = change_account(bare, "RAVI", email="New@School.test", by=ADMIN)

    assert (changed.name, changed.email, changed.role) == (
        "Ravi K.",
        "new@school.test",
        Role.STAFF,
    )
    assert get_account(bare, "ravi") == changed
    assert change_account(bare, "ravi", email=None, by=ADMIN).email is None
    entry = bare.audit.find_one({"details.before.name": "Ravi Kumar"})
    assert entry["details"] == {"before": {"name": "Ravi Kumar"}, "after": {"name": "Ravi K."}}


def test_disabling_and_enabling_are_logged_with_the_reason(bare):
    add_account(bare, RAVI)

    disabled = change_account(bare, "ravi", active=False, reason="left", by=ADMIN)
    enabled = change_account(bare, "ravi", active=True, by=ADMIN)

    assert (disabled.active, enabled.active) == (False, True)
    assert [action for _, action, _, _ in account_entries(bare)] == ["added", "disabled", "enabled"]
    assert bare.audit.find_one({"action": "disabled"})["details"]["reason"] == "left"


def test_a_change_to_the_present_values_is_neither_stored_nor_logged(bare):
    made = add_account(bare, RAVI)
    token = open_session(bare, "ravi")

    same = change_account(
        bare, "ravi", name=RAVI.name, role=RAVI.role, email=RAVI.email, active=True, by=ADMIN
    )

    assert same == made
    assert len(account_entries(bare)) == 1
    assert session_of(bare, token) is not None


def test_an_address_of_another_account_is_refused(bare):
    add_account(bare, RAVI)
    add_account(bare, Account("meera", "Meera", Role.STAFF))

    with pytest.raises(AlreadyExists) as error:
        change_account(bare, "meera", email="RAVI@school.test", by=ADMIN)

    assert error.value.id == "ravi@school.test"
    assert get_account(bare, "meera").email is None


@pytest.mark.parametrize("change", [{"role": Role.PRINCIPAL}, {"active": False}], ids=str)
def test_a_new_role_and_disabling_end_all_sessions_with_the_change(bare, change):
    add_account(bare, RAVI)
    add_account(bare, BOSS)
    mine, other = open_session(bare, "ravi"), open_session(bare, "boss")

    change_account(bare, "ravi", **change, by=ADMIN)

    assert session_of(bare, mine) is None
    assert bare.sessions.count_documents({"account_id": "ravi"}) == 0
    assert session_of(bare, other) is not None
    change_account(bare, "ravi", active=True, by=ADMIN)
    assert session_of(bare, mine) is None


def test_a_new_name_ends_no_session(bare):
    add_account(bare, RAVI)
    token = open_session(bare, "ravi")

    change_account(bare, "ravi", name="Ravi K.", by=ADMIN)

    assert session_of(bare, token).account.name == "Ravi K."


def test_an_unknown_account_is_not_found(bare):
    for attempt in (
        lambda: get_account(bare, "nobody"),
        lambda: change_account(bare, "nobody", name="Somebody", by=ADMIN),
        lambda: reset_password(bare, "nobody", by=ADMIN),
        lambda: change_password(bare, "nobody", old=PASSWORD, new="another horse"),
        lambda: open_session(bare, "nobody"),
    ):
        with pytest.raises(NotFound) as error:
            attempt()
        assert (error.value.what, error.value.id) == ("account", "nobody")
    assert account_of_email(bare, "nobody@school.test") is None
    assert account_entries(bare) == []


# The last admin


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.STAFF}], ids=str)
def test_the_last_active_admin_cannot_be_disabled_or_demoted(bare, change):
    add_account(bare, BOSS)
    add_account(bare, Account("gone", "Gone", Role.ADMIN, active=False))
    token = open_session(bare, "boss")

    with pytest.raises(LastAdmin) as error:
        change_account(bare, "boss", **change, by=BOSS.actor)

    assert error.value.account_id == "boss"
    assert has_admin(bare)
    assert session_of(bare, token) is not None
    assert len(account_entries(bare)) == 2
    add_account(bare, Account("second", "Second", Role.ADMIN))
    change_account(bare, "boss", **change, by=BOSS.actor)
    assert has_admin(bare)


def test_of_two_admins_who_disable_each_other_at_once_one_stays_active(bare):
    for number in range(10):
        one, two = (Account(f"{name}{number}", name, Role.ADMIN) for name in ("one", "two"))
        for account in find_accounts(bare):
            bare.accounts.delete_one({"_id": account.id})
        add_account(bare, one)
        add_account(bare, two)

        outcomes = at_once(
            partial(change_account, bare, two.id, active=False, by=one.actor),
            partial(change_account, bare, one.id, role=Role.STAFF, by=two.actor),
        )

        assert len(of_type(outcomes, Account)) == len(of_type(outcomes, LastAdmin)) == 1
        assert has_admin(bare)


def test_has_admin_counts_active_admins_only(bare):
    assert not has_admin(bare)
    add_account(bare, Account("gone", "Gone", Role.ADMIN, active=False))
    add_account(bare, RAVI)
    assert not has_admin(bare)
    add_account(bare, BOSS)
    assert has_admin(bare)


# Bad input


@pytest.fixture
def staffed(bare):
    add_account(bare, RAVI)
    return bare, None


BAD_EMAIL = [
    "",
    "ravi",
    "a@b",
    "a b@c.test",
    "x" * 300 + "@c.test",
    5,
    ["a@b.test"],
    "a\x00@b.test",
]


@pytest.mark.parametrize(
    ("field", "value"),
    cases(
        name=[value for value in BAD_NAME if value is not None],
        role=["admin", "root", 5, ["admin"]],
        email=[value for value in BAD_EMAIL if value != ""],
        active=[1, "yes", "", []],
        reason=[5, None, "x" * 501, "a\x00b"],
        was=[5, "ravi", {"id": "ravi"}, ADMIN],
        now=BAD_NOW,
    ),
)
def test_bad_input_changes_no_account(staffed, field, value):
    assert_refused(
        staffed, lambda db: change_account(db, "ravi", **({"by": ADMIN} | {field: value})), field
    )


@pytest.mark.parametrize(
    ("field", "value"),
    cases(
        id=BAD_ID, name=BAD_NAME, role=[None, "admin", 5], active=[None, 1], must_change=[None, 1]
    ),
)
def test_an_account_refuses_bad_fields(field, value):
    with pytest.raises(InvalidRequest) as error:
        Account(**({"id": "ravi", "name": "Ravi", "role": Role.STAFF} | {field: value}))

    assert error.value.field == field


@pytest.mark.parametrize(("field", "value"), cases(account_id=BAD_ID))
def test_a_bad_account_id_is_refused(staffed, field, value):
    for attempt in (
        partial(get_account, account_id=value),
        partial(change_account, account_id=value, by=ADMIN),
        partial(reset_password, account_id=value, by=ADMIN),
        partial(change_password, account_id=value, old=PASSWORD, new="another horse"),
        partial(open_session, account_id=value),
    ):
        assert_refused(staffed, attempt, field)


@pytest.mark.parametrize(
    ("field", "value"), cases(by=[value for value in BAD_ACTOR if value is not None])
)
def test_a_bad_actor_is_refused(staffed, field, value):
    for attempt in (
        lambda db: add_account(db, BOSS, by=value),
        lambda db: change_account(db, "ravi", name="Ravi", by=value),
        lambda db: reset_password(db, "ravi", by=value),
    ):
        assert_refused(staffed, attempt, field)


@pytest.mark.parametrize("value", [None, "ravi", {"id": "ravi"}, ADMIN], ids=ascii)
def test_only_an_account_value_is_added(staffed, value):
    assert_refused(staffed, lambda db: add_account(db, value), "account")


@pytest.mark.parametrize("value", [value for value in BAD_EMAIL if value != ""], ids=ascii)
def test_a_bad_address_is_refused(staffed, value):
    assert_refused(staffed, lambda db: account_of_email(db, value), "email")


def test_an_empty_address_finds_no_account(staffed):
    assert account_of_email(staffed[0], "") is None
    assert account_of_email(staffed[0], None) is None
