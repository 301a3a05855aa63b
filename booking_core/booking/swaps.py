"""Swapping two bookings: each takes the other's slot, by the rules of a move, or neither does.

One transaction releases both slots and takes them, at the revisions that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from booking_core.access.delegations import decides
from booking_core.booking.confirmation import check_placed, confirmed, fresh_school
from booking_core.booking.conflicts import error_for, raise_lost
from booking_core.booking.preconditions import ROUNDS, already_decided, existing_pair
from booking_core.booking.relocation import moved_to
from booking_core.booking.steps import log_step, logged
from booking_core.domain import rules
from booking_core.domain.claims import claims_of
from booking_core.domain.errors import (
    AlreadyBegun,
    ChangedMeanwhile,
    InvalidRequest,
    NotAllowed,
    RuleBroken,
    StoreUnavailable,
)
from booking_core.domain.model import Actor, Booking, Decision, Slot
from booking_core.domain.validation import check_booking_id, check_text
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_Pair = tuple[Booking, Booking]
_Changes = list[tuple[Booking, Booking]]  # (before, after) of each booking
_BOTH = "one of these bookings"


@within_deadline
def plan_swap(
    db: Documents, first_id: str, second_id: str, *, by: Actor, now: datetime | None = None
) -> tuple[Booking, Booking]:
    """Both bookings as ``swap`` would leave them, in the order of the ids. Writes nothing.

    Raises as ``swap`` does, but ChangedMeanwhile.
    """
    ids = _ids(first_id, second_id)
    rules.check_actor(by)
    now = moment(db, now)
    return plan(db, _read(db, ids, by, now), by, now)


def plan(db: Documents, both: _Pair, by: Actor, now: datetime) -> _Pair:
    """As ``plan_swap``, without the check whether ``by`` may swap them."""
    known, ids = reference.load(db), (both[0].id, both[1].id)
    _check_swappable(db, both, now)

    def look(looking: transactions.BookingTransaction) -> tuple[_Changes, list[Booking]]:
        changes = _changes(db, looking, known, both, by, "", now)
        claims = [claim for _, after in changes for claim in claims_of(after)]
        return changes, looking.holders(claims)

    changes, holding = transactions.reading(db, look)
    held = {c for other in holding if other.id not in ids for c in claims_of(other)}
    for _, after in changes:
        for claim in sorted(held.intersection(claims_of(after))):
            if (error := error_for(db, known, after, claim, now)) is not None:
                raise error
    (_, first), (_, second) = changes
    return first, second


@within_deadline
@logged("swap")
def swap(
    db: Documents,
    first_id: str,
    second_id: str,
    *,
    reason: str = "",
    expected: Mapping[str, Slot] | None = None,
    by: Actor,
    now: datetime | None = None,
) -> tuple[Booking, Booking]:
    """Two active bookings that have not begun take each other's slots; both, in that order.

    A user who may decide can swap any two, and an author two own ones; a delegate decides on no own
    one. Each
    follows the rules of ``move`` and keeps or loses its approval as by ``move``. An author who did
    not do it gets a notice. ``expected`` (id -> slot) is what the user saw; other slots raise
    ChangedMeanwhile. Sent again, it answers as the first time: without ``expected``, bookings that
    this user has swapped for this reason, and that nobody has changed since, stay. Raises
    InvalidRequest, NotFound, NotAllowed, AlreadyDecided, AlreadyBegun, PartOfSet, GroundClosed,
    SlotTaken, StudentBusy, SupervisorBusy, the errors of a broken rule, StoreUnavailable.
    """
    ids = _ids(first_id, second_id)
    rules.check_actor(by)
    reason = check_text(reason, "reason")
    if expected is not None and not isinstance(expected, Mapping):
        raise InvalidRequest("expected", "must map ids to slots")
    now = moment(db, now)
    seen = None if expected is None else dict(expected)
    return swap_as_seen(
        db,
        ids,
        seen,
        reason=reason,
        by=by,
        now=now,
        check=lambda both: _check_allowed(db, both, by, now),
    )


def swap_as_seen(
    db: Documents,
    ids: tuple[str, str],
    seen: Mapping[str, Slot] | None,
    *,
    reason: str,
    by: Actor,
    now: datetime,
    check: Callable[[_Pair], None],
    also: Callable[[transactions.BookingTransaction], None] = lambda step: None,
) -> _Pair:
    """As ``swap`` with ``seen`` as ``expected``.

    ``check`` raises where ``by`` may not swap the two as stored. ``also`` writes in the same
    transaction; it may raise ChangedMeanwhile, after which ``check`` looks again.
    """
    for tried in count():
        both = existing_pair(db, ids)
        slots = {booking.id: booking.slot for booking in both}
        if seen != slots and _is_repeated(both, by, reason):
            return both
        check(both)
        if seen is not None and seen != slots:
            raise ChangedMeanwhile(_BOTH)
        seen = slots  # another slot is none that the user asked for
        _check_swappable(db, both, now)
        known = reference.load(db)
        changes: _Changes = []

        def work(
            step: transactions.BookingTransaction,
            known: reference.Reference = known,
            both: _Pair = both,
            changes: _Changes = changes,
        ) -> list[Booking]:
            step.check_school(known.revision)
            also(step)
            changes[:] = _changes(db, step, known, both, by, reason, now)
            if (swapped := step.exchange(changes)) is None:
                raise ChangedMeanwhile(_BOTH)  # undoes the half that was written
            # A notice names the slot that its reader knows.
            left = [
                after.placed(before.slot, before.held_surfaces)
                for before, after in changes
                if before.created_by != by.id
            ]
            step.notify("displaced", left, by, reason)
            return swapped

        try:
            swapped = transactions.run(db, work)
        except (transactions.SchoolChanged, ChangedMeanwhile):
            pass  # the next round reads both again and raises the error of what has changed
        except bookings.ClaimTaken as lost:
            if existing_pair(db, ids) == both:
                wanted = next(after for _, after in changes if lost.claim in claims_of(after))
                raise_lost(db, known, wanted, lost.claim, now, tried)
        else:
            pairs = [(old, new) for (old, _), new in zip(changes, swapped, strict=True)]
            return _confirmed(db, known, pairs, by, now)
        if tried >= 2 * ROUNDS:
            break
    raise StoreUnavailable("the bookings change faster than they can be swapped")


def _ids(first_id: str, second_id: str) -> tuple[str, str]:
    first, second = check_booking_id(first_id), check_booking_id(second_id)
    if first == second:
        raise InvalidRequest("second_id", "is the same booking")
    return first, second


def _read(db: Documents, ids: tuple[str, str], by: Actor, now: datetime) -> _Pair:
    """Both bookings as stored; raises NotFound, NotAllowed."""
    both = existing_pair(db, ids)
    _check_allowed(db, both, by, now)
    return both


def _check_allowed(db: Documents, both: _Pair, by: Actor, now: datetime) -> None:
    if all(rules.may("swap", by, booking) for booking in both):
        return
    if any(booking.created_by == by.id for booking in both) or not decides(db, by, now):
        raise NotAllowed("swap", by.role.value)


def _is_repeated(both: Sequence[Booking], by: Actor, reason: str) -> bool:
    """Whether ``by`` has swapped them for this reason, and nobody has changed them since."""
    (one, other), (last, partner) = both, [booking.history[-1] for booking in both]
    return (
        (last.moved_from, partner.moved_from) == (other.slot, one.slot)
        and last.at == partner.at
        and all(
            (e.action, e.by, e.reason) == ("moved", by.id, reason) and not e.of_series
            for e in (last, partner)
        )
    )


def _check_swappable(db: Documents, both: Sequence[Booking], now: datetime) -> None:
    zone = settings_of(db).zone
    for booking in both:
        if not booking.status.is_active:
            raise already_decided(booking)
        if booking.slot.has_begun(now, zone):
            raise AlreadyBegun(booking.slot.starts_at(zone))


def _changes(
    db: Documents,
    step: transactions.BookingTransaction,
    known: reference.Reference,
    both: _Pair,
    by: Actor,
    reason: str,
    now: datetime,
) -> _Changes:
    first, second = both
    moves = [(first, second.slot, ""), (second, first.slot, "")]
    return moved_to(db, known, moves, by, reason, now, step.taken_seats)


def _confirmed(
    db: Documents, known: reference.Reference, pairs: _Changes, by: Actor, now: datetime
) -> _Pair:
    """Both as stored. They are swapped back where one breaks a rule of the school as of now."""
    fresh = fresh_school(db, known)
    try:
        for _, after in pairs if fresh is not known else ():
            check_placed(fresh, after)
    except (RuleBroken, InvalidRequest, ChangedMeanwhile) as exc:
        if _swapped_back(db, pairs, by, now):
            log_step(pairs[0][0].id, "undone", layer="school", reason=type(exc).__name__)
            raise
    first, second = (confirmed(db, known, before, after) for before, after in pairs)
    return first, second


def _swapped_back(db: Documents, pairs: _Changes, by: Actor, now: datetime) -> bool:
    """Whether both have their former slots, seats and status again."""
    back = []
    for before, after in pairs:
        entry = Decision(now, by.id, by.name, "undone", "the school changed", moved_from=after.slot)
        former = replace(before, history=after.history, revision=after.revision)
        back.append((after, former.with_decision(before.status, entry)))

    def work(step: transactions.BookingTransaction) -> None:
        if step.exchange(back) is None:
            raise ChangedMeanwhile(_BOTH)
        step.withdraw_notices([before for before, _ in pairs], now)

    try:
        transactions.run(db, work)
    except (ChangedMeanwhile, bookings.ClaimTaken):
        return False  # they were changed since
    return True
