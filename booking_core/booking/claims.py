"""The verbs that claim a slot: book and move.

Both validate, check the rules, derive the claims and write once. The unique index on claims
decides every race; a lost claim is looked up, so that the error names its holder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date as Date
from datetime import datetime, time
from functools import partial
from itertools import count
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from booking_core.access.delegations import decides
from booking_core.booking.confirmation import confirmed
from booking_core.booking.conflicts import raise_lost
from booking_core.booking.corrections import check_past_place
from booking_core.booking.parties import RequestParty, named, party_of, students_of, supervisor_of
from booking_core.booking.preconditions import ROUNDS, already_decided, existing_booking
from booking_core.booking.seats import with_seat
from booking_core.booking.steps import log_step, logged
from booking_core.booking.submissions import fingerprint_of, repeated, requested
from booking_core.domain import rules
from booking_core.domain.claims import QUOTA, kind_of
from booking_core.domain.errors import (
    InvalidRequest,
    QuotaReached,
    RuleBroken,
    StoreUnavailable,
)
from booking_core.domain.model import (
    Account,
    Actor,
    Booking,
    BookingRequest,
    Decision,
    Slot,
    Status,
)
from booking_core.domain.validation import (
    check_booking_id,
    check_date,
    check_id,
    check_text,
    check_time,
    minutes,
)
from booking_core.storage.bookings import writes as bookings
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference


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
    same booking, however often it is sent. The game is stored as the ground spells it. Raises
    InvalidRequest, RuleBroken, SlotTaken, StudentBusy, SupervisorBusy, SubmissionReused,
    NotAllowed, StoreUnavailable.
    """
    if not isinstance(request, BookingRequest):
        raise InvalidRequest("request", "must be a BookingRequest")
    rules.check_actor(by)
    if submission_id is not None and not isinstance(submission_id, UUID):
        raise InvalidRequest("submission_id", "must be a UUID")
    as_approved = rules.is_approved_at_once(as_approved, by)
    now, booking_id = moment(db, now), str(submission_id or uuid4())
    return take(db, request, booking_id, by, as_approved, now, may_repeat=submission_id is not None)


def take(
    db: Documents,
    request: BookingRequest,
    booking_id: str,
    by: Actor,
    as_approved: bool,
    now: datetime,
    *,
    may_repeat: bool,
    series: str | None = None,
    rule: str = "",
) -> Booking:
    """Books as ``book`` does; ``series``: as one date of that series, by the policy of a series.

    ``rule`` as in ``fingerprint_of``.
    """
    check = partial(
        check_request,
        request=request,
        by=by,
        now=now,
        zone=settings_of(db).zone,
        is_series=series is not None,
    )
    lost_seat, tried, known = False, count(), reference.recent(db)
    while True:
        try:
            known, party = _checked(db, known, check)
            supervisor = supervisor_of(db, request)
        except (RuleBroken, InvalidRequest) as exc:
            log_step(booking_id, "refused", layer="rules", reason=type(exc).__name__)
            # A submission that is sent again may come when the rules would refuse it by now, or
            # when its team or supervisor is gone.
            stored = bookings.read(db, booking_id) if may_repeat else None
            if stored is None:
                raise
            return repeated(stored, fingerprint_of(request, by, as_approved, rule))
        wanted = wanted_by(
            known, request, party, supervisor, booking_id, by, as_approved, now, series, rule
        )
        _log_slot(booking_id, "validated", wanted.slot)
        try:
            wanted = with_seat(db, known, wanted, count_seats=lost_seat)
            bookings.insert(db, wanted)
        except QuotaReached:
            log_step(booking_id, "refused", layer="quota", reason="QuotaReached")
            raise
        except bookings.AlreadyStored:
            return repeated(bookings.read(db, booking_id), wanted.fingerprint)
        except bookings.ClaimTaken as lost:
            # The index of ids comes first: a submission that is stored never loses a claim.
            lost_seat = kind_of(lost.claim) == QUOTA
            raise_lost(db, known, wanted, lost.claim, now, next(tried))
            known = reference.load(db)
            continue
        log_step(booking_id, "inserted", status=wanted.status.value)
        return confirmed(db, known, None, wanted, check)


def wanted_by(
    known: reference.Reference,
    request: BookingRequest,
    party: RequestParty,
    supervisor: Account | None,
    booking_id: str,
    by: Actor,
    as_approved: bool,
    now: datetime,
    series: str | None = None,
    rule: str = "",
    *,
    checked: bool = True,
) -> Booking:
    """The booking that ``request`` asks for, without a seat of a quota.

    ``rule`` as in ``fingerprint_of``. ``checked`` False: its game may be none of the ground.
    """
    ground = known.ground(request.ground_id)
    game = rules.game_on(ground, request.game) if checked else request.game
    made = requested(booking_id, request, party, supervisor, by, as_approved, now, rule)
    return replace(made, game=game, series=series).placed(made.slot, ground.surfaces)


@within_deadline
@logged("move")
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
    may decide, or is its author and makes it shorter; the history keeps the approval. A booking
    that has begun is moved only by a principal or an admin, with a ``reason``: as a correction,
    which keeps its approval, where the new slot is over too (by the school as it was on that day),
    and else by the rules of a new request. Raises as ``book`` does, and
    AlreadyBegun, NotFound, AlreadyDecided.
    """
    booking_id = check_booking_id(booking_id)
    rules.check_actor(by)
    reason = check_text(reason, "reason")
    now, zone = moment(db, now), settings_of(db).zone
    lost_seat, tried = False, count()
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
        rules.check_part(before, slot)
        begun = rules.check_change("move", before, by, reason, now, zone)
        correction = begun and rules.is_correction(before.slot, slot, now, zone)
        known = reference.load(db)
        if correction:
            check_past_place(db, known, slot, before.game)
        else:
            check_move(known, before, slot, now, zone)
        keeps = correction or keeps_approval(db, before, by=by, slot=slot, now=now)
        entry = Decision(
            now,
            by.id,
            by.name,
            "moved",
            reason,
            moved_from=before.slot,
            status_before=before.status,
            correction=correction,
        )
        wanted = before.with_decision(before.status if keeps else Status.PENDING, entry)
        wanted = wanted.placed(slot, known.ground(slot.ground_id).surfaces)
        if not correction:
            wanted = with_present_names(known, wanted)
        wanted = with_seat(db, known, wanted, before=before, count_seats=lost_seat)
        try:
            after = bookings.replace(db, before, wanted)
        except bookings.ClaimTaken as lost:
            lost_seat = kind_of(lost.claim) == QUOTA
            raise_lost(db, known, wanted, lost.claim, now, next(tried))
            continue
        if after is not None:
            return after if correction else confirmed(db, known, before, after)
        if next(tried) >= ROUNDS:
            raise StoreUnavailable("the booking changes faster than it can be moved")


@within_deadline
def keeps_approval(
    db: Documents,
    booking: Booking,
    *,
    by: Actor,
    slot: Slot | None = None,
    now: datetime | None = None,
) -> bool:
    """Whether a move of ``booking`` by ``by`` to ``slot`` leaves its status as it is.

    ``slot`` None: any other slot. False for an approved booking that is moved by a user who may
    not decide on it, but for its author who makes it shorter: what is left was approved. A delegate
    decides, but never on an own request. Raises InvalidRequest, StoreUnavailable.
    """
    if slot is not None and not isinstance(slot, Slot):
        raise InvalidRequest("slot", "must be a Slot")
    if booking.status is not Status.APPROVED or rules.may("approve", by):
        return True
    is_part = slot is not None and rules.is_shorter(booking.slot, slot)
    if is_part and booking.created_by == by.id:
        return True
    return booking.created_by != by.id and decides(db, by, now)


def _checked(
    db: Documents,
    known: reference.Reference,
    check: Callable[[reference.Reference], RequestParty],
) -> tuple[reference.Reference, RequestParty]:
    """The school by whose rules ``check`` passes, and the party; ``known`` may be old.

    A school that may be old refuses nothing: the request is checked again by the school of now.
    """
    try:
        return known, check(known)
    except (RuleBroken, InvalidRequest):
        fresh = reference.load(db)
        if fresh is known:
            raise
        return fresh, check(fresh)


def check_request(
    known: reference.Reference,
    request: BookingRequest,
    by: Actor,
    now: datetime,
    zone: ZoneInfo,
    *,
    is_series: bool = False,
) -> RequestParty:
    """Every rule that needs no look at other bookings; the party."""
    ground, party = known.ground(request.ground_id), party_of(known, request)
    rules.check_may("book", by)
    rules.check_request(
        request,
        ground=ground,
        students=party.students,
        plan=known.plan(request.date),
        now=now,
        policy=known.policy.for_series() if is_series else known.policy,
        zone=zone,
    )
    return party


def check_move(
    known: reference.Reference,
    before: Booking,
    slot: Slot,
    now: datetime,
    zone: ZoneInfo,
) -> None:
    """The rules for the new slot of a move that is no correction."""
    ground = known.ground(slot.ground_id)
    rules.check_place(known.plan(slot.date), slot.start, slot.end, ground, before.game)
    repeats = before.series is not None and before.set_place is None
    policy = known.policy.for_series() if repeats else known.policy
    rules.check_time(slot.date, slot.start, now, policy, zone)
    rules.check_active(students_of(known, before))


def with_present_names(known: reference.Reference, booking: Booking) -> Booking:
    """``booking`` with the names and classes that its students have now."""
    students = students_of(known, booking)
    return named(booking, students) if students else booking


def _log_slot(submission_id: str, step: str, slot: Slot) -> None:
    times = {"start": f"{slot.start:%H:%M}", "end": f"{slot.end:%H:%M}"}
    log_step(submission_id, step, ground=slot.ground_id, date=slot.date, **times)
