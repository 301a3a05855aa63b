"""The verbs that claim a slot: book and move.

Both validate, check the rules, derive the claims and write once. The unique index on claims
decides every race; a lost claim is looked up, so that the error names its holder.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from datetime import date as Date
from datetime import datetime, time
from itertools import count
from uuid import UUID, uuid4

from booking_core.access.delegations import decides
from booking_core.booking import conflicts
from booking_core.booking.preconditions import ROUNDS, already_decided, existing_booking
from booking_core.booking.steps import log_step
from booking_core.domain import rules, timetable
from booking_core.domain.claims import QUOTA, kind_of
from booking_core.domain.clock import moment
from booking_core.domain.errors import (
    BookingError,
    InvalidRequest,
    NotAPeriod,
    QuotaReached,
    RuleBroken,
    SlotTaken,
    StoreUnavailable,
    SubmissionReused,
)
from booking_core.domain.model import (
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Slot,
    Status,
    Student,
)
from booking_core.domain.validation import (
    check_booking_id,
    check_date,
    check_id,
    check_text,
    check_time,
    minutes,
)
from booking_core.storage import bookings
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents, reachable, settings_of, within_deadline


@within_deadline
def book(
    db: Documents,
    request: BookingRequest,
    *,
    by: Actor,
    submission_id: UUID | None = None,
    as_approved: bool | None = None,
    now: datetime | None = None,
) -> Booking:
    """Requests a slot. The booking is Pending and holds the slot until it is decided.

    ``as_approved`` None: the booking of a principal is Approved at once, any other is Pending.
    ``submission_id`` is made when the review opens: the same id with the same content returns the
    same booking, however often it is sent. Raises InvalidRequest, RuleBroken, SlotTaken,
    StudentBusy, SubmissionReused, NotAllowed, StoreUnavailable.
    """
    if not isinstance(request, BookingRequest):
        raise InvalidRequest("request", "must be a BookingRequest")
    rules.check_actor(by)
    if submission_id is not None and not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    if as_approved is None:
        as_approved = rules.may("book approved", by)
    elif not isinstance(as_approved, bool):
        raise InvalidRequest("as_approved", "must be true or false")
    elif as_approved:
        rules.check_may("book approved", by)
    now, booking_id = moment(now), str(submission_id or uuid4())
    with reachable():
        try:
            booking = _book(db, request, booking_id, by, as_approved, now)
        except (RuleBroken, NotAPeriod) as exc:
            log_step(booking_id, "refused", layer="rules", reason=type(exc).__name__)
            # A submission that is sent again may come when the rules would refuse it by now.
            stored = bookings.read(db, booking_id) if submission_id is not None else None
            if stored is None:
                raise
            return _repeated(stored, _fingerprint(request, by, as_approved))
        except BookingError as exc:
            log_step(booking_id, "refused", layer="index", reason=type(exc).__name__)
            raise
    return booking


def _book(
    db: Documents,
    request: BookingRequest,
    booking_id: str,
    by: Actor,
    as_approved: bool,
    now: datetime,
) -> Booking:
    zone, lost_seat, tried = settings_of(db).zone, False, count()
    while True:
        known = reference.load(db)
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
        wanted = _requested(booking_id, request, student, by, as_approved, now)
        slot = wanted.slot
        log_step(
            booking_id,
            "validated",
            ground=slot.ground_id,
            date=slot.date,
            start=f"{slot.start:%H:%M}",
            end=f"{slot.end:%H:%M}",
        )
        wanted = with_seat(db, known, wanted, count_seats=lost_seat)
        try:
            bookings.insert(db, wanted)
        except bookings.AlreadyStored:
            return _repeated(bookings.read(db, booking_id), wanted.fingerprint)
        except bookings.ClaimTaken as lost:
            if stored := bookings.read(db, booking_id):  # sent twice, and moved since
                return _repeated(stored, wanted.fingerprint)
            lost_seat = kind_of(lost.claim) == QUOTA
            raise_lost(db, known, wanted, lost.claim, now, next(tried))
            continue
        log_step(booking_id, "inserted", status=wanted.status.value)
        return wanted


@within_deadline
def move(
    db: Documents,
    booking_id: str,
    *,
    ground_id: str | None = None,
    date: Date | None = None,
    start: time | None = None,
    end: time | None = None,
    reason: str = "",
    by: Actor,
    now: datetime | None = None,
) -> Booking:
    """Moves an active booking. The old slot is kept until the new one is won.

    Parts of the slot that are None stay. An approved booking becomes Pending again, unless ``by``
    may decide; the history keeps the approval. A booking that is over is moved only as a
    correction, by a principal or an admin, with a ``reason``. Raises as ``book`` does, and
    NotFound, AlreadyDecided.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    reason = check_text(reason, "reason")
    now, zone = moment(now), settings_of(db).zone
    lost_seat, tried = False, count()
    with reachable():
        while True:
            before = existing_booking(db, booking_id)
            rules.check_may("move", by, before)
            if not before.status.is_active:
                raise already_decided(before)
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
            correction = rules.check_change(before, by, reason, now, zone)
            known = reference.load(db)
            ground = known.ground(slot.ground_id)
            rules.check_place(known.plan(slot.date), slot.start, slot.end, ground, before.game)
            if not (correction and rules.is_over(slot, now, zone)):
                rules.check_time(slot.date, slot.start, now, known.policy, zone)
            entry = Decision(
                now, by.id, by.name, "moved", reason, moved_from=before.slot, correction=correction
            )
            wanted = replace(
                _placed(before, slot),
                status=before.status if _keeps_approval(db, before, by, now) else Status.PENDING,
                updated_at=now,
                history=(*before.history, entry),
            )
            wanted = with_seat(db, known, wanted, before=before, count_seats=lost_seat)
            try:
                after = bookings.replace(db, before, wanted)
            except bookings.ClaimTaken as lost:
                lost_seat = kind_of(lost.claim) == QUOTA
                raise_lost(db, known, wanted, lost.claim, now, next(tried))
                continue
            if after is not None:
                return after
            if next(tried) >= ROUNDS:
                raise StoreUnavailable("the booking changes faster than it can be moved")


def with_seat(
    db: Documents,
    known: reference.Reference,
    wanted: Booking,
    *,
    before: Booking | None = None,
    count_seats: bool = False,
) -> Booking:
    """``wanted`` with a seat of the student's quota in its week; raises QuotaReached.

    A booking that stays in its week keeps its seat. The first seat is tried without a read, since
    most bookings are a student's first of the week; the seats are counted first once a seat was
    lost (``count_seats``), and in weeks that were open when the quota was lowered: there, more
    seats may be held than the quota has, while the first one is free.
    """
    quota, window = known.policy.quota, timetable.iso_week(wanted.date)
    if before is not None and timetable.iso_week(before.date) == window and not count_seats:
        return wanted
    if quota is None:
        return replace(wanted, quota_window=None, quota_seat=None)
    recount = known.recount_until
    seat = 0
    if count_seats or (recount is not None and wanted.date <= recount):
        seat = free_seat(db, str(wanted.student_id), window, quota, wanted.id)
    return replace(wanted, quota_window=window, quota_seat=seat)


def free_seat(db: Documents, student_id: str, window: str, quota: int, but: str) -> int:
    """The first free seat of the student's week; raises QuotaReached.

    The held seats are counted, since seats beyond the quota are held where it was higher once.
    """
    taken = bookings.taken_seats(db, [(student_id, window)], but)[(student_id, window)]
    if len(taken) >= quota:
        raise QuotaReached(student_id, window, quota)
    return next(seat for seat in count() if seat not in taken)


def raise_lost(
    db: Documents,
    known: reference.Reference,
    wanted: Booking,
    claim: str,
    now: datetime,
    tried: int,
) -> None:
    """Raises the error for a lost ``claim``; returns when another try may win.

    That is so for a seat of the quota, whose count then decides, and for a claim whose holder
    has left since.
    """
    if kind_of(claim) == QUOTA:
        if tried < ROUNDS + (known.policy.quota or 0):
            return
        week = timetable.iso_week(wanted.date)
        raise QuotaReached(str(wanted.student_id), week, known.policy.quota or 0)
    if (error := conflicts.error_for(db, known, wanted, claim, now)) is not None:
        raise error
    if tried >= ROUNDS:
        slot = wanted.slot
        raise SlotTaken(slot.ground_id, slot.date, slot.start, slot.end, None, None)


def _keeps_approval(db: Documents, booking: Booking, by: Actor, now: datetime) -> bool:
    """Whether a move by ``by`` leaves the status as it is.

    A delegate decides, but never on an own request.
    """
    if booking.status is not Status.APPROVED or by.role.decides:
        return True
    return booking.created_by != by.id and decides(db, by, now)


def _requested(
    booking_id: str,
    request: BookingRequest,
    student: Student,
    by: Actor,
    as_approved: bool,
    now: datetime,
) -> Booking:
    history = [Decision(now, by.id, by.name, "requested", request.purpose)]
    if as_approved:
        history.append(Decision(now, by.id, by.name, "approved"))
    return Booking(
        id=booking_id,
        ground_id=request.ground_id,
        date=request.date,
        start=request.start,
        end=request.end,
        status=Status.APPROVED if as_approved else Status.PENDING,
        student_id=student.id,
        student_name=student.name,
        class_name=student.class_name,
        game=request.game,
        purpose=request.purpose,
        created_by=by.id,
        created_by_name=by.name,
        created_at=now,
        updated_at=now,
        history=tuple(history),
        fingerprint=_fingerprint(request, by, as_approved),
    )


def _placed(booking: Booking, slot: Slot) -> Booking:
    return replace(
        booking, ground_id=slot.ground_id, date=slot.date, start=slot.start, end=slot.end
    )


def _fingerprint(request: BookingRequest, by: Actor, as_approved: bool) -> str:
    """A hash of the request and its author; a later move of the booking leaves it as it is."""
    values = [str(getattr(request, field.name)) for field in fields(request)]
    text = json.dumps([*values, by.id, *(["approved"] if as_approved else [])])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _repeated(stored: Booking | None, fingerprint: str) -> Booking:
    """The answer to a submission that was sent before."""
    if stored is None:
        # The server has it and a majority does not: nobody may be told that it is booked.
        raise StoreUnavailable("the booking is not acknowledged by a majority yet")
    if stored.fingerprint != fingerprint:
        raise SubmissionReused(UUID(stored.id))
    log_step(stored.id, "repeated")
    return stored
