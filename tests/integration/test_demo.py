"""The demo school of the first start."""

from __future__ import annotations

import subprocess
import sys
import time as clock
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import assert_sound, at_once, eventually

from booking_core import (
    Account,
    Booking,
    BookingError,
    CellState,
    Ground,
    Role,
    Settings,
    Status,
    add_account,
    connect,
    day_board,
    find_accounts,
    find_bookings,
    load_reference,
    save_ground,
    terms,
    waiting_ahead,
)
from booking_core.operations.demo import DEMO_ACCOUNTS, RAIN, is_empty, load_demo
from booking_core.storage.client.database import BookingDatabase, Documents
from booking_core.storage.schema import schema
from booking_core.storage.school.data import mark_demo

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Asia/Kolkata")
MONDAY = datetime(2026, 11, 23, 10, 20, tzinfo=ZONE)
MOMENTS = [
    MONDAY,
    datetime(2026, 11, 24, 3, 0, tzinfo=ZONE),
    datetime(2026, 11, 26, 19, 45, tzinfo=ZONE),
    datetime(2026, 11, 28, 12, 59, tzinfo=ZONE),
    datetime(2026, 11, 29, 9, 0, tzinfo=ZONE),
    datetime(2027, 1, 1, 0, 0, tzinfo=ZONE),
]
MakeDatabase = Callable[..., BookingDatabase]


@pytest.fixture
def empty(make_db: MakeDatabase) -> BookingDatabase:
    return make_db(school=False)


def everything(db: Documents) -> list[Booking]:
    return find_bookings(db, kind=None, limit=1000)


def contents(db: Documents) -> list[tuple[Any, ...]]:
    """Returns all stored documents without the ids of closures, which are random."""
    return sorted(
        (b.slot.ground_id, b.slot.date, b.start, b.end, b.status, b.student_id or "", b.history)
        for b in everything(db)
    )


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: f"{now:%a-%H%M}")
def test_the_demo_has_every_state_and_is_sound_at_any_hour(
    empty: BookingDatabase, now: datetime
) -> None:
    load_demo(empty, now)

    found = find_bookings(empty, limit=1000)
    assert {booking.status for booking in found} == set(Status)
    waiting = [booking for booking in found if booking.status is Status.PENDING]
    assert 4 <= len(waiting) <= 6
    in_line = waiting_ahead(empty, now=now)
    assert len(in_line) == 2
    assert len({entry.slot for entry in in_line}) == 1
    assert in_line[0].slot in [booking.slot for booking in waiting]
    for booking in waiting:
        assert datetime.combine(booking.date, booking.start, ZONE) > now
    today = now.date()
    for day in (today, today + timedelta(days=1)):
        board = day_board(empty, day, now)
        cells = [cell for period in board.periods for cell in board.row(period)]
        free = sum(cell.booking is None for cell in cells) / len(cells)
        assert 0.3 < free < 0.95
    assert_sound(empty)


def test_the_demo_has_grounds_classes_students_and_two_timetables(
    empty: BookingDatabase,
) -> None:
    load_demo(empty, MONDAY)

    known = load_reference(empty)
    assert known.demo
    assert len(known.open_grounds) == 8
    assert known.open_grounds[0].name == "Main ground"
    assert all(1 <= len(ground.games) <= 4 for ground in known.open_grounds)
    assert len(known.students) == 120
    assert len({student.name for student in known.students.values()}) == 120
    assert len({student.class_name for student in known.students.values()}) == 8
    labels = [period.label for period in known.plan(date(2026, 11, 23)).periods]
    assert (labels[0], labels[4], len(labels)) == ("08:00-09:00", "12:00-13:00", 10)
    assert known.plan(date(2026, 11, 28)).timetable_id == "half-day"
    assert known.plan(date(2026, 11, 29)).periods


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: f"{now:%a-%H%M}")
def test_the_demo_has_terms_teams_a_series_a_divided_ground_and_a_waiting_list(
    empty: BookingDatabase, now: datetime
) -> None:
    load_demo(empty, now)

    known = load_reference(empty)
    assert len(terms(empty)) == 3
    for term in terms(empty):
        weeks = [known.year.week(term.first + timedelta(weeks=n)) for n in range(2)]
        assert sorted(weeks) == ["A", "B"]
    assert len(known.teams) == 2
    whole, north, south = known.open_grounds[:3]
    assert whole.shares(north)
    assert whole.shares(south)
    assert not north.shares(south)
    approved = find_bookings(empty, status=Status.APPROVED, limit=1000)
    dates = Counter(b.series for b in approved if b.series is not None and b.date > now.date())
    assert max(dates.values(), default=0) >= 2
    assert len({entry.by for entry in waiting_ahead(empty, now=now)}) == 2


def test_the_demo_loads_with_little_processor_time(empty: BookingDatabase) -> None:
    # Processor time, because elapsed time depends on the load of the machine.
    began = clock.process_time()

    load_demo(empty, MONDAY)

    assert clock.process_time() - began < 3


def test_rain_closes_the_nets_for_the_rest_of_today(empty: BookingDatabase) -> None:
    load_demo(empty, MONDAY)

    board = day_board(empty, MONDAY.date(), MONDAY)
    nets = [board.cell("cricket-nets", period.start) for period in board.periods]
    assert [cell.state for cell in nets[2:]] == [CellState.CLOSED] * 8
    assert {cell.note for cell in nets[2:]} == {RAIN}
    assert all(cell.state is not CellState.CLOSED for cell in nets[:2])


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: f"{now:%a-%H%M}")
def test_every_history_is_in_order_and_ends_in_the_status(
    empty: BookingDatabase, now: datetime
) -> None:
    load_demo(empty, now)

    for booking in find_bookings(empty, limit=1000):
        moments = [entry.at for entry in booking.history]
        assert moments == sorted(moments)
        assert moments[-1] <= now
        assert booking.history[0].action == "requested"
        if booking.status is not Status.PENDING:
            assert booking.last_decision.action == booking.status.value.lower()


def test_the_same_moment_gives_the_same_demo(make_db: MakeDatabase) -> None:
    one, other = make_db(school=False), make_db(school=False)

    load_demo(one, MONDAY)
    load_demo(other, MONDAY)

    assert contents(one) == contents(other)


def test_loading_the_demo_again_changes_nothing(empty: BookingDatabase) -> None:
    load_demo(empty, MONDAY)
    before = everything(empty)

    load_demo(empty, MONDAY + timedelta(days=3))

    assert not is_empty(empty)
    assert everything(empty) == before


def test_an_existing_school_is_left_unchanged(empty: BookingDatabase) -> None:
    save_ground(empty, Ground("ground-1", "Ground 1", ("Football",)))

    load_demo(empty, MONDAY)

    assert list(load_reference(empty).grounds) == ["ground-1"]
    assert not load_reference(empty).demo


def test_a_load_that_was_killed_is_completed_by_the_next(
    make_db: MakeDatabase, mongod_uri: str
) -> None:
    whole, broken = make_db(school=False), make_db(school=False)
    load_demo(whole, MONDAY)
    program = (
        "import sys; from datetime import datetime; from booking_core import Settings, connect\n"
        "from booking_core.operations.demo import load_demo\n"
        "db = connect(Settings(mongodb_uri=sys.argv[1], database=sys.argv[2]))\n"
        "load_demo(db, datetime.fromisoformat(sys.argv[3]))"
    )
    loading = subprocess.Popen(
        [sys.executable, "-c", program, mongod_uri, broken.name, MONDAY.isoformat()], cwd=ROOT
    )
    eventually(lambda: broken[schema.BOOKINGS].count_documents({}) > 40)
    loading.kill()
    loading.wait()

    assert is_empty(broken)
    load_demo(broken, MONDAY + timedelta(hours=2))

    assert contents(broken) == contents(whole)
    assert load_reference(broken).demo


def test_two_processes_that_start_at_once_load_one_demo(
    make_db: MakeDatabase, mongod_uri: str
) -> None:
    whole, shared = make_db(school=False), make_db(school=False)
    load_demo(whole, MONDAY)
    second = connect(Settings(mongodb_uri=mongod_uri, database=shared.name))

    outcomes = at_once(lambda: load_demo(shared, MONDAY), lambda: load_demo(second, MONDAY))

    second.client.close()
    assert outcomes == [None, None]
    slots = Counter((b.slot, b.status, b.student_id) for b in everything(shared))
    assert slots == Counter((b.slot, b.status, b.student_id) for b in everything(whole))
    assert_sound(shared)


@pytest.mark.parametrize(
    "settings",
    [{"quota": 1}, {"quota": None}, {"advance_days": 0}, {"lead_minutes": 10_000}],
    ids=str,
)
def test_stricter_settings_make_a_smaller_demo_and_no_error(
    make_db: MakeDatabase, settings: dict[str, Any]
) -> None:
    db = make_db(school=False, **settings)

    load_demo(db, MONDAY)

    assert load_reference(db).demo
    assert_sound(db)


def test_the_demo_accounts_have_every_role() -> None:
    assert {account.role for account in DEMO_ACCOUNTS} == set(Role)
    assert len({account.id for account in DEMO_ACCOUNTS}) == len(DEMO_ACCOUNTS)


def test_the_demo_accounts_are_stored_without_passwords(empty: BookingDatabase) -> None:
    load_demo(empty, MONDAY)

    stored = {account.actor: account.has_password for account in find_accounts(empty)}
    assert stored == dict.fromkeys(DEMO_ACCOUNTS, False)


def test_a_demo_of_an_earlier_version_gets_the_missing_accounts(
    empty: BookingDatabase,
) -> None:
    mark_demo(empty)
    add_account(empty, Account("head", "Another name", Role.PRINCIPAL, active=False))

    load_demo(empty, MONDAY)
    load_demo(empty, MONDAY)

    found = find_accounts(empty)
    assert sorted(account.id for account in found) == ["admin", "head", "joseph", "meera"]
    head = next(account for account in found if account.id == "head")
    assert (head.name, head.active) == ("Another name", False)
    assert not load_reference(empty).grounds


def test_a_database_with_accounts_gets_no_demo(empty: BookingDatabase) -> None:
    add_account(empty, Account("farah", "Farah", Role.ADMIN))

    load_demo(empty, MONDAY)

    assert not is_empty(empty)
    assert not load_reference(empty).demo


def test_a_moment_without_a_time_zone_is_refused(empty: BookingDatabase) -> None:
    with pytest.raises(BookingError):
        load_demo(empty, datetime(2026, 11, 23, 10, 0))  # noqa: DTZ001

    assert is_empty(empty)
