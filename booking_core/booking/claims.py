"""The verbs that claim a slot: book, move, close_ground.

Each claims it by one atomic write; the unique indexes decide every race. What a
refused write means is read back from the database, so that the error names who was faster.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import fields
from datetime import date as Date
from datetime import datetime, time
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from booking_core.booking import conflicts as refusals
from booking_core.booking.preconditions import ROUNDS, already_decided, must_exist
from booking_core.domain import rules, timetable
from booking_core.domain.clock import moment
from booking_core.domain.errors import (
    InvalidRequest,
    NotAPeriod,
    QuotaReached,
    RuleBroken,
    SlotTaken,
    SubmissionReused,
)
from booking_core.domain.model import (
    ACTIVE,
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Slot,
    Status,
    Student,
)
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import (
    check_booking_id,
    check_date,
    check_id,
    check_text,
    check_time,
    minutes,
)
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage import schema
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents, reachable, settings_of, turn

log = logging.getLogger(__name__)


def book(
    db: Documents,
    request: BookingRequest,
    *,
    by: Actor,
    submission_id: UUID | None = None,
    as_approved: bool = False,
    now: datetime | None = None,
) -> Booking:
    """Requests a slot; the booking is Pending and holds it until somebody decides.

    With ``as_approved``, which is for principals, it is Approved at once. ``submission_id`` is made
    when the review opens: the same one with the same content gives the same booking, however often
    it is sent. Raises InvalidRequest, RuleBroken, SlotTaken, StudentBusy, SubmissionReused,
    NotAllowed, StoreUnavailable.
    """
    if not isinstance(request, BookingRequest):
        raise InvalidRequest("request", "must be a BookingRequest")
    check_actor(by)
    if submission_id is not None and not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    if not isinstance(as_approved, bool):
        raise InvalidRequest("as_approved", "must be true or false")
    if as_approved:
        rules.check_may("book approved", by)
    now = moment(now)
    zone = settings_of(db).zone
    booking_id = str(submission_id or uuid4())
    window = timetable.iso_week(request.date)
    document: d.Document = {}
    tried, rounds = 0, 1
    while tried < rounds:
        tried += 1
        # Rivals in this process let one go first. What it found is as good as a look of their own,
        # and costs less than an insert each that is all but sure to be refused. They come here
        # before anything else: thirty who prepare themselves meanwhile only hold up the first.
        with reachable(), turn(db, (request.ground_id, request.date, request.start)) as mine:
            first: refusals.Holder | None = mine.found
            if first is not None and first.booking.id == booking_id:
                first = None  # our own, sent twice
            known = reference.load(db) if first is None else first.known
            # Each seat may be lost to another slot's booking before the quota is known to be
            # reached.
            quota = known.policy.quota
            rounds = ROUNDS + (quota or 0)
            try:
                student = _check(known, request, by, now, zone)
            except (RuleBroken, NotAPeriod):
                # A retry may come when time or the timetable has moved on: it was done then.
                if submission_id is not None and (kept := ledger.read(db, booking_id)):
                    return _same_submission(
                        kept, _fingerprint(request, by, as_approved), submission_id
                    )
                raise
            if first is not None:
                raise first.lost(refusals.Wanted.of(booking_id, request))
            if not document:
                document = _document(booking_id, request, student, by, now, as_approved)
            if quota is None:  # in each round, for a quota may be set or lifted meanwhile
                document.pop("quota", None)
            else:
                # Most bookings are a student's first of the week: that seat is tried unread.
                document.setdefault("quota", {"window": window, "seat": 0})
            try:
                log.info("inserting booking %s", booking_id)
                ledger.insert(db, document)
            except ledger.IndexRefused as refused:
                kept = ledger.read(db, booking_id)
                if kept is not None:
                    return _same_submission(kept, document["fingerprint"], UUID(booking_id))
                if mine.close():
                    known = reference.load(db)  # as of now, for all who wait
                mine.found = refusals.holder_of(db, known, document, now)
                refusals.explain(db, refused, mine.found, document)
                if refused.index == schema.QUOTA_SEAT and quota is not None:
                    document["quota"] = free_seat(db, student.id, window, quota)
                continue
            booking = d.to_booking(document)
            if mine.close():
                mine.found = refusals.holder_after_win(db, reference.load(db), booking, now)
            return booking
    raise SlotTaken(request.ground_id, request.date, request.start, request.end, None, None)


def move(
    db: Documents,
    booking_id: str,
    *,
    ground_id: str | None = None,
    date: Date | None = None,
    start: time | None = None,
    end: time | None = None,
    by: Actor,
    now: datetime | None = None,
) -> Booking:
    """Moves an active booking; the old slot is kept until the new one is won.

    What is None stays. The status stays too. Raises as ``book`` does, and AlreadyDecided.
    """
    booking_id = check_booking_id(booking_id)
    check_actor(by)
    now = moment(now)
    zone = settings_of(db).zone
    known = reference.load(db)
    quota = known.policy.quota
    seat: dict[str, Any] | None = None
    for _ in range(ROUNDS):
        kept = must_exist(db, booking_id)
        before = d.to_booking(kept)
        rules.check_may("move", by, before)
        if before.status not in ACTIVE:
            raise already_decided(kept)
        slot = Slot(
            before.ground_id if ground_id is None else check_id(ground_id, "ground_id"),
            before.date if date is None else check_date(date, "date"),
            before.start if start is None else check_time(start, "start"),
            before.end if end is None else check_time(end, "end"),
        )
        if minutes(slot.start) >= minutes(slot.end, closing=True):
            raise InvalidRequest("end", "is not after the start")
        if slot == before.slot:
            return before
        if before.kind == "booking":
            ground = known.ground(slot.ground_id)
            rules.check_place(known.plan(slot.date), slot.start, slot.end, ground, before.game)
            rules.check_time(slot.date, slot.start, now, known.policy, zone)
        old, new = before.date.isoformat(), slot.date.isoformat()
        decision = Decision(now, by.id, by.name, "moved")
        moved_from = d.slot_fields(before.ground_id, before.date, before.start, before.end)
        fields = d.slot_fields(slot.ground_id, slot.date, slot.start, slot.end)
        window = timetable.iso_week(slot.date)
        release: d.Document = {}
        if before.quota_window is not None and before.quota_window != window:
            if quota is None:  # the quota was lifted since: the seat goes with the week
                release = {"$unset": {"quota": ""}}
            else:
                fields["quota"] = seat or {"window": window, "seat": 0}
        entry = d.decision_document(decision, sorted({old, new}), moved_from)
        try:
            changed = ledger.update(
                db,
                {"_id": booking_id, "revision": kept["revision"], "status": kept["status"]},
                {
                    "$set": {**fields, "updated_at": now},
                    "$inc": {"revision": 1},
                    "$push": {"history": entry},
                    **release,
                },
            )
        except ledger.IndexRefused as refused:
            wanted = kept | fields
            refusals.explain(db, refused, refusals.holder_of(db, known, wanted, now), wanted)
            if refused.index == schema.QUOTA_SEAT and quota is not None:
                seat = free_seat(db, str(before.student_id), window, quota, booking_id)
            continue
        if changed is not None:
            return changed
    raise SlotTaken(slot.ground_id, slot.date, slot.start, slot.end, None, None)


def close_ground(
    db: Documents,
    *,
    ground_id: str,
    date: Date,
    start: time,
    end: time,
    reason: str,
    by: Actor,
    now: datetime | None = None,
) -> Booking:
    """Closes a ground for a stretch of a day (rain, maintenance, exam).

    The closure takes its cells through the same index as bookings do. Raises SlotTaken when a
    booking holds one, GroundClosed when it is closed already, NotAllowed, InvalidRequest.
    """
    check_actor(by)
    ground_id, date = check_id(ground_id, "ground_id"), check_date(date, "date")
    start, end = check_time(start, "start"), check_time(end, "end")
    if minutes(start) >= minutes(end, closing=True):
        raise InvalidRequest("end", "is not after the start")
    reason = check_text(reason, "reason", required=True)
    now = moment(now)
    rules.check_may("close", by)
    known = reference.load(db)
    known.ground(ground_id)
    document = d.booking_document(
        str(uuid4()),
        Slot(ground_id, date, start, end),
        Status.APPROVED,
        [Decision(now, by.id, by.name, "closed", reason)],
        purpose=reason,
    )
    for _ in range(ROUNDS):
        try:
            ledger.insert(db, document)
        except ledger.IndexRefused as refused:
            refusals.explain(db, refused, refusals.holder_of(db, known, document, now), document)
            continue
        return d.to_booking(document)
    raise SlotTaken(ground_id, date, start, end, None, None)


def _check(
    known: reference.Reference,
    request: BookingRequest,
    by: Actor,
    now: datetime,
    zone: ZoneInfo,
) -> Student:
    """Every rule that needs no look at other bookings; the student."""
    ground, student = known.ground(request.ground_id), known.student(request.student_id)
    rules.check_may("book", by)
    rules.check_request(
        request,
        ground=ground,
        student=student,
        plan=known.plan(request.date),
        now=now,
        policy=known.policy,
        zone=zone,
    )
    return student


def _document(
    booking_id: str,
    request: BookingRequest,
    student: Student,
    by: Actor,
    now: datetime,
    as_approved: bool,
) -> d.Document:
    status = Status.APPROVED if as_approved else Status.PENDING
    history = [Decision(now, by.id, by.name, "requested", request.purpose)]
    if as_approved:
        history.append(Decision(now, by.id, by.name, "approved"))
    return d.booking_document(
        booking_id,
        Slot(request.ground_id, request.date, request.start, request.end),
        status,
        history,
        student=student,
        game=request.game,
        purpose=request.purpose,
        fingerprint=_fingerprint(request, by, as_approved),
    )


def _fingerprint(request: BookingRequest, by: Actor, as_approved: bool) -> str:
    """What was asked for and by whom: moving the booking later must not change it."""
    values = [str(getattr(request, field.name)) for field in fields(request)]
    text = json.dumps([*values, by.id, *(["approved"] if as_approved else [])])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _same_submission(kept: d.Document, fingerprint: str, submission_id: UUID) -> Booking:
    if kept["fingerprint"] != fingerprint:
        raise SubmissionReused(submission_id)
    return d.to_booking(kept)


def free_seat(
    db: Documents, student_id: str, window: str, quota: int, but: str = ""
) -> dict[str, Any]:
    """The first free seat of the student's week; raises QuotaReached."""
    taken = ledger.taken_seats(db, student_id, window, but)
    # Counted, because seats beyond the quota are held where it was higher once.
    if len(taken) >= quota:
        raise QuotaReached(student_id, window, quota)
    return {"window": window, "seat": next(seat for seat in count() if seat not in taken)}
