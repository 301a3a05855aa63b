"""Verbs that free or confirm a slot: approve, reject, revoke, cancel, and lapse.

A status changes only by an atomic update that expects the old one; who finds it changed is told
by whom. Freeing needs no other guard.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from booking_core.access.delegations import deciding_for
from booking_core.booking.preconditions import ROUNDS, already_decided, must_exist
from booking_core.domain import rules, timetable
from booking_core.domain.clock import moment
from booking_core.domain.model import ACTIVE, Actor, Booking, Decision, Status
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_booking_id, check_text
from booking_core.storage import booking_queries
from booking_core.storage import bookings as ledger
from booking_core.storage import documents as d
from booking_core.storage.database import Documents, settings_of

_PAGE = 1000  # of requests that have lapsed


def approve(
    db: Documents, booking_id: str, *, by: Actor, reason: str = "", now: datetime | None = None
) -> Booking:
    """Pending -> Approved, by a principal or who has a principal's decisions in hand today.

    Raises NotAllowed, NotFound, AlreadyDecided.
    """
    return _decide(db, booking_id, "approve", by, reason, now)


def reject(
    db: Documents, booking_id: str, *, by: Actor, reason: str, now: datetime | None = None
) -> Booking:
    """Pending -> Rejected, by whoever may approve; the slot is free again. A reason is required."""
    return _decide(db, booking_id, "reject", by, reason, now)


def revoke(
    db: Documents, booking_id: str, *, by: Actor, reason: str, now: datetime | None = None
) -> Booking:
    """Approved -> Revoked, by whoever may approve; the slot is free again. A reason is required."""
    return _decide(db, booking_id, "revoke", by, reason, now)


def cancel(
    db: Documents, booking_id: str, *, by: Actor, reason: str = "", now: datetime | None = None
) -> Booking:
    """Pending or Approved -> Cancelled, by whoever made it, a principal or an admin."""
    return _decide(db, booking_id, "cancel", by, reason, now)


# verb -> (from, to, whether a reason is required)
_DECISIONS: dict[str, tuple[tuple[Status, ...], Status, bool]] = {
    "approve": ((Status.PENDING,), Status.APPROVED, False),
    "reject": ((Status.PENDING,), Status.REJECTED, True),
    "revoke": ((Status.APPROVED,), Status.REVOKED, True),
    "cancel": (ACTIVE, Status.CANCELLED, False),
}


def _decide(
    db: Documents, booking_id: str, verb: str, by: Actor, reason: str, now: datetime | None
) -> Booking:
    expected, target, needs_reason = _DECISIONS[verb]
    booking_id = check_booking_id(booking_id)
    check_actor(by)
    reason = check_text(reason, "reason", required=needs_reason)
    now = moment(now)
    kept = must_exist(db, booking_id)
    principal = deciding_for(db, verb, by, now)
    if not principal:
        rules.check_may(verb, by, d.to_booking(kept))
    for _ in range(ROUNDS):
        if Status(kept["status"]) not in expected:
            raise already_decided(kept)
        decision = Decision(now, by.id, by.name, target.value.lower(), reason, principal)
        changed = ledger.update(
            db,
            # The date stands in the condition because the history entry carries it for the feed.
            {
                "_id": booking_id,
                "status": {"$in": [status.value for status in expected]},
                "date": kept["date"],
            },
            {
                "$set": {"status": target.value, "updated_at": now},
                "$inc": {"revision": 1},
                "$push": {"history": d.decision_document(decision, [kept["date"]])},
            },
        )
        if changed is not None:
            return changed
        kept = must_exist(db, booking_id)
    raise already_decided(kept)


def _over(db: Documents, now: datetime, zone: ZoneInfo) -> Iterator[Booking]:
    """Every request whose slot has ended, by date and time."""
    today = now.astimezone(zone).date()
    ends = timetable.ends_ahead(today, now, zone)
    rows = booking_queries.pending_over(db, today=today, ends_ahead=ends, limit=_PAGE)
    while rows:
        yield from rows
        rows = booking_queries.pending_over(
            db, today=today, ends_ahead=ends, after=rows[-1], limit=_PAGE
        )


def lapse_pending(db: Documents, *, now: datetime | None = None) -> int:
    """Pending -> Lapsed for every request whose slot has ended undecided; how many.

    Safe to run anywhere at any time: each is one conditional update.
    """
    now = moment(now)
    zone = settings_of(db).zone
    lapsed = 0
    for booking in _over(db, now, zone):
        date = booking.date.isoformat()
        decision = Decision(now, "system", "Nobody", "lapsed", "not decided in time")
        changed = ledger.update(
            db,
            {"_id": booking.id, "status": Status.PENDING.value, "date": date},
            {
                "$set": {"status": Status.LAPSED.value, "updated_at": now},
                "$inc": {"revision": 1},
                "$push": {"history": d.decision_document(decision, [date])},
            },
        )
        lapsed += changed is not None
    return lapsed
