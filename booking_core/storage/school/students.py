"""The collection of students.

No entry of the audit log holds a name, a roll number or an address: what is stored of a person
must be erasable, and the audit log is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from booking_core.domain.errors import AlreadyExists, ChangedMeanwhile
from booking_core.domain.labels import label_key
from booking_core.domain.model import Actor, Student
from booking_core.storage import documents as d
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import DEADLINE_SECONDS
from booking_core.storage.readable import readable_one
from booking_core.storage.schema import keys, schema, schema_number
from booking_core.storage.school import student_names
from booking_core.storage.school.changes import SchoolTransaction

T = TypeVar("T")

# A whole list of students in one transaction takes a second on a quiet machine. Less than the 13 s
# after which the embedded server ends a transaction.
BULK_SECONDS = 12.0
THE_LIST = "the list of students"
_CHUNK = 1000


def change_students(
    db: Documents,
    work: Callable[[SchoolTransaction], T],
    now: datetime,
    *,
    revision: int | None = None,
    seconds: float = DEADLINE_SECONDS,
) -> T:
    """What ``work`` returns; its writes to students, their names and classes in bookings that
    begin after ``now``, and the revision are one transaction.

    With ``revision``, raises ChangedMeanwhile where the list of students has another by now.
    Raises StoreUnavailable, and what ``work`` raises, with nothing written.
    """
    changed: list[str] = []
    condition: d.Document = {"_id": "revision"}
    if revision is not None:
        condition["students"] = revision

    def whole(session: ClientSession) -> T:
        raised = collection(db, schema.META).find_one_and_update(
            condition, {"$inc": {"students": 1}}, session=session
        )
        if revision is not None and raised is None:
            raise ChangedMeanwhile(THE_LIST)
        schema_number.check(raised or {})
        tx = SchoolTransaction(db, session)
        done = work(tx)
        changed[:] = tx.changed_students
        student_names.update_ahead(tx, changed, now)
        return done

    done = transact(db, whole, seconds)
    if changed:
        # A booking that was stored while the transaction ran is not in what it has read. One that
        # is stored later finds the new revision (``booking/confirmation.py``).
        transact(
            db,
            lambda session: student_names.update_ahead(
                SchoolTransaction(db, session), changed, now
            ),
            seconds,
        )
    return done


def find(tx: SchoolTransaction, student_id: str) -> Student | None:
    row = tx.collection(schema.STUDENTS).find_one({"_id": student_id}, session=tx.session)
    return readable_one(schema.STUDENTS, d.to_student, row)


def insert(tx: SchoolTransaction, student: Student) -> None:
    """Raises AlreadyExists, also for an id that differs in capitals only."""
    row = keys.with_keys(schema.STUDENTS, d.student_document(student))
    try:
        tx.collection(schema.STUDENTS).insert_one(row, session=tx.session)
    except DuplicateKeyError as exc:
        raise AlreadyExists("student", student.id) from exc


def put(tx: SchoolTransaction, students: Sequence[Student]) -> None:
    """Stores students, each in the place of the one with its id.

    Raises AlreadyExists for an id that differs from another's in capitals only.
    """
    tx.changed_students.extend(student.id for student in students)
    rows = [keys.with_keys(schema.STUDENTS, d.student_document(student)) for student in students]
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        writes = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in chunk]
        try:
            tx.collection(schema.STUDENTS).bulk_write(writes, session=tx.session)
        except BulkWriteError as exc:
            name, place = keys.refused(exc)
            if name != schema.ONE_STUDENT_PER_ID:
                raise
            raise AlreadyExists("student", chunk[place]["_id"]) from exc


def replace(tx: SchoolTransaction, before: Student, after: Student) -> bool:
    """Whether the stored student was ``before``, and is ``after`` now."""
    tx.changed_students.append(after.id)
    row = keys.with_keys(schema.STUDENTS, d.student_document(after))
    done = tx.collection(schema.STUDENTS).replace_one(
        d.student_document(before), row, session=tx.session
    )
    return done.matched_count > 0


def set_active(tx: SchoolTransaction, student_ids: Sequence[str], active: bool) -> None:
    tx.collection(schema.STUDENTS).update_many(
        {"_id": {"$in": list(student_ids)}}, {"$set": {"active": active}}, session=tx.session
    )


def delete(tx: SchoolTransaction, student_id: str) -> None:
    tx.collection(schema.STUDENTS).delete_one({"_id": student_id}, session=tx.session)


def write_roster(
    db: Documents,
    revision: int,
    saved: Sequence[Student],
    deactivated: Sequence[str],
    by: Actor | None,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    """Saves and deactivates all of them or none.

    Raises ChangedMeanwhile, AlreadyExists, StoreUnavailable.
    """

    def work(tx: SchoolTransaction) -> None:
        put(tx, saved)
        set_active(tx, deactivated, False)
        tx.audit(by, "imported", "students", "", dict(details), now)

    change_students(db, work, now, revision=revision, seconds=BULK_SECONDS)


def roll_over(
    db: Documents,
    mapping: Mapping[str, str | None],
    revision: int | None,
    by: Actor | None,
    now: datetime,
) -> None:
    """Active students of each class go to the class that it maps to; None deactivates them.

    The students of a class are those of all its spellings, as of the transaction. One statement
    sees each student once, so that 8-A may become 9-A while 9-A becomes 10-A. Raises
    ChangedMeanwhile, StoreUnavailable.
    """
    by_key = {label_key(before): after for before, after in mapping.items()}

    def work(tx: SchoolTransaction) -> None:
        students, active = tx.collection(schema.STUDENTS), {"active": True}
        groups = students.aggregate(
            [{"$match": active}, {"$group": {"_id": "$class_name"}}], session=tx.session
        )
        names = [row["_id"] for row in groups if isinstance(row["_id"], str)]
        stored = [name for name in names if label_key(name) in by_key]
        if not stored:
            raise ChangedMeanwhile(THE_LIST)
        becomes = {name: by_key[label_key(name)] for name in stored}
        leaving = [name for name, after in becomes.items() if after is None]
        # Literal: a class may be called "$8".
        branches = [
            {
                "case": {"$eq": ["$class_name", {"$literal": name}]},
                "then": {"$literal": name if after is None else after},
            }
            for name, after in becomes.items()
        ]
        change = {
            "active": {"$not": [{"$in": ["$class_name", {"$literal": leaving}]}]},
            "class_name": {"$switch": {"branches": branches, "default": "$class_name"}},
        }
        found = students.find(
            active | {"class_name": {"$in": stored}}, {"class_name": 1}, session=tx.session
        )
        moving = [row["_id"] for row in found if becomes[row["class_name"]] is not None]
        done = students.update_many(
            active | {"class_name": {"$in": stored}}, [{"$set": change}], session=tx.session
        )
        tx.changed_students.extend(moving)
        details = {"moved": len(moving), "deactivated": done.matched_count - len(moving)}
        classes = {"classes": [[before, after] for before, after in mapping.items()]}
        tx.audit(by, "rolled over", "students", "", details | classes, now)

    change_students(db, work, now, revision=revision, seconds=BULK_SECONDS)
