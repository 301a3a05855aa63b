"""Any value in any argument of a public function: it is refused by a BookingError, or accepted.

``test_invalid_bookings`` and its neighbours say which field is named for which value; here nothing
else than these errors may come out of any function, also of one that is new.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from support import ADMIN, DAY, HEAD, MEERA, NOW, RAVI, booked, open_school, request_for

from booking_core import (
    Account,
    Actor,
    BookingError,
    Ground,
    MailWish,
    Period,
    Policy,
    SeriesRequest,
    SetRequest,
    Slot,
    Student,
    Team,
    Timetable,
    add_account,
    connect,
    join_waiting_list,
)
from booking_core.storage.client.database import BookingDatabase

MODULES = ("booking_core", *(f"booking_core.{m}" for m in ("calendars", "reports", "sessions")))
VALUES: tuple[Any, ...] = (
    *(None, True, 5, -1, 10**30, 1.5, float("nan"), "", "x", "\x00", "\ud800", "a" * 100_000),
    *(b"x", [], [5], [[]], [None], {}, {"a": 1}, {"$gt": ""}, object()),
    *(date(2026, 11, 24), date(1, 1, 1), date(9999, 12, 31), time(9), time(9, tzinfo=UTC)),
    *(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC).replace(tzinfo=None)),
    *(Slot("ground-1", DAY, time(9), time(10)), Actor("meera", MEERA.role)),
)
LEFT_OUT = {"connect", "disconnect", "ensure_schema"}  # what makes or ends a connection
# Arguments that only take what other functions of the core return; nobody types them.
OF_OTHER_FUNCTIONS = {"booking", "bookings", "plan", "requests", "rows", "sheet"}
MEASURED = {"feed_lag_ms", "threads"}  # of the application's own process
FILTERS = {"reports.export_changes": {"first": DAY, "last": DAY}}


def functions() -> dict[str, Callable[..., Any]]:
    """The public functions that take a database."""
    found = {}
    for module in MODULES:
        public = import_module(module)
        for name in public.__all__:
            value = getattr(public, name)
            if not inspect.isfunction(value) or name in LEFT_OUT:
                continue
            names = list(inspect.signature(value).parameters)
            if names[:1] == ["db"] and OF_OTHER_FUNCTIONS.isdisjoint(names):
                found[f"{module.rpartition('.')[2]}.{name}"] = value
    return found


FUNCTIONS = functions()


@pytest.fixture(scope="module")
def filled(mongod_uri: str) -> Iterator[tuple[BookingDatabase, dict[str, Any]]]:
    """A school, and for names of arguments a value that is right or nearly so."""
    from booking_core import Settings, disconnect

    settings = Settings(
        mongodb_uri=mongod_uri, database=f"test_{uuid4().hex[:12]}", time_zone="Asia/Kolkata"
    )
    db = connect(settings)
    open_school(db)
    for one in (MEERA, RAVI, HEAD, ADMIN):
        add_account(db, Account(one.id, one.name, one.role, f"{one.id}@school.example"), now=NOW)
    first, second = booked(db, student=1), booked(db, student=2, start=11, by=RAVI)
    request = request_for(student=8, start=11)
    entry = join_waiting_list(db, request, by=MEERA, now=NOW)
    values = {
        "now": NOW,
        "by": ADMIN,
        "request": request,
        "series_request": SeriesRequest(request, count=2),
        "asked": SetRequest(request, ("ground-1", "ground-3")),
        "entry_id": entry.id,
        "ground_id": "ground-1",
        "ground_ids": ["ground-1"],
        "id": "ground-1",
        "ids": ["ground-1"],
        "date": DAY,
        "dates": [DAY],
        "days": [DAY],
        "first": DAY,
        "last": DAY,
        "reason": "a reason",
        "expected": [first.id],
        "booking_id": first.id,
        "first_id": first.id,
        "second_id": second.id,
        "own_id": first.id,
        "wanted_id": second.id,
        "revision": 1,
        "submission_id": uuid4(),
        "account_id": "meera",
        "student_id": "S001",
        "ground": Ground("ground-1", "Ground 1", ("Volleyball",)),
        "student": Student("S001", "Student 1", "1-A"),
        "students": [Student("S001", "Student 1", "1-A")],
        "team": Team("u14", "U14"),
        "timetable": Timetable("other", (Period("P1", time(9), time(10)),)),
        "policy": Policy(),
        "wish": MailWish.DAILY,
        "move_to": None,
    }
    yield db, values
    db.client.drop_database(db.name)
    disconnect(db)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_value_lets_anything_but_a_booking_error_out(
    filled: tuple[BookingDatabase, dict[str, Any]], name: str
) -> None:
    db, right = filled
    function = FUNCTIONS[name]
    parameters = list(inspect.signature(function).parameters.values())[1:]
    given = {
        one.name: right.get(one.name, "x")
        for one in parameters
        if one.default is one.empty or one.name == "now"
        if one.kind is not one.VAR_KEYWORD
    } | FILTERS.get(name, {})
    wrong = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD or parameter.name in MEASURED:
            continue
        for value in VALUES:
            try:
                found = function(db, **given | {parameter.name: value})
                if inspect.isgenerator(found):
                    list(found)
            except BookingError:
                continue
            except Exception as exc:  # noqa: BLE001 - the test names each of them
                wrong.append(f"{parameter.name}={value!r:.60}: {type(exc).__name__}: {exc!s:.90}")

    assert "\n".join(wrong) == ""
