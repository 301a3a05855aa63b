"""Three servers: acknowledged changes survive an election, others are never shown."""

from __future__ import annotations

import itertools
import threading
import time as clock
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from closing_steps import closed
from pymongo.read_concern import ReadConcern
from replica_sets import ReplicaSet
from support import (
    ADMIN,
    DAY,
    GROUNDS,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    eventually,
    open_school,
    request_for,
)

from booking_core import (
    Account,
    AlreadyExists,
    CellState,
    GroundRetired,
    Role,
    Series,
    SeriesConflict,
    SeriesRequest,
    SetConflict,
    SetRequest,
    Settings,
    Status,
    StoreUnavailable,
    Student,
    add_account,
    add_student,
    approve,
    book_series,
    book_set,
    cancel,
    connect,
    day_board,
    delegate,
    disconnect,
    end_delegation,
    find_students,
    get_booking,
    lift_closure,
    load_reference,
    move,
    reinstate,
    save_ground,
    save_students,
)
from booking_core.live import Feed, LiveBoards
from booking_core.storage.client.database import BookingDatabase, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import DEADLINE_SECONDS, reachable

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
    # Each verb is sent a second time, once it is done on the one server that is left. Closing and
    # lifting are sent by another user then: their author would be answered as the first time.
    users = {"lift": iter([HEAD, ADMIN]), "close": iter([HEAD, ADMIN])}
    verbs: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (
            lambda: lift_closure(db, lifted.id, by=next(users["lift"]), now=NOW),
            primary_has(db, lifted.closures[0].id, status="Cancelled"),
        ),
        (
            lambda: closed(db, ground_ids=["ground-2"], expected=[], by=next(users["close"])),
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


def take_sessions_from_pooled_connections(db: BookingDatabase) -> None:
    """Does what the driver does if a connection is opened while a member changes its state."""
    taken = 0
    for server in db.client._topology._servers.values():
        for connection in server.pool.conns:
            connection.supports_sessions = False
            taken += 1
    assert taken, "no connection is pooled"


@pytest.mark.parametrize("at", ["start", "commit"])
def test_connections_without_sessions_are_replaced_by_the_first_verb_that_meets_them(
    db: BookingDatabase, at: str
) -> None:
    def work(session: Any) -> str:
        collection(db, "grounds").update_one(
            {"_id": "ground-1"}, {"$set": {"location": at}}, session=session
        )
        if at == "commit":
            take_sessions_from_pooled_connections(db)
        return "done"

    if at == "start":
        take_sessions_from_pooled_connections(db)

    assert transact(db, work) == "done"
    assert get_ground(db)["location"] == at
    booked(db)
    assert len(closed(db, ground_ids=["ground-1"], by=ADMIN).closures) == 1


def during_elections(trio: ReplicaSet, verbs: Sequence[Callable[[int], Any]]) -> list[Any]:
    """What each of ``verbs`` returned or raised, called with 0, 1, 2, ... in a thread of its own
    while four primaries are elected one after the other."""
    over = threading.Event()
    outcomes: list[Any] = []

    def repeat(verb: Callable[[int], Any]) -> None:
        turns = itertools.count()
        while not over.is_set():
            try:
                outcomes.append(verb(next(turns)))
            except Exception as exc:  # noqa: BLE001 - the test examines every outcome
                outcomes.append(exc)

    def elect() -> None:
        try:
            for _ in range(4):
                before = trio.primary()
                trio.step_down()
                eventually(lambda before=before: trio.primary() is not before, within=30)
                trio.whole()
        finally:
            over.set()

    at_once(elect, *[partial(repeat, verb) for verb in verbs])
    return outcomes


def test_transactions_survive_a_series_of_elections(trio: ReplicaSet, db: BookingDatabase) -> None:
    def change_accounts(number: int, turn: int) -> Account:
        account = Account(f"staff-{number}-{turn}", "New", Role.STAFF)
        return add_account(db, account, now=NOW)

    outcomes = during_elections(trio, [partial(change_accounts, number) for number in range(12)])

    foreign = [o for o in outcomes if not isinstance(o, Account | StoreUnavailable | AlreadyExists)]
    assert foreign == []
    later = [add_account(db, Account(f"after-{n}", "New", Role.STAFF), now=NOW) for n in range(50)]
    assert len(later) == 50


WEEKS, SET = 5, ("ground-1", "ground-3")


def test_series_and_sets_are_stored_whole_or_not_at_all_through_elections(
    trio: ReplicaSet, db: BookingDatabase
) -> None:
    sent: dict[UUID, Callable[[UUID], Series]] = {}

    def send(again: Callable[[UUID], Series]) -> Series:
        id = uuid4()
        sent[id] = again
        return again(id)

    def a_series(hour: int, turn: int) -> Series:
        first = request_for(ground="ground-2", on=day(turn), start=hour, class_name="1-A")
        request = SeriesRequest(first, count=WEEKS)
        return send(lambda id: book_series(db, request, by=MEERA, submission_id=id, now=NOW))

    def a_set(hour: int, turn: int) -> Series:
        first = request_for(ground=SET[0], on=day(turn), start=hour, class_name="1-A")
        request = SetRequest(first, SET)
        return send(lambda id: book_set(db, request, by=MEERA, submission_id=id, now=NOW))

    # Two threads for the same slots each: one of them wins, whichever primary is elected.
    verbs = [partial(verb, hour) for verb in (a_series, a_set) for hour in (9, 9, 11, 11, 13, 13)]
    outcomes = during_elections(trio, verbs)

    expected = Series | SeriesConflict | SetConflict | StoreUnavailable
    assert [one for one in outcomes if not isinstance(one, expected)] == []
    made = {one.id for one in outcomes if isinstance(one, Series)}
    counts = Counter(row["series"] for row in active(db))
    assert made
    assert made <= counts.keys()
    assert set(counts.values()) <= {WEEKS, len(SET)}
    for id, again in sent.items():
        with suppress(SeriesConflict, SetConflict):
            assert len(again(id).bookings) in (WEEKS, len(SET))
    # Sent again, a stored series is answered as the first time, and not stored twice.
    assert counts.items() <= Counter(row["series"] for row in active(db)).items()
    assert_sound(db)


def day(turn: int) -> date:
    """One of ten dates within the booking window, the next one for the next ``turn``."""
    return DAY + timedelta(days=turn % 10)


def put_back_and_change(db: BookingDatabase, before: dict[str, list[dict[str, Any]]]) -> None:
    """Restores a school as it was, then changes it to the revision that it had reached since."""
    for name, documents in before.items():
        db[name].delete_many({})
        db[name].insert_many(documents)
    db["grounds"].update_one({"_id": "ground-2"}, {"$set": {"retired": True}})
    db["students"].update_one({"_id": "S001"}, {"$set": {"name": "Restored Student"}})
    db["meta"].update_one({"_id": "revision"}, {"$inc": {"grounds": 1, "students": 1}})


def lose_a_collection(trio: ReplicaSet, db: BookingDatabase, following: Feed) -> None:
    before = db.epoch
    db["sessions"].drop()
    eventually(lambda: db.epoch != before, within=10)


def elect(trio: ReplicaSet, db: BookingDatabase, following: Feed) -> None:
    following.stop()  # a command-line program has no feed
    trio.step_down()
    eventually(lambda: _try(lambda: get_ground(db)), within=30)


@pytest.mark.parametrize("happening", [elect, lose_a_collection])
def test_a_school_of_the_same_revision_is_read_again_after(
    trio: ReplicaSet, db: BookingDatabase, following: Feed, happening: Callable[..., None]
) -> None:
    names = ("grounds", "students", "meta")
    before = {name: list(db[name].find()) for name in names}
    save_ground(db, replace(GROUNDS[0], retired=True), by=ADMIN, now=NOW)
    save_students(db, [Student("S001", "Changed Student", "8-A")], by=ADMIN, now=NOW)
    kept = load_reference(db)
    assert [s.name for s in find_students(load_reference(db), "Changed")] == ["Changed Student"]

    put_back_and_change(db, before)
    happening(trio, db, following)
    fresh = load_reference(db)

    assert (fresh.grounds_revision, fresh.students_revision) == (
        kept.grounds_revision,
        kept.students_revision,
    )
    assert [g.id for g in fresh.grounds.values() if g.retired] == ["ground-2"]
    assert [s.name for s in find_students(load_reference(db), "Restored")] == ["Restored Student"]
    with pytest.raises(GroundRetired):
        booked(db, ground="ground-2")
    assert booked(db, ground="ground-1").ground_id == "ground-1"


def get_ground(db: BookingDatabase) -> Any:
    with reachable():
        return collection(db, "grounds").find_one({"_id": "ground-1"})


def repeat_move(db, moved):
    return move(db, moved.id, start=time(13), end=time(14), by=MEERA, now=NOW)


def primary_has(db: BookingDatabase, id: str | None = None, of: str = "bookings", **fields: str):
    """Whether the one server that is left has this change, which no majority has."""
    local = db.get_collection(of, read_concern=ReadConcern("local"))
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
