"""What bookings and notices say of a student who is erased: it goes, and the figures stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession

from booking_core.domain.claims import claims_of
from booking_core.domain.model import Booking, Student
from booking_core.storage import audit_log, erasures
from booking_core.storage.bookings import waiting
from booking_core.storage.client.database import Documents, collection
from booking_core.storage.client.transactions import transact
from booking_core.storage.client.verbs import reachable
from booking_core.storage.documents import Document, to_booking, to_bookings
from booking_core.storage.erasures import Erased
from booking_core.storage.schema import schema
from booking_core.storage.school import students
from booking_core.storage.school.changes import SchoolTransaction
from booking_core.storage.school.students import BULK_SECONDS

FORMER_STUDENT = "Former student"


def new_pseudonym() -> str:
    return f"former-{uuid4().hex}"


def held_from(tx: SchoolTransaction, student_id: str, today: Date) -> list[Booking]:
    """The student's active bookings of ``today`` and later."""
    condition = {"student_id": student_id, "date": {"$gte": today.isoformat()}, **schema.HOLDS}
    rows = tx.collection(schema.BOOKINGS).find(condition, session=tx.session)
    return list(to_bookings(rows))


def forget(db: Documents, student_id: str) -> int:
    """Takes a student who is not on record out of bookings; returns how many there were.

    For bookings that came in after the student was erased. Raises StoreUnavailable.
    """
    return transact(
        db,
        lambda session: take_out(SchoolTransaction(db, session), student_id, new_pseudonym()),
        BULK_SECONDS,
    )


def note(tx: SchoolTransaction, student_id: str, pseudonym: str, due: datetime) -> None:
    """Records that ``finish`` is to look for bookings of the erased student at ``due``."""
    erasures.note(tx.db, tx.session, erasures.STUDENT, pseudonym, student_id, due)


def finish(db: Documents, pseudonym: str) -> int:
    """Takes the erased student out of the bookings that came in late, and forgets the roll number.

    How many bookings there were; 0 where another process finished it, or where a student is on
    record again under that roll number. Raises StoreUnavailable.
    """

    def work(session: ClientSession) -> int:
        tx = SchoolTransaction(db, session)
        kept = erasures.settle(db, session, erasures.STUDENT, pseudonym)
        if kept is None:
            return 0
        if students.find(tx, kept["student_id"]) is not None:
            return 0
        return take_out(tx, kept["student_id"], pseudonym)

    return transact(db, work, BULK_SECONDS)


def erase_again(db: Documents, missing: Iterable[Erased]) -> int:
    """Erases the students of those erasures, which are not on record here; returns how many.

    For a database that was restored from a backup older than the erasures. Raises StoreUnavailable.
    """
    entries = [one for one in missing if one.kind == erasures.STUDENT]
    if not entries:
        return 0
    with reachable():
        ids = {str(id) for id in collection(db, schema.STUDENTS).distinct("_id")}
        ids |= {str(id) for id in collection(db, schema.BOOKINGS).distinct("student_id") if id}

    def work(session: ClientSession) -> int:
        tx = SchoolTransaction(db, session)
        for entry in entries:
            erasures.record(db, session, entry)
            for id in found[entry]:
                students.delete(tx, id)
                take_out(tx, id, new_pseudonym())
        return sum(map(len, found.values()))

    found = {one: [id for id in ids if one.fits(id)] for one in entries}
    return transact(db, work, BULK_SECONDS)


def take_out(tx: SchoolTransaction, student_id: str, pseudonym: str) -> int:
    """Takes the student out of all bookings, their notices, teams and the waiting list; returns how
    many bookings.

    A booking that cannot be read is deleted: nothing else of it can be kept without the student.
    """
    teams = tx.collection(schema.TEAMS).update_many(
        {"members": student_id}, {"$pull": {"members": student_id}}, session=tx.session
    )
    if teams.modified_count:
        erasures.raise_revision(tx.db, tx.session)
    tx.collection(schema.WAITING).delete_many(waiting.naming(student_id), session=tx.session)
    bookings, foreign, pairs = tx.collection(schema.BOOKINGS), [], []
    for row in bookings.find({"student_id": student_id}, session=tx.session):
        if next(to_bookings([row]), None) is None:
            foreign.append(row["_id"])
        else:
            pairs.append((row, without_student(row, student_id, pseudonym)))
    if foreign:
        bookings.delete_many({"_id": {"$in": foreign}}, session=tx.session)
    if pairs:
        _replace_bookings(tx, pairs)
        _clear_notices(tx, {before["_id"]: after["_id"] for before, after in pairs})
    _delete_offers(tx, [*foreign, *(before["_id"] for before, _ in pairs)])
    return len(pairs)


def _delete_offers(tx: SchoolTransaction, booking_ids: list[str]) -> None:
    """Deletes offers to swap these bookings, whose reasons may name the student. The feed reports
    their end, and no deletion."""
    among = {"$in": booking_ids}
    either = {"$or": [{"given.id": among}, {"wanted.id": among}]}
    offers = tx.collection(schema.SWAP_OFFERS)
    offers.update_many(either, {"$set": {"status": "ended"}}, session=tx.session)
    offers.delete_many(either, session=tx.session)


def without_student(booking: Mapping[str, Any], student_id: str, pseudonym: str) -> Document:
    """The booking's document under a pseudonym, without what was written about the student.

    Other students of the booking stay.

    An id that was made from the roll number becomes a random one. The fingerprint goes too: it is
    made from the roll number and the purpose. Its claims become those of the pseudonym.
    """
    after = {
        **booking,
        **_renamed(booking, student_id, pseudonym),
        "_id": booking["_id"] if _is_random(booking["_id"]) else str(uuid4()),
        "purpose": "",
        "fingerprint": "",
        "history": [entry | {"reason": ""} for entry in booking["history"]],
        "revision": booking["revision"] + 1,
    }
    return after | {"claims": claims_of(to_booking(after))}


def _renamed(booking: Mapping[str, Any], student_id: str, pseudonym: str) -> Document:
    """The fields of the student with the pseudonym in its place."""
    ids, names = booking["student_id"], booking["student_name"]
    if not isinstance(ids, list):
        return {"student_id": pseudonym, "student_name": FORMER_STUDENT}
    fields: Document = {"student_id": [pseudonym if id == student_id else id for id in ids]}
    if isinstance(names, list):
        fields["student_name"] = [
            FORMER_STUDENT if id == student_id else name
            for id, name in zip(ids, names, strict=True)
        ]
    elif "party" not in booking:  # of a team, it is the name of the team
        fields["student_name"] = FORMER_STUDENT
    return fields


def _is_random(id: str) -> bool:
    """Whether an id reveals nothing: that of an imported booking is made from the roll number."""
    try:
        return UUID(id).version == 4
    except ValueError:
        return False


def _replace_bookings(tx: SchoolTransaction, pairs: Sequence[tuple[Document, Document]]) -> None:
    """Replaces each (before, after); of one whose id changes, the old document is deleted."""
    writes: list[DeleteOne | InsertOne[Document] | ReplaceOne[Document]] = []
    for before, after in pairs:
        if before["_id"] == after["_id"]:
            writes.append(ReplaceOne({"_id": before["_id"]}, after))
        else:
            # In this order: the new document takes the claims that the old one gives back.
            writes += [DeleteOne({"_id": before["_id"]}), InsertOne(after)]
    tx.collection(schema.BOOKINGS).bulk_write(writes, session=tx.session)


def _clear_notices(tx: SchoolTransaction, new_ids: Mapping[str, str]) -> None:
    """Takes the reasons out of the notices of these bookings, and gives them the new ids.

    A notice that cannot be read is deleted.
    """
    notices, of_them = tx.collection(schema.NOTICES), {"booking_id": {"$in": list(new_ids)}}
    fits = schema.VALIDATORS[schema.NOTICES]
    notices.delete_many(of_them | {"$nor": [fits]}, session=tx.session)
    writes = [
        UpdateOne({"_id": row["_id"]}, {"$set": {"reason": "", "booking_id": new}})
        for row in notices.find(of_them | fits, {"booking_id": 1}, session=tx.session)
        for new in [new_ids[row["booking_id"]]]
    ]
    if writes:
        notices.bulk_write(writes, session=tx.session)


def count_mentions(db: Documents, student: Student) -> tuple[int, int, int]:
    """(bookings of the student, how many of these have a purpose or a reason, mentions elsewhere).

    A mention is another booking, closure or entry of the audit log with the student's full name or
    roll number in its purpose or a reason. Raises StoreUnavailable.
    """
    whose = {"student_id": student.id}
    worded = [{"purpose": {"$ne": ""}}, {"history": {"$elemMatch": {"reason": {"$gt": ""}}}}]
    either = "|".join(re.escape(text) for text in (student.name, student.id))
    names = {"$regex": rf"(?<!\w)({either})(?!\w)", "$options": "i"}
    elsewhere = [{"purpose": names}, {"history.reason": names}]
    bookings = collection(db, schema.BOOKINGS)
    with reachable(BULK_SECONDS):  # no index has these texts
        return (
            bookings.count_documents(whose),
            bookings.count_documents(whose | {"$or": worded}),
            bookings.count_documents({"student_id": {"$ne": student.id}, "$or": elsewhere})
            + audit_log.count_reasons(db, names),
        )
