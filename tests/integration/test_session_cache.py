"""The cache of sessions in a process, and its reads of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from booking_core import Account, Role, StoreUnavailable, add_account, change_account
from booking_core.live import Feed, Scope, ScopedCache
from booking_core.sessions import end_missed_sign_outs, open_session, session_of, sign_out
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.live import cache
from pages.shared.live import session_cache as module
from pages.shared.live.session_cache import SessionCache, _key


class StaticFeed(Feed):
    """A feed that reports no change until the test sets one."""

    connected = True
    people = 0


def fresh_sessions(db: BookingDatabase, feed: Feed) -> tuple[SessionCache, ScopedCache]:
    """Returns the sessions of a process without cached sessions, and its cache."""
    kept = ScopedCache(feed)
    return SessionCache(db, kept), kept


@pytest.fixture
def feed(db: BookingDatabase) -> StaticFeed:
    add_account(db, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
    return StaticFeed(db)


def test_screens_read_a_session_again_only_after_a_change_of_people(
    db: BookingDatabase, feed: StaticFeed
) -> None:
    token, (people, _) = open_session(db, "asha"), fresh_sessions(db, feed)
    assert people.known(token).account.id == "asha"

    change_account(db, "asha", active=False, by=None)

    assert people.known(token) is not None, "an unnecessary query"
    feed.people += 1
    assert people.known(token) is None


def test_a_session_found_ended_by_an_action_is_ended_for_the_screens_too(
    db: BookingDatabase, feed: StaticFeed
) -> None:
    token, (people, _) = open_session(db, "asha"), fresh_sessions(db, feed)
    assert people.known(token) is not None
    sign_out(db, token)

    assert people.read(token) is None
    assert people.known(token) is None


def test_a_session_expires_by_the_clock_unless_another_process_extended_it(
    db: BookingDatabase, feed: StaticFeed
) -> None:
    token, (people, kept) = open_session(db, "asha"), fresh_sessions(db, feed)
    assert people.known(token) is not None
    known = kept.peek(Scope.ACCOUNTS, _key(token))

    known.ends_at = datetime.now(UTC)  # as far as this process knows
    assert people.known(token) is not None
    past = datetime.now(UTC) - timedelta(seconds=1)
    db["sessions"].update_many({}, {"$set": {"expires_at": past}})
    kept.peek(Scope.ACCOUNTS, _key(token)).ends_at = past

    assert people.known(token) is None


@pytest.mark.parametrize("by_id_token", [False, True])
def test_a_change_of_the_sign_in_method_ends_sessions_of_the_other_method(
    db: BookingDatabase, feed: StaticFeed, monkeypatch: pytest.MonkeyPatch, by_id_token: bool
) -> None:
    token = open_session(db, "asha", by_id_token=by_id_token)

    is_valid = []
    for is_on in (False, True):
        section = {"on": is_on} if is_on else {}
        monkeypatch.setattr(module, "auth_section", lambda section=section: section)
        is_valid.append(fresh_sessions(db, feed)[0].known(token) is not None)

    assert is_valid == [not by_id_token, by_id_token]


def test_user_activity_is_recorded_once_a_minute(
    db: BookingDatabase, feed: StaticFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, (people, _) = open_session(db, "asha"), fresh_sessions(db, feed)
    people.known(token)
    touched: list[str] = []
    monkeypatch.setattr(module, "touch_session", lambda db, used: touched.append(used))

    for _ in range(5):
        people.touch(token)

    assert touched == [token]
    assert session_of(db, token) is not None


def test_while_the_database_is_unavailable_only_cached_sessions_are_valid(
    db: BookingDatabase, feed: StaticFeed
) -> None:
    token, (people, _) = open_session(db, "asha"), fresh_sessions(db, feed)
    people.known(token)
    feed.connected = False

    assert people.known(token).account.id == "asha"
    with pytest.raises(StoreUnavailable):
        people.read(token)
    with pytest.raises(StoreUnavailable):
        people.known("another")


def test_a_cached_session_that_is_signed_out_while_the_database_is_away_is_refused(
    db: BookingDatabase, feed: StaticFeed
) -> None:
    token, other = open_session(db, "asha"), open_session(db, "asha")
    people, _ = fresh_sessions(db, feed)
    assert people.known(token) is not None
    assert people.known(other) is not None
    feed.connected = False

    with pytest.raises(StoreUnavailable):
        sign_out(None, token)
    assert people.known(token) is None
    assert people.read(token) is None
    assert people.known(other) is not None

    feed.connected = True  # and no deletion has come through it
    assert people.known(token) is None
    end_missed_sign_outs(db)
    assert people.known(token) is None
    assert db["sessions"].count_documents({}) == 1


def test_invented_tokens_do_not_fill_the_cache(
    db: BookingDatabase, feed: StaticFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cache._MOST_OF, Scope.ACCOUNTS, 10)
    people, kept = fresh_sessions(db, feed)

    for number in range(30):
        people.known(f"made-up-{number}")

    known = [kept.peek(Scope.ACCOUNTS, _key(f"made-up-{number}")) for number in range(30)]
    assert [known is not None for known in known] == [False] * 20 + [True] * 10
