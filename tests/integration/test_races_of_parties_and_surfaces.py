"""Races for one supervisor, for a ground and its half, and for sets: the index decides each once.

Each race stands beside its control test without the index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from support import (
    GROUNDS,
    MEERA,
    NOW,
    assert_sound,
    at_once,
    booked,
    make_index_non_unique,
    of_type,
    request_for,
)

from booking_core import (
    Account,
    Booking,
    Conflict,
    Ground,
    Role,
    Series,
    SeriesRequest,
    SetConflict,
    SetRequest,
    SlotTaken,
    SupervisorBusy,
    add_account,
    book,
    book_series,
    book_set,
    save_ground,
)
from booking_core.storage.client.database import BookingDatabase, Documents, open_database

HOURS = range(8, 18)
WHOLE = replace(GROUNDS[2], surfaces=("ground-3", "strip"))
HALF = Ground("half", "Half", WHOLE.games, 4, surfaces=("strip",))


@pytest.fixture
def unlimited(make_db: Callable[..., BookingDatabase]) -> BookingDatabase:
    """A school without a quota, with a divided ground and a supervisor."""
    db = make_db(quota=None)
    save_ground(db, WHOLE)
    save_ground(db, HALF)
    add_account(db, Account("meera", "Meera", Role.STAFF))
    return db


def supervised(db: Documents, ground: str, hour: int) -> Booking:
    """Books for a student of the ground's own: only the supervisor is wanted twice."""
    student = {"ground-1": 1, "ground-3": 3}[ground]
    return booked(db, ground=ground, student=student, start=hour, supervisor_id="meera")


def on(db: Documents, ground: str, hour: int) -> Booking:
    student = {"ground-3": 3, "half": 4}[ground]
    return booked(db, ground=ground, student=student, start=hour)


def set_of(db: Documents, grounds: tuple[str, ...], hour: int) -> Series:
    """Books grounds for a class, which is claimed by nobody: only the grounds are wanted twice."""
    request = SetRequest(request_for(ground=grounds[0], start=hour, class_name="1-A"), grounds)
    return book_set(db, request, by=MEERA, submission_id=uuid4(), now=NOW)


def several_or_one(db: Documents, kind: str, hour: int) -> list[Booking]:
    """Books ground-1 for a class: on several dates, with another ground, or alone."""
    request = request_for(start=hour, class_name="1-A")
    if kind == "series":
        series = SeriesRequest(request, count=2)
        return [*book_series(db, series, by=MEERA, submission_id=uuid4(), now=NOW).bookings]
    if kind == "set":
        return [*set_of(db, FIRST, hour).bookings]
    return [book(db, request, by=MEERA, now=NOW)]


FIRST, SECOND = ("ground-1", "ground-3"), ("half", "ground-1")
Race = tuple[Callable[[Documents, Any, int], Any], Any, Any, type, type]
RACES: dict[str, Race] = {
    "a supervisor in two places": (supervised, "ground-1", "ground-3", Booking, SupervisorBusy),
    "a ground and its half": (on, "ground-3", "half", Booking, SlotTaken),
    "two sets of grounds": (set_of, FIRST, SECOND, Series, SetConflict),
    "a series and a booking": (several_or_one, "series", "one", list, Conflict),
    "two series": (several_or_one, "series", "series", list, Conflict),
    "a set and a booking": (several_or_one, "set", "one", list, Conflict),
}


@pytest.mark.parametrize(("act", "one", "other", "won", "lost"), RACES.values(), ids=RACES)
def test_of_two_at_once_one_wins(
    unlimited: BookingDatabase,
    act: Callable[[Documents, Any, int], Any],
    one: Any,
    other: Any,
    won: type,
    lost: type,
) -> None:
    for hour in HOURS:
        outcomes = at_once(partial(act, unlimited, one, hour), partial(act, unlimited, other, hour))

        assert len(of_type(outcomes, won)) == len(of_type(outcomes, lost)) == 1, outcomes
    assert_sound(unlimited)


@pytest.mark.parametrize(
    ("act", "one", "other", "broken"),
    [
        (supervised, "ground-1", "ground-3", "two places"),
        (on, "ground-3", "half", "double-booked"),
        (on, "half", "ground-3", "double-booked"),
        (several_or_one, "one", "series", "double-booked"),
        (several_or_one, "series", "one", "double-booked"),
        (several_or_one, "series", "series", "double-booked"),
        (several_or_one, "set", "one", "double-booked"),
    ],
    ids=[
        "a supervisor in two places",
        "a ground, then its half",
        "a half, then its ground",
        "a booking, then a series",
        "a series, then a booking",
        "two series",
        "a set, then a booking",
    ],
)
def test_without_the_index_both_win(
    unlimited: BookingDatabase,
    act: Callable[[Documents, Any, int], Any],
    one: Any,
    other: Any,
    broken: str,
) -> None:
    make_index_non_unique(unlimited)

    act(unlimited, one, 9)
    act(unlimited, other, 9)

    with pytest.raises(AssertionError, match=broken):
        assert_sound(unlimited)


def test_without_the_index_two_sets_have_one_ground(unlimited: BookingDatabase) -> None:
    make_index_non_unique(unlimited)
    # A separate client, as another process has one: threads with one handle share their reads.
    other = open_database(unlimited.booking_settings.mongodb_uri, unlimited.booking_settings)
    other.is_index_known = lambda: True

    # A set is planned before it is stored, so only both plans at once find the ground free.
    for hour in HOURS:
        at_once(partial(set_of, unlimited, FIRST, hour), partial(set_of, other, SECOND, hour))
    other.client.close()

    with pytest.raises(AssertionError, match="double-booked"):
        assert_sound(unlimited)
