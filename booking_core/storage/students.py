"""Writing students: each verb one transaction with the counter that tells of it and its journal.

No journal entry holds a name, a roll number or an address: what is said of a person must be
erasable, and the journal is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from booking_core.domain.errors import AlreadyExists, ChangedMeanwhile, StudentStays, UnknownStudent
from booking_core.domain.model import ACTIVE, Actor, Booking, Student
from booking_core.storage import audit_log as journal
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage.database import Documents, collection, reachable, transact

FORMER_STUDENT = "Former student"
THE_LIST = "the list of students"
# A whole school in one transaction: a second on a quiet machine. The server gives it a minute.
BULK_SECONDS = 50.0
_CHUNK = 1000
_HOLDS = {"$in": [status.value for status in ACTIVE]}


def _raise_revision(
    db: Documents, session: ClientSession, revision: int | None, expected: str = THE_LIST
) -> None:
    """Tells every reader; raises ChangedMeanwhile where ``revision`` is not the current one.

    It comes first in its transaction: of two that were made from one look, the second is refused.
    """
    condition: dict[str, Any] = {"_id": "revision"}
    if revision is not None:
        condition["students"] = revision
    told = collection(db, schema.META).update_one(
        condition, {"$inc": {"students": 1}}, session=session
    )
    if revision is not None and told.matched_count == 0:
        raise ChangedMeanwhile(expected)


def write_roster(
    db: Documents,
    revision: int,
    saved: Sequence[Student],
    deactivated: Sequence[str],
    by: Actor | None,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    """Saves and deactivates all of them or none; raises ChangedMeanwhile, StoreUnavailable."""
    rows = [d.student_document(student) for student in saved]

    def work(session: ClientSession) -> None:
        _raise_revision(db, session, revision)
        students = collection(db, schema.STUDENTS)
        for start in range(0, len(rows), _CHUNK):
            students.bulk_write(
                [
                    ReplaceOne({"_id": row["_id"]}, row, upsert=True)
                    for row in rows[start : start + _CHUNK]
                ],
                session=session,
            )
        if deactivated:
            students.update_many(
                {"_id": {"$in": list(deactivated)}}, {"$set": {"active": False}}, session=session
            )
        journal.write(db, session, by, "imported", "students", "", dict(details), now)

    transact(db, work, BULK_SECONDS)


def insert(db: Documents, student: Student, by: Actor | None, now: datetime) -> None:
    """Raises AlreadyExists, StoreUnavailable."""

    def work(session: ClientSession) -> None:
        _raise_revision(db, session, None)
        collection(db, schema.STUDENTS).insert_one(d.student_document(student), session=session)
        journal.write(
            db, session, by, "added", "student", "", {"class_name": student.class_name}, now
        )

    try:
        transact(db, work)
    except DuplicateKeyError as exc:
        raise AlreadyExists("student", student.id) from exc


def replace(
    db: Documents, before: Student, after: Student, by: Actor | None, now: datetime
) -> None:
    """``before`` becomes ``after``; raises ChangedMeanwhile when it is not as it was any more."""

    old, new = d.student_document(before), d.student_document(after)
    details = {
        "class_name": after.class_name,
        "fields": [name for name in old if old[name] != new[name]],
    }

    def work(session: ClientSession) -> None:
        _raise_revision(db, session, None)
        done = collection(db, schema.STUDENTS).replace_one(old, new, session=session)
        if done.matched_count == 0:
            raise ChangedMeanwhile("this student")
        journal.write(db, session, by, "changed", "student", "", details, now)

    transact(db, work)


def set_active(
    db: Documents, student_id: str, active: bool, by: Actor | None, now: datetime
) -> Student:
    """Raises UnknownStudent, StoreUnavailable."""

    def work(session: ClientSession) -> Student:
        _raise_revision(db, session, None)
        kept = collection(db, schema.STUDENTS).find_one_and_update(
            {"_id": student_id}, {"$set": {"active": active}}, session=session
        )
        if kept is None:
            raise UnknownStudent(student_id)
        if kept["active"] == active:
            return d.to_student(kept)
        action = "reactivated" if active else "deactivated"
        details = {"class_name": kept["class_name"]}
        journal.write(db, session, by, action, "student", "", details, now)
        return d.to_student(kept | {"active": active})

    return transact(db, work)


def roll_over(
    db: Documents,
    mapping: Mapping[str, str | None],
    revision: int | None,
    by: Actor | None,
    now: datetime,
) -> None:
    """Active students of each class go to the class that it maps to; None deactivates them.

    One statement sees each student once, so that 8-A may become 9-A while 9-A becomes 10-A.
    """
    # Literal: a class may be called "$8".
    branches = [
        {
            "case": {"$eq": ["$class_name", {"$literal": before}]},
            "then": {"$literal": before if after is None else after},
        }
        for before, after in mapping.items()
    ]
    leaving = [before for before, after in mapping.items() if after is None]
    change = {
        "active": {"$not": [{"$in": ["$class_name", {"$literal": leaving}]}]},
        "class_name": {"$switch": {"branches": branches, "default": "$class_name"}},
    }

    def work(session: ClientSession) -> None:
        _raise_revision(db, session, revision)
        students = collection(db, schema.STUDENTS)
        active = {"active": True}
        left = students.count_documents(active | {"class_name": {"$in": leaving}}, session=session)
        done = students.update_many(
            active | {"class_name": {"$in": list(mapping)}}, [{"$set": change}], session=session
        )
        details = {"moved": done.matched_count - left, "deactivated": left}
        classes = {"classes": [[before, after] for before, after in mapping.items()]}
        journal.write(db, session, by, "rolled over", "students", "", details | classes, now)

    transact(db, work, BULK_SECONDS)


def erase(
    db: Documents,
    student_id: str,
    is_ahead: Callable[[Booking], bool],
    today: str,
    by: Actor | None,
    now: datetime,
) -> int:
    """Takes a student off the record; how many bookings stay, under a pseudonym of this erasure.

    Raises UnknownStudent, StudentStays, StoreUnavailable.
    """
    pseudonym = _pseudonym()
    bookings = collection(db, schema.BOOKINGS)

    def work(session: ClientSession) -> int:
        _raise_revision(db, session, None)
        kept = collection(db, schema.STUDENTS).find_one({"_id": student_id}, session=session)
        if kept is None:
            raise UnknownStudent(student_id)
        if kept["active"]:
            raise StudentStays(student_id)
        held = bookings.find(
            {
                "student_id": student_id,
                "date": {"$gte": today},
                "status": _HOLDS,
            },
            session=session,
        )
        ahead = sum(is_ahead(d.to_booking(row)) for row in held)
        if ahead:
            raise StudentStays(student_id, ahead)
        collection(db, schema.STUDENTS).delete_one({"_id": student_id}, session=session)
        count = _make_nameless(db, session, student_id, pseudonym)
        details = {"class_name": kept["class_name"], "bookings": count}
        journal.write(db, session, by, "erased", "student", "", details, now)
        return count

    count = transact(db, work, BULK_SECONDS)
    # A booking that was on its way when the student was deactivated may have come in meanwhile.
    return count + forget(db, student_id, pseudonym)


def forget(db: Documents, student_id: str, pseudonym: str = "") -> int:
    """Takes who is off the record already out of bookings that came in since; how many."""
    name = pseudonym or _pseudonym()
    return transact(db, lambda session: _make_nameless(db, session, student_id, name), BULK_SECONDS)


def _pseudonym() -> str:
    return f"former-{uuid4().hex}"


def _make_nameless(db: Documents, session: ClientSession, student_id: str, pseudonym: str) -> int:
    """Takes the student out of all bookings and what was told of them; how many bookings."""
    bookings = collection(db, schema.BOOKINGS)
    notices = collection(db, schema.NOTICES)
    whose = {"student_id": student_id}
    ids = [row["_id"] for row in bookings.find(whose, {"_id": 1}, session=session)]
    notices.update_many({"booking_id": {"$in": ids}}, {"$set": {"reason": ""}}, session=session)
    derived = [id for id in ids if not _is_random(id)]
    if derived:
        rows = list(bookings.find({"_id": {"$in": derived}}, session=session))
        bookings.delete_many({"_id": {"$in": derived}}, session=session)
        fresh = {id: str(uuid4()) for id in derived}
        bookings.insert_many([row | {"_id": fresh[row["_id"]]} for row in rows], session=session)
        for old, new in fresh.items():
            notices.update_many({"booking_id": old}, {"$set": {"booking_id": new}}, session=session)
    return int(bookings.update_many(whose, _nameless(pseudonym), session=session).modified_count)


def _is_random(id: str) -> bool:
    """Whether nothing can be learned from an id: that of an import is made from the roll number."""
    try:
        return UUID(id).version == 4
    except ValueError:
        return False


def words_about(db: Documents, student: Student) -> tuple[int, int, int]:
    """How many bookings of the student there are, how many of these have a purpose or a reason,

    and how many other bookings, closures and changes say the name or the roll number in one.
    """
    whose = {"student_id": student.id}
    worded = [{"purpose": {"$ne": ""}}, {"history": {"$elemMatch": {"reason": {"$gt": ""}}}}]
    said = "|".join(re.escape(text) for text in (student.name, student.id))
    names = {"$regex": rf"(?<!\w)({said})(?!\w)", "$options": "i"}
    elsewhere = [{"purpose": names}, {"history.reason": names}]
    bookings = collection(db, schema.BOOKINGS)
    with reachable(BULK_SECONDS):  # the words are in no index
        return (
            bookings.count_documents(whose),
            bookings.count_documents(whose | {"$or": worded}),
            bookings.count_documents({"student_id": {"$ne": student.id}, "$or": elsewhere})
            + journal.count_reasons(db, names),
        )


def _nameless(pseudonym: str) -> list[dict[str, Any]]:
    """What becomes of a booking whose student is erased: figures stay, words and names go.

    The fingerprint goes too: it is made from the roll number and the purpose.
    """
    entry = {"$mergeObjects": ["$$entry", {"reason": ""}]}
    return [
        {
            "$set": {
                "student_id": pseudonym,
                "student_name": FORMER_STUDENT,
                "purpose": "",
                "fingerprint": "",
                "history": {"$map": {"input": "$history", "as": "entry", "in": entry}},
                "revision": {"$add": ["$revision", 1]},
            }
        }
    ]
