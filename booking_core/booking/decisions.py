"""The verbs that confirm or free a slot: approve, reject, revoke, cancel, end early, and lapse.

A status changes only by an atomic update at the revision that the verb saw, so a change made
meanwhile is never overwritten. Freeing needs no other guard. A verb that is sent again by the same
user with the same content is answered as the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import partial

from booking_core.access.delegations import deciding_for
from booking_core.booking.confirmation import check_stored, confirmed
from booking_core.booking.corrections import check_past_request
from booking_core.booking.preconditions import (
    ROUNDS,
    already_decided,
    existing_booking,
    is_repeated,
)
from booking_core.booking.steps import logged
from booking_core.domain import rules, timetable
from booking_core.domain.errors import (
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    PartOfSet,
    StoreUnavailable,
)
from booking_core.domain.model import ACTIVE, Actor, Booking, Decision, Slot, Status
from booking_core.domain.validation import check_booking_id, check_text, minutes
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_BATCH = 500  # requests that lapse between two reads
_LAPSE_SECONDS = 60.0  # enough for the requests of a summer; a cut-off run keeps its result
_SYSTEM = ("system", "Nobody")  # the author of what no user decides


@within_deadline
@logged("approve")
def approve(
    db: Documents,
    booking_id: str,
    *,
    by: Actor,
    reason: str = "",
    expected: Slot | Booking | None = None,
    now: datetime | None = None,
) -> Booking:
    """Pending -> Approved, by a principal or a delegate, who never approves an own request.

    The rules that may have changed since the request are checked again. ``expected`` is the booking
    that the user saw, or its slot: ChangedMeanwhile is raised where it has another slot by now or,
    of a booking, other people. Raises NotAllowed, NotFound, AlreadyDecided, RuleBroken,
    InvalidRequest, StoreUnavailable.
    """
    if expected is not None and not isinstance(expected, Slot | Booking):
        raise InvalidRequest("expected", "must be a Slot or a Booking")
    return decide(db, booking_id, "approve", by, reason, now, expected)


@within_deadline
@logged("reject")
def reject(
    db: Documents, booking_id: str, *, by: Actor, reason: str, now: datetime | None = None
) -> Booking:
    """Pending -> Rejected, by a principal or a delegate; the slot is free again.

    Raises as ``approve`` does, and InvalidRequest without a reason.
    """
    return decide(db, booking_id, "reject", by, reason, now)


@within_deadline
@logged("revoke")
def revoke(
    db: Documents, booking_id: str, *, by: Actor, reason: str, now: datetime | None = None
) -> Booking:
    """Approved -> Revoked, by a principal or a delegate; the slot is free again.

    Raises as ``approve`` does, and InvalidRequest without a reason.
    """
    return decide(db, booking_id, "revoke", by, reason, now)


@within_deadline
@logged("cancel")
def cancel(
    db: Documents, booking_id: str, *, by: Actor, reason: str = "", now: datetime | None = None
) -> Booking:
    """Pending or Approved -> Cancelled, by its author, a principal or an admin.

    Raises as ``approve`` does.
    """
    return decide(db, booking_id, "cancel", by, reason, now)


@dataclass(frozen=True, slots=True)
class MailDecision:
    """A decision by the link of a mail, on the booking of ``revision``.

    ``write`` stores (before, after) and uses the link up; its answer is that of ``writes.replace``.
    """

    revision: int
    write: Callable[[Booking, Booking], Booking | None]


# verb -> (from, to, whether a reason is required)
_DECISIONS: dict[str, tuple[tuple[Status, ...], Status, bool]] = {
    "approve": ((Status.PENDING,), Status.APPROVED, False),
    "reject": ((Status.PENDING,), Status.REJECTED, True),
    "revoke": ((Status.APPROVED,), Status.REVOKED, True),
    "cancel": (ACTIVE, Status.CANCELLED, False),
}


def check_reason(reason: str) -> str:
    """The reason of a rejection or revocation as it is stored. Raises InvalidRequest."""
    return check_text(reason, "reason", required=True)


def decide(
    db: Documents,
    booking_id: str,
    verb: str,
    by: Actor,
    reason: str,
    now: datetime | None,
    expected: Slot | Booking | None = None,
    mailed: MailDecision | None = None,
) -> Booking:
    """What the verbs above have in common; ``mailed``: by the link of a mail."""
    sources, target, needs_reason = _DECISIONS[verb]
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    reason = check_reason(reason) if needs_reason else check_text(reason, "reason")
    now, zone = moment(db, now), settings_of(db).zone
    principal = deciding_for(db, verb, by, now)
    for _ in range(ROUNDS):
        before = existing_booking(db, booking_id)
        if not principal:
            rules.check_may(verb, by, before)
        elif verb == "approve" and before.created_by == by.id:
            raise NotAllowed("approve an own request", by.role.value)
        if before.status not in sources and not (
            before.status is target and is_repeated(before, target.value.lower(), by, reason)
        ):
            raise already_decided(before)
        if expected is not None and not before.is_as(expected):
            is_moved = before.slot != (expected if isinstance(expected, Slot) else expected.slot)
            raise ChangedMeanwhile(f"the {'slot' if is_moved else 'party'} of this booking")
        if before.status is target:
            return before
        if mailed is not None and before.revision != mailed.revision:
            raise ChangedMeanwhile("this request")
        correction = rules.check_change(verb, before, by, reason, now, zone)
        known = None
        if verb == "approve" and correction:
            check_past_request(db, reference.load(db), before)
        elif verb == "approve":
            known = reference.load(db)
            check_stored(known, before)
        if not target.is_active:
            check_last_of_set(db, before)
        entry = Decision(
            now,
            by.id,
            by.name,
            target.value.lower(),
            reason,
            principal,
            correction=correction,
            by_mail=mailed is not None,
        )
        wanted = before.with_decision(target, entry)
        write = partial(bookings.replace, db) if mailed is None else mailed.write
        after = write(before, wanted)
        if after is not None:
            return after if known is None else confirmed(db, known, before, after)
    raise StoreUnavailable("the booking changes faster than it can be decided")


def check_last_of_set(db: Documents, booking: Booking, end: time = time()) -> None:
    """Raises PartOfSet for the first ground of a set while others of it are active: it claims their
    people.

    ``end``: where it ends early, only others that are active after that count.
    """
    if booking.set_place != 0:
        return
    until = minutes(end)
    for other in booking_queries.of_series(db, str(booking.series)):
        is_later = other.status.is_active and minutes(other.end, closing=True) > until
        if is_later and other.id != booking.id:
            raise PartOfSet


@within_deadline
@logged("end_early")
def end_early(
    db: Documents, booking_id: str, *, by: Actor, reason: str = "", now: datetime | None = None
) -> Booking:
    """Ends a running booking at the next 5-minute mark; the rest of its slot is free for others.

    For its author, a principal or an admin. The status stays, and the seat of the quota stays
    spent. Raises NotRunning, NotAllowed, NotFound, AlreadyDecided, InvalidRequest, PartOfSet for
    the first ground of a set while another one goes on, StoreUnavailable.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    reason = check_text(reason, "reason")
    now, zone = moment(db, now), settings_of(db).zone
    for _ in range(ROUNDS):
        before = existing_booking(db, booking_id)
        rules.check_may("end early", by, before)
        if not before.status.is_active:
            raise already_decided(before)
        last = before.history[-1]
        if (last.action, last.by, last.reason) == ("ended early", by.id, reason):
            return before
        end = rules.early_end(before.slot, now, zone)
        if end == before.end:
            return before
        check_last_of_set(db, before, end)
        entry = Decision(now, by.id, by.name, "ended early", reason, moved_from=before.slot)
        wanted = replace(before.with_decision(before.status, entry), end=end)
        after = bookings.replace(db, before, wanted)
        if after is not None:
            return after
    raise StoreUnavailable("the booking changes faster than it can be ended")


@within_deadline(seconds=_LAPSE_SECONDS)
def lapse_pending(db: Documents, *, now: datetime | None = None) -> int:
    """Pending -> Lapsed for every request whose slot has ended undecided; how many.

    It may run anywhere at any time: each is one atomic update, at the revision that was found.
    Raises InvalidRequest, StoreUnavailable.
    """
    now, zone = moment(db, now), settings_of(db).zone
    today = now.astimezone(zone).date()
    ahead = timetable.ends_ahead(today, now, zone)
    lapsed, last = 0, None
    while found := booking_queries.pending_over(
        db, today=today, ends_ahead=ahead, after=last, limit=_BATCH
    ):
        for before in found:
            entry = Decision(now, *_SYSTEM, "lapsed", "not decided in time")
            after = bookings.replace(db, before, before.with_decision(Status.LAPSED, entry))
            lapsed += after is not None
        last = found[-1]
    return lapsed
