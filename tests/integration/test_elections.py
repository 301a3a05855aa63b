"""Three servers: acknowledged changes survive an election, others are never shown."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Iterator
from datetime import time
from typing import Any
from uuid import uuid4

import pytest
from closing_steps import closed
from replica_sets import ReplicaSet
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    assert_sound,
    at_once,
    booked,
    eventually,
    open_school,
)

from booking_core import (
    Account,
    AlreadyExists,
    CellState,
    Feed,
    LiveBoards,
    Role,
    Settings,
    Status,
    StoreUnavailable,
    Student,
    add_account,
    add_student,
    approve,
    cancel,
    connect,
    day_board,
    delegate,
    disconnect,
    end_delegation,
    get_booking,
    lift_closure,
    move,
    reinstate,
)
from booking_core.storage.database import (
    DEADLINE_SECONDS,
    BookingDatabase,
    collection,
    reachable,
    transact,
)

pytestmark = pytest.mark.xdist_group("replica set")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    servers = ReplicaSet(tmp_path_factory.mktemp("trio"))
    yield servers
    servers.close()


@pytest.fixture
def trio(started: ReplicaSet) -> ReplicaSet:
    """Three running servers."""
    started.whole()
    return started


@pytest.fixture
def settings(trio: ReplicaSet) -> Settings:
    return Settings(
        mongodb_uri=trio.uri, database=f"test_{uuid4().hex[:12]}", time_zone="Asia/Kolkata"
    )


@pytest.fixture
def db(settings: Settings) -> Iterator[BookingDatabase]:
    """A school on three servers."""
    opened = connect(settings)
    open_school(opened)
    yield opened
    disconnect(opened)


@pytest.fixture
def following(db: BookingDatabase) -> Iterator[Feed]:
    feed = Feed(db)
    feed.start()
    assert feed.connected
    yield feed
    feed.stop()


def test_a_change_that_an_election_rolls_back_is_refused_and_never_shown(
    trio: ReplicaSet, db: BookingDatabase, settings: Settings, following: Feed
) -> None:
    moved, decided = booked(db, student=1, start=9), booked(db, student=2, start=10)
    other = connect(settings)
    boards = LiveBoards(other, following)
    primary = trio.primary()
    for secondary in trio.others(primary):
        secondary.kill()

    outcomes = at_once(
        lambda: booked(db, student=3, start=11),
        lambda: move(db, moved.id, start=time(13), end=time(14), by=MEERA, now=NOW),
        lambda: approve(db, decided.id, by=HEAD, now=NOW),
        # Repeats each change after the one remaining server has stored it.
        lambda: after(primary_has(other, moved.id, start="13:00"), lambda: repeat_move(db, moved)),
        lambda: after(
            primary_has(other, decided.id, status="Approved"),
            lambda: approve(db, decided.id, by=HEAD, now=NOW),
        ),
        # Another process opens the day at the same time.
        lambda: after(primary_has(other, moved.id, start="13:00"), lambda: boards.get(DAY, NOW)),
    )
    opened = outcomes.pop()
    primary.kill()
    for secondary in trio.others(primary):
        secondary.start()

    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert opened.cell("ground-1", time(11)).state is CellState.FREE
    assert opened.cell("ground-1", time(9)).booking == moved
    truth = eventually(lambda: _try(lambda: day_board(db, DAY, NOW)), within=40)
    assert {b.id for b in truth.bookings} == {moved.id, decided.id}
    assert get_booking(db, decided.id).status is Status.PENDING
    eventually(lambda: boards.get(DAY, NOW).bookings == truth.bookings, within=5)
    assert move(db, moved.id, start=time(13), end=time(14), by=MEERA, now=NOW).start == time(13)
    eventually(lambda: boards.get(DAY, NOW).cell("ground-1", time(13)).booking, within=5)
    assert_sound(db)
    disconnect(other)


def test_what_a_verb_has_read_of_an_unacknowledged_one_is_no_answer(
    trio: ReplicaSet, db: BookingDatabase
) -> None:
    lifted = closed(db, ground_ids=["ground-1"])
    for account in (Account("head", "Head", Role.PRINCIPAL), Account("ravi", "Ravi", Role.STAFF)):
        add_account(db, account)
    given = delegate(db, to="ravi", first=DAY, last=DAY, by=HEAD, now=NOW)
    made = Account("new", "New", Role.STAFF)
    student = Student("N001", "New", "8-A")
    for secondary in trio.others(trio.primary()):
        secondary.kill()
    # Each verb is sent a second time, once it is done on the one server that is left.
    verbs: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (
            lambda: lift_closure(db, lifted.id, by=HEAD, now=NOW),
            primary_has(db, lifted.closures[0].id, status="Cancelled"),
        ),
        (
            lambda: closed(db, ground_ids=["ground-2"], expected=[]),
            primary_has(db, kind="closure", ground_id="ground-2"),
        ),
        (lambda: add_account(db, made, now=NOW), primary_has(db, "new", of="accounts")),
        (
            lambda: add_student(db, student, by=ADMIN, now=NOW),
            primary_has(db, "N001", of="students"),
        ),
        (
            lambda: end_delegation(db, given.id, by=HEAD, now=NOW),
            lambda: not primary_has(db, given.id, of="delegations")(),
        ),
    ]

    outcomes = at_once(
        *[verb for verb, _ in verbs],
        *[lambda verb=verb, done=done: after(done, verb) for verb, done in verbs],
    )

    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert all(outcome.nothing_happened for outcome in outcomes[len(verbs) :])


def test_what_was_read_before_an_election_is_no_answer_after_it(
    trio: ReplicaSet, db: BookingDatabase
) -> None:
    def work(session: Any) -> None:
        found = db["grounds"].find_one({"_id": "ground-1"}, session=session)
        trio.step_down()
        eventually(lambda: _try(lambda: get_ground(db)), within=30)
        raise AlreadyExists("ground", str(found))

    with pytest.raises(StoreUnavailable):
        transact(db, work, seconds=60)


def get_ground(db: BookingDatabase) -> Any:
    with reachable():
        return collection(db, "grounds").find_one({"_id": "ground-1"})


def repeat_move(db, moved):
    return move(db, moved.id, start=time(13), end=time(14), by=MEERA, now=NOW)


def primary_has(db: BookingDatabase, id: str | None = None, of: str = "bookings", **fields: str):
    """Whether the one server that is left has this change, which no majority has."""
    local = db.get_collection(of)
    return lambda: local.find_one(fields if id is None else {"_id": id, **fields})


def after(condition, action):
    eventually(condition)
    return action()


def test_an_acknowledged_change_survives_the_loss_of_the_primary(
    trio: ReplicaSet, db: BookingDatabase, following: Feed
) -> None:
    boards = LiveBoards(db, following)
    boards.get(DAY, NOW)
    mine = booked(db)
    approved = approve(db, mine.id, by=HEAD, now=NOW)

    trio.primary().kill()

    eventually(lambda: boards.get(DAY, NOW).cell("ground-1", time(9)).booking == approved)
    assert eventually(lambda: _try(lambda: get_booking(db, mine.id)), within=30) == approved


def test_an_election_raises_every_version(
    trio: ReplicaSet, db: BookingDatabase, following: Feed
) -> None:
    raised = threading.Event()
    following.subscribe(lambda day, version: raised.set() if day is None else None)
    raised.clear()

    trio.step_down()

    assert raised.wait(20)
    before = following.version(DAY)
    mine = eventually(lambda: _try(lambda: booked(db)), within=30)
    assert following.wait(DAY, before, 10) > before
    assert get_booking(db, mine.id) == mine


def test_without_a_majority_every_operation_and_connect_fail_within_five_seconds(
    trio: ReplicaSet, db: BookingDatabase, settings: Settings
) -> None:
    mine, displaced = booked(db, student=1, start=9), booked(db, student=2, start=10)
    kept = closed(db, ground_ids=["ground-1"], start=time(10), end=time(11))
    other = closed(db, ground_ids=["ground-2"])
    lift_closure(db, kept.id, by=HEAD, now=NOW)
    for secondary in trio.others(trio.primary()):
        secondary.kill()

    def timed(operation: Callable[[], Any]) -> tuple[StoreUnavailable, float]:
        began = clock.monotonic()
        with pytest.raises(StoreUnavailable) as caught:
            operation()
        return caught.value, clock.monotonic() - began

    operations: list[Callable[[], Any]] = [
        lambda: connect(settings),
        lambda: booked(db, student=3, start=12),
        lambda: move(db, mine.id, start=time(13), end=time(14), by=MEERA, now=NOW),
        lambda: cancel(db, mine.id, by=MEERA, now=NOW),
        lambda: closed(db, ground_ids=["ground-3"], expected=[]),
        lambda: lift_closure(db, other.id, by=HEAD, now=NOW),
        lambda: reinstate(db, displaced.id, by=HEAD, now=NOW),
    ]
    outcomes = at_once(*[lambda operation=operation: timed(operation) for operation in operations])

    assert [round(took, 1) for _, took in outcomes if took > DEADLINE_SECONDS + 1.5] == []
    assert outcomes[0][0].nothing_happened  # connect has written nothing


def _try(action):
    try:
        return action()
    except StoreUnavailable:
        return None
