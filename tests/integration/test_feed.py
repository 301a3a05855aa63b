"""The change feed and the live boards: every change is reported, and unchanged days are not read.

The file is long because feed and boards share the fixtures for counting and for server failures.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from bson import Timestamp
from closing_steps import closed
from cutting_proxy import Proxy
from pymongo import MongoClient, monitoring
from support import (
    DAY,
    GROUNDS,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    close_one,
    eventually,
    open_school,
)

from booking_core import (
    CellState,
    Settings,
    StoreUnavailable,
    Student,
    approve,
    cancel,
    connect,
    lapse_pending,
    mark_read,
    move,
    notices_for,
    save_days,
    save_ground,
    save_student,
)
from booking_core.embedded import server as mongod
from booking_core.live import Feed, LiveBoards
from booking_core.storage.client.database import BookingDatabase

OTHER = DAY + timedelta(days=3)
FAR = DAY + timedelta(days=9)


@pytest.fixture
def following(db):
    """A feed that has caught up with the setup of the school."""
    following = Feed(db)
    following.start()
    assert following.connected
    yield following
    following.stop()


class Recorder:
    """Records the events of a subscription."""

    def __init__(self, following: Feed) -> None:
        self.signals: list[tuple[date | None, int]] = []
        self.unsubscribe = following.subscribe(lambda day, version: self._record(day, version))

    def _record(self, day, version):
        self.signals.append((day, version))

    @property
    def days(self) -> set[date | None]:
        return {day for day, _ in self.signals}


def changes(following: Feed, action) -> set[date | None]:
    """Returns the days that ``action`` raises, up to a marker change that follows it."""
    recorder = Recorder(following)
    action()
    marker = booked(following._stream._db, student=199, on=FAR, start=17)
    eventually(lambda: FAR in recorder.days)
    recorder.unsubscribe()
    cancel(following._stream._db, marker.id, by=MEERA, now=NOW)
    return recorder.days - {FAR}


def test_a_booking_and_its_decision_raise_the_version_of_their_date_alone(db, following):
    before = {day: following.version(day) for day in (DAY, OTHER)}

    mine = booked(db)
    raised = following.wait(DAY, before[DAY], 10)
    approve(db, mine.id, by=HEAD, now=NOW)
    again = following.wait(DAY, raised, 10)

    assert before[DAY] < raised < again
    assert following.version(OTHER) == before[OTHER]


@pytest.mark.parametrize("operation", ["book", "approve", "cancel", "close", "lapse"])
def test_each_operation_raises_the_day_it_changes(db, following, operation):
    mine = None if operation in ("book", "close") else booked(db)
    later = NOW + timedelta(days=2)
    operations = {
        "book": lambda: booked(db),
        "approve": lambda: approve(db, mine.id, by=HEAD, now=NOW),
        "cancel": lambda: cancel(db, mine.id, by=MEERA, now=NOW),
        "close": lambda: close_one(
            db,
            ground_id="ground-1",
            date=DAY,
            start=time(9),
            end=time(10),
            reason="rain",
            by=HEAD,
            now=NOW,
        ),
        "lapse": lambda: lapse_pending(db, now=later),
    }
    if mine is not None:
        eventually(lambda: following.version(DAY) > 1)

    assert changes(following, operations[operation]) == {DAY}


def test_a_move_between_dates_raises_both_and_no_third(db, following):
    mine = booked(db)

    raised = changes(following, lambda: move(db, mine.id, date=OTHER, by=MEERA, now=NOW))

    assert raised == {DAY, OTHER}


@pytest.mark.parametrize("what", ["ground", "day", "student"])
def test_a_change_of_the_school_raises_every_day(db, following, what):
    before = following.version(OTHER)
    saves = {
        "ground": lambda: save_ground(db, GROUNDS[0]),
        "day": lambda: save_days(db, [DAY], timetable_id=None),
        "student": lambda: save_student(db, Student("S000", "New name", "1-A")),
    }

    raised = changes(following, saves[what])

    assert raised >= {None}
    assert following.version(OTHER) > before


def test_an_unsubscribed_callback_gets_no_events_and_the_others_do(db, following):
    gone, stays = Recorder(following), Recorder(following)

    gone.unsubscribe()
    gone.unsubscribe()
    booked(db)
    eventually(lambda: DAY in stays.days)

    assert gone.signals == []


def test_a_failing_subscriber_does_not_affect_the_others(db, following):
    def fails(day, version):
        raise RuntimeError("a fault of the screen")

    following.subscribe(fails)
    recorder = Recorder(following)

    booked(db)

    eventually(lambda: DAY in recorder.days)
    assert following.connected


def test_stopping_ends_the_thread_and_starting_again_resumes(db):
    following = Feed(db)
    following.start()
    following.start()
    threads = [thread for thread in threading.enumerate() if thread.name == "feed"]
    assert len(threads) == 1

    following.stop()
    assert not threads[0].is_alive()
    assert not following.connected
    before = following.version(DAY)
    booked(db)
    following.start()

    # The day of a change while the feed was stopped is read again at least.
    eventually(lambda: following.version(DAY) > before)
    following.stop()


def test_a_feed_stays_connected_when_its_stopped_thread_ends_after_the_next_start(db, mongod_uri):
    proxy = Proxy(mongod_uri)
    hanging = connect(replace(db.booking_settings, mongodb_uri=proxy.uri))
    following = Feed(hanging)
    following.start()
    assert following.connected
    [old] = [thread for thread in threading.enumerate() if thread.name == "feed"]
    proxy.delay = 8  # longer than stop() waits; the thread ends when it has its answer

    following.stop()
    assert old.is_alive()
    proxy.delay = 0
    following.start()
    assert following.connected

    was_away = threading.Event()
    while old.is_alive():
        assert following.connected
        old.join(0.01)
    for _ in range(100):
        if not following.connected:
            was_away.set()
        was_away.wait(0.01)
    assert not was_away.is_set()
    following.stop()
    hanging.client.close()
    proxy.close()


def _expired_token() -> dict[str, str]:
    """A resume token of a moment that the server's history no longer covers."""
    long_ago = Timestamp(1_000_000_000, 1)
    return {"_data": f"82{long_ago.time:08X}{long_ago.inc:08X}2B0229296E04"}


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(_expired_token(), id="older than the history"),
        pytest.param({"_data": "8200"}, id="malformed"),
        pytest.param({"nonsense": 1}, id="nonsense"),
    ],
)
def test_when_the_history_is_gone_every_day_is_raised_and_the_feed_continues(db, token):
    following = Feed(db)
    following.start()
    following.stop()
    before = {day: following.version(day) for day in (DAY, OTHER)}

    following._stream.token = token
    following.start()

    for day, version in before.items():
        eventually(lambda d=day, v=version: following.version(d) > v)
    now = following.version(DAY)
    booked(db)
    eventually(lambda: following.version(DAY) > now)
    following.stop()


def test_a_feed_survives_a_killed_server_and_reports_later_changes(tmp_path):
    server = mongod.start(tmp_path)
    settings = Settings(mongodb_uri=server.uri, database="feed", time_zone="Asia/Kolkata")
    db = connect(settings)
    open_school(db)
    following = Feed(db)
    following.start()
    boards = LiveBoards(db, following)
    first = booked(db, start=9)
    before = following.wait(DAY, following.version(DAY), 2)
    eventually(lambda: boards.get(DAY, NOW).cell("ground-1", time(9)).booking == first)

    os.kill(server.pid, signal.SIGKILL)
    # The booking is retried, as a user would, until the server is back.
    second = eventually(lambda: _try(lambda: booked(db, student=2, start=10)), within=40)

    eventually(lambda: following.version(DAY) > before, within=30)
    eventually(lambda: boards.get(DAY, NOW).cell("ground-1", time(10)).booking == second)
    assert boards.get(DAY, NOW).cell("ground-1", time(9)).booking == first
    assert following.connected
    assert_sound(db)
    following.stop()
    db.client.close()
    server.close()


def _try(action):
    try:
        return action()
    except StoreUnavailable:
        return None


class Commands(monitoring.CommandListener):
    """Records the names of the commands that were sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event):
        self.names.append(event.command_name)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.fixture
def counted(db):
    """The same database through a client that records its commands."""
    commands = Commands()
    client = MongoClient(db.booking_settings.mongodb_uri, event_listeners=[commands])
    yield BookingDatabase(client, db.booking_settings), commands
    client.close()


def test_a_live_board_queries_the_database_only_when_its_day_changed(db, following, counted):
    watched, commands = counted
    boards = LiveBoards(watched, following)
    version = following.version(DAY)
    first = boards.get(DAY, NOW)
    commands.names.clear()

    for minute in range(100):
        boards.get(DAY, NOW + timedelta(minutes=minute))
    assert commands.names == []
    assert boards.get(DAY, NOW) == first

    booked(db, on=OTHER)
    following.wait(OTHER, version, 10)
    boards.get(DAY, NOW)
    assert commands.names == []

    mine = booked(db)
    following.wait(DAY, version, 10)
    fresh = boards.get(DAY, NOW)
    assert fresh.cell("ground-1", time(9)).booking == mine
    assert commands.names.count("find") <= 3  # bookings, the waiting list, the school
    assert set(commands.names) == {"find"}


def test_many_readers_of_a_changed_day_cost_one_read(db, following, counted):
    watched, commands = counted
    boards = LiveBoards(watched, following)
    version = following.version(DAY)
    boards.get(DAY, NOW)
    booked(db)
    following.wait(DAY, version, 10)
    commands.names.clear()

    found = at_once(*[lambda: boards.get(DAY, NOW)] * 16)

    assert {board.cell("ground-1", time(9)).state for board in found} == {CellState.PENDING}
    assert len(commands.names) <= 3


def test_a_live_board_follows_the_clock(db, following):
    boards = LiveBoards(db, following)

    before = boards.get(DAY, NOW)
    after = boards.get(DAY, NOW + timedelta(days=1, hours=3))  # nine o'clock in Kolkata

    assert before.cell("ground-1", time(9)).state is CellState.FREE
    assert after.cell("ground-1", time(9)).state is CellState.PAST
    assert after.cell("ground-1", time(10)).state is CellState.FREE


def test_while_the_database_is_unavailable_a_live_board_returns_its_last_data(tmp_path):
    server = mongod.start(tmp_path)
    settings = Settings(mongodb_uri=server.uri, database="away", time_zone="Asia/Kolkata")
    db = connect(settings)
    open_school(db)
    following = Feed(db)
    following.start()
    boards = LiveBoards(db, following)
    mine = booked(db)
    eventually(lambda: boards.get(DAY, NOW).cell("ground-1", time(9)).booking == mine)

    server.close()
    eventually(lambda: not following.connected)

    assert boards.get(DAY, NOW).cell("ground-1", time(9)).booking == mine
    later = boards.get(DAY, NOW + timedelta(minutes=5))
    assert later.cell("ground-1", time(9)).booking == mine
    with pytest.raises(StoreUnavailable):
        boards.get(FAR, NOW)
    following.stop()
    db.client.close()


def test_without_a_database_the_feed_starts_and_reports_that_it_is_not_connected():
    client = MongoClient("mongodb://127.0.0.1:9", serverSelectionTimeoutMS=200)
    following = Feed(BookingDatabase(client, Settings(database="nowhere")))

    following.start(wait_seconds=0.3)

    assert not following.connected
    assert following.version(DAY) == 0
    following.stop()
    client.close()


def test_the_feed_reports_bookings_of_other_processes(db, following, mongod_uri):
    elsewhere = connect(db.booking_settings)
    before = following.version(DAY)

    booked(elsewhere)
    elsewhere.client.close()

    assert following.wait(DAY, before, 10) > before
    assert len(active(db)) == 1


def test_a_notice_that_is_read_raises_the_notices_and_nothing_else(db, following):
    mine = booked(db)
    closed(db)
    (notice,) = notices_for(db, MEERA.id)
    changes(following, lambda: None)  # all events until now were handled
    before = following.notices, following.people, following.school, following.version(DAY)

    mark_read(db, [notice.id], by=MEERA)

    eventually(lambda: following.notices > before[0])
    assert (following.people, following.school, following.version(DAY)) == before[1:]
    assert notice.booking_id == mine.id
