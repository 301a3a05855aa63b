"""Two admins edit one account: a save over a change made meanwhile is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sign_in_client import PASSWORD, RAVI, account_entries
from support import ADMIN, at_once, of_type

from booking_core import (
    Account,
    ChangedMeanwhile,
    Role,
    add_account,
    change_account,
    get_account,
    reset_password,
)

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_of_two_saves_from_the_same_shown_account_the_later_is_refused(bare):
    shown = add_account(bare, RAVI)
    change_account(bare, "ravi", role=Role.PRINCIPAL, by=ADMIN, was=shown)

    with pytest.raises(ChangedMeanwhile) as error:
        change_account(bare, "ravi", name="Ravi K.", role=shown.role, by=ADMIN, was=shown)

    assert error.value.what == "the account"
    assert get_account(bare, "ravi") == replace(shown, role=Role.PRINCIPAL)
    assert [action for _, action, _, _ in account_entries(bare)] == ["added", "changed"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"name": "Ravi K."},
        {"role": Role.PRINCIPAL},
        {"email": None},
        {"email": "new@school.test"},
        {"active": False},
    ],
    ids=str,
)
def test_a_change_of_any_field_meanwhile_refuses_the_save(bare, meanwhile):
    shown = add_account(bare, RAVI)
    changed = change_account(bare, "ravi", **meanwhile, by=ADMIN)

    for save in ({"name": "Another"}, {"active": True}, {}):
        with pytest.raises(ChangedMeanwhile):
            change_account(bare, "ravi", **save, by=ADMIN, was=shown)

    assert get_account(bare, "ravi") == changed
    assert change_account(bare, "ravi", name="Another", by=ADMIN, was=changed).name == "Another"


def test_a_password_changed_meanwhile_does_not_refuse_the_save(bare):
    shown = add_account(bare, RAVI, password=PASSWORD)
    reset_password(bare, "ravi", by=ADMIN)

    assert change_account(bare, "ravi", name="Another", by=ADMIN, was=shown).name == "Another"


def test_of_two_saves_at_the_same_moment_one_succeeds_and_the_other_is_refused(bare):
    for number in range(10):
        shown = add_account(bare, Account(f"ravi{number}", "Ravi", Role.STAFF))

        outcomes = at_once(
            partial(change_account, bare, shown.id, name="One", by=ADMIN, was=shown),
            partial(change_account, bare, shown.id, role=Role.PRINCIPAL, by=ADMIN, was=shown),
        )

        [won] = of_type(outcomes, Account)
        assert len(of_type(outcomes, ChangedMeanwhile)) == 1
        assert get_account(bare, shown.id) == won
        assert bare.audit.count_documents({"id": shown.id}) == 2


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from([{"name": "A"}, {"name": "B"}, {"role": Role.PRINCIPAL}]),
            st.booleans(),
        ),
        max_size=5,
    )
)
@settings(max_examples=25)
def test_a_save_over_a_stale_account_never_changes_it(bare, edits):
    """Each edit starts from the account as first shown (stale) or as stored (fresh)."""
    bare.accounts.delete_many({})
    first = stored = add_account(bare, RAVI)

    for fields, is_fresh in edits:
        shown = stored if is_fresh else first
        if shown == stored:
            stored = change_account(bare, "ravi", **fields, by=ADMIN, was=shown)
        else:
            with pytest.raises(ChangedMeanwhile):
                change_account(bare, "ravi", **fields, by=ADMIN, was=shown)
        assert get_account(bare, "ravi") == stored
