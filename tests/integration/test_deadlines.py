"""One deadline for a whole operation, and the known outcome after it has passed."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from closing_steps import closed
from cutting_proxy import Proxy
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure
from sign_in_client import PASSWORD
from support import ADMIN, DAY, GROUNDS, HEAD, MEERA, NOW, active, at_once, booked

from booking_core import (
    Account,
    Role,
    StoreUnavailable,
    Student,
    add_account,
    add_student,
    approve,
    cancel,
    change_password,
    day_board,
    delegate,
    displaced_by,
    move,
    notices_for,
    save_ground,
)
from booking_core.domain.messages import sentence
from booking_core.live import LiveBoards
from booking_core.sessions import sign_in
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import BookingDatabase, collection, open_database
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import DEADLINE_SECONDS, reachable, within_deadline

TOLERANCE = 1.5  # allowed for a busy machine
Line = tuple[BookingDatabase, Proxy]


@pytest.fixture
def lines(db: BookingDatabase) -> Iterator[Callable[[], Line]]:
    """Opens handles on the school of ``db``, each through a separate proxy."""
    with ExitStack() as stack:

        def make() -> Line:
            proxy = Proxy(db_uri(db))
            stack.callback(proxy.close)
            settings = replace(db.booking_settings, mongodb_uri=proxy.uri)
            opened = open_database(proxy.uri, settings)
            stack.callback(opened.close)
            opened.command("ping")
            return opened, proxy

        yield make


def db_uri(db: BookingDatabase) -> str:
    uri = db.booking_settings.mongodb_uri
    assert uri is not None
    return uri


def failure(operation: Callable[[], Any]) -> tuple[StoreUnavailable, float]:
    """Returns the error of an operation whose database is unavailable, and its duration (s)."""
    began = clock.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        operation()
    return caught.value, clock.monotonic() - began


def test_an_operation_with_slow_answers_ends_by_its_one_deadline(
    db: BookingDatabase, lines: Callable[[], Line]
) -> None:
    mine = booked(db)
    slow, proxy = lines()
    proxy.delay = 2.0

    _, took = failure(lambda: move(slow, mine.id, start=time(14), end=time(15), by=MEERA, now=NOW))

    assert took < DEADLINE_SECONDS + TOLERANCE


SLOW: dict[str, Callable[[BookingDatabase], Any]] = {
    "delegate": lambda db: delegate(db, to="ravi", first=DAY, last=DAY, by=HEAD, now=NOW),
    "change_password": lambda db: change_password(db, "ravi", old=PASSWORD, new="another one"),
    "sign_in": lambda db: sign_in(db, "ravi", PASSWORD, address="127.0.0.1"),
    "save_ground": lambda db: save_ground(db, GROUNDS[0], by=ADMIN),
    "add_student": lambda db: add_student(db, Student("N1", "New", "8-A"), by=ADMIN),
    "displaced_by": lambda db: displaced_by(
        db, ground_ids=["ground-1"], first=DAY, last=DAY, now=NOW
    ),
    "day_board": lambda db: day_board(db, DAY, NOW),
    "notices_for": lambda db: notices_for(db, "meera"),
    "a live board": lambda db: LiveBoards(db, Versions()).get(DAY, NOW),
}


class Versions:
    """Versions of days on which nothing changes."""

    connected = True

    def version(self, date: date) -> int:
        return 1


@pytest.mark.usefixtures("quick_hashes")
def test_every_function_on_a_slow_line_ends_by_its_one_deadline(
    db: BookingDatabase, lines: Callable[[], Line]
) -> None:
    for account in (Account("head", "Head", Role.PRINCIPAL), Account("ravi", "Ravi", Role.STAFF)):
        add_account(db, account, password=PASSWORD)

    def run(verb: Callable[[BookingDatabase], Any]) -> tuple[Any, float]:
        there, proxy = lines()
        proxy.delay = 1.5
        began = clock.monotonic()
        try:
            return verb(there), clock.monotonic() - began
        except StoreUnavailable as exc:
            return exc, clock.monotonic() - began

    outcomes = dict(zip(SLOW, at_once(*[lambda v=v: run(v) for v in SLOW.values()]), strict=True))

    late = {n: took for n, (_, took) in outcomes.items() if took > DEADLINE_SECONDS + TOLERANCE}
    assert late == {}
    for name in ("displaced_by", "day_board", "notices_for", "a live board"):
        error = outcomes[name][0]
        assert not isinstance(error, StoreUnavailable) or error.nothing_happened, name


def test_time_in_which_the_database_has_no_part_is_not_the_verbs(db: BookingDatabase) -> None:
    @within_deadline(seconds=0.5)
    def verb(*, paused: bool) -> Any:
        with deadlines.paused() if paused else nullcontext():
            threading.Event().wait(0.6)
        with reachable():
            return collection(db, "grounds").find_one({"_id": "ground-1"})["name"]

    assert verb(paused=True) == "Ground 1"
    assert failure(lambda: verb(paused=False))[0].nothing_happened


def test_a_block_without_a_limit_keeps_the_limit_of_the_verb_around_it(
    lines: Callable[[], Line],
) -> None:
    slow, proxy = lines()
    proxy.delay = 5.0

    @within_deadline(seconds=0.5)
    def verb() -> None:
        with reachable(None):
            collection(slow, "grounds").find_one({"_id": "ground-1"})

    _, took = failure(verb)

    assert took < 0.5 + TOLERANCE


def test_the_error_says_whether_a_change_may_have_been_made(
    db: BookingDatabase, lines: Callable[[], Line]
) -> None:
    first, second = booked(db, student=1, start=9), booked(db, student=2, start=10)
    cases: list[tuple[str, bool, Callable[[BookingDatabase], Any]]] = [
        # (the command whose answer is lost, whether it is certain that nothing changed, the call)
        ("find", True, lambda there: booked(there, student=3, start=11)),
        ("update", False, lambda there: booked(there, student=4, start=12)),
        ("find", True, lambda there: approve(there, first.id, by=HEAD, now=NOW)),
        ("update", False, lambda there: cancel(there, second.id, by=MEERA, now=NOW)),
        ("commitTransaction", False, lambda there: close(there, "ground-3")),
    ]

    def run(
        command: str, operation: Callable[[BookingDatabase], Any]
    ) -> tuple[StoreUnavailable, float]:
        there, proxy = lines()
        proxy.cut(command, for_good=True)
        outcome = failure(lambda: operation(there))
        assert proxy.cuts == 1
        return outcome

    outcomes = at_once(*[lambda c=c, v=v: run(c, v) for c, _, v in cases])

    for (command, nothing, _), (error, took) in zip(cases, outcomes, strict=True):
        assert error.nothing_happened == nothing, command
        assert took < DEADLINE_SECONDS + TOLERANCE, command
        assert ("Nothing was changed." in sentence(error)) == nothing
        assert ("is not known" in sentence(error)) != nothing
    assert {row["ground_id"] for row in active(db, kind="closure")} == {"ground-3"}
    assert {row["start"] for row in active(db, kind="booking")} == {"09:00", "12:00"}


def close(db: BookingDatabase, ground: str) -> Any:
    return closed(db, ground_ids=[ground], expected=[], start=time(9), end=time(10))


def test_a_nested_operation_shares_the_deadline_and_the_record_of_writes(
    db: BookingDatabase,
) -> None:
    meta = collection(db, "meta")

    @within_deadline
    def inner() -> None:
        with reachable():
            raise ConnectionFailure("gone")

    @within_deadline
    def outer(writes: bool) -> None:
        if writes:
            meta.update_one({"_id": "none"}, {"$set": {"grounds": 1}})
        else:
            meta.find_one({"_id": "none"})
        inner()

    assert failure(lambda: outer(writes=False))[0].nothing_happened
    assert not failure(lambda: outer(writes=True))[0].nothing_happened
    assert failure(inner)[0].nothing_happened


def test_outside_an_operation_the_outcome_is_unknown(db: BookingDatabase) -> None:
    def gone() -> None:
        with reachable():
            raise ConnectionFailure("gone")

    assert not failure(gone)[0].nothing_happened


def test_an_uncommitted_transaction_is_known_to_have_changed_nothing(db: BookingDatabase) -> None:
    meta = collection(db, "meta")

    @within_deadline
    def operation() -> None:
        def work(session: Any) -> None:
            change = {"$set": {"grounds": 7, "students": 7}}
            meta.update_one({"_id": "tried"}, change, upsert=True, session=session)
            raise ConnectionFailure("gone")

        transact(db, work)

    assert failure(operation)[0].nothing_happened
    assert meta.find_one({"_id": "tried"}) is None


def test_the_outcome_is_unknown_for_a_client_whose_writes_are_not_recorded(
    db: BookingDatabase,
) -> None:
    plain = db.client.get_database(db.name)
    other = BookingDatabase(MongoClient(db_uri(db)), db.booking_settings)

    @within_deadline
    def operation(there: Any) -> None:
        collection(there, "meta").find_one({})
        raise ConnectionFailure("gone")

    assert failure(lambda: operation(db))[0].nothing_happened
    assert not failure(lambda: operation(plain))[0].nothing_happened
    assert not failure(lambda: operation(other))[0].nothing_happened
    other.client.close()
