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
from booking_core.domain.names import key_of, label_key, normal_form
from booking_core.domain.references import reference_of
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


class MailWish(StrEnum):
    """When a user wishes to be told by mail: at once, once a day, or never."""

    AT_ONCE = "at once"
    DAILY = "daily"
    NONE = "none"


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


class Party(StrEnum):
    """For whom a booking is."""

    STUDENTS = "students"
    CLASS = "class"
    TEAM = "team"
    STAFF = "staff"


class CellState(StrEnum):
    FREE = "free"
    PENDING = "pending"
    BOOKED = "booked"
    CLOSED = "closed"
    PAST = "past"


MOST_SURFACES = 12  # of one ground: each adds a claim for every five minutes of a booking
MOST_NAMED, MOST_MEMBERS = 12, 40  # students of a booking, and of a team; claimed as surfaces are


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
    ``has_second_factor`` the password alone opens no session. ``mail``: which mails the user
    wishes to get at ``email``.
    """

    id: str
    name: str
    role: Role
    email: str | None = None
    active: bool = True
    has_password: bool = False
    must_change: bool = False
    has_second_factor: bool = False
    mail: MailWish = MailWish.AT_ONCE

    def __post_init__(self) -> None:
        _set(
            self,
            id=check_sign_in_name(self.id, "id"),
            name=check_name(self.name, "name"),
            email=check_email(self.email),
        )
        if not isinstance(self.role, Role):
            raise InvalidRequest("role", "must be staff, principal or admin")
        if not isinstance(self.mail, MailWish):
            raise InvalidRequest("mail", "must be at once, daily or none")
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
    booked. ``caretaker_email`` gets the list of a day, "" for nobody; copies of former days and
    the audit log do not have it.
    """

    id: str
    name: str
    games: tuple[str, ...]
    order: int = 0
    retired: bool = False
    surfaces: tuple[str, ...] = ()
    caretaker_email: str = ""

    def __post_init__(self) -> None:
        # Without capitals, as of accounts: the grounds of one address are in one mail.
        email = check_email(self.caretaker_email, "caretaker_email") or ""
        _set(
            self,
            id=check_id(self.id, "id"),
            caretaker_email=normal_form(email.lower()),
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

    ``week`` is A or B for a timetable of every other week, "" for one of all weeks. ``ground_ids``
    are the grounds that have these periods, such as the pool; none: all grounds.
    """

    id: str
    periods: tuple[Period, ...]
    weekdays: tuple[int, ...] = ()
    name: str = ""
    week: str = ""
    ground_ids: tuple[str, ...] = ()

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
        if isinstance(self.ground_ids, str) or not isinstance(self.ground_ids, Iterable):
            raise InvalidRequest("ground_ids", "must be a list of ids of grounds")
        ground_ids = {check_id(id, "ground_ids") for id in self.ground_ids}
        _set(self, periods=periods, weekdays=tuple(sorted(set(weekdays))))
        _set(self, ground_ids=tuple(sorted(ground_ids)))

    def shares_grounds(self, other: Timetable) -> bool:
        """Whether a date can follow only one of the two: both are for all grounds, or for one
        ground in common."""
        if not self.ground_ids or not other.ground_ids:
            return self.ground_ids == other.ground_ids
        return not set(self.ground_ids).isdisjoint(other.ground_ids)


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
class Team:
    """Students who play together. ``class_name`` is empty for a team of several classes.

    ``members`` are roll numbers; a team may list none. ``staff`` are the sign-in names of those in
    charge.
    """

    id: str
    name: str
    members: tuple[str, ...] = ()
    class_name: str = ""
    staff: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _set(
            self,
            id=check_id(self.id, "id"),
            name=check_name(self.name, "name"),
            members=_ids(self.members, "members", MOST_MEMBERS),
            class_name=check_name(self.class_name, "class_name", required=False),
            staff=_ids(self.staff, "staff"),
        )
        staff = (check_sign_in_name(id, "staff") for id in self.staff)
        _set(self, staff=_ids(tuple(staff), "staff"))


def _ids(values: Any, name: str, most: int = MOST_NAMED) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(name, "must be a list of ids")
    ids = tuple(check_id(value, name) for value in values)
    if len(set(ids)) < len(ids):
        raise InvalidRequest(name, "names one entry twice")
    if len(ids) > most:
        raise InvalidRequest(name, f"has more than {most} entries")
    return ids


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
    """What is asked for. ``start`` to ``end`` covers one or several consecutive periods.

    It is for exactly one party: a student, several named ones, a class, a team, or ``for_staff``.
    ``supervisor_id`` is the sign-in name of a member of staff who is there.
    """

    ground_id: str
    date: Date
    start: time
    end: time
    student_id: str | None = None
    game: str = ""
    purpose: str = ""
    student_ids: tuple[str, ...] = ()
    class_name: str | None = None
    team_id: str | None = None
    for_staff: bool = False
    supervisor_id: str | None = None

    def __post_init__(self) -> None:
        _set(
            self,
            ground_id=check_id(self.ground_id, "ground_id"),
            date=check_date(self.date, "date"),
            start=check_time(self.start, "start"),
            end=check_time(self.end, "end"),
            student_ids=_ids(self.student_ids, "student_ids"),
        )
        self._check_party()
        _set(
            self,
            game=check_name(self.game, "game"),
            purpose=check_text(self.purpose, "purpose"),
        )
        if self.supervisor_id is not None:
            _set(self, supervisor_id=check_sign_in_name(self.supervisor_id, "supervisor_id"))
        if minutes(self.start) >= minutes(self.end, closing=True):
            raise InvalidRequest("end", "is not after the start")

    def _check_party(self) -> None:
        if not isinstance(self.for_staff, bool):
            raise InvalidRequest("for_staff", "must be true or false")
        for name, check in (("student_id", check_id), ("class_name", check_name)):
            if (value := getattr(self, name)) is not None:
                _set(self, **{name: check(value, name)})
        if self.team_id is not None:
            _set(self, team_id=check_id(self.team_id, "team_id"))
        if len(self.student_ids) == 1 and self.student_id is None:
            _set(self, student_id=self.student_ids[0], student_ids=())
        given = {
            "student_id": self.student_id is not None,
            "student_ids": bool(self.student_ids),
            "class_name": self.class_name is not None,
            "team_id": self.team_id is not None,
            "for_staff": self.for_staff,
        }
        fields = [name for name, is_given in given.items() if is_given]
        if not fields:
            raise InvalidRequest("student_id", "is missing, and no other party is named")
        if len(fields) > 1:
            raise InvalidRequest(fields[1], f"is a second party beside {fields[0]}")

    @property
    def students(self) -> tuple[str, ...]:
        """The roll numbers of the named students."""
        return self.student_ids if self.student_id is None else (self.student_id,)


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of a booking's history. ``at`` is aware (UTC); ``by`` is an actor's id.

    ``on_behalf_of``: the name of the principal who delegated the decision. ``moved_from``: the
    slot before a move. ``displaced_by``: the id of the closure that revoked or moved the booking.
    ``status_before``: the status before, where the entry changed it; entries of earlier versions
    have it for displaced bookings alone. ``correction``: the slot was over already.
    ``of_series``: the booking was changed with the other dates of its series. ``by_mail``: by the
    link of a mail.
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
    of_series: bool = False
    by_mail: bool = False


# The actions that can have given a booking its status.
_ACTIONS = {
    Status.PENDING: ("requested", "moved", "party changed", "reinstated", "imported"),
    Status.APPROVED: ("approved", "reinstated", "imported", "closed"),
    Status.REJECTED: ("rejected", "imported"),
    Status.CANCELLED: ("cancelled", "lifted", "imported"),
    Status.REVOKED: ("revoked", "displaced", "imported"),
    Status.LAPSED: ("lapsed", "imported"),
}
_CHANGES = ("moved", "party changed")  # an approved booking can become Pending by these


def party_name(party: Party, names: Iterable[str], class_name: str) -> str:
    """The names of the students, or that of the class or team; "Staff" for staff."""
    if party is Party.CLASS:
        return class_name
    return "Staff" if party is Party.STAFF else ", ".join(names)


def party_class(party: Party, classes: Iterable[str]) -> str:
    """The classes of the students, or that of the team; for a class, that it is whole."""
    if party is Party.CLASS:
        return "whole class"
    return ", ".join(dict.fromkeys(filter(None, classes)))


def quota_holder(party: Party, class_name: str, team_id: str | None, author: str) -> str:
    """Who takes the seats of a party that is no student. No roll number looks so."""
    holders = {Party.CLASS: label_key(class_name), Party.TEAM: team_id, Party.STAFF: author}
    return f"{party.value}|{holders[party]}"


@dataclass(frozen=True, slots=True)
class NamedStudent:
    """A student of a booking. ``seat`` is the seat of the quota, None for a booking without."""

    id: str
    name: str
    class_name: str
    seat: int | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as stored, or a closure (``kind`` is ``closure``: no student, game is empty).

    ``student_id`` is the first of its students, ``others`` are the rest. It is None for a class, a
    team and staff; ``student_name`` is the name of a team then, else empty. ``members`` are the
    students of a team whom the booking claims.

    ``student_name`` and ``class_name`` are the present ones until the booking begins, and stay
    from then on. ``created_at`` and ``updated_at`` are aware (UTC). ``revision`` grows by one with
    every change. ``quota_window`` (an ISO week) and ``quota_seat`` are None for a booking that
    takes no seat of the quota. ``closure_group`` is shared by the closures that were made in one
    step. ``fingerprint`` is a hash of the request. ``supervisor_id`` is the member of staff who is
    there. ``set_place`` is the place in a set of several grounds, of which the first, 0, alone
    claims the people and takes seats of the quota; where it ends, another gets its place.
    ``surfaces`` are those of its ground when it took its slot; empty if the ground is its own only
    surface. ``series`` is the id of the series with which it was booked.
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
    party: Party = Party.STUDENTS
    others: tuple[NamedStudent, ...] = ()
    team_id: str | None = None
    members: tuple[str, ...] = ()
    supervisor_id: str | None = None
    supervisor_name: str = ""
    set_place: int | None = None

    @property
    def students(self) -> tuple[NamedStudent, ...]:
        """The named students; none for a class, a team and staff."""
        if self.student_id is None:
            return ()
        first = NamedStudent(self.student_id, self.student_name, self.class_name, self.quota_seat)
        return (first, *self.others)

    @property
    def student_ids(self) -> tuple[str, ...]:
        """The students whom the booking claims while it is active."""
        return tuple(student.id for student in self.students) or self.members

    @property
    def party_name(self) -> str:
        """The names of the students, or that of the class or team; "Staff" for staff."""
        names = [student.name for student in self.students] or [self.student_name]
        return party_name(self.party, names, self.class_name)

    @property
    def party_class(self) -> str:
        """The classes of the students, or the class of the team."""
        classes = [student.class_name for student in self.students] or [self.class_name]
        return party_class(self.party, classes)

    @property
    def party_group(self) -> str:
        """The classes of the students, the class, the team, or "Staff": no name of a student."""
        return self.party_class if self.party is Party.STUDENTS else self.party_name

    @property
    def whom(self) -> str:
        """For whom the booking is, such as "Asha Nair, 9-A" or "9-B, whole class"."""
        return ", ".join(filter(None, (self.party_name, self.party_class)))

    def is_as(self, shown: Slot | Booking) -> bool:
        """Whether it has the slot of ``shown``, and is for the same people where that is a
        booking: what a user decides on is what the user saw."""
        if isinstance(shown, Slot):
            return self.slot == shown
        return (self.slot, self._whom_key) == (shown.slot, shown._whom_key)

    @property
    def _whom_key(self) -> tuple[object, ...]:
        """For whom it is, whatever they are called by now."""
        ids = tuple(student.id for student in self.students)
        whole = label_key(self.class_name) if self.party is Party.CLASS else ""
        return (self.party, ids, whole, self.team_id, self.supervisor_id)

    @property
    def quota_holders(self) -> tuple[tuple[str, int | None], ...]:
        """Who takes a seat of a quota, and which: each named student, else the class, the team or
        the author of a booking for staff."""
        if self.party is Party.STUDENTS:
            return tuple((student.id, student.seat) for student in self.students)
        holder = quota_holder(self.party, self.class_name, self.team_id, self.created_by)
        return ((holder, self.quota_seat),)

    def seated(self, window: str | None, seats: Iterable[int | None]) -> Booking:
        """This booking with a seat of the ISO week ``window`` for each of ``quota_holders``."""
        first, *rest = seats if window is not None else [None] * len(self.quota_holders)
        others = tuple(
            replace(student, seat=seat) for student, seat in zip(self.others, rest, strict=True)
        )
        return replace(self, quota_window=window, quota_seat=first, others=others)

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
        """Eight characters to read out over the telephone; ``find_bookings`` finds them."""
        return reference_of(self.id)

    @property
    def last_decision(self) -> Decision:
        """The history entry that gave the booking its present status."""
        actions = _ACTIONS[self.status]
        return next((e for e in reversed(self.history) if e.action in actions), self.history[-1])

    @property
    def questions(self) -> tuple[Decision, ...]:
        """The questions to the author of a request that wait for an answer, oldest first.

        An answer, a decision, a move and another party end them; what was undone counts for
        nothing.
        """
        found: list[Decision] = []
        place = len(self.history) - 1 if self.status is Status.PENDING else -1
        while place >= 0 and (entry := self.history[place]).action in ("asked", "undone"):
            if entry.action == "asked":
                found.insert(0, entry)
            place -= 1 if entry.action == "asked" else 2  # with the entry that was undone
        return tuple(found)

    @property
    def asked(self) -> Decision | None:
        """The last of ``questions``; None for a booking that waits for no answer."""
        return self.questions[-1] if self.questions else None

    @property
    def waits_since(self) -> datetime:
        """The moment since which a request waits for a decision: its last answer, the change that
        ended its approval, or its own."""
        for entry in reversed(self.history):
            ends_approval = entry.action in _CHANGES and entry.status_before is Status.APPROVED
            if entry.action == "answered" or ends_approval:
                return entry.at
        return self.created_at

    @property
    def approval(self) -> Decision | None:
        """The last approval in the history, also of a booking that is not approved any more."""
        return next((entry for entry in reversed(self.history) if entry.action == "approved"), None)

    @property
    def last_move(self) -> Decision | None:
        """The history entry of the last move that was not undone; None without any."""
        return next((e for e in reversed(self._kept) if e.action == "moved"), None)

    @property
    def _kept(self) -> tuple[Decision, ...]:
        """The history without the entries ``undone``, and without the entries that these undo."""
        found: list[Decision] = []
        for entry in self.history:
            if entry.action == "undone":
                found.pop()
            else:
                found.append(entry)
        return tuple(found)

    @property
    def changed_after_approval(self) -> tuple[Decision, ...]:
        """The last move and the last change of the party since ``approval`` that were not undone,
        oldest first."""
        approval = self.approval
        if approval is None:
            return ()
        since = self._kept[self._kept.index(approval) :]
        last = {e.action: e for e in since if e.action in _CHANGES}
        return tuple(sorted(last.values(), key=lambda entry: entry.at))

    def with_decision(self, status: Status, entry: Decision) -> Booking:
        """This booking with ``status``, as ``entry`` says, which is added to the history.

        The entry records the status before, if that was another: the board of a past moment
        (``domain/past.py``) reads it.
        """
        if status is not self.status:
            entry = replace(entry, status_before=self.status)
        history = (*self.history, entry)
        return replace(self, status=status, updated_at=entry.at, history=history)

    @property
    def held_since(self) -> datetime:
        """The moment at which the booking took its present slot (aware, UTC)."""
        taking = ("requested", "moved", "closed", "reinstated", "undone")
        moments = [entry.at for entry in self.history if entry.action in taking]
        return moments[-1] if moments else self.created_at

    @property
    def people_held_since(self) -> datetime:
        """The moment at which the booking took its present slot or party, whichever came later."""
        changes = [entry.at for entry in self.history if entry.action == "party changed"]
        return max([self.held_since, *changes])
