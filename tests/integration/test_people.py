"""What a process remembers of who is signed in, and when it asks the database again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from booking_core import (
    Account,
    Feed,
    Role,
    StoreUnavailable,
    add_account,
    change_account,
    open_session,
    session_of,
    sign_out,
)
from booking_core.store.database import BookingDatabase
from pages.shared import people as module
from pages.shared.people import LONGEST, People, Ticket


class Deaf(Feed):
    """A feed that hears of nothing until it is told to."""

    connected = True
    people = 0


@pytest.fixture
def deaf(db: BookingDatabase) -> Deaf:
    add_account(db, Account("asha", "Asha Rao", Role.STAFF, "asha@school.example"))
    return Deaf(db)


def test_what_is_done_asks_the_database_and_what_is_shown_asks_when_people_changed(
    db: BookingDatabase, deaf: Deaf
) -> None:
    ticket, people = Ticket(token=open_session(db, "asha")), People(db, deaf)
    assert people.known(ticket).account.id == "asha"

    change_account(db, "asha", active=False, by=None)

    assert people.known(ticket) is not None, "asked without need"
    deaf.people += 1
    assert people.known(ticket) is None


def test_whoever_is_found_out_when_acting_is_out_for_the_screens_too(
    db: BookingDatabase, deaf: Deaf
) -> None:
    ticket, people = Ticket(token=open_session(db, "asha")), People(db, deaf)
    assert people.known(ticket) is not None
    sign_out(db, ticket.token)

    assert people.read(ticket) is None
    assert people.known(ticket) is None


def test_a_session_ends_by_the_clock_unless_it_was_used_elsewhere(
    db: BookingDatabase, deaf: Deaf
) -> None:
    ticket, people = Ticket(token=open_session(db, "asha")), People(db, deaf)
    assert people.known(ticket) is not None
    kept = people._kept[ticket.key]

    kept.ends_at = datetime.now(UTC)  # as far as this process knows
    assert people.known(ticket) is not None
    past = datetime.now(UTC) - timedelta(seconds=1)
    db["sessions"].update_many({}, {"$set": {"expires_at": past}})
    people._kept[ticket.key].ends_at = past

    assert people.known(ticket) is None


def test_being_at_work_is_noted_once_a_minute(
    db: BookingDatabase, deaf: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, people = Ticket(token=open_session(db, "asha")), People(db, deaf)
    people.known(ticket)
    noted: list[str] = []
    monkeypatch.setattr(module, "touch_session", lambda db, token: noted.append(token))

    for _ in range(5):
        people.touch(ticket)

    assert noted == [ticket.token]
    assert session_of(db, ticket.token) is not None


def test_while_the_database_is_away_what_was_known_holds_and_nothing_else(
    db: BookingDatabase, deaf: Deaf
) -> None:
    ticket, people = Ticket(token=open_session(db, "asha")), People(db, deaf)
    people.known(ticket)
    deaf.connected = False

    assert people.known(ticket).account.id == "asha"
    with pytest.raises(StoreUnavailable):
        people.read(ticket)
    with pytest.raises(StoreUnavailable):
        people.known(Ticket(token="another"))


@pytest.mark.parametrize(
    ("email", "age", "expected"),
    [
        ("Asha@School.example", timedelta(0), "asha"),
        ("asha@school.example", LONGEST, None),
        ("ravi@school.example", timedelta(0), None),
        ("", timedelta(0), None),
        ("no address", timedelta(0), None),
    ],
)
def test_a_verified_address_picks_the_account_for_a_day(
    db: BookingDatabase, deaf: Deaf, email: str, age: timedelta, expected: str | None
) -> None:
    ticket = Ticket(email=email, since=datetime.now(UTC) - age)

    person = People(db, deaf).known(ticket)

    assert (person and person.account.id) == expected


def test_tickets_that_somebody_makes_up_do_not_fill_the_memory(
    db: BookingDatabase, deaf: Deaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    people = People(db, deaf)

    for number in range(30):
        people.known(Ticket(token=f"made-up-{number}"))

    assert len(people._kept) == 10
