"""Grounds, timetables, days, terms, students, teams and the policy: read once, then kept until
their revision moves.

Every save raises a counter in the same transaction; every reader compares that counter, so a
change made by another process is seen by the next call. This costs a verb one small read. Data and
counters are read as of one moment. A counter tells of changes only within an epoch: after an
election, a broken change stream or a restore everything is read again, whatever its number. The
counters of a new or restored database begin at random numbers (``migrations.new_counters``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pymongo.client_session import ClientSession
from pymongo.cursor import Cursor
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from booking_core.domain import timetable
from booking_core.domain.errors import (
    StoreUnavailable,
    UnknownGround,
    UnknownStudent,
    UnknownTeam,
)
from booking_core.domain.model import Ground, Student, Team, Timetable
from booking_core.domain.policy import Policy
from booking_core.domain.school_year import SchoolYear
from booking_core.storage import documents as d
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.client import deadlines
from booking_core.storage.client.database import (
    BookingDatabase,
    Documents,
    collection,
    settings_of,
    shared,
)
from booking_core.storage.client.transactions import snapshot
from booking_core.storage.client.verbs import reachable, within_deadline
from booking_core.storage.live.cache import Scope, scoped_cache
from booking_core.storage.readable import readable
from booking_core.storage.schema import schema, schema_number

T = TypeVar("T")

_CACHE, _RECENT = "reference by revision", "reference by feed"
_DEMO_CLAIM = "demo"
_NOT_NOTED = "not noted"
_REVISION = {"_id": "revision"}
_PAUSE_SECONDS = 0.02  # before a revision that moved is read again


@dataclass(slots=True)
class Reference:
    """A consistent copy of the school's data. ``grounds`` is in the order of the screens.

    ``recount_until``: the last day on which bookings made under a higher quota may hold seats that
    the present quota does not have. Up to it, a free seat does not prove that the quota has room.
    """

    epoch: Hashable = None
    grounds_revision: int = -1
    students_revision: int = -1
    grounds: dict[str, Ground] = field(default_factory=dict)
    timetables: dict[str, Timetable] = field(default_factory=dict)
    days: dict[Date, timetable.Day] = field(default_factory=dict)
    year: SchoolYear = field(default_factory=SchoolYear)
    students: dict[str, Student] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    recount_until: Date | None = None
    demo: bool = False
    zone: ZoneInfo | None = None
    _derived: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _earlier: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def revision(self) -> tuple[int, int]:
        """The revisions of grounds and students."""
        return self.grounds_revision, self.students_revision

    def ground(self, ground_id: str) -> Ground:
        """Raises UnknownGround."""
        try:
            return self.grounds[ground_id]
        except KeyError:
            raise UnknownGround(ground_id) from None

    def student(self, student_id: str) -> Student:
        """Raises UnknownStudent."""
        try:
            return self.students[student_id]
        except KeyError:
            raise UnknownStudent(student_id) from None

    def team(self, team_id: str) -> Team:
        """Raises UnknownTeam."""
        try:
            return self.teams[team_id]
        except KeyError:
            raise UnknownTeam(team_id) from None

    def sharing(self, ground_ids: Iterable[str]) -> list[str]:
        """The ids of these grounds and of all that share a surface with one, retired ones too."""
        wanted = [self.ground(id) for id in ground_ids]
        return [g.id for g in self.grounds.values() if any(g.shares(one) for one in wanted)]

    def plan(self, date: Date) -> timetable.DayPlan:
        """The plan of ``date``, with the own plans of the grounds in use."""
        plan = self.calendar.plan(date)
        if not plan.own:
            return plan
        in_use = {ground.id for ground in self.open_grounds}
        return replace(plan, own={id: own for id, own in plan.own.items() if id in in_use})

    @property
    def calendar(self) -> timetable.Calendar:
        return timetable.Calendar(self.timetables, self.days, self.zone, self.year)

    @property
    def open_grounds(self) -> list[Ground]:
        return [ground for ground in self.grounds.values() if not ground.retired]

    def of_students(self, name: str, make: Callable[[Mapping[str, Student], T | None], T]) -> T:
        """What ``make`` derives from the students, such as an index.

        It is made once for each list of students and shared by all copies with that list. ``make``
        also takes what it derived from an earlier list; None where there is no such value.
        """
        if name not in self._derived:
            self._derived[name] = make(self.students, self._earlier.get(name))
            self._earlier.pop(name, None)
        made: T = self._derived[name]
        return made


class _OtherRevision(Exception):
    """The data is of another revision than the one that was read before."""


@within_deadline
def load(db: Documents) -> Reference:
    """The school's data as of now: one read when nothing changed.

    Raises UpdateNeeded for a database of a newer version, StoreUnavailable.
    """
    while True:
        with reachable():
            meta = shared(
                db,
                "revision",
                lambda: collection(db, schema.META).find_one(_REVISION) or {},
            )
        schema_number.check(meta)
        if not meta or not isinstance(db, BookingDatabase):
            return _read(db, None, None)  # no counter, or no place to keep anything
        # Read after the revision: an election in between makes the epoch a new one.
        epoch, revision = db.epoch, d.revision_of(meta)
        read = partial(_read_revision, db, epoch, revision)
        try:
            return scoped_cache(db).derive(Scope.SCHOOL, _CACHE, (epoch, revision), read)
        except _OtherRevision as exc:
            if deadlines.seconds_left() < _PAUSE_SECONDS:
                raise StoreUnavailable("the school changes faster than it can be read") from exc
            time.sleep(_PAUSE_SECONDS)


def recent(db: Documents) -> Reference:
    """The school as of the last change that the feed has heard of, without a read; else ``load``.

    It may be some milliseconds old: a verb that writes by it calls ``load`` after the write. Raises
    as ``load`` does.
    """
    cache = scoped_cache(db)
    if not cache.follows_feed:
        return load(db)
    return cache.get(Scope.SCHOOL, _RECENT, lambda: load(db), try_while_away=True)


def _read_revision(db: Documents, epoch: Hashable, revision: tuple[int, int]) -> Reference:
    kept: Reference | None = scoped_cache(db).peek(Scope.SCHOOL, _CACHE)
    fresh = _read(db, epoch, None if kept is None or kept.epoch != epoch else kept)
    if fresh.revision != revision:
        # Older on a primary that was elected a moment ago, or newer by a change.
        raise _OtherRevision
    return fresh


def _read(db: Documents, epoch: Hashable, kept: Reference | None) -> Reference:
    """The school as of one moment; the half of ``kept`` that did not change is reused."""
    return snapshot(db, lambda session: _read_in(db, session, epoch, kept))


def _read_in(
    db: Documents, session: ClientSession, epoch: Hashable, kept: Reference | None
) -> Reference:
    def found(name: str) -> Cursor[dict[str, Any]]:
        # A snapshot has a read concern of its own.
        return collection(db, name).with_options(read_concern=ReadConcern()).find(session=session)

    meta = next((row for row in found(schema.META) if row["_id"] == "revision"), {})
    grounds_revision, students_revision = d.revision_of(meta)
    # A fresh object: a caller that has the old one keeps a consistent copy.
    fresh = Reference(
        epoch,
        grounds_revision,
        students_revision,
        policy=d.policy_of(meta, settings_of(db).policy),
        recount_until=d.recount_until_of(meta),
        demo=bool(meta.get("demo")),
        zone=settings_of(db).zone,
    )
    if kept is not None and kept.grounds_revision == grounds_revision:
        fresh.grounds, fresh.timetables, fresh.days = kept.grounds, kept.timetables, kept.days
        fresh.year, fresh.teams = kept.year, kept.teams
    else:
        grounds = sorted(
            readable(schema.GROUNDS, d.to_ground, found(schema.GROUNDS)),
            key=lambda g: (g.order, g.name, g.id),
        )
        fresh.grounds = {g.id: g for g in grounds}
        fresh.timetables = {
            t.id: t for t in readable(schema.TIMETABLES, d.to_timetable, found(schema.TIMETABLES))
        }
        fresh.days = {x.date: x for x in readable(schema.DAYS, d.to_day, found(schema.DAYS))}
        teams = readable(schema.TEAMS, d.to_team, found(schema.TEAMS))
        fresh.teams = {t.id: t for t in sorted(teams, key=lambda t: (t.name, t.id))}
        terms = readable(schema.TERMS, d.to_term, found(schema.TERMS))
        fresh.year = SchoolYear(tuple(terms), d.week_a_of(meta))
    if kept is not None and kept.students_revision == students_revision:
        fresh.students = kept.students
        fresh._derived, fresh._earlier = kept._derived, kept._earlier
    else:
        known = {} if kept is None else kept.students

        def to_student(row: d.Document) -> Student:
            return d.to_student(row, known.get(row["_id"]))

        students = sorted(
            readable(schema.STUDENTS, to_student, found(schema.STUDENTS)),
            key=lambda s: (s.class_name, s.name, s.id),
        )
        fresh.students = {s.id: s for s in students}
        if kept is not None:
            fresh._earlier = kept._earlier | kept._derived
    return fresh


def recount_at_least_until(db: Documents, last: Date) -> None:
    """Raises ``Reference.recount_until`` to ``last``; leaves a later one as it is."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": "revision"},
            {"$max": {"recount_until": last.isoformat()}, "$inc": {"grounds": 1}},
        )


def note_configured_quota(db: Documents, quota: int | None) -> None:
    """Records the quota of the configuration, which holds until an admin saves a policy.

    Where it is lower than the one recorded before, seats are counted first on all days that have
    bookings. Raises StoreUnavailable.
    """
    with reachable():
        target = collection(db, schema.META)
        meta = target.find_one({"_id": "revision"}) or {}
        if meta.get("policy") or meta.get("configured_quota", _NOT_NOTED) == quota:
            return
        before = meta.get("configured_quota")  # a database of before had any, or none
        change: dict[str, Any] = {"$set": {"configured_quota": quota}}
        if quota is not None and (before is None or quota < before):
            last = booking_queries.last_active_date(db)
            if last is not None:
                change |= {"$max": {"recount_until": last}, "$inc": {"grounds": 1}}
        target.update_one({"_id": "revision"}, change)


def mark_demo(db: Documents) -> None:
    """Marks the database as one of demo data, so that every screen says so."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": "revision"}, {"$set": {"demo": True}, "$inc": {"grounds": 1}}
        )


def is_empty(db: Documents) -> bool:
    """Whether nothing is stored yet, apart from a demo whose loading was interrupted."""
    with reachable():
        meta = collection(db, schema.META)
        if (meta.find_one({"_id": "revision"}) or {}).get("demo"):
            return False
        if meta.find_one({"_id": _DEMO_CLAIM}):
            return True
        names = (schema.GROUNDS, schema.STUDENTS, schema.BOOKINGS, schema.ACCOUNTS)
        return all(collection(db, name).find_one({}, {"_id": 1}) is None for name in names)


def claim_demo(db: Documents, now: datetime) -> datetime:
    """The moment from which the demo is made: ``now``, or the one that was claimed before."""
    with reachable():
        meta = collection(db, schema.META)
        try:
            meta.insert_one({"_id": _DEMO_CLAIM, "grounds": 0, "students": 0, "at": now})
        except DuplicateKeyError:
            claimed = meta.find_one({"_id": _DEMO_CLAIM}) or {}
            moment: datetime = claimed.get("at", now)
            return moment
    return now
