"""A request as a booking: its first history, and the fingerprint of its submission."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from booking_core.booking.parties import RequestParty
from booking_core.booking.steps import log_step
from booking_core.domain.errors import StoreUnavailable, SubmissionReused
from booking_core.domain.model import (
    Account,
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Status,
)

_ALWAYS = ("ground_id", "date", "start", "end", "student_id", "game", "purpose")


def requested(
    booking_id: str,
    request: BookingRequest,
    party: RequestParty,
    supervisor: Account | None,
    by: Actor,
    as_approved: bool,
    now: datetime,
    rule: str = "",
) -> Booking:
    history = [Decision(now, by.id, by.name, "requested", request.purpose)]
    if as_approved:
        history.append(Decision(now, by.id, by.name, "approved"))
    made = Booking(
        id=booking_id,
        ground_id=request.ground_id,
        date=request.date,
        start=request.start,
        end=request.end,
        status=Status.APPROVED if as_approved else Status.PENDING,
        student_id=None,
        student_name="",
        class_name="",
        game=request.game,
        purpose=request.purpose,
        created_by=by.id,
        created_by_name=by.name,
        created_at=now,
        updated_at=now,
        history=tuple(history),
        fingerprint=fingerprint_of(request, by, as_approved, rule),
    )
    return party.of(made, supervisor)


def fingerprint_of(request: BookingRequest, by: Actor, as_approved: bool, rule: str = "") -> str:
    """A hash of the request and its author; a later move of the booking leaves it as it is.

    ``rule``: that of ``SeriesRequest.rule``, for a date of a series.
    """
    # A field beyond these counts only where it differs from its default. So a request without it
    # keeps the fingerprint that an earlier version has stored.
    values = [str(getattr(request, name)) for name in _ALWAYS]
    values += [
        f"{field.name}={getattr(request, field.name)}"
        for field in fields(request)
        if field.name not in _ALWAYS and getattr(request, field.name) != field.default
    ]
    values += [f"rule={rule}"] if rule else []
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
