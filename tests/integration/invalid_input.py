"""Invalid values for every kind of field, and the assertion that a value is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from support import DAY

from booking_core import InvalidRequest, Role

OPERATOR = {"$gt": ""}
WRONG_TYPE = [5, 1.5, True, b"bytes", ["S001"], OPERATOR, ...]
UNSTORABLE = ["a\x00b", "\ud800", "a\u202eb", "a\u2066b", "\x1b[31m", "x" * 100_000]
BAD_TEXT = [*WRONG_TYPE, None, *UNSTORABLE]
BAD_ID = [
    *BAD_TEXT,
    "",
    "   ",
    "\U0001f3d0",
    "<b>S001</b>",
    "$where",
    '{"$gt": ""}',
    "x" * 65,
    "a\nb",
]
BAD_NAME = [*BAD_TEXT, "", "   ", "x" * 121]
BAD_DATE = [
    *WRONG_TYPE,
    "2026-11-24",
    datetime(2026, 11, 24, tzinfo=UTC),
    date(1999, 12, 31),
    date(2201, 1, 1),
    date.min,
    date.max,
]
BAD_TIME = [
    *WRONG_TYPE,
    "09:00",
    time(9, 7),
    time(9, 0, 1),
    time(9, 0, 0, 1),
    time(9, tzinfo=UTC),
    datetime(2026, 11, 24, 9, tzinfo=UTC),
]
BAD_NOW = [
    *WRONG_TYPE,
    "now",
    DAY,
    datetime(2026, 11, 23, 9),  # noqa: DTZ001 - a naive datetime must be refused
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
]
BAD_ACTOR = [*WRONG_TYPE, None, "meera", Role.ADMIN]
BAD_LIMIT = [0, -1, 1001, 1.5, True, "5", None, OPERATOR, 10**30]


def cases(**invalid_by_field):
    return [
        pytest.param(field, value, id=f"{field}={ascii(value)[:30]}")
        for field, values in invalid_by_field.items()
        for value in values
    ]


def stored(db):
    return {name: list(db[name].find().sort("_id")) for name in db.list_collection_names()}


def assert_refused(school, action, field):
    db, _ = school
    before = stored(db)

    with pytest.raises(InvalidRequest) as error:
        action(db)

    assert error.value.field == field
    assert error.value.problem
    str(error.value).encode()  # the message can be logged
    assert stored(db) == before
