"""Reading stored documents that may be of another program: each is checked once, where it is read.

A function that makes a value of a document raises Unreadable, or InvalidRequest where the value
itself refuses a field. ``readable`` leaves such a document out and logs it once in this process;
the doctor names all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date as Date
from datetime import datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.validation import check_date

log = logging.getLogger(__name__)
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_MOST_LOGGED = 1000
_logged: set[tuple[str, str]] = set()


class Unreadable(Exception):
    """A stored document lacks a field, or has one of another type; the text says which."""


def readable(name: str, to_value: Callable[[Any], T], documents: Iterable[Any]) -> Iterator[T]:
    """What ``to_value`` makes of ``documents`` of the collection ``name``; it reads not all."""
    for document in documents:
        problem = None
        try:
            value = to_value(document)
        except (Unreadable, InvalidRequest) as exc:
            problem = problem_of(exc)
        if problem is None:
            yield value
        else:
            id = document.get("_id") if isinstance(document, Mapping) else ""
            _log(name, str(id), problem)


def readable_one(name: str, to_value: Callable[[Any], T], document: Any) -> T | None:
    """As ``readable``, of one document; None for none, and for one that cannot be read."""
    return next(readable(name, to_value, () if document is None else (document,)), None)


def problem_of(exc: Unreadable | InvalidRequest) -> str:
    """What is wrong with the document, such as "no name"."""
    return f"{exc.field} {exc.problem}" if isinstance(exc, InvalidRequest) else str(exc)


def _log(name: str, id: str, problem: str) -> None:
    if (name, id) not in _logged and len(_logged) < _MOST_LOGGED:
        _logged.add((name, id))
        log.warning("skipped a document that cannot be read: %s/%s (%s)", name, id, problem)


def field(document: Any, name: str, kind: type[T]) -> T:
    """The field ``name``, which is of the type ``kind``."""
    if not isinstance(document, Mapping):
        raise Unreadable("a part is no document")
    if name not in document:
        raise Unreadable(f"no {name}")
    value = document[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Unreadable(f"{name} is of another type")
    return value


def check(document: Any, kinds: Iterable[tuple[str, type]]) -> None:
    """Checks each field as ``field`` does; quick where all are of just these types."""
    if not isinstance(document, dict):
        raise Unreadable("a part is no document")
    for name, kind in kinds:
        if type(document.get(name)) is not kind:
            field(document, name, kind)


def text(document: Any, name: str) -> str:
    return field(document, name, str)


def texts(document: Any, name: str) -> tuple[str, ...]:
    values = field(document, name, list)
    if not all(isinstance(value, str) for value in values):
        raise Unreadable(f"{name} is of another type")
    return tuple(values)


def optional_text(document: Any, name: str) -> str | None:
    """A text or null; the field must be there."""
    if isinstance(document, Mapping) and document.get(name, "") is None:
        return None
    return text(document, name)


def optional(document: Any, name: str, kind: type[T], otherwise: T) -> T:
    """The field ``name``, or ``otherwise`` where the document has none."""
    return field(document, name, kind) if name in document else otherwise


def date(document: Any, name: str) -> Date:
    try:
        return check_date(Date.fromisoformat(text(document, name)), name)
    except ValueError as exc:
        raise Unreadable(f"{name} is no date") from exc


def time_of_day(document: Any, name: str) -> time:
    try:
        value = time.fromisoformat(text(document, name))
    except ValueError as exc:
        raise Unreadable(f"{name} is no time") from exc
    if value.tzinfo is not None:
        raise Unreadable(f"{name} is no local time")
    return value


def moment(document: Any, name: str) -> datetime:
    """A moment whose year is one that a time zone and a day can be added to."""
    value = field(document, name, datetime)
    if not 2000 <= value.year <= 2200:
        raise Unreadable(f"{name} is not between the years 2000 and 2200")
    return value


def choice(document: Any, name: str, kind: type[E]) -> E:
    try:
        return kind(text(document, name))
    except ValueError as exc:
        raise Unreadable(f"{name} is none that is known") from exc
