"""Grounds, timetables, days, students and the policy: read once, then kept until their revision
moves.

Every save raises a counter in the same transaction; every reader compares that counter, so a
change made by another process is seen by the next call. This costs a verb one small read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from booking_core.domain import timetable
from booking_core.domain.clock import moment
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InvalidRequest,
    UnknownGround,
    UnknownStudent,
)
from booking_core.domain.model import Actor, Ground, Student, Timetable
from booking_core.domain.policy import Policy
from booking_core.domain.rules import check_may
from booking_core.storage import audit_log as journal
from booking_core.storage import booking_queries, schema
from booking_core.storage import documents as d
from booking_core.storage.cache import Scope, scoped_cache
from booking_core.storage.database import (
    Documents,
    collection,
    reachable,
    settings_of,
    shared,
    transact,
)

T = TypeVar("T")

_CACHE = "reference by revision"
_DEMO_CLAIM = "demo"


@dataclass(slots=True)
class Reference:
    """A consistent copy of the school's data. ``grounds`` is in the order of the screens.

    ``recount_until``: the last day on which bookings made under a higher quota may hold seats that
    the present quota does not have. Up to it, a free seat does not prove that the quota has room.
    """

    grounds_revision: int = -1
    students_revision: int = -1
    grounds: dict[str, Ground] = field(default_factory=dict)
    timetables: dict[str, Timetable] = field(default_factory=dict)
    days: dict[Date, timetable.Day] = field(default_factory=dict)
    students: dict[str, Student] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    recount_until: Date | None = None
    demo: bool = False

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

    def plan(self, date: Date) -> timetable.DayPlan:
        return self.calendar.plan(date)

    @property
    def calendar(self) -> timetable.Calendar:
        return timetable.Calendar(self.timetables, self.days)

    @property
    def open_grounds(self) -> list[Ground]:
        return [ground for ground in self.grounds.values() if not ground.retired]


def load(db: Documents) -> Reference:
    """The reference data as of now: one read when nothing changed. Raises StoreUnavailable."""
    with reachable():
        meta = shared(
            db,
            "revision",
            lambda: collection(db, schema.META).find_one({"_id": "revision"}) or {},
        )
    revision = (meta.get("grounds", 0), meta.get("students", 0))
    cache = scoped_cache(db)

    def read() -> Reference:
        return _read(db, meta, revision, cache.peek(Scope.SCHOOL, _CACHE))

    return cache.derive(Scope.SCHOOL, _CACHE, revision, read)


def _read(
    db: Documents, meta: dict[str, Any], revision: tuple[int, int], kept: Reference | None
) -> Reference:
    """The reference data of ``revision``; the half of ``kept`` that did not change is reused."""
    grounds_revision, students_revision = revision
    # A fresh object: a caller that has the old one keeps a consistent copy.
    fresh = Reference(
        grounds_revision,
        students_revision,
        policy=d.to_policy(meta.get("policy"), settings_of(db).policy),
        recount_until=_to_date(meta.get("recount_until")),
        demo=bool(meta.get("demo")),
    )
    with reachable():
        if kept is not None and kept.grounds_revision == grounds_revision:
            fresh.grounds, fresh.timetables, fresh.days = kept.grounds, kept.timetables, kept.days
        else:
            grounds = map(d.to_ground, collection(db, schema.GROUNDS).find())
            fresh.grounds = {
                g.id: g for g in sorted(grounds, key=lambda g: (g.order, g.name, g.id))
            }
            tables = map(d.to_timetable, collection(db, schema.TIMETABLES).find())
            fresh.timetables = {t.id: t for t in tables}
            fresh.days = {x.date: x for x in map(d.to_day, collection(db, schema.DAYS).find())}
        if kept is not None and kept.students_revision == students_revision:
            fresh.students = kept.students
        else:
            students = map(d.to_student, collection(db, schema.STUDENTS).find())
            fresh.students = {
                s.id: s for s in sorted(students, key=lambda s: (s.class_name, s.name, s.id))
            }
    return fresh


def _to_date(text: str | None) -> Date | None:
    return None if text is None else Date.fromisoformat(text)


def _save(
    db: Documents, name: str, counter: str, rows: list[dict[str, Any]], by: Actor | None, what: str
) -> None:
    """Writes ``rows`` as they are, tells every reader, and notes who did it: all or nothing."""
    if by is not None:
        check_may("administer", by)

    def work(session: ClientSession) -> None:
        target = collection(db, name)
        for start in range(0, len(rows), 1000):
            target.bulk_write(
                [
                    ReplaceOne({"_id": row["_id"]}, row, upsert=True)
                    for row in rows[start : start + 1000]
                ],
                session=session,
            )
        collection(db, schema.META).update_one(
            {"_id": "revision"}, {"$inc": {counter: 1}}, session=session
        )
        subject: str = rows[0]["_id"]
        details: dict[str, Any] = {"after": rows[0]}
        if name == schema.STUDENTS:
            # Only how many, and no roll number: what is said of a person must be erasable.
            subject, details = "", {"count": len(rows)}
        journal.write(db, session, by, "saved", what, subject, details)

    transact(db, work)


def change_school(db: Documents, by: Actor | None, work: Callable[[ClientSession], T]) -> T:
    """What ``work`` returns; what it writes, and that every reader is told, is one transaction.

    Two such changes never run side by side: both write the revision first, so the second one
    begins anew and sees what the first has done. Raises NotAllowed, StoreUnavailable.
    """
    if by is not None:
        check_may("administer", by)

    def whole(session: ClientSession) -> T:
        collection(db, schema.META).update_one(
            {"_id": "revision"}, {"$inc": {"grounds": 1}}, session=session
        )
        return work(session)

    return transact(db, whole)


# ``by`` None in what follows: no account acts, but whoever has the database in hand.


def save_policy(
    db: Documents,
    policy: Policy,
    *,
    by: Actor | None = None,
    was: Policy | None = None,
    now: datetime | None = None,
) -> Policy:
    """Saves what the school allows from now on; existing bookings stay.

    With a lower quota, ``Reference.recount_until`` is raised to the last day that may already
    hold bookings.

    With ``was``, the policy that the change was made from, ChangedMeanwhile is raised when
    another was saved since. Raises InvalidRequest, NotAllowed, StoreUnavailable.
    """
    if not isinstance(policy, Policy):
        raise InvalidRequest("policy", "must be a Policy")
    fallback, zone, at = settings_of(db).policy, settings_of(db).zone, moment(now)

    def work(session: ClientSession) -> None:
        meta = collection(db, schema.META)
        kept = meta.find_one({"_id": "revision"}, session=session) or {}
        before = d.to_policy(kept.get("policy"), fallback)
        if was is not None and was != before:
            raise ChangedMeanwhile("the settings")
        after = d.policy_document(policy)
        change: dict[str, Any] = {"policy": after}
        if policy.quota is not None and (before.quota is None or policy.quota < before.quota):
            # A booking on its way was checked against the old policy, so its window counts too.
            last_days = [
                before.last_date(at, zone).isoformat(),
                booking_queries.last_active_date(db, session),
                kept.get("recount_until"),
            ]
            change["recount_until"] = max(day for day in last_days if day)
        meta.update_one({"_id": "revision"}, {"$set": change}, session=session)
        details = {"before": d.policy_document(before), "after": after}
        journal.write(db, session, by, "saved", "settings", "", details)

    change_school(db, by, work)
    return policy


def save_ground(db: Documents, ground: Ground, *, by: Actor | None = None) -> Ground:
    """Adds or replaces a ground. Raises InvalidRequest, NotAllowed, StoreUnavailable."""
    if not isinstance(ground, Ground):
        raise InvalidRequest("ground", "must be a Ground")
    _save(db, schema.GROUNDS, "grounds", [d.ground_document(ground)], by, "ground")
    return ground


def save_student(db: Documents, student: Student, *, by: Actor | None = None) -> Student:
    """Adds or replaces a student. Raises InvalidRequest, NotAllowed, StoreUnavailable."""
    save_students(db, [student], by=by)
    return student


def save_students(db: Documents, students: Iterable[Student], *, by: Actor | None = None) -> None:
    """Adds or replaces students, all of them or none."""
    if isinstance(students, str) or not isinstance(students, Iterable):
        raise InvalidRequest("students", "must be a list of Student")
    students = list(students)
    for student in students:
        if not isinstance(student, Student):
            raise InvalidRequest("student", "must be a Student")
    if students:
        rows = [d.student_document(s) for s in students]
        _save(db, schema.STUDENTS, "students", rows, by, "students")


def mark_demo(db: Documents) -> None:
    """Marks the database as one of demo data, so that every screen says so."""
    with reachable():
        collection(db, schema.META).update_one(
            {"_id": "revision"}, {"$set": {"demo": True}, "$inc": {"grounds": 1}}
        )


def is_empty(db: Documents) -> bool:
    """Whether nothing is stored yet, but for a demo whose loading was interrupted."""
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
