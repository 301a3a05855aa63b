"""Checks of single values, and the error that each of them raises.

Each check returns the value in its stored form, or raises :class:`InvalidRequest` with the name
of the field.
"""

from __future__ import annotations

import re
from datetime import date as Date
from datetime import datetime, time
from typing import Any
from uuid import UUID

from booking_core.domain import names

MARK_MINUTES = 5  # slots begin and end on 5-minute marks; every claim on time is one mark
MAX_NAME, MAX_TEXT = 120, 500
_ID = re.compile(r"[\w][\w.@+ /-]*", re.UNICODE)


class BookingError(Exception):
    """The root. ``str(error)`` is for logs; screens take their words from the attributes."""


class InvalidRequest(BookingError):
    """A field is missing, malformed or unknown."""

    def __init__(self, field: str, problem: str) -> None:
        # A problem may quote the value that a client sent, which may be long.
        self.field, self.problem = field, problem[:MAX_TEXT]
        super().__init__(f"{field}: {self.problem}")


def check_text(value: Any, name: str, *, limit: int = MAX_TEXT, required: bool = False) -> str:
    """Text of one or several lines, in normal form.

    Raises InvalidRequest for another type, a character that cannot be used, or its length.
    """
    return _checked(value, name, limit, required, lines=True)


def check_name(value: Any, name: str, *, limit: int = MAX_NAME, required: bool = True) -> str:
    """Text of one line, in normal form; raises InvalidRequest as ``check_text`` does."""
    return _checked(value, name, limit, required, lines=False)


def _checked(value: Any, name: str, limit: int, required: bool, *, lines: bool) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(name, "must be text")
    _check_raw(value, name, limit)
    text = names.normal_form(value, lines=lines)
    if names.find_unusable(text) is not None:
        raise InvalidRequest(name, "contains a character that cannot be used")
    if required and not text:
        raise InvalidRequest(name, "is missing")
    if len(text) > limit:
        raise InvalidRequest(name, f"is longer than {limit} characters")
    return text


def _check_raw(value: str, name: str, limit: int) -> None:
    # Before any other work. A character of the normal form is up to four as it is typed.
    longest = 4 * limit if value.isascii() else min(4 * limit, names.MAX_INPUT)
    if len(value) > longest:
        raise InvalidRequest(name, f"is longer than {min(limit, longest)} characters")


def check_id(value: Any, name: str) -> str:
    """A short identifier: letters, digits and ``_ . @ + - /`` and inner spaces."""
    # Of an id, a line end is a mistake and no space.
    text = check_text(value, name, limit=names.MAX_ID, required=True)
    if not _ID.fullmatch(text):
        raise InvalidRequest(name, "may hold letters, digits and . _ - @ + / only")
    return text


def check_sign_in_name(value: Any, name: str) -> str:
    """The id of an account: as ``check_id``, in the normal form of sign-in names."""
    if isinstance(value, str):
        _check_raw(value, name, names.MAX_ID)
        value = names.sign_in_name(value)
    return check_id(value, name)


def check_email(value: Any, name: str = "email") -> str | None:
    """An e-mail address, or None for none."""
    if value is None:
        return None
    email = check_name(value, name, limit=254, required=False)
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise InvalidRequest(name, "is no e-mail address")
    return email or None


def check_date(value: Any, name: str) -> Date:
    if not isinstance(value, Date) or isinstance(value, datetime):
        raise InvalidRequest(name, "must be a date")
    if not 2000 <= value.year <= 2200:
        raise InvalidRequest(name, "is not between the years 2000 and 2200")
    return value


def check_time(value: Any, name: str) -> time:
    """A naive time of day on a 5-minute mark, local to the school."""
    if not isinstance(value, time):
        raise InvalidRequest(name, "must be a time of day")
    if value.tzinfo is not None:
        raise InvalidRequest(name, "must be local to the school, without a time zone")
    if value.minute % MARK_MINUTES or value.second or value.microsecond:
        raise InvalidRequest(name, f"is not on a {MARK_MINUTES}-minute mark")
    return value


def check_now(value: datetime | None, name: str = "now") -> datetime | None:
    # The NaT of pandas is a datetime that equals nothing.
    is_moment = isinstance(value, datetime) and bool(value == value) and value.tzinfo is not None
    if value is not None and (not is_moment or value.utcoffset() is None):
        raise InvalidRequest(name, "must be a datetime with a time zone")
    # Years at the ends of the calendar overflow as soon as a time zone or a day is added.
    if value is not None and not 2000 <= value.year <= 2200:
        raise InvalidRequest(name, "is not between the years 2000 and 2200")
    return value


def check_limit(value: Any) -> None:
    """The length of a list: 1 to 1000."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
        raise InvalidRequest("limit", "must be a whole number from 1 to 1000")


def check_revision(value: Any, name: str) -> None:
    """The revision of a booking that a user saw."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequest(name, "must be a whole number")


def check_booking_id(value: Any, field: str = "booking_id") -> str:
    """The id of a booking or of a series, as text or as a UUID."""
    if isinstance(value, UUID):
        return str(value)
    return check_id(value, field)


def minutes(value: time, *, closing: bool = False) -> int:
    """Minutes since midnight; with ``closing``, 00:00 is the end of the day (1440)."""
    total = value.hour * 60 + value.minute
    return 1440 if closing and total == 0 else total
