"""The cost of ``book`` beside the bare insert, in a race, and until the feed reports it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import date as Date
from functools import partial
from typing import Any
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from booking_core import (
    Account,
    Booking,
    BookingRequest,
    Ground,
    SeriesRequest,
    Slot,
    SlotTaken,
    add_account,
    book,
    book_series,
    cancel,
    displaced_by,
    join_waiting_list,
    propose_moves,
    save_ground,
)
from booking_core.live import Feed, scoped_cache
from booking_core.storage.client.database import BookingDatabase, collection
from booking_core.storage.documents import booking_document
from booking_core.storage.schema import schema
from pages.shared.live.runtime import Services

from . import school
from .measure import Result, clock, in_turn, median, milliseconds, percentile, say

THREADS, ROUNDS, A_ROUND = 8, 7, 1200
# The losers of one race are slow or fast together, so that a race is one observation and not 31.
# With 160 races the 99th percentile is not yet the slowest one.
RIVALS, RACES = 32, 160
SERIES = 60  # dates


@dataclass
class Rivals:
    """``book`` on one database, and on another the insert of the same documents."""

    ours: BookingDatabase
    bare: BookingDatabase
    like: Booking

    def __post_init__(self) -> None:
        self._requests = school.requests()
        self.insert = collection(self.bare, schema.BOOKINGS).insert_one

    def take(self, count: int) -> list[BookingRequest]:
        return [next(self._requests) for _ in range(count)]

    def documents(self, requests: Sequence[BookingRequest]) -> list[dict[str, Any]]:
        made = (school.booking_for(request, uuid4(), self.like) for request in requests)
        return [booking_document(booking) for booking in made]

    def book(self, request: BookingRequest) -> None:
        book(self.ours, request, by=school.STAFF_MEMBER, submission_id=uuid4(), now=school.NOW)


@contextmanager
def bare_stream(db: BookingDatabase, seen: dict[str, float] | None = None) -> Iterator[None]:
    """Follows the bookings of ``db`` by a change stream; ``seen`` gets when each id was reported.

    Ours is followed by the feed. A database that tells nobody what changes is faster, and no
    yardstick for one that tells everybody.
    """
    stop, opened = threading.Event(), threading.Event()

    def follow() -> None:
        with db[schema.BOOKINGS].watch(max_await_time_ms=500) as stream:
            opened.set()
            while not stop.is_set():
                change = stream.try_next()
                if change is not None and seen is not None:
                    seen[change["documentKey"]["_id"]] = clock()

    following = threading.Thread(target=follow, name="bare-stream", daemon=True)
    following.start()
    if not opened.wait(10):
        raise RuntimeError("the bare change stream did not open within 10 s")
    try:
        yield
    finally:
        stop.set()
        following.join()


def throughput(rivals: Rivals) -> Result:
    say(f"book() with {THREADS} threads, {ROUNDS} rounds of {A_ROUND} ...")
    ours: list[float] = []
    bare: list[float] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for turn in range(ROUNDS + 1):
            requests = rivals.take(A_ROUND)
            documents = rivals.documents(requests)
            pair = [
                (ours, lambda r=requests: _all(pool, rivals.book, r)),
                (bare, lambda d=documents: _all(pool, rivals.insert, d)),
            ]
            for found, work in pair if turn % 2 else pair[::-1]:
                seconds = milliseconds(work) / 1000
                if turn:  # the first round is a warm-up
                    found.append(A_ROUND / seconds)
    return Result(
        "book(), 8 threads, against insert_one",
        median(ours),
        median(bare),
        "/s",
        at_least=0.55,
    )


def latency(rivals: Rivals) -> Result:
    say("book() with one thread, 1,000 beside 1,000 inserts ...")
    requests = rivals.take(2200)
    to_book, to_insert = iter(requests[:1100]), iter(rivals.documents(requests[1100:]))
    ours, bare = in_turn(
        lambda: rivals.book(next(to_book)),
        lambda: rivals.insert(next(to_insert)),
        times=1000,
        warm=100,
    )
    return Result(
        "book(), one thread, p50, against insert_one",
        percentile(ours, 50),
        percentile(bare, 50),
        "ms",
        at_most=1.6,
    )


def race(rivals: Rivals) -> Iterator[Result]:
    """The losers and the winners of races of ``book``, against those of races of the bare insert.

    A loser of ours has also read the day, and says who holds the slot.
    """
    say(f"{RACES} races of {RIVALS} for one slot, and as many of {RIVALS} bare inserts ...")
    ours: dict[bool, list[float]] = {True: [], False: []}  # by whether it won
    bare: dict[bool, list[float]] = {True: [], False: []}
    with ThreadPoolExecutor(RIVALS) as pool:
        for turn in range(RACES + 4):
            contested = rivals.take(1)[0]
            # The students of a race have no booking: only the slot decides.
            first = school.STUDENTS + turn * RIVALS
            requests = [
                replace(contested, student_id=school.student_id(first + number))
                for number in range(RIVALS)
            ]
            documents = rivals.documents(requests)
            pair = [
                (ours, partial(_race, pool, rivals.book, requests, SlotTaken)),
                (bare, partial(_race, pool, rivals.insert, documents, DuplicateKeyError)),
            ]
            for found, compete in pair if turn % 2 else pair[::-1]:
                answers = compete()
                if sum(won for _, won in answers) != 1:
                    raise RuntimeError(f"{sum(won for _, won in answers)} bookings of one slot")
                if turn >= 4:  # the first ones are a warm-up
                    for ms, won in answers:
                        found[won].append(ms)
    for won, who in ((False, "a loser"), (True, "the winner")):
        yield Result(
            f"{who} of a 32-way race, p99, against a race of 32 insert_one",
            percentile(ours[won], 99),
            percentile(bare[won], 99),
            "ms",
            at_most=1.5,
            parts={
                "p50": percentile(ours[won], 50),
                "bare p50": percentile(bare[won], 50),
                "max": max(ours[won]),
                "bare max": max(bare[won]),
            },
        )


def feed(rivals: Rivals) -> Result:
    count = 600
    say(f"{count} bookings until the feed reports them ...")
    reported: dict[Date, float] = {}
    seen: dict[str, float] = {}
    ours: list[float] = []
    theirs: list[float] = []

    def note(date: Date | None, version: int) -> None:
        if date is not None:
            reported.setdefault(date, clock())

    with followed(rivals.ours) as following, bare_stream(rivals.ours, seen):
        following.subscribe(note)
        for number, request in enumerate(rivals.take(count + 50)):
            reported.clear()
            called = clock()
            booking = book(
                rivals.ours, request, by=school.STAFF_MEMBER, submission_id=uuid4(), now=school.NOW
            )
            _wait_for(request.date, reported)
            _wait_for(booking.id, seen)
            if number >= 50:  # the first ones are a warm-up
                ours.append((reported[request.date] - called) * 1000)
                theirs.append((seen[booking.id] - called) * 1000)
    return Result(
        "book() called to feed.version raised, p95, against a bare change stream",
        percentile(ours, 95),
        percentile(theirs, 95),
        "ms",
        at_most=2,
        parts={"feed p50": percentile(ours, 50), "bare p50": percentile(theirs, 50)},
    )


def people(rivals: Rivals) -> Iterator[Result]:
    """``book`` for four students and a supervisor on two surfaces, against one student on one."""
    count, rounds = 300, 5
    say(f"{count} bookings for four students, a supervisor and two surfaces ...")
    by = school.STAFF_MEMBER
    add_account(rivals.ours, Account(by.id, by.name, by.role))
    wide = Ground("wide", "Wide", (school.GAME,), 99, surfaces=("wide-a", "wide-b"))
    save_ground(rivals.ours, wide)
    numbers = itertools.count()

    def for_four() -> BookingRequest:
        number = next(numbers)
        days, hour = divmod(number, len(school.PERIODS))
        # Four of the students who have no booking of that week.
        first = school.STUDENTS + 4 * (number % (school.RESERVE // 4))
        return BookingRequest(
            wide.id,
            school.TODAY + timedelta(days=1 + days),
            school.PERIODS[hour].start,
            school.PERIODS[hour].end,
            game=school.GAME,
            student_ids=tuple(school.student_id(first + n) for n in range(4)),
            supervisor_id=by.id,
        )

    singles = iter(rivals.take(2 * count))
    ours, one = in_turn(
        lambda: rivals.book(for_four()),
        lambda: rivals.book(next(singles)),
        times=count,
        warm=20,
    )
    yield Result(
        "book() for four students and a supervisor, p50, against one student",
        percentile(ours, 50),
        percentile(one, 50),
        "ms",
        at_most=2,
    )
    say(f"and with {THREADS} threads, {rounds} rounds of {count} ...")
    wide_rates: list[float] = []
    plain_rates: list[float] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for turn in range(rounds + 1):
            pair = [
                (wide_rates, [for_four() for _ in range(count)]),
                (plain_rates, rivals.take(count)),
            ]
            for found, requests in pair if turn % 2 else pair[::-1]:
                seconds = milliseconds(partial(_all, pool, rivals.book, requests)) / 1000
                if turn:  # the first round is a warm-up
                    found.append(count / seconds)
    yield Result(
        "book() for four students and a supervisor, 8 threads, against one student",
        median(wide_rates),
        median(plain_rates),
        "/s",
        at_least=0.5,
    )


def series(rivals: Rivals) -> Result:
    """A series of 60 dates, all or nothing, against 60 single bookings."""
    say(f"{SERIES} dates as one series, and one by one ...")
    for name in ("of a series", "single"):
        save_ground(rivals.ours, Ground(name, name, (school.GAME,), 100))
    first = replace(
        next(school.requests()), ground_id="of a series", student_id=None, for_staff=True
    )
    by, now = school.STAFF_MEMBER, school.NOW
    dates = [first.date + timedelta(days=n) for n in range(SERIES)]

    def whole() -> None:
        request = SeriesRequest(first=first, dates=tuple(dates[1:]))
        book_series(rivals.ours, request, by=by, submission_id=uuid4(), now=now)

    def one_by_one() -> None:
        for date in dates:
            rivals.book(replace(first, ground_id="single", date=date))

    ours: list[float] = []
    single: list[float] = []
    for turn in range(6):
        for found, work in ((ours, whole), (single, one_by_one)):
            milli = milliseconds(work)
            if turn:  # the first round is a warm-up
                found.append(milli)
        mine = {"ground_id": {"$in": ["of a series", "single"]}}
        collection(rivals.ours, schema.BOOKINGS).delete_many(mine)
    return Result(
        f"a series of {SERIES} dates, p50, against {SERIES} book()",
        median(ours),
        median(single),
        "ms",
        at_most=2,
    )


def rain_plan(rivals: Rivals) -> Result:
    """A slot for each of 100 bookings that a closing displaces, within a second."""
    say("proposals for 100 displaced bookings ...")
    count, per_day = 100, len(school.PERIODS)
    first = school.TODAY + timedelta(days=300)
    names = [f"wet {n}" for n in range(-(-count // per_day))]
    for order, name in enumerate([*names, "dry"]):
        save_ground(rivals.ours, Ground(name, name, (school.GAME,), 200 + order))
    for n in range(count):
        period = school.PERIODS[n % per_day]
        student = school.student_id(school.STUDENTS + n)
        rivals.book(
            BookingRequest(
                names[n // per_day], first, period.start, period.end, student, school.GAME
            )
        )
    asked: dict[str, Any] = {"ground_ids": names, "first": first, "last": first, "now": school.NOW}
    ours, reading = in_turn(
        lambda: propose_moves(rivals.ours, **asked),
        lambda: displaced_by(rivals.ours, **asked),
        times=20,
        warm=2,
    )
    return Result(
        "a slot for each of 100 displaced bookings, p95, against 1 s",
        percentile(ours, 95),
        1000.0,
        "ms",
        at_most=1,
        parts={"p50": percentile(ours, 50), "reading them, p50": percentile(reading, 50)},
    )


def promotion(rivals: Rivals) -> Result:
    """From ``cancel`` until the board of an app has the booking of the first in line, against from
    ``book`` until that board has it."""
    count = 40
    say(f"{count} slots that are freed, until the board has the first in line ...")
    shared = Services(rivals.ours.booking_settings)
    shared.start()
    waited: list[float] = []
    plain: list[float] = []
    by, ground = school.STAFF_MEMBER, Ground("promoted", "Promoted", (school.GAME,), 300)
    save_ground(rivals.ours, ground)
    days = itertools.count(1)  # from the real today, since the app promotes by its own clock
    try:
        for number in range(count + 5):
            date = datetime.now(UTC).date() + timedelta(days=next(days))
            first, second = (
                BookingRequest(
                    ground.id,
                    date,
                    school.PERIODS[0].start,
                    school.PERIODS[0].end,
                    school.student_id(school.STUDENTS + 2 * number + n),
                    school.GAME,
                )
                for n in (0, 1)
            )
            slot = Slot(ground.id, date, first.start, first.end)
            called = clock()
            held = book(rivals.ours, first, by=by, submission_id=uuid4())
            _wait_for_holder(shared, slot, held.id)
            booked = clock()
            entry = join_waiting_list(rivals.ours, second, by=by)
            freed = clock()
            cancel(rivals.ours, held.id, by=by)
            _wait_for_holder(shared, slot, entry.id)
            if number >= 5:  # the first ones are a warm-up
                plain.append((booked - called) * 1000)
                waited.append((clock() - freed) * 1000)
    finally:
        shared.stop()
    return Result(
        "cancel() to the first in line on the board, p95, against 300 ms",
        percentile(waited, 95),
        300.0,
        "ms",
        at_most=1,
        parts={
            "p50": percentile(waited, 50),
            "book() to the board, p50": percentile(plain, 50),
            "p95": percentile(plain, 95),
        },
    )


def _wait_for_holder(shared: Services, slot: Slot, booking_id: str) -> None:
    deadline = clock() + 10
    while True:
        holder = shared.boards.get(slot.date).holder(slot)
        if holder is not None and holder.id == booking_id:
            return
        if clock() > deadline:
            raise RuntimeError("the board did not show the booking within 10 s")
        time.sleep(0.0005)


def _all(pool: ThreadPoolExecutor, work: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Calls ``work`` with every item; each thread has its own share, so no queue is measured."""
    shares = [items[start::THREADS] for start in range(THREADS)]

    def do(share: Sequence[Any]) -> None:
        for item in share:
            work(item)

    list(pool.map(do, shares))


def _race(
    pool: ThreadPoolExecutor,
    write: Callable[[Any], object],
    items: Sequence[Any],
    lost: type[Exception],
) -> list[tuple[float, bool]]:
    """Returns each rival's time to its answer (ms), and whether it won."""
    gate = threading.Barrier(len(items))

    def compete(item: Any) -> tuple[float, bool]:
        gate.wait()
        begun = clock()
        try:
            write(item)
        except lost:
            return (clock() - begun) * 1000, False
        return (clock() - begun) * 1000, True

    return list(pool.map(compete, items))


def _wait_for(key: object, found: Container[object], seconds: float = 10) -> None:
    deadline = clock() + seconds
    while key not in found:
        if clock() > deadline:
            raise RuntimeError("the feed did not report the booking within 10 s")
        time.sleep(0.0005)


@contextmanager
def followed(db: BookingDatabase) -> Iterator[Feed]:
    """A feed that follows ``db``, as in the dashboard."""
    following = Feed(db)
    following.start()
    try:
        yield following
    finally:
        following.stop()


def measurements(rivals: Rivals) -> Iterator[Result]:
    with followed(rivals.ours) as following:
        scoped_cache(rivals.ours).follow(following)
        with bare_stream(rivals.bare):
            yield throughput(rivals)
            yield latency(rivals)
            yield from race(rivals)
        yield from people(rivals)
        yield series(rivals)
        yield rain_plan(rivals)
    yield feed(rivals)
    yield promotion(rivals)
