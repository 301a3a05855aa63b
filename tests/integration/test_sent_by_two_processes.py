"""One series and one set sent by two processes at one moment, and two that promote: once each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from support import MEERA, NOW, active, assert_sound, booked, request_for

from booking_core import (
    SeriesRequest,
    SetRequest,
    Settings,
    book_series,
    book_set,
    cancel,
    connect,
    join_waiting_list,
    promote_waiting,
)
from booking_core.storage.client.database import BookingDatabase, Documents

PROCESSES, ROUNDS = 2, 8
Send = Callable[[Documents, UUID, int], Any]


def all_dates(db: Documents, id: UUID, hour: int) -> Any:
    request = SeriesRequest(request_for(student=1, start=hour), count=3)
    return book_series(db, request, by=MEERA, submission_id=id, now=NOW)


def free_dates(db: Documents, id: UUID, hour: int) -> Any:
    request = SeriesRequest(request_for(student=1, start=hour), count=3)
    return book_series(db, request, by=MEERA, submission_id=id, only_free=True, now=NOW)


def grounds(db: Documents, id: UUID, hour: int) -> Any:
    first = request_for(class_name="1-A", start=hour)
    request = SetRequest(first, ("ground-1", "ground-3"))
    return book_set(db, request, by=MEERA, submission_id=id, now=NOW)


def _promote(uri: str, database: str, start: Any, results: Any) -> None:
    """One process: promotes the first in line, at the moment when the other one does."""
    db = connect(Settings(mongodb_uri=uri, database=database, time_zone="Asia/Kolkata", quota=None))
    outcomes: list[Any] = []
    for _ in range(ROUNDS):
        start.wait(60)  # the parent frees a slot
        start.wait(60)
        try:
            outcomes.append([booking.id for booking in promote_waiting(db, now=NOW)])
        except Exception as exc:  # noqa: BLE001 - the parent asserts that there is none
            outcomes.append(repr(exc))
    db.client.close()
    results.put(outcomes)


def _run(uri: str, database: str, send: Send, ids: list[UUID], start: Any, results: Any) -> None:
    """One process: sends each of ``ids`` at the moment when the others do."""
    settings = Settings(mongodb_uri=uri, database=database, time_zone="Asia/Kolkata", quota=None)
    db = connect(settings)
    outcomes: list[Any] = []
    for hour, id in enumerate(ids, start=8):
        start.wait(60)
        try:
            outcomes.append([booking.id for booking in send(db, id, hour).bookings])
        except Exception as exc:  # noqa: BLE001 - the parent asserts that there is none
            outcomes.append(repr(exc))
    db.client.close()
    results.put(outcomes)


@pytest.mark.parametrize(
    ("send", "count"),
    [(all_dates, 3), (free_dates, 3), (grounds, 2)],
    ids=["a series", "the free dates of a series", "a set"],
)
def test_what_two_processes_send_at_once_exists_once(
    make_db: Callable[..., BookingDatabase], mongod_uri: str, send: Send, count: int
) -> None:
    db = make_db(quota=None)
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(PROCESSES), spawn.Queue()
    ids = [uuid4() for _ in range(ROUNDS)]
    senders = [
        spawn.Process(target=_run, args=(mongod_uri, db.name, send, ids, start, results))
        for _ in range(PROCESSES)
    ]

    for sender in senders:
        sender.start()
    one, other = (results.get(timeout=120) for _ in senders)
    for sender in senders:
        sender.join(30)

    assert [sender.exitcode for sender in senders] == [0] * PROCESSES
    assert one == other
    assert [len(set(made)) for made in one] == [count] * ROUNDS
    stored = sorted(row["_id"] for row in active(db))
    assert stored == sorted(id for made in one for id in made)
    assert_sound(db)


def test_a_freed_slot_is_given_once_by_two_processes(
    make_db: Callable[..., BookingDatabase], mongod_uri: str
) -> None:
    db = make_db(quota=None)
    held, entries = [], []
    for hour in range(8, 8 + ROUNDS):
        held.append(booked(db, student=1, start=hour))
        entries.append(
            [
                join_waiting_list(
                    db, request_for(student=number, start=hour), by=MEERA, now=NOW + one_second
                )
                for number, one_second in ((50, timedelta(0)), (51, timedelta(seconds=1)))
            ]
        )
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(PROCESSES + 1), spawn.Queue()
    promoting = [
        spawn.Process(target=_promote, args=(mongod_uri, db.name, start, results))
        for _ in range(PROCESSES)
    ]

    for one in promoting:
        one.start()
    for booking in held:
        start.wait(60)
        cancel(db, booking.id, by=MEERA, now=NOW)
        start.wait(60)
    outcomes = [results.get(timeout=120) for _ in promoting]
    for one in promoting:
        one.join(30)

    made = [id for of_process in outcomes for ids in of_process for id in ids]
    assert sorted(made) == sorted(first.id for first, _ in entries)
    assert sorted(row["_id"] for row in active(db)) == sorted(made)
    assert_sound(db)
