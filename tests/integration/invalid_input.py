"""Invalid values for each kind of field, and the assertion that a value is refused."""

from __future__ import annotations

import time as clock
from datetime import date, datetime, time

import pytest

from booking_core import InvalidRequest, Role

# A value of a wrong type and a malformed one: that a verb checks the field, and how it names it.
# tests/unit/test_validation.py tries each check with every kind of invalid value.
OPERATOR = {"$gt": ""}
WRONG_TYPE = [5, OPERATOR]
UNSTORABLE = ["a\x00b", "\ud800"]
# 240 kB: composing it takes 15 s, and no other thread runs meanwhile.
MARKS = "e" + "\u0301\u0323" * 60_000
BAD_TEXT = [OPERATOR, None, "\ud800", MARKS]
BAD_ID = [OPERATOR, None, "", "<b>S001</b>", MARKS]
BAD_NAME = [OPERATOR, None, "   ", "x" * 121, MARKS]
BAD_DATE = [OPERATOR, "2026-11-24", date(1999, 12, 31)]
BAD_TIME = [OPERATOR, time(9, 7)]
BAD_NOW = [OPERATOR, datetime(2026, 11, 23, 9)]  # noqa: DTZ001 - a naive datetime must be refused
BAD_ACTOR = [OPERATOR, None, Role.ADMIN]
BAD_LIMIT = [0, 1001, OPERATOR]


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
    began = clock.perf_counter()

    with pytest.raises(InvalidRequest) as error:
        action(db)

    assert clock.perf_counter() - began < 2  # seconds; with MARKS composed it takes 15
    assert len(str(error.value)) < 600
    assert error.value.field == field
    assert error.value.problem
    str(error.value).encode()  # the message can be logged
    assert stored(db) == before
