"""Replacing a booking: its slot goes to another party, and it moves to a free slot or ends.

One transaction releases the slot, and inserts the new booking there through the index of claims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple
from uuid import UUID, uuid4

from booking_core.access.delegations import deciding_for
from booking_core.booking.claims import check_request, wanted_by
from booking_core.booking.confirmation import (
    check_placed,
    fresh_school,
    with_present_students,
)
from booking_core.booking.conflicts import raise_lost
from booking_core.booking.decisions import check_last_of_set, check_reason
from booking_core.booking.parties import supervisor_of
from booking_core.booking.preconditions import ROUNDS, already_decided, existing_booking
from booking_core.booking.relocation import LATER_DAYS, Proposals, Relocation, moved_to
from booking_core.booking.seats import take_seats
from booking_core.booking.steps import log_step, logged
from booking_core.booking.submissions import fingerprint_of, repeated
from booking_core.domain import rules, timetable
from booking_core.domain.claims import GROUND, claims_of, kind_of
from booking_core.domain.errors import (
    AlreadyBegun,
    ChangedMeanwhile,
    InvalidRequest,
    RuleBroken,
    StoreUnavailable,
    SubmissionReused,
)
from booking_core.domain.model import Actor, Booking, BookingRequest, Decision, Slot, Status
from booking_core.domain.validation import check_booking_id, check_revision
from booking_core.storage.bookings import transactions
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

_BOOKING = "this booking"


@dataclass(frozen=True, slots=True)
class Replacement:
    """``made``: the new booking. ``displaced``: the one before, moved or ended."""

    made: Booking
    displaced: Booking


class Successor(NamedTuple):
    """The booking that gets the slot: its id, its request and author, approved at once or not."""

    id: str
    request: BookingRequest
    author: Actor
    as_approved: bool


@within_deadline
def plan_replacement(
    db: Documents, booking_id: str, *, by: Actor, now: datetime | None = None
) -> Relocation:
    """The booking as stored, and the nearest free slot for it once another party has its own.

    The slot is found as by ``propose_moves``; None: nothing is free for it soon. Writes nothing.
    Raises as ``replace_booking`` does for this booking and user, and PartOfSet for one that neither
    moves nor ends alone.
    """
    booking_id = check_booking_id(booking_id)
    now = moment(db, now)
    _principal_of(db, by, now)
    before, known = existing_booking(db, booking_id), reference.load(db)
    _check_replaceable(db, before, now)
    closed = [
        (before.date, surface, mark)
        for surface in before.held_surfaces
        for mark in timetable.marks(before.start, before.end)
    ]
    [found] = Proposals(db, known, [before], now, closed=closed, later_days=LATER_DAYS).made()
    if found.slot is None:
        check_last_of_set(db, before)
    return found


@within_deadline
@logged("replace")
def replace_booking(
    db: Documents,
    booking_id: str,
    request: BookingRequest,
    *,
    reason: str,
    expected: int,
    move_to: Slot | None,
    by: Actor,
    submission_id: UUID | None = None,
    now: datetime | None = None,
) -> Replacement:
    """Gives the slot of an active booking that has not begun to the party of ``request``.

    For a principal or a delegate. The former booking moves to ``move_to`` by the rules of ``move``;
    None: it is revoked, or rejected where it is Pending. ``request`` asks for its slot, by the
    rules of ``book``. All of it is one transaction. ``expected`` is the revision that the user saw;
    another one raises ChangedMeanwhile. ``submission_id`` with the same content is answered as the
    first time. Raises NotAllowed, NotFound, AlreadyDecided, AlreadyBegun, PartOfSet, GroundClosed,
    SlotTaken, StudentBusy, SupervisorBusy, SubmissionReused, InvalidRequest, the errors of a broken
    rule, StoreUnavailable. An error leaves everything as it was.
    """
    rules.check_actor(by)
    booking_id, reason = _checked(booking_id, request, reason, expected, move_to, submission_id)
    return replace_by(
        db,
        booking_id,
        Successor(str(submission_id or uuid4()), request, by, rules.may("book approved", by)),
        reason=reason,
        expected=expected,
        move_to=move_to,
        by=by,
        now=moment(db, now),
    )


def replace_by(
    db: Documents,
    booking_id: str,
    successor: Successor,
    *,
    reason: str,
    expected: int,
    move_to: Slot | None,
    by: Actor,
    now: datetime,
    is_at_its_slot: bool = True,
) -> Replacement:
    """As ``replace_booking``, by a booking that may be somebody else's.

    ``is_at_its_slot`` False: it needs a part of what the former booking holds.
    """
    zone = settings_of(db).zone
    principal = _principal_of(db, by, now)
    new_id, request, author, as_approved = successor
    fingerprint = fingerprint_of(request, author, as_approved)
    check = partial(check_request, request=request, by=author, now=now, zone=zone)
    for tried in count():
        if (made := bookings.read(db, new_id)) is not None:
            return _repeated(db, booking_id, repeated(made, fingerprint), reason, move_to, by)
        before = existing_booking(db, booking_id)
        if before.revision != expected:
            # The same submission may have been stored since the look at it.
            if (made := bookings.read(db, new_id)) is not None:
                return _repeated(db, booking_id, repeated(made, fingerprint), reason, move_to, by)
            raise ChangedMeanwhile(_BOOKING)
        _check_replaceable(db, before, now)
        asked = Slot(request.ground_id, request.date, request.start, request.end)
        if is_at_its_slot and before.slot != asked:
            raise InvalidRequest("request", "asks for another slot than that of the booking")
        if move_to is None:
            check_last_of_set(db, before)
        known = reference.load(db)
        wanted = wanted_by(
            known,
            request,
            check(known),
            supervisor_of(db, request),
            new_id,
            author,
            as_approved,
            now,
        )
        written: list[Booking] = []

        def work(
            step: transactions.BookingTransaction,
            known: reference.Reference = known,
            before: Booking = before,
            wanted: Booking = wanted,
            written: list[Booking] = written,
        ) -> Replacement:
            step.check_school(known.revision)
            after = _displaced(db, step, known, before, move_to, by, reason, principal, now)
            written[:] = [wanted, after]
            _check_apart(wanted, after)
            if after.status.is_active:
                left = step.exchange([(before, after)])
            else:
                left = step.replace_all([(before, after)])
            if left is None:
                raise ChangedMeanwhile(_BOOKING)
            made = written[0] = _seated(step, known, wanted)
            step.insert([made])
            return Replacement(made, left[0])

        try:
            done = transactions.run(db, work)
        except (transactions.SchoolChanged, ChangedMeanwhile, bookings.AlreadyStored):
            pass  # the next round reads again, and answers or raises the error of the change
        except bookings.ClaimTaken as lost:
            if existing_booking(db, booking_id) == before:
                one = next(one for one in written if lost.claim in claims_of(one))
                raise_lost(db, known, one, lost.claim, now, tried)
        else:
            return _confirmed(db, known, before, done, check)
        if tried >= 2 * ROUNDS:
            break
    raise StoreUnavailable("the booking changes faster than it can be replaced")


def _checked(
    booking_id: str,
    request: BookingRequest,
    reason: str,
    expected: int,
    move_to: Slot | None,
    submission_id: UUID | None,
) -> tuple[str, str]:
    """The id and the reason as stored; raises InvalidRequest for an argument of another kind."""
    booking_id, reason = check_booking_id(booking_id), check_reason(reason)
    if not isinstance(request, BookingRequest):
        raise InvalidRequest("request", "must be a BookingRequest")
    check_revision(expected, "expected")
    if move_to is not None and not isinstance(move_to, Slot):
        raise InvalidRequest("move_to", "must be a Slot")
    if submission_id is not None and not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    return booking_id, reason


def _principal_of(db: Documents, by: Actor, now: datetime) -> str:
    """The name of the principal for whom a delegate decides; "" for a principal. Raises
    NotAllowed."""
    rules.check_actor(by)
    principal = deciding_for(db, "revoke", by, now)
    if not principal:
        rules.check_may("replace", by)
    return principal


def _check_replaceable(db: Documents, before: Booking, now: datetime) -> None:
    if not before.status.is_active:
        raise already_decided(before)
    zone = settings_of(db).zone
    if before.slot.has_begun(now, zone):
        raise AlreadyBegun(before.slot.starts_at(zone))


def _displaced(
    db: Documents,
    step: transactions.BookingTransaction,
    known: reference.Reference,
    before: Booking,
    move_to: Slot | None,
    by: Actor,
    reason: str,
    principal: str,
    now: datetime,
) -> Booking:
    """``before`` at the slot ``move_to``, or ended without one."""
    if move_to is not None:
        moves = [(before, move_to, "")]
        [(_, after)] = moved_to(db, known, moves, by, reason, now, step.taken_seats)
        return after
    status = Status.REVOKED if before.status is Status.APPROVED else Status.REJECTED
    entry = Decision(now, by.id, by.name, status.value.lower(), reason, principal)
    return before.with_decision(status, entry)


def _check_apart(wanted: Booking, after: Booking) -> None:
    """Raises InvalidRequest where the displaced booking would keep a part of its slot."""
    if not after.status.is_active:
        return
    both = set(claims_of(wanted)).intersection(claims_of(after))
    if any(kind_of(claim) == GROUND for claim in both):
        raise InvalidRequest("move_to", "overlaps the slot that the new booking gets")


def _seated(
    step: transactions.BookingTransaction, known: reference.Reference, wanted: Booking
) -> Booking:
    """``wanted`` with the seats that are free now that the displaced booking has let go of its
    own; raises QuotaReached."""
    quota = known.policy.quota_of(wanted.party)
    if quota is None:
        return wanted.seated(None, ())
    window = timetable.iso_week(wanted.date)
    taken = step.taken_seats((holder, window) for holder, _ in wanted.quota_holders)
    return wanted.seated(window, take_seats(wanted, window, quota, taken))


def _repeated(
    db: Documents, booking_id: str, made: Booking, reason: str, move_to: Slot | None, by: Actor
) -> Replacement:
    """The answer to a replacement that was sent before; ``made`` is its booking."""
    displaced = existing_booking(db, booking_id)
    for before, entry in zip((None, *displaced.history), displaced.history, strict=False):
        if before is None or (entry.at, entry.by) != (made.created_at, by.id):
            continue
        if entry.reason == reason and (entry.moved_from is None) == (move_to is None):
            return Replacement(made, displaced)
    raise SubmissionReused(UUID(made.id))


def _confirmed(
    db: Documents,
    known: reference.Reference,
    before: Booking,
    done: Replacement,
    check: Callable[[reference.Reference], object],
) -> Replacement:
    """Both as stored. Both are taken back where one breaks a rule of the school as of now."""
    fresh = fresh_school(db, known)
    if fresh is known:
        return done
    try:
        check_placed(fresh, done.made, check)
        if done.displaced.status.is_active:
            check_placed(fresh, done.displaced)
    except (RuleBroken, InvalidRequest, ChangedMeanwhile) as exc:
        if take_back(db, before, done):
            log_step(done.made.id, "undone", layer="school", reason=type(exc).__name__)
            raise
        return done
    made = with_present_students(db, fresh, done.made)
    return Replacement(made, with_present_students(db, fresh, done.displaced))


def take_back(db: Documents, before: Booking, done: Replacement) -> bool:
    """Whether the new booking is deleted and the former one as before."""

    def work(step: transactions.BookingTransaction) -> None:
        if not step.undo(None, done.made) or not step.undo(before, done.displaced):
            raise ChangedMeanwhile(_BOOKING)
        step.withdraw_notices([before], done.made.created_at)

    try:
        transactions.run(db, work)
    except ChangedMeanwhile:
        return False  # they were changed since
    return True
