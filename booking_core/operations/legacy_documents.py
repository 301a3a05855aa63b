"""What a booking of the system before this one says: its documents have several spellings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from datetime import date as Date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Status
from booking_core.domain.validation import MAX_TEXT, check_email

_GROUND = ("ground", "ground_name")
_TIME = ("time", "time_slot", "slot")
_GAME = ("game", "sport")
_ROLL = ("roll_number", "roll_no", "roll", "student_roll_number", "student_roll_no", "student_roll")
_NAME = ("student_name", "name", "full_name")
_CLASS = ("class_name", "class", "student_class", "class_section")
_PURPOSE = ("purpose", "notes", "note")
_MADE_AT = ("created_at", "created_on", "created", "requested_at", "booked_at")
# Each may hold a student as an object, the id of a user, a roll number, or a name.
_STUDENT = ("student", "student_id", "user", "user_id", "booked_by", "requested_by")
_DAY_MINUTES = 1440
_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?(?::00)?\s*([ap]\.?\s?m\.?)?", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:-|\bto\b|\buntil\b)\s*", re.IGNORECASE)
_USER_ID = re.compile(r"[0-9a-f]{24}")
_LONGEST = 200  # characters of a time


@dataclass(frozen=True, slots=True)
class LegacyStudent:
    """For whom a booking was. ``unknown`` is the id of a user who is not on record there."""

    roll_number: str = ""
    name: str = ""
    class_name: str = ""
    email: str | None = None
    unknown: str = ""

    @property
    def text(self) -> str:
        """By what the student is looked up; empty for a booking that names none."""
        return self.roll_number or self.name


@dataclass(frozen=True, slots=True)
class LegacyBooking:
    """A booking as its document says it. ``made_at`` is aware, None where nothing says it."""

    ground: str
    date: Date
    start: time
    end: time
    status: Status
    game: str
    student: LegacyStudent
    purpose: str
    made_at: datetime | None


class Fields:
    """The values of a document by name: capitals, spaces, ``_`` and ``-`` make no difference."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {_key(name): value for name, value in values.items() if value is not None}

    def get(self, names: tuple[str, ...]) -> Any:
        """The first value that is not empty; None for none."""
        found = (self._values.get(_key(name)) for name in names)
        return next((value for value in found if not _is_empty(value)), None)

    def text(self, names: tuple[str, ...], *, required: bool = False) -> str:
        """A value that is text; empty for none. Raises InvalidRequest."""
        value = self.get(names)
        if value is None:
            if required:
                raise InvalidRequest(names[0], "is missing")
            return ""
        if not isinstance(value, str):
            raise InvalidRequest(names[0], f"is {_kind(value)}, not text")
        return value.strip()

    def label(self, names: tuple[str, ...]) -> str:
        """A value that is text or a whole number, such as a roll number. Raises InvalidRequest."""
        value = self.get(names)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(names)


def references_of(values: Mapping[str, Any]) -> set[str]:
    """The texts in a booking that may be ids of users."""
    return {text for text in map(_reference, _students(Fields(values))) if text}


def read_booking(
    values: Mapping[str, Any],
    made_at: datetime | None,
    users: Mapping[str, Mapping[str, Any]],
    zone: ZoneInfo,
) -> LegacyBooking:
    """The booking of a document; raises InvalidRequest for the first field that cannot be read.

    ``made_at`` holds where no field says it; ``users``: id -> the document of a user.
    """
    fields = Fields(values)
    start, end = read_times(fields.text(_TIME, required=True))
    return LegacyBooking(
        ground=fields.text(_GROUND, required=True),
        date=_date(fields.get(("date",)), zone),
        start=start,
        end=end,
        status=_status(fields.text(("status",), required=True)),
        game=fields.text(_GAME, required=True),
        student=_student(fields, users),
        purpose=_purpose(fields),
        made_at=_moment(fields.get(_MADE_AT), zone) or made_at,
    )


def read_times(text: str) -> tuple[time, time]:
    """Start and end of ``9-10 AM``, ``11 AM-12 PM``, ``12-1 PM`` or ``09:00-10:00``.

    Where AM or PM is written once, it is also that of the other time, unless the slot would end
    before it begins: ``11-1 PM`` begins at 11 AM. Without AM or PM both times have minutes and are
    of 24 hours. The end of the day is 00:00. Raises InvalidRequest for the field "time".
    """
    if len(text) > _LONGEST:
        raise InvalidRequest("time", f"is longer than {_LONGEST} characters")
    plain = "".join(map(_without_dash, unicodedata.normalize("NFKC", text))).strip()
    parts = [_CLOCK.fullmatch(part.strip()) for part in _BETWEEN.split(plain)]
    problem = f"{text!r} is not like 9-10 AM or 09:00-10:00"
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        raise InvalidRequest("time", problem)
    first, last = parts[0], parts[1]
    alone = not (first[3] or last[3])
    if alone and (first[2] is None or last[2] is None):
        raise InvalidRequest("time", f"{text!r} says neither AM nor PM")
    starts = _readings(first, is_end=False, alone=alone)
    ends = _readings(last, is_end=True, alone=alone)
    # The shortest slot: of two readings, the other one is longer by half a day.
    spans = [(end - start, start) for start in starts for end in ends if start < end]
    if not starts or not ends:
        raise InvalidRequest("time", problem)
    if not spans:
        raise InvalidRequest("time", f"{text!r} ends before it begins")
    length, begin = min(spans)
    return _time(begin), _time(begin + length)


def _readings(match: re.Match[str], *, is_end: bool, alone: bool) -> list[int]:
    """The minutes since midnight that a written time can mean; none for no time of day.

    ``alone``: neither time of the slot says AM or PM.
    """
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").lower()
    if minute > 59:
        return []
    if not half and (alone or hour > 12 or hour == 0):
        whole = hour * 60 + minute
        if is_end and whole == 0:
            whole = _DAY_MINUTES
        return [whole] if whole < _DAY_MINUTES or (is_end and whole == _DAY_MINUTES) else []
    if not 1 <= hour <= 12:
        return []
    morning = hour % 12 * 60 + minute
    found = [morning + 720 * (which == "p") for which in "ap" if not half or half[0] == which]
    return [_DAY_MINUTES if is_end and one == 0 else one for one in found]


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def _without_dash(character: str) -> str:
    is_dash = unicodedata.category(character) == "Pd" or character in "\u2212\u2043\u02d7~"
    return "-" if is_dash else character


def _date(value: Any, zone: ZoneInfo) -> Date:
    if value is None:
        raise InvalidRequest("date", "is missing")
    if isinstance(value, str):
        text = value.strip()
        try:
            return Date.fromisoformat(text) if len(text) == 10 else _local(text, zone).date()
        except (ValueError, OverflowError) as exc:
            raise InvalidRequest("date", f"{text[:60]!r} is not like 2025-11-14") from exc
    if not isinstance(value, datetime):
        raise InvalidRequest("date", f"is {_kind(value)}, not a date")
    utc = value.astimezone(UTC)
    if utc.time() == time():
        return utc.date()  # a date alone, as drivers store it: west of Greenwich a day later
    try:
        return utc.astimezone(zone).date()
    except OverflowError as exc:
        raise InvalidRequest("date", "is beyond the calendar") from exc


def _moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """None for what is no moment: the time in the id of the document stands in for it."""
    if isinstance(value, datetime):
        return value
    try:
        return _local(value, zone).astimezone(UTC) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _local(text: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _status(text: str) -> Status:
    for status in Status:
        if status.value.casefold() == text.casefold():
            return status
    choices = ", ".join(status.value for status in Status)
    raise InvalidRequest("status", f"{text[:60]!r} is none of {choices}")


def _purpose(fields: Fields) -> str:
    value = fields.get(_PURPOSE)
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""


def _students(fields: Fields) -> Iterator[Any]:
    for name in _STUDENT:
        if (value := fields.get((name,))) is not None:
            yield value


def _reference(value: Any) -> str:
    """The text that may be the id of a user; of ``{"_id": ...}``, the id in it."""
    if isinstance(value, Mapping):
        value = Fields(value).get(("_id",))
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the shell stores 12 as 12.0
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    return text.lower() if _USER_ID.fullmatch(text.lower()) else text


def _student(fields: Fields, users: Mapping[str, Mapping[str, Any]]) -> LegacyStudent:
    """The fields of the booking count before those of the user that it refers to."""
    roll, name, class_name = fields.label(_ROLL), fields.text(_NAME), fields.label(_CLASS)
    email, unknown = None, ""
    for value in _students(fields):
        reference = _reference(value)
        inner = users.get(reference) if reference else None
        if inner is None and isinstance(value, Mapping):
            inner = value
        if inner is not None:
            person = Fields(inner)
            roll = roll or person.label(_ROLL)
            name = name or person.text(_NAME)
            class_name = class_name or person.label(_CLASS)
            email = email or _email(person.get(("email",)))
        elif not reference and (not isinstance(value, str | int) or isinstance(value, bool)):
            raise InvalidRequest("student", f"is {_kind(value)}, not text")
        elif _USER_ID.fullmatch(reference):
            unknown = unknown or reference
        elif not roll and not name:
            name = reference  # a roll number or a name: both are looked up
        if roll:
            break
    return LegacyStudent(roll, name, class_name, email, unknown)


def _email(value: Any) -> str | None:
    """None for an address that cannot be used: it keeps no booking from being taken over."""
    try:
        return check_email(value)
    except InvalidRequest:
        return None


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else "of another kind"
