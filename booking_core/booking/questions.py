"""Questions about a request: who decides asks, and the author answers.

Both are entries of the booking's history, each written in one update at the revision that the verb
saw. The history is also the outbox of their notices. What waits for an answer follows from the
history (``Booking.questions``): no field beside it can disagree.
"""

from __future__ import annotations

from datetime import datetime

from booking_core.access.delegations import deciding_for
from booking_core.booking.preconditions import ROUNDS, already_decided, existing_booking
from booking_core.booking.steps import logged
from booking_core.domain import rules
from booking_core.domain.errors import (
    AlreadyBegun,
    ChangedMeanwhile,
    NotAllowed,
    NotAsked,
    StoreUnavailable,
)
from booking_core.domain.model import Actor, Booking, Decision, Status
from booking_core.domain.validation import check_booking_id, check_text
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline


@within_deadline
@logged("ask")
def ask(
    db: Documents, booking_id: str, question: str, *, by: Actor, now: datetime | None = None
) -> Booking:
    """Asks the author of a request a question, for a principal or a delegate; the status stays.

    Further questions are added to those without an answer: of two who ask at the same moment, the
    author reads both. Nobody asks about an own request. Raises NotAllowed, NotFound,
    AlreadyDecided, AlreadyBegun, InvalidRequest, StoreUnavailable.
    """
    return put_question(db, booking_id, question, by=by, now=now)


def put_question(
    db: Documents,
    booking_id: str,
    question: str,
    *,
    by: Actor,
    now: datetime | None,
    mailed_revision: int | None = None,
) -> Booking:
    """``ask``; ``mailed_revision``: that of the booking which the link of a mail has shown.

    Raises ChangedMeanwhile too, where the booking has another one.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    question = check_text(question, "question", required=True)
    by_mail = mailed_revision is not None
    now, zone = moment(db, now), settings_of(db).zone
    principal = deciding_for(db, "ask", by, now)
    for _ in range(ROUNDS):
        before = existing_booking(db, booking_id)
        if not principal:
            rules.check_may("ask", by, before)
        if before.created_by == by.id:
            raise NotAllowed("ask about an own request", by.role.value)
        if before.status is not Status.PENDING:
            raise already_decided(before)
        if any((one.by, one.reason) == (by.id, question) for one in before.questions):
            return before
        if by_mail and before.revision != mailed_revision:
            raise ChangedMeanwhile("this request")
        if before.slot.has_begun(now, zone):
            raise AlreadyBegun(before.slot.starts_at(zone))
        entry = Decision(now, by.id, by.name, "asked", question, principal, by_mail=by_mail)
        after = bookings.replace(db, before, before.with_decision(before.status, entry))
        if after is not None:
            return after
    raise StoreUnavailable("the booking changes faster than a question can be stored")


@within_deadline
@logged("answer")
def answer(
    db: Documents, booking_id: str, text: str, *, by: Actor, now: datetime | None = None
) -> Booking:
    """Answers all questions about a request that wait, until its slot is over.

    For its author, a principal or an admin. Raises NotAsked where no question waits, NotAllowed,
    NotFound, AlreadyDecided, AlreadyBegun, InvalidRequest, StoreUnavailable.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    text = check_text(text, "text", required=True)
    now, zone = moment(db, now), settings_of(db).zone
    for _ in range(ROUNDS):
        before = existing_booking(db, booking_id)
        rules.check_may("answer", by, before)
        said = [entry for entry in before.history if entry.action in ("asked", "answered")]
        if said and (said[-1].action, said[-1].by, said[-1].reason) == ("answered", by.id, text):
            return before
        if before.status is not Status.PENDING:
            raise already_decided(before)
        if not before.questions:
            raise NotAsked
        if before.slot.is_over(now, zone):
            raise AlreadyBegun(before.slot.starts_at(zone))
        entry = Decision(now, by.id, by.name, "answered", text)
        after = bookings.replace(db, before, before.with_decision(before.status, entry))
        if after is not None:
            return after
    raise StoreUnavailable("the booking changes faster than an answer can be stored")
