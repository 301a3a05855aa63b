"""A connection that is cut while several bookings are stored: all or none, and asked again once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from cutting_proxy import Proxy
from support import (
    GROUNDS,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    request_for,
)

from booking_core import (
    Booking,
    Ground,
    SeriesRequest,
    SetRequest,
    SlotTaken,
    StoreUnavailable,
    book_series,
    book_set,
    save_ground,
)
from booking_core.storage.client.database import BookingDatabase, Documents

Send = Callable[[Documents, UUID], tuple[Booking, ...]]
WHOLE = replace(GROUNDS[0], surfaces=("ground-1", "strip"))
HALF = Ground("half", "Half", WHOLE.games, 4, surfaces=("strip",))


def a_series(db: Documents, id: UUID) -> tuple[Booking, ...]:
    request = SeriesRequest(request_for(student=1), count=4)
    return book_series(db, request, by=MEERA, submission_id=id, now=NOW).bookings


def a_set(db: Documents, id: UUID) -> tuple[Booking, ...]:
    request = SetRequest(request_for(student=1), ("ground-1", "ground-3"))
    return book_set(db, request, by=MEERA, submission_id=id, now=NOW).bookings


def a_whole_ground(db: Documents, id: UUID) -> tuple[Booking, ...]:
    return (booked(db, student=1, submission_id=id),)


# How many bookings, and the command by which they are stored: its answer is lost.
SENT = {
    "a series": (a_series, 4, "commitTransaction"),
    "a set": (a_set, 2, "commitTransaction"),
    "a whole ground": (a_whole_ground, 1, "update"),
}


@pytest.fixture
def divided(db: BookingDatabase) -> BookingDatabase:
    save_ground(db, WHOLE)
    save_ground(db, HALF)
    return db


@pytest.mark.parametrize(("send", "count", "command"), SENT.values(), ids=SENT)
def test_a_cut_before_the_answer_is_not_noticed(
    divided: BookingDatabase,
    far_db: BookingDatabase,
    proxy: Proxy,
    send: Send,
    count: int,
    command: str,
) -> None:
    id = uuid4()
    proxy.cut(command)

    made = send(far_db, id)

    assert proxy.cuts == 1
    assert len(made) == len(active(divided)) == count
    assert send(divided, id) == made
    assert_sound(divided)


@pytest.mark.parametrize(("send", "count"), [(a_series, 4), (a_set, 2)], ids=["a series", "a set"])
def test_a_cut_within_the_transaction_stores_nothing_and_sent_again_all_is_booked(
    divided: BookingDatabase, far_db: BookingDatabase, proxy: Proxy, send: Send, count: int
) -> None:
    id = uuid4()
    proxy.cut("update")

    with pytest.raises(StoreUnavailable):
        send(far_db, id)

    assert proxy.cuts == 1
    assert active(divided) == []
    made = send(far_db, id)
    assert len(made) == len(active(divided)) == count
    assert send(divided, id) == made
    assert_sound(divided)


@pytest.mark.parametrize(("send", "count", "command"), SENT.values(), ids=SENT)
def test_after_a_cut_for_good_all_is_stored_and_sent_again_it_is_answered_as_the_first_time(
    divided: BookingDatabase,
    far_db: BookingDatabase,
    proxy: Proxy,
    send: Send,
    count: int,
    command: str,
) -> None:
    id = uuid4()
    proxy.cut(command, for_good=True)

    with pytest.raises(StoreUnavailable):
        send(far_db, id)

    stored = {row["_id"] for row in active(divided)}
    assert proxy.cuts == 1
    assert len(stored) == count
    assert {booking.id for booking in send(divided, id)} == stored
    assert {row["_id"] for row in active(divided)} == stored
    assert_sound(divided)


@pytest.mark.parametrize(("send", "count", "command"), SENT.values(), ids=SENT)
def test_a_cut_beside_a_request_for_the_half_leaves_all_or_nothing(
    divided: BookingDatabase,
    far_db: BookingDatabase,
    proxy: Proxy,
    send: Send,
    count: int,
    command: str,
) -> None:
    id = uuid4()
    proxy.cut(command, for_good=True)
    half = partial(booked, divided, ground="half", student=2, by=RAVI)

    _, rival = at_once(partial(send, far_db, id), half)
    again: Any = at_once(partial(send, divided, id))[0]

    held = {row["_id"] for row in active(divided)}
    if isinstance(rival, Booking):
        assert isinstance(again, Exception)
        assert held == {rival.id}
    else:
        assert isinstance(rival, SlotTaken)
        assert held == {booking.id for booking in again}
        assert len(held) == count
    assert_sound(divided)
