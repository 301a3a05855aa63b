"""What is decided by several bookings is read as of one moment, while they are changed together.

A read of several documents may otherwise see a part of a transaction. The server ends such a read
where it has run for 10 ms, on a busy machine, and goes on with what is stored by then.
"""

from __future__ import annotations

from datetime import time
from functools import partial
from itertools import chain
from uuid import uuid4

import pytest
from pymongo.collection import Collection
from support import HEAD, MEERA, NOW, RAVI, booked, request_for

from booking_core import (
    SeriesRequest,
    book_series,
    find_series,
    move_series,
    plan_swap,
    swap,
)
from booking_core.storage.bookings import queries, transactions

NINE, TEN, ELEVEN = time(9), time(10), time(11)


@pytest.fixture
def read_slowly(monkeypatch):
    """``read_slowly(change)``: the next read of bookings fetches one, then ``change`` is made, then
    the read goes on."""

    def begin(change):
        find, convert = Collection.find, queries.to_bookings

        def by_ones(self, *args, **kwargs):
            return find(self, *args, **{**kwargs, "batch_size": 1})

        def slow(rows):
            rows = iter(rows)
            first = next(rows)
            monkeypatch.undo()
            change()
            return convert(chain([first], rows))

        monkeypatch.setattr(Collection, "find", by_ones)
        monkeypatch.setattr(queries, "to_bookings", slow)

    return begin


@pytest.fixture
def made(db):
    request = SeriesRequest(first=request_for(student=1), count=4)
    return book_series(db, request, by=MEERA, submission_id=uuid4(), now=NOW)


def test_a_series_that_moves_meanwhile_is_read_before_or_after(db, made, read_slowly):
    to_ten = partial(move_series, db, made.id, start=TEN, end=ELEVEN, by=MEERA, now=NOW)

    read_slowly(to_ten)

    assert {booking.start for booking in find_series(db, made.id)} == {NINE}
    assert {booking.start for booking in find_series(db, made.id)} == {TEN}


def test_a_move_that_is_sent_again_while_the_first_is_written_is_answered_as_it(
    db, made, read_slowly
):
    shown = {booking.id: booking.slot for booking in made.bookings}
    to_ten = partial(
        move_series, db, made.id, start=TEN, end=ELEVEN, expected=shown, by=MEERA, now=NOW
    )

    read_slowly(to_ten)

    assert to_ten() == find_series(db, made.id)
    assert {(b.start, b.revision) for b in find_series(db, made.id)} == {(TEN, 1)}


def test_a_swap_that_is_sent_again_while_the_first_is_written_is_answered_as_it(db, read_slowly):
    mine, other = booked(db, student=1, by=MEERA), booked(db, student=2, start=14, by=RAVI)
    shown = {booking.id: booking.slot for booking in (mine, other)}
    exchange = partial(swap, db, mine.id, other.id, expected=shown, by=HEAD, now=NOW)

    read_slowly(exchange)

    assert [b.slot for b in exchange()] == [other.slot, mine.slot]
    # Both are planned from the slots of one moment: each gets the other's.
    read_slowly(partial(swap, db, mine.id, other.id, by=HEAD, now=NOW))
    assert {b.slot for b in plan_swap(db, mine.id, other.id, by=HEAD, now=NOW)} == {*shown.values()}


def test_what_is_only_looked_at_is_of_one_moment(db, made, read_slowly):
    to_ten = partial(move_series, db, made.id, start=TEN, end=ELEVEN, by=MEERA, now=NOW)

    def look(step):
        read_slowly(to_ten)
        return {booking.start for _ in range(2) for booking in step.of_series(made.id)}

    assert transactions.reading(db, look) == {NINE}
