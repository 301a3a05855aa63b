"""What a booking must satisfy: pure functions over values, each raising its own RuleBroken.

The rules give a kind answer early. What two people can break at the same moment is not here: the
unique indexes of ``store/schema.py`` decide that.
"""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime, time
from zoneinfo import ZoneInfo

from booking_core.domain import timetable
from booking_core.domain.errors import (
    GameNotAllowed,
    GroundRetired,
    InThePast,
    InvalidRequest,
    NoSchool,
    NotAllowed,
    PastCutOff,
    StudentInactive,
    TooFarAhead,
    TooLate,
)
from booking_core.domain.model import Actor, Booking, BookingRequest, Ground, Role, Student
from booking_core.domain.policy import Policy

# Who may do what. Verbs on one's own bookings carry "own"; "book approved" is a request that needs
# no decision any more; "administer" is all that the admin's desk changes but closures.
_ALLOWED: dict[str, frozenset[Role]] = {
    "book": frozenset(Role),
    "cancel own": frozenset(Role),
    "cancel": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "move own": frozenset(Role),
    "move": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "approve": frozenset({Role.PRINCIPAL}),
    "reject": frozenset({Role.PRINCIPAL}),
    "revoke": frozenset({Role.PRINCIPAL}),
    "book approved": frozenset({Role.PRINCIPAL}),
    "delegate": frozenset({Role.PRINCIPAL}),
    "close": frozenset({Role.PRINCIPAL, Role.ADMIN}),
    "administer": frozenset({Role.ADMIN}),
    "report own": frozenset(Role),
    "report": frozenset({Role.PRINCIPAL, Role.ADMIN}),
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


def check_time(date: Date, start: time, now: datetime, policy: Policy, zone: ZoneInfo) -> None:
    """Not in the past, not beyond the advance window, before the cut-off and the lead time."""
    starts_at = timetable.at(date, start, zone)
    if starts_at <= now:
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
    """On the date's periods, on a ground in use that allows the game."""
    if not plan.periods:
        raise NoSchool(plan.date, plan.note)
    timetable.periods_between(plan.periods, start, end)
    if ground.retired:
        raise GroundRetired(ground.id)
    if game not in ground.games:
        raise GameNotAllowed(ground.id, game, ground.games)


def check_request(
    request: BookingRequest,
    *,
    ground: Ground,
    student: Student,
    plan: timetable.DayPlan,
    now: datetime,
    policy: Policy,
    zone: ZoneInfo,
) -> None:
    """Every rule that needs no look at other bookings."""
    check_place(plan, request.start, request.end, ground, request.game)
    check_time(request.date, request.start, now, policy, zone)
    if not student.active:
        raise StudentInactive(student.id)
