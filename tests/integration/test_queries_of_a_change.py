"""The queries that a change costs a process with thirty open screens, recorded by the driver."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from pymongo import MongoClient, monitoring
from support import ADMIN, DAY, GROUNDS, HEAD, NOW, at_once, booked, eventually

from booking_core import (
    Account,
    Role,
    add_account,
    approve,
    approved_upcoming,
    change_account,
    find_accounts,
    find_bookings,
    find_delegations,
    ground_photo,
    load_reference,
    pending_queue,
    save_ground,
    save_ground_photo,
    week_of,
)
from booking_core.live import Feed, Scope
from booking_core.operations import backups, health
from booking_core.sessions import open_session
from booking_core.storage.client.database import BookingDatabase
from pages.shared.live.runtime import Services

OTHER = DAY + timedelta(days=3)
LISTS = 4  # lists of bookings: the queue, upcoming bookings, a page, a student's week


class Queries(monitoring.CommandListener):
    """Records the collections that were read, in order."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def started(self, event):
        if event.command_name in ("find", "aggregate", "count", "distinct"):
            self.read.append(str(event.command[event.command_name]))

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


class Process(Services):
    """A process with thirty open screens, each of a different session."""

    def __init__(self, db: BookingDatabase, feed: Feed, queries: Queries) -> None:
        super().__init__(db.booking_settings)
        self.follow(db, feed)
        self.tokens = [open_session(db, "ravi") for _ in range(30)]
        self.queries = queries
        self.reported: list[object] = []
        feed.subscribe(lambda day, version: self.reported.append(day))

    def _draw(self, token: str) -> None:
        """Reads the data of the screens of one session: Book, Bookings, Approvals and Admin."""
        assert self.sessions.known(token).account.id == "ravi"
        for day in (DAY, OTHER):
            self.grid(self.boards.get(day, NOW), None)
        grounds = self.reference().grounds
        self.cached(Scope.BOOKINGS, "queue", lambda: pending_queue(self.db))
        self.cached(Scope.BOOKINGS, "upcoming", lambda: approved_upcoming(self.db))
        self.cached(Scope.BOOKINGS, "page", lambda: find_bookings(self.db))
        self.cached(Scope.BOOKINGS, "week", lambda: week_of(self.db, "S001", DAY))
        self.cached(Scope.ACCOUNTS, "accounts", lambda: find_accounts(self.db))
        self.cached(Scope.ACCOUNTS, "delegations", lambda: find_delegations(self.db))
        for ground in grounds:
            self.cached(Scope.SCHOOL, ("photo", ground), lambda g=ground: ground_photo(self.db, g))

    def cost_of_drawing_all(self) -> Counter[str]:
        """Draws all thirty screens at once; returns the number of queries by collection."""
        self.queries.read.clear()
        outcomes = at_once(*[lambda token=token: self._draw(token) for token in self.tokens])
        assert outcomes == [None] * 30
        return Counter(self.queries.read)


@pytest.fixture
def counted(db):
    """The same database through a client that records its reads."""
    queries = Queries()
    client = MongoClient(db.booking_settings.mongodb_uri, event_listeners=[queries])
    yield BookingDatabase(client, db.booking_settings), queries
    client.close()


@pytest.fixture
def process(db, counted):
    """A process that has drawn all its screens, and whose feed has caught up with the setup."""
    add_account(db, Account("ravi", "Ravi", Role.STAFF))
    picture = BytesIO()
    Image.new("RGB", (9, 9)).save(picture, "PNG")
    save_ground_photo(db, "ground-1", picture.getvalue())
    following = Feed(db)
    following.start()
    assert following.connected
    process = Process(counted[0], following, counted[1])
    assert process.cost_of_drawing_all()["sessions"] == 30
    assert process.cost_of_drawing_all() == {}
    yield process
    following.stop()


def after(process, change):
    """Makes a change in another process; returns after this process's feed has reported it."""
    before = process.feed.total
    made = change()
    assert process.feed.wait_beyond(before, 20)
    return made


def test_one_booking_reads_that_days_board_once_and_each_list_of_bookings_once(db, process):
    made = after(process, lambda: booked(db))

    assert process.cost_of_drawing_all() == {"bookings": 1 + LISTS, "waiting": 1}
    assert process.boards.get(DAY, NOW).bookings == (made,)

    after(process, lambda: approve(db, made.id, by=HEAD, now=NOW))
    assert process.cost_of_drawing_all() == {"bookings": 1 + LISTS, "waiting": 1}


def test_a_backup_record_and_the_doctor_cost_no_query_and_wake_no_screen(db, process, tmp_path):
    before = process.feed.total, process.version(), process.version(DAY)

    backups.save(db, tmp_path / "backup")
    findings = list(health.health_findings(db, by=ADMIN))
    # The change stream is in order, so this booking arrives after the records of both.
    marker = booked(db, on=OTHER, student=9)
    eventually(lambda: process.reported)

    assert {finding.name for finding in findings if not finding.ok} <= {"disk"}
    assert process.reported == [OTHER]
    assert process.feed.total == before[0] + 1
    assert process.version(DAY) == before[2]
    assert process.cost_of_drawing_all() == {"bookings": 1 + LISTS, "waiting": 1}
    assert process.boards.get(OTHER, NOW).bookings == (marker,)


def test_a_change_of_the_school_reads_grounds_photos_and_boards_again_and_no_list(db, process):
    after(process, lambda: save_ground(db, GROUNDS[0]))

    cost = process.cost_of_drawing_all()

    assert cost["bookings"] == 2  # the boards
    assert cost["grounds"] == 1
    assert cost["ground_photos"] == 3
    assert cost["students"] == cost["accounts"] == cost["sessions"] == 0


def test_a_change_of_an_account_reads_accounts_and_sessions_again_and_nothing_else(db, process):
    after(process, lambda: change_account(db, "ravi", name="Ravi Kumar", by=ADMIN))

    cost = process.cost_of_drawing_all()

    assert cost["sessions"] == 30
    assert cost.keys() <= {"sessions", "accounts", "delegations"}


def test_without_a_feed_an_operation_sees_other_processes_at_the_cost_of_one_small_read(
    db, counted
):
    elsewhere, queries = counted
    assert load_reference(elsewhere).grounds["ground-1"].name == "Ground 1"
    queries.read.clear()
    assert load_reference(elsewhere) is load_reference(elsewhere)
    assert queries.read == ["meta", "meta"]

    save_ground(db, replace(GROUNDS[0], name="The oval"))
    queries.read.clear()
    found = at_once(*[lambda: load_reference(elsewhere)] * 16)

    assert {known.grounds["ground-1"].name for known in found} == {"The oval"}
    cost = Counter(queries.read)
    assert [cost[name] for name in ("grounds", "timetables", "days", "terms")] == [1, 1, 1, 1]
    assert cost["students"] == 0
