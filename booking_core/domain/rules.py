"""The rules of a booking: pure functions over values, each raising its own RuleBroken.

Rules that two users can break at the same moment are not here: they are claims (``claims.py``),
and the unique index decides them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date as Date
from datetime import datetime, time
from zoneinfo import ZoneInfo

from booking_core.domain import timetable
from booking_core.domain.errors import (
    AlreadyBegun,
    GameNotAllowed,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    NotRunning,
    PartOfSet,
    PastCutOff,
    StudentInactive,
    TooFarAhead,
    TooLate,
)
from booking_core.domain.labels import find_label
from booking_core.domain.model import (
    Account,
    Actor,
    Booking,
    BookingRequest,
    Ground,
    Period,
    Role,
    Slot,
    Student,
)
from booking_core.domain.policy import Policy
from booking_core.domain.validation import minutes

# Verb -> roles. "own" stands for the user's own bookings; "book approved" is a booking that needs
# no decision; "administer" is every change of the admin's screens but closures.
_ALLOWED: dict[str, frozenset[Role]] = {
    "book": frozenset(Role),
    "cancel own": frozenset(Role),
    "end early own": frozenset(Role),
    "end early": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "cancel": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "move own": frozenset(Role),
    "move": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "change party own": frozenset(Role),
    "change party": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "swap own": frozenset(Role),
    "swap": frozenset({Role.PRINCIPAL}),
    "replace": frozenset({Role.PRINCIPAL}),
    "approve": frozenset({Role.PRINCIPAL}),
    "reject": frozenset({Role.PRINCIPAL}),
    "revoke": frozenset({Role.PRINCIPAL}),
    "ask": frozenset({Role.PRINCIPAL}),
    "answer own": frozenset(Role),
    "answer": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "book approved": frozenset({Role.PRINCIPAL}),
    "delegate": frozenset({Role.PRINCIPAL}),
    "close": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "administer": frozenset({Role.ADMIN}),
    "report own": frozenset(Role),
    "report": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "set up a second factor": frozenset({Role.PRINCIPAL, Role.ADMIN}),
}


def may(verb: str, actor: Actor, booking: Booking | None = None) -> bool:
    """Whether ``actor`` may do ``verb``, to ``booking`` where there is one."""
    own = booking is not None and booking.created_by == actor.id
    if own and actor.role in _ALLOWED.get(f"{verb} own", frozenset()):
        return True
    return actor.role in _ALLOWED[verb]


def check_actor(by: Actor) -> None:
    """Raises InvalidRequest for anything but an Actor."""
    if not isinstance(by, Actor):
        raise InvalidRequest("by", "must be an Actor")


def check_may(verb: str, actor: Actor, booking: Booking | None = None) -> None:
    check_actor(actor)
    if not may(verb, actor, booking):
        raise NotAllowed(verb, actor.role.value)


def is_approved_at_once(as_approved: bool | None, by: Actor) -> bool:
    """Whether a new booking of ``by`` is approved at once; None: if ``by`` may have it so.

    Raises InvalidRequest, NotAllowed.
    """
    if as_approved is None:
        return may("book approved", by)
    if not isinstance(as_approved, bool):
        raise InvalidRequest("as_approved", "must be true or false")
    if as_approved:
        check_may("book approved", by)
    return as_approved


def must_set_up_second_factor(account: Account, policy: Policy) -> bool:
    """Whether ``account`` sees no screen before it has set up a second factor.

    An account without a password is signed in by an identity provider, or is of the demo.
    """
    return (
        policy.second_factor
        and account.has_password
        and not account.has_second_factor
        and may("set up a second factor", account.actor)
    )


def decides_by_mail(account: Account, policy: Policy) -> bool:
    """Whether mails to ``account`` may have links that decide a request without a sign-in.

    Such a link must not stand in for a second factor, unless the school says so.
    """
    if policy.mail_decisions == "without_second_factor":
        return not account.has_second_factor and not must_set_up_second_factor(account, policy)
    return policy.mail_decisions == "everybody"


def check_time(date: Date, start: time, now: datetime, policy: Policy, zone: ZoneInfo) -> None:
    """Not in the past, not beyond the advance window, before the cut-off and the lead time."""
    starts_at = timetable.at(date, start, zone)
    if starts_at.timestamp() <= now.timestamp():
        raise InThePast(starts_at)
    last_date = policy.last_date(now, zone)
    if date > last_date:
        raise TooFarAhead(last_date)
    closes_at = policy.closes_at(date, zone)
    if closes_at is not None and policy.is_cut_off(date, now, zone):
        raise PastCutOff(date, closes_at)
    if policy.is_late(date, start, now, zone):
        raise TooLate(policy.lead_minutes)


def check_place(plan: timetable.DayPlan, start: time, end: time, ground: Ground, game: str) -> None:
    """On the periods that the ground has on that date, in use and allowing the game."""
    periods = _periods(plan, ground)
    timetable.periods_between(periods, start, end)
    if ground.retired:
        raise GroundRetired(ground.id)
    game_on(ground, game)


def _periods(plan: timetable.DayPlan, ground: Ground) -> tuple[Period, ...]:
    """The periods that the ground has on that date. Raises NoSchool."""
    own = plan.of(ground.id)
    if not own.periods:
        raise NoSchool(own.date, own.note, ground.id if plan.is_school else None)
    return own.periods


def game_on(ground: Ground, game: str) -> str:
    """``game`` as ``ground`` spells it. Raises GameNotAllowed."""
    spelled = find_label(game, ground.games)
    if spelled is None:
        raise GameNotAllowed(ground.id, game, ground.games)
    return spelled


def check_still_valid(
    booking: Booking, *, ground: Ground, students: Iterable[Student], plan: timetable.DayPlan
) -> None:
    """The rules that may have changed since ``booking`` was requested, for ``students``.

    A booking that fits no periods of a changed timetable stays valid: timetables move no booking.
    """
    _periods(plan, ground)
    if ground.retired:
        raise GroundRetired(ground.id)
    game_on(ground, booking.game)
    check_active(students)


def check_active(students: Iterable[Student]) -> None:
    """Raises StudentInactive."""
    for student in students:
        if not student.active:
            raise StudentInactive(student.id)


def check_change(
    verb: str, booking: Booking, by: Actor, reason: str, now: datetime, zone: ZoneInfo
) -> bool:
    """Whether ``verb`` changes the past: it changes a booking that has begun, or decides on a
    request that is over.

    A request can be decided until it is over. Only a principal or an admin changes the past, with
    a reason. Raises AlreadyBegun, InvalidRequest.
    """
    decides = verb in ("approve", "reject")
    slot = booking.slot
    if not (slot.is_over if decides else slot.has_begun)(now, zone):
        return False
    if by.role is Role.STAFF:
        raise AlreadyBegun(slot.starts_at(zone))
    if not reason:
        raise InvalidRequest("reason", "is missing: the booking has begun, this is a correction")
    return True


def check_part(before: Booking, after: Slot) -> None:
    """Raises PartOfSet where a part of a set of grounds would move to another time.

    The people of a set are claimed at one time.
    """
    times = (before.date, before.start, before.end)
    if before.set_place is not None and times != (after.date, after.start, after.end):
        raise PartOfSet


def is_shorter(before: Slot, after: Slot) -> bool:
    """Whether ``after`` is a part of ``before``: on its ground and date, within its times."""
    return (
        after != before
        and (after.ground_id, after.date) == (before.ground_id, before.date)
        and minutes(before.start) <= minutes(after.start)
        and minutes(after.end, closing=True) <= minutes(before.end, closing=True)
    )


def is_correction(before: Slot, after: Slot, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a move between these slots corrects the past: both are over, or both are running.

    Any other slot follows the rules of a new request.
    """
    if after.is_over(now, zone):
        return before.has_begun(now, zone)
    is_running = before.has_begun(now, zone) and not before.is_over(now, zone)
    return is_running and after.has_begun(now, zone)


def early_end(slot: Slot, now: datetime, zone: ZoneInfo) -> time:
    """The first 5-minute mark after the start of ``slot`` at which ``now`` is not later.

    The end of ``slot`` where there is no such mark before it. Raises NotRunning.
    """
    if slot.is_over(now, zone) or not slot.has_begun(now, zone):
        raise NotRunning
    for mark in timetable.marks(slot.start, slot.end)[1:]:
        end = timetable.time_of(mark)
        if timetable.at(slot.date, end, zone).timestamp() >= now.timestamp():
            return end
    return slot.end


def check_request(
    request: BookingRequest,
    *,
    ground: Ground,
    students: Iterable[Student],
    plan: timetable.DayPlan,
    now: datetime,
    policy: Policy,
    zone: ZoneInfo,
) -> None:
    """Every rule that needs no look at other bookings."""
    check_place(plan, request.start, request.end, ground, request.game)
    check_time(request.date, request.start, now, policy, zone)
    check_active(students)
