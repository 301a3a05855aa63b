"""How much of each day is free: the figures of the boards, at the cost of two queries."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient, monitoring
from pymongo.errors import DuplicateKeyError
from support import ADMIN, DAY, HOURLY, MEERA, NOW, booked, close_one, eventually

from booking_core import (
    Booking,
    BookingRequest,
    CellState,
    DayFigures,
    Decision,
    Ground,
    GroundFilter,
    InvalidRequest,
    Policy,
    Status,
    StoreUnavailable,
    UnknownGround,
    WaitingEntry,
    cancel,
    day_board,
    days_at_a_glance,
    load_reference,
    save_days,
    save_ground,
    save_policy,
    save_timetable,
)
from booking_core.booking import day_figures
from booking_core.booking.day_figures import MOST_DAYS
from booking_core.live import Feed, LiveFigures, scoped_cache
from booking_core.storage.bookings import waiting as waiting_store
from booking_core.storage.client.database import BookingDatabase
from booking_core.storage.documents import booking_document

ANY = GroundFilter()
LAST = DAY + timedelta(days=2)
GAMES = ("Football", "Hockey")
MAIN = Ground("main", "Main ground", GAMES, 10, surfaces=("main-n", "main-s"))
NORTH = Ground("north", "North half", GAMES, 11, surfaces=("main-n",))
SOUTH = Ground("south", "South half", ("Hockey",), 12, surfaces=("main-s",))
COURT = Ground("court", "Court", ("Tennis",), 13)
RETIRED = replace(NORTH, id="old", name="Old half", retired=True)
PLACES = (MAIN, NORTH, SOUTH, COURT, RETIRED)
# From a quarter to eight to half past six: some begin before, between and after the periods.
MARKS = st.integers(31, 74).map(lambda quarter: time(*divmod(quarter * 15, 60)))
HELD = st.tuples(
    st.sampled_from(PLACES),
    st.integers(0, 2),
    st.tuples(MARKS, MARKS).map(sorted),
    st.sampled_from(("booking", "closure")),
)
WAITING = st.tuples(
    st.sampled_from(PLACES), st.integers(0, 2), st.tuples(MARKS, MARKS).map(sorted), st.booleans()
)
WANTED = st.builds(
    GroundFilter,
    st.sampled_from((None, "Hockey", "Tennis", "Chess")),
    st.sampled_from((None, time(9), time(9, 30))),
)


@pytest.fixture
def divided(db):
    for ground in PLACES:
        save_ground(db, ground)
    save_timetable(db, replace(HOURLY, periods=HOURLY.periods[:4]))
    return db


def of_board(
    db: BookingDatabase, day: date, now: datetime, wanted: GroundFilter, only: str | None
) -> tuple[date, int, int, int]:
    """The day, and its free, open and coming cells, counted on its board."""
    board = day_board(db, day, now)
    if wanted.game is not None:
        board = board.of_game(wanted.game)
    cells = [
        cell
        for period in board.periods
        if wanted.free_at in (None, period.start)
        for cell in board.row(period)
        if only in (None, cell.ground.id) and not cell.is_past
    ]
    states = [cell.state for cell in cells]
    return (
        day,
        states.count(CellState.FREE),
        len(states) - states.count(CellState.CLOSED),
        len(states),
    )


def put_in_line(
    db: BookingDatabase, id: str, ground: Ground, days: int, start: time, end: time, passed: bool
) -> None:
    """Stores an entry of the waiting list as it is, for a slot that may be free."""
    wanted = BookingRequest(ground.id, DAY + timedelta(days=days), start, end, "S001", "Hockey")
    entry = WaitingEntry(id, wanted, NOW, MEERA.id, MEERA.name, MEERA.role, passed=passed)
    assert waiting_store.insert(db, entry, 9, ZoneInfo("Asia/Kolkata"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(HELD, max_size=12),
    st.lists(WAITING, max_size=4),
    st.integers(-60 * 24 * 31, 60 * 24 * 4),
    WANTED,
    st.sampled_from((None, None, "main", "south")),
)
def test_the_figures_of_days_are_counts_of_the_cells_of_their_boards(
    divided, held, waiting, minute, wanted, only
):
    divided["bookings"].delete_many({})
    divided["waiting"].delete_many({})
    for number, (ground, days, (start, end), passed) in enumerate(waiting):
        if start < end:
            put_in_line(divided, f"{number}", ground, days, start, end, passed)
    for number, (ground, days, (start, end), kind) in enumerate(held):
        if start == end:
            continue
        booking = Booking(
            id=f"{number}",
            ground_id=ground.id,
            surfaces=ground.surfaces,
            date=DAY + timedelta(days=days),
            start=start,
            end=end,
            status=Status.APPROVED,
            student_id=None if kind == "closure" else f"S{number:03d}",
            student_name="" if kind == "closure" else f"Student {number}",
            class_name="" if kind == "closure" else "9-A",
            game="" if kind == "closure" else "Hockey",
            purpose="Rain" if kind == "closure" else "",
            created_by="meera",
            created_by_name="Meera",
            created_at=NOW,
            updated_at=NOW,
            kind=kind,
            history=(Decision(NOW, "meera", "Meera", "requested", ""),),
        )
        document = booking_document(booking)
        with suppress(DuplicateKeyError):  # it would be booked twice
            divided["bookings"].insert_one(document, bypass_document_validation=True)
    now = NOW + timedelta(minutes=minute)

    found = days_at_a_glance(divided, DAY, LAST, now, wanted=wanted, ground_id=only)

    assert [(day.date, day.free, day.open, day.ahead) for day in found] == [
        of_board(divided, day.date, now, wanted, only) for day in found
    ]
    assert [day.date for day in found] == [DAY + timedelta(days=n) for n in range(3)]


def test_a_day_says_whether_it_has_school_and_can_be_booked(db):
    save_policy(db, Policy(advance_days=2, quota=None), by=ADMIN, now=NOW)
    save_days(db, [DAY], timetable_id=None, note="Holiday")

    before, today, holiday, open_, far = days_at_a_glance(
        db, DAY - timedelta(2), DAY + timedelta(2), NOW
    )

    assert (before.ahead, before.counted, before.is_bookable) == (0, 30, False)
    assert (today.free, today.open, today.is_bookable) == (30, 30, True)
    assert holiday == DayFigures(DAY, 0, 0, 0, 0, False, True, "Holiday")
    assert (open_.free, open_.is_bookable) == (30, True)
    assert (far.free, far.open, far.is_bookable) == (0, 0, False)


@pytest.mark.parametrize("lacks", ["start", "surfaces"])
def test_a_booking_that_cannot_be_read_holds_what_it_claims(divided, lacks):
    made = booked(divided, ground="main", game="Hockey", start=9)
    wrong = {"surfaces": 7} if lacks == "surfaces" else {"start": "nine"}
    divided["bookings"].update_one(
        {"_id": made.id}, {"$set": wrong}, bypass_document_validation=True
    )

    [day] = days_at_a_glance(divided, DAY, DAY, NOW, wanted=GroundFilter("Hockey"))

    assert day.free == of_board(divided, DAY, NOW, GroundFilter("Hockey"), None)[1] == 9


def test_a_wrong_filter_and_an_unknown_ground_are_refused_by_name(db):
    for options, field in (
        ({"wanted": "Hockey"}, "wanted"),
        ({"ground_id": {"$ne": 1}}, "ground_id"),
        ({"ground_id": "nowhere"}, "ground_id"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            days_at_a_glance(db, DAY, DAY, NOW, **options)
        assert refused.value.field == field
    assert isinstance(refused.value, UnknownGround)


@pytest.mark.parametrize("days", [-1, MOST_DAYS, 10_000])
def test_other_numbers_of_days_are_refused_by_name(db, days):
    with pytest.raises(InvalidRequest) as refused:
        days_at_a_glance(db, DAY, DAY + timedelta(days=days), NOW)
    assert refused.value.field == "last"
    assert len(days_at_a_glance(db, DAY, DAY + timedelta(days=MOST_DAYS - 1), NOW)) == MOST_DAYS


class Aggregations(monitoring.CommandListener):
    """Records the days of each aggregation, and any other read of bookings."""

    def __init__(self) -> None:
        self.read: list[list[str] | str] = []

    def started(self, event):
        if event.command.get("aggregate") == "bookings":
            self.read.append(event.command["pipeline"][0]["$match"]["date"]["$in"])
        elif event.command.get("find") == "bookings":
            self.read.append("find")

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.fixture
def live(db):
    """The live figures of a process, and the record of what it reads."""
    read = Aggregations()
    client = MongoClient(db.booking_settings.mongodb_uri, event_listeners=[read])
    own = BookingDatabase(client, db.booking_settings)
    feed = Feed(own)
    feed.start()
    cache = scoped_cache(own)
    cache.follow(feed)
    yield LiveFigures(own, feed, cache, lambda: load_reference(own)), feed, read.read
    feed.stop()
    client.close()


def test_live_figures_read_all_days_once_and_then_the_day_that_changed(db, live):
    figures, _, read = live
    days = [(DAY + timedelta(days=n)).isoformat() for n in range(28)]
    last = DAY + timedelta(days=27)

    def free(wanted: GroundFilter = ANY, ground: str | None = None) -> list[int]:
        return [day.free for day in figures.get(DAY, last, NOW, wanted, ground)]

    assert free() == [30] * 28
    assert free() == [30] * 28
    assert (free(GroundFilter("Cricket")), free(ANY, "ground-1")) == ([10] * 28, [10] * 28)
    assert read == [days]
    assert figures.get(DAY, last, NOW, ANY)[0] == days_at_a_glance(db, DAY, DAY, NOW)[0]

    made = booked(db, on=DAY + timedelta(days=3))
    eventually(lambda: free()[3] == 29)
    assert read == [days, [days[3]]]
    cancel(db, made.id, by=MEERA, now=NOW)
    eventually(lambda: free()[3] == 30)
    close_one(
        db,
        ground_id="ground-1",
        date=last,
        start=time(0),
        end=time(0),
        reason="Rain",
        by=ADMIN,
        now=NOW,
    )
    eventually(lambda: free()[27] == 20)
    assert read == [days, [days[3]], [days[3]], [days[27]]]


def test_a_change_of_the_school_reads_the_days_once_and_a_booking_then_its_own_day(db, live):
    figures, _, read = live
    figures.get(DAY, LAST, NOW, ANY)

    save_ground(db, COURT)
    # The court may be known before the feed hears of it.
    eventually(lambda: figures.get(DAY, LAST, NOW, ANY)[0].free == 40 and len(read) == 2)
    booked(db, on=LAST)
    eventually(lambda: figures.get(DAY, LAST, NOW, ANY)[2].free == 39)
    assert read[2:] == [[LAST.isoformat()]]


def test_a_booking_counts_its_day_alone_again(db, live, monkeypatch):
    figures, _, _ = live
    counted = []
    count = day_figures._count

    def noted(day, *rest):
        counted.append(day.date)
        return count(day, *rest)

    monkeypatch.setattr(day_figures, "_count", noted)
    figures.get(DAY, LAST, NOW, ANY)
    assert counted == [DAY, DAY + timedelta(days=1), LAST]

    booked(db, on=LAST)
    eventually(lambda: figures.get(DAY, LAST, NOW, ANY)[2].free == 29)
    assert counted[3:] == [LAST]
    later = NOW + timedelta(minutes=1)
    found = figures.get(DAY, LAST, later, ANY)
    assert len(counted) == 7
    assert found == days_at_a_glance(db, DAY, LAST, later)


def test_the_clock_changes_live_figures_without_a_read(live):
    figures, _, read = live
    before, after = (
        figures.get(DAY, DAY, datetime(2026, 11, 24, 2, minute, tzinfo=NOW.tzinfo), ANY)
        for minute in (29, 31)
    )

    assert (before[0].free, after[0].free) == (30, 27)  # a period begins at 8:00 in India
    assert len(read) == 1


def test_while_the_database_is_away_the_last_figures_stay(live):
    figures, feed, _ = live
    known = figures.get(DAY, DAY, NOW, ANY)
    feed.stop()
    eventually(lambda: not feed.connected)

    assert figures.get(DAY, DAY, NOW, ANY) == known
    figures._db.client.close()
    with pytest.raises(StoreUnavailable):
        figures.get(LAST, LAST, NOW, ANY)
