"""Values of the domain: frozen, compared by content, without I/O.

Every constructor brings text to its normal form and raises :class:`InvalidRequest` with the name
of a field that is malformed, so that no rule and no storage meets such a value.

The file is long because a booking refers to all the other values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime, time
from enum import StrEnum
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from booking_core.domain.clock import at
from booking_core.domain.names import key_of
from booking_core.domain.validation import (
    InvalidRequest,
    check_date,
    check_email,
    check_id,
    check_name,
    check_sign_in_name,
    check_text,
    check_time,
    minutes,
)


class Role(StrEnum):
    STAFF = "staff"
    PRINCIPAL = "principal"
    ADMIN = "admin"


class Status(StrEnum):
    """Pending and Approved hold the slot; the others free it and stay on record."""

    PENDING = "Pending"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    REVOKED = "Revoked"
    LAPSED = "Lapsed"

    @property
    def is_active(self) -> bool:
        return self in ACTIVE


ACTIVE = (Status.PENDING, Status.APPROVED)
WEEKS = ("A", "B")


class CellState(StrEnum):
    FREE = "free"
    PENDING = "pending"
    BOOKED = "booked"
    CLOSED = "closed"
    PAST = "past"


MOST_SURFACES = 12  # of one ground: each adds a claim for every five minutes of a booking


def _set(target: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


def _texts(values: Any, name: str) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(name, "must be a list of names")
    texts = tuple(check_name(v, name) for v in values)
    if len({key_of(text) for text in texts}) != len(texts):
        raise InvalidRequest(name, "names one entry twice")
    return texts


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Signing in makes one.

    The caller answers for it: every verb takes its role as given, also for a disabled account.
    """

    id: str
    role: Role
    name: str = ""

    def __post_init__(self) -> None:
        _set(self, id=check_id(self.id, "by"))
        _set(self, name=check_name(self.name, "by", required=False) or self.id)
        if not isinstance(self.role, Role):
            raise InvalidRequest("by", "has no known role")


@dataclass(frozen=True, slots=True)
class Account:
    """A user who may sign in; ``id`` is the sign-in name, compared without letter case.

    ``has_password`` False: the user signs in by an identity provider only, which names ``email``.
    ``must_change`` is true while the password is one that another user has set. With
    ``has_second_factor`` the password alone opens no session.
    """

    id: str
    name: str
    role: Role
    email: str | None = None
    active: bool = True
    has_password: bool = False
    must_change: bool = False
    has_second_factor: bool = False

    def __post_init__(self) -> None:
        _set(
            self,
            id=check_sign_in_name(self.id, "id"),
            name=check_name(self.name, "name"),
            email=check_email(self.email),
        )
        if not isinstance(self.role, Role):
            raise InvalidRequest("role", "must be staff, principal or admin")
        for name in ("active", "has_password", "must_change", "has_second_factor"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidRequest(name, "must be true or false")

    @property
    def actor(self) -> Actor:
        """This account as the one who acts."""
        return Actor(self.id, self.role, self.name)


@dataclass(frozen=True, slots=True)
class Ground:
    """A sports ground. ``order`` is its place on every screen, lowest first.

    ``surfaces`` are the ids of the areas that it lies on; by default one, with the id of the
    ground. Of grounds that share a surface, such as a pitch and its halves, one at a time can be
    booked.
    """

    id: str
    name: str
    games: tuple[str, ...]
    order: int = 0
    retired: bool = False
    surfaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _set(
            self,
            id=check_id(self.id, "id"),
            name=check_name(self.name, "name"),
            games=_texts(self.games, "games"),
        )
        if not isinstance(self.order, int) or isinstance(self.order, bool):
            raise InvalidRequest("order", "must be a whole number")
        if not -(10**6) <= self.order <= 10**6:
            raise InvalidRequest("order", "is out of range")
        if not isinstance(self.retired, bool):
            raise InvalidRequest("retired", "must be true or false")
        _set(self, surfaces=_surfaces(self.surfaces) or (self.id,))

    def shares(self, other: Ground) -> bool:
        """Whether both lie on one surface."""
        return not set(self.surfaces).isdisjoint(other.surfaces)


def _surfaces(values: Any) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest("surfaces", "must be a list of ids")
    ids = [check_id(value, "surfaces") for value in values]
    if len(ids) > MOST_SURFACES:
        raise InvalidRequest("surfaces", f"are more than {MOST_SURFACES}")
    if len({key_of(id) for id in ids}) < len(ids):
        raise InvalidRequest("surfaces", "names one entry twice")
    return tuple(sorted(ids))


@dataclass(frozen=True, slots=True)
class Period:
    """A named stretch of the school day; ``end`` 00:00 means midnight at its close."""

    label: str
    start: time
    end: time

    def __post_init__(self) -> None:
        _set(self, label=check_name(self.label, "label"))
        check_time(self.start, "start")
        check_time(self.end, "end")
        if minutes(self.start) >= minutes(self.end, closing=True):
            raise InvalidRequest("end", "is not after the start")


@dataclass(frozen=True, slots=True)
class Timetable:
    """Periods in order of time; ``weekdays`` (Monday is 0) where it is the regular one.

    ``week`` is A or B for a timetable of every other week, "" for one of all weeks.
    """

    id: str
    periods: tuple[Period, ...]
    weekdays: tuple[int, ...] = ()
    name: str = ""
    week: str = ""

    def __post_init__(self) -> None:
        _set(self, id=check_id(self.id, "id"))
        _set(self, name=check_name(self.name, "name", required=False) or self.id)
        if isinstance(self.periods, str) or not isinstance(self.periods, Iterable):
            raise InvalidRequest("periods", "must be a list of periods")
        periods = tuple(self.periods)
        if not all(isinstance(p, Period) for p in periods) or not periods:
            raise InvalidRequest("periods", "must be a list of at least one period")
        periods = tuple(sorted(periods, key=lambda p: p.start))
        for before, after in pairwise(periods):
            if minutes(before.end, closing=True) > minutes(after.start):
                raise InvalidRequest(
                    "periods", f"has two that overlap: {before.label} and {after.label}"
                )
        if isinstance(self.weekdays, str) or not isinstance(self.weekdays, Iterable):
            raise InvalidRequest("weekdays", "must be a list of numbers from 0 to 6")
        weekdays = tuple(self.weekdays)
        for day in weekdays:
            if not isinstance(day, int) or isinstance(day, bool) or not 0 <= day <= 6:
                raise InvalidRequest("weekdays", "must be numbers from 0 (Monday) to 6")
        if self.week not in ("", *WEEKS):
            raise InvalidRequest("week", "must be A, B or empty")
        _set(self, periods=periods, weekdays=tuple(sorted(set(weekdays))))


@dataclass(frozen=True, slots=True)
class Student:
    """A student; ``id`` is the roll number."""

    id: str
    name: str
    class_name: str
    email: str | None = None
    active: bool = True

    def __post_init__(self) -> None:
        _set(
            self,
            id=check_id(self.id, "id"),
            name=check_name(self.name, "name"),
            class_name=check_name(self.class_name, "class_name"),
        )
        _set(self, email=check_email(self.email))
        if not isinstance(self.active, bool):
            raise InvalidRequest("active", "must be true or false")


@dataclass(frozen=True, slots=True)
class Slot:
    """A ground at a date from ``start`` to ``end`` (local times of day)."""

    ground_id: str
    date: Date
    start: time
    end: time

    def starts_at(self, zone: ZoneInfo) -> datetime:
        """The moment at which the slot begins (aware)."""
        return at(self.date, self.start, zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """The moment at which the slot ends (aware)."""
        return at(self.date, self.end, zone, closing=True)

    # By timestamps: within one zone, aware datetimes compare by the wall clock.

    def has_begun(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether the slot has begun at ``now``."""
        return self.starts_at(zone).timestamp() <= now.timestamp()

    def is_over(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether the slot has ended at ``now``."""
        return self.ends_at(zone).timestamp() <= now.timestamp()


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What is asked for. ``start`` to ``end`` covers one or several consecutive periods."""

    ground_id: str
    date: Date
    start: time
    end: time
    student_id: str
    game: str
    purpose: str = ""

    def __post_init__(self) -> None:
        _set(
            self,
            ground_id=check_id(self.ground_id, "ground_id"),
            date=check_date(self.date, "date"),
            start=check_time(self.start, "start"),
            end=check_time(self.end, "end"),
            student_id=check_id(self.student_id, "student_id"),
            game=check_name(self.game, "game"),
            purpose=check_text(self.purpose, "purpose"),
        )
        if minutes(self.start) >= minutes(self.end, closing=True):
            raise InvalidRequest("end", "is not after the start")


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of a booking's history. ``at`` is aware (UTC); ``by`` is an actor's id.

    ``on_behalf_of``: the name of the principal who delegated the decision. ``moved_from``: the
    slot before a move. ``displaced_by``: the id of the closure that revoked the booking, and
    ``status_before`` the status that it had then. ``correction``: the slot was over already.
    """

    at: datetime
    by: str
    by_name: str
    action: str
    reason: str = ""
    on_behalf_of: str = ""
    moved_from: Slot | None = None
    displaced_by: str = ""
    status_before: Status | None = None
    correction: bool = False


# The actions that can have given a booking its status.
_ACTIONS = {
    Status.PENDING: ("requested", "moved", "reinstated", "imported"),
    Status.APPROVED: ("approved", "reinstated", "imported", "closed"),
    Status.REJECTED: ("rejected", "imported"),
    Status.CANCELLED: ("cancelled", "lifted", "imported"),
    Status.REVOKED: ("revoked", "displaced", "imported"),
    Status.LAPSED: ("lapsed", "imported"),
}


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as stored, or a closure (``kind`` is ``closure``: no student, game is empty).

    ``student_name`` and ``class_name`` are the present ones until the booking begins, and stay
    from then on. ``created_at`` and ``updated_at`` are aware (UTC). ``revision`` grows by one with
    every change. ``quota_window`` (an ISO week) and ``quota_seat`` are None for a booking that
    takes no seat of the quota. ``closure_group`` is shared by the closures that were made in one
    step. ``fingerprint`` is a hash of the request. ``surfaces`` are those of its ground when it
    took its slot; empty if the ground is its own only surface. ``series`` is the id of the series
    with which it was booked.
    """

    id: str
    ground_id: str
    date: Date
    start: time
    end: time
    status: Status
    student_id: str | None
    student_name: str
    class_name: str
    game: str
    purpose: str
    created_by: str
    created_by_name: str
    created_at: datetime
    updated_at: datetime
    kind: str = "booking"
    quota_window: str | None = None
    quota_seat: int | None = None
    history: tuple[Decision, ...] = field(default=())
    closure_group: str | None = None
    revision: int = 0
    fingerprint: str = field(default="", repr=False)
    surfaces: tuple[str, ...] = ()
    series: str | None = None

    @property
    def held_surfaces(self) -> tuple[str, ...]:
        """The surfaces that the booking holds while it is active."""
        return self.surfaces or (self.ground_id,)

    def placed(self, slot: Slot, surfaces: tuple[str, ...]) -> Booking:
        """This booking at ``slot``, whose ground lies on ``surfaces``."""
        return replace(
            self,
            ground_id=slot.ground_id,
            date=slot.date,
            start=slot.start,
            end=slot.end,
            surfaces=() if surfaces == (slot.ground_id,) else surfaces,
        )

    @property
    def slot(self) -> Slot:
        return Slot(self.ground_id, self.date, self.start, self.end)

    @property
    def reference(self) -> str:
        """Eight characters to read out over the telephone."""
        return self.id.replace("-", "")[:8].upper()

    @property
    def last_decision(self) -> Decision:
        """The history entry that gave the booking its present status."""
        actions = _ACTIONS[self.status]
        return next((e for e in reversed(self.history) if e.action in actions), self.history[-1])

    @property
    def approval(self) -> Decision | None:
        """The last approval in the history, also of a booking that is not approved any more."""
        return next((entry for entry in reversed(self.history) if entry.action == "approved"), None)

    @property
    def moved_after_approval(self) -> Decision | None:
        """The last move since ``approval``; None without one."""
        approval = self.approval
        if approval is None:
            return None
        since = self.history[self.history.index(approval) :]
        return next((entry for entry in reversed(since) if entry.action == "moved"), None)

    def with_decision(self, status: Status, entry: Decision) -> Booking:
        """This booking with ``status``, as ``entry`` says, which is added to the history."""
        history = (*self.history, entry)
        return replace(self, status=status, updated_at=entry.at, history=history)

    @property
    def held_since(self) -> datetime:
        """The moment at which the booking took its present slot (aware, UTC)."""
        taking = ("requested", "moved", "closed", "reinstated")
        moments = [entry.at for entry in self.history if entry.action in taking]
        return moments[-1] if moments else self.created_at
