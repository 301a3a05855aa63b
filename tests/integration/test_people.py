"""What a process remembers of who is signed in, and when it asks the database again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from booking_core import (
    Account,
    Feed,
    Role,
    Scope,
    ScopedCache,
    StoreUnavailable,
    add_account,
    change_account,
    open_session,
    session_of,
    sign_out,
)
from booking_core.storage import cache
from booking_core.storage.database import BookingDatabase
from pages.shared import identity
from pages.shared import session_cache as module
from pages.shared.session_cache import SessionCache, _key


class Deaf(Feed):
    """A feed that hears of nothing until it is told to."""

    connected = True
    people = 0


def remembered(db: BookingDatabase, feed: Feed) -> tuple[SessionCache, ScopedCache]:
    """A process that remembers nobody yet, and its cache."""
    kept = ScopedCache(feed)
    return SessionCache(db, kept), kept


@pytest.fixture
def deaf(db: BookingDatabase) -> Deaf:
    add_account(db, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
    return Deaf(db)


def test_what_is_done_asks_the_database_and_what_is_shown_asks_when_people_changed(
    db: BookingDatabase, deaf: Deaf
) -> None:
    token, (people, _) = open_session(db, "asha"), remembered(db, deaf)
    assert people.known(token).account.id == "asha"

    change_account(db, "asha", active=False, by=None)

    assert people.known(token) is not None, "asked without need"
    deaf.people += 1
    assert people.known(token) is None


def test_whoever_is_found_out_when_acting_is_out_for_the_screens_too(
    db: BookingDatabase, deaf: Deaf
) -> None:
    token, (people, _) = open_session(db, "asha"), remembered(db, deaf)
    assert people.known(token) is not None
    sign_out(db, token)

    assert people.read(token) is None
    assert people.known(token) is None


def test_a_session_ends_by_the_clock_unless_it_was_used_elsewhere(
    db: BookingDatabase, deaf: Deaf
) -> None:
    token, (people, kept) = open_session(db, "asha"), remembered(db, deaf)
    assert people.known(token) is not None
    known = kept.peek(Scope.ACCOUNTS, _key(token))

    known.ends_at = datetime.now(UTC)  # as far as this process knows
    assert people.known(token) is not None
    past = datetime.now(UTC) - timedelta(seconds=1)
    db["sessions"].update_many({}, {"$set": {"expires_at": past}})
    kept.peek(Scope.ACCOUNTS, _key(token)).ends_at = past

    assert people.known(token) is None


@pytest.mark.parametrize("by_proof", [False, True])
def test_when_the_school_changes_its_door_those_who_came_in_by_the_other_are_out(
    db: BookingDatabase, deaf: Deaf, monkeypatch: pytest.MonkeyPatch, by_proof: bool
) -> None:
    token = open_session(db, "asha", by_proof=by_proof)

    let_in = []
    for is_on in (False, True):
        monkeypatch.setattr(identity, "is_on", lambda is_on=is_on: is_on)
        let_in.append(remembered(db, deaf)[0].known(token) is not None)

    assert let_in == [not by_proof, by_proof]


def test_being_at_work_is_noted_once_a_minute(
    db: BookingDatabase, deaf: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, (people, _) = open_session(db, "asha"), remembered(db, deaf)
    people.known(token)
    noted: list[str] = []
    monkeypatch.setattr(module, "touch_session", lambda db, used: noted.append(used))

    for _ in range(5):
        people.touch(token)

    assert noted == [token]
    assert session_of(db, token) is not None


def test_while_the_database_is_away_what_was_known_holds_and_nothing_else(
    db: BookingDatabase, deaf: Deaf
) -> None:
    token, (people, _) = open_session(db, "asha"), remembered(db, deaf)
    people.known(token)
    deaf.connected = False

    assert people.known(token).account.id == "asha"
    with pytest.raises(StoreUnavailable):
        people.read(token)
    with pytest.raises(StoreUnavailable):
        people.known("another")


def test_tokens_that_somebody_makes_up_do_not_fill_the_memory(
    db: BookingDatabase, deaf: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cache._MOST_OF, Scope.ACCOUNTS, 10)
    people, kept = remembered(db, deaf)

    for number in range(30):
        people.known(f"made-up-{number}")

    known = [kept.peek(Scope.ACCOUNTS, _key(f"made-up-{number}")) for number in range(30)]
    assert [known is not None for known in known] == [False] * 20 + [True] * 10
