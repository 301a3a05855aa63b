"""A request as a booking: its first history, and the fingerprint of its submission."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from booking_core.booking.steps import log_step
from booking_core.domain.errors import StoreUnavailable, SubmissionReused
from booking_core.domain.model import Actor, Booking, BookingRequest, Decision, Status, Student


def requested(
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
        fingerprint=fingerprint_of(request, by, as_approved),
    )


def fingerprint_of(request: BookingRequest, by: Actor, as_approved: bool) -> str:
    """A hash of the request and its author; a later move of the booking leaves it as it is."""
    values = [str(getattr(request, field.name)) for field in fields(request)]
    text = json.dumps([*values, by.id, *(["approved"] if as_approved else [])])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def repeated(stored: Booking | None, fingerprint: str) -> Booking:
    """The answer to a submission that was sent before."""
    if stored is None:
        # The server has it and a majority does not: nobody may be told that it is booked.
        raise StoreUnavailable("the booking is not acknowledged by a majority yet")
    if stored.fingerprint != fingerprint:
        raise SubmissionReused(UUID(stored.id))
    log_step(stored.id, "repeated")
    return stored
