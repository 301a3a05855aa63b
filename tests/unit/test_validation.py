"""The checks of single values: each refuses every invalid value by the name of the field."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from booking_core import InvalidRequest, Role
from booking_core.domain import rules
from booking_core.domain import validation as v

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
    date(2026, 11, 26),
    datetime(2026, 11, 23, 9),  # noqa: DTZ001 - a naive datetime must be refused
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
]
BAD_ACTOR = [*WRONG_TYPE, None, "meera", Role.ADMIN]
BAD_LIMIT = [0, -1, 1001, 1.5, True, "5", None, OPERATOR, 10**30]


CHECKS = {
    "text": (v.check_text, [*BAD_TEXT, "x" * 501]),
    "required text": (lambda x, f: v.check_text(x, f, required=True), [*BAD_TEXT, "", " \n "]),
    "name": (v.check_name, BAD_NAME),
    "id": (v.check_id, BAD_ID),
    "sign-in name": (v.check_sign_in_name, BAD_ID),
    "booking id": (lambda x, f: v.check_booking_id(x), BAD_ID),
    "date": (v.check_date, [*BAD_DATE, None]),
    "time": (v.check_time, [*BAD_TIME, None]),
    "moment": (lambda x, f: v.check_now(x), BAD_NOW),
    "limit": (lambda x, f: v.check_limit(x), BAD_LIMIT),
    "actor": (lambda x, f: rules.check_actor(x), BAD_ACTOR),
}
NAMED = {"booking id": "booking_id", "moment": "now", "limit": "limit", "actor": "by"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(kind, value, id=f"{kind}={ascii(value)[:30]}")
        for kind, (_, values) in CHECKS.items()
        for value in values
    ],
)
def test_an_invalid_value_is_refused_by_the_name_of_its_field(kind, value):
    with pytest.raises(InvalidRequest) as error:
        CHECKS[kind][0](value, "some_field")

    assert error.value.field == NAMED.get(kind, "some_field")
    assert error.value.problem
    str(error.value).encode()  # the message can be logged
