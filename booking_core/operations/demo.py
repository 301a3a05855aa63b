"""A demo school for the first start: grounds, timetables, students and a fortnight of bookings.

Each booking is made by the public verbs, as of the moment at which it would have happened, so its
history reads like a real one. The database keeps the moment at which loading began: a second
process, or a load that goes on after an interruption, uses the same moment and the same ids, and
ends with the same school instead of two.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from uuid import UUID, uuid5

from booking_core.access import accounts
from booking_core.booking import claims as bookings
from booking_core.booking import closures, decisions, queries, series, waiting
from booking_core.domain import timetable
from booking_core.domain.errors import (
    AlreadyDecided,
    AlreadyExists,
    BookingError,
    ChangedMeanwhile,
    GroundClosed,
    InvalidRequest,
    NotAPeriod,
    RuleBroken,
    SlotTaken,
    StudentBusy,
    SupervisorBusy,
)
from booking_core.domain.model import (
    Account,
    Actor,
    BookingRequest,
    Period,
    Status,
    Student,
)
from booking_core.domain.series import SeriesRequest
from booking_core.operations.demo_school import (
    ADMIN,
    CANCELLATIONS,
    DEMO_ACCOUNTS,
    DEMO_GROUNDS,
    HEAD,
    JOSEPH,
    MEERA,
    PURPOSES,
    RAIN,
    RAINED_OFF,
    REJECTIONS,
    REVOCATIONS,
    demo_students,
    demo_teams,
    demo_terms,
    demo_timetables,
)
from booking_core.school.grounds import save_ground
from booking_core.school.students import save_students
from booking_core.school.teams import save_team
from booking_core.school.timetables import save_timetable
from booking_core.school.year import save_term, save_week_a
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.school import data as reference

_IDS = UUID("5b1d2c0e-8f2b-5c55-9d1a-6f0c5f1f7e11")
# How much of a day is taken, by its distance from today (days).
_FILL = {-1: 0.45, 0: 0.45, 1: 0.42, 2: 0.35, 3: 0.3, 4: 0.25, 5: 0.2, 6: 0.15}
_OF_A_LAYOUT = 0.5  # of that for a ground of which there are several layouts
_FIRST_DAY, _LAST_DAY = -7, 6
# Of the requests, the part for a class; with those for a team; with those that have a supervisor.
_FOR_A_CLASS, _FOR_A_TEAM, _SUPERVISED = 0.07, 0.14, 0.24
_OF_A_WHOLE_DAY = 10  # periods
# The status of each of twenty past requests, and of each of twelve for today and later. Of the
# approved ones ahead, those at the places of _WAITING in order of time are made to wait, so that
# some of these are for today or tomorrow.
_PAST = (
    (Status.APPROVED,) * 13
    + (Status.REJECTED, Status.CANCELLED, Status.LAPSED) * 2
    + (Status.REVOKED,)
)
_AHEAD = (Status.APPROVED,) * 10 + (Status.CANCELLED, Status.REJECTED)
_WAITING = (0, 2, 5, 9, 16, 30)


@dataclass(slots=True)
class _Plan:
    """One booking to make, and the status that it gets. Moments are aware, in UTC."""

    id: UUID
    request: BookingRequest
    by: Actor
    status: Status
    starts_at: datetime
    made_at: datetime
    decided_at: datetime
    reason: str = ""


def is_empty(db: Documents) -> bool:
    """Whether nothing is stored yet, apart from a demo whose loading was interrupted."""
    return reference.is_empty(db)


def load_demo(db: Documents, now: datetime | None = None) -> None:
    """Fills an empty database with the demo school as of ``now``; leaves any other as it is.

    An older demo school without accounts gets them. Safe to run again after an interruption, and
    in two processes at once. Raises InvalidRequest, StoreUnavailable.
    """
    now = moment(db, now)
    if not is_empty(db):
        if reference.load(db).demo:
            _save_accounts(db, now)
        return
    now = reference.claim_demo(db, now)
    today = now.astimezone(settings_of(db).zone).date()
    _save_accounts(db, now)
    _save_school(db, today)
    plans = _fortnight(db, today, now)
    for offset in range(_FIRST_DAY, _LAST_DAY + 1):
        date = today + timedelta(days=offset)
        for plan in plans:
            if plan.request.date == date:
                _carry_out(db, plan)
        if date < today:  # requests that nobody decided lapse at the end of their day
            decisions.lapse_pending(
                db, now=timetable.at(date, time(0), settings_of(db).zone, closing=True)
            )
    _practice(db, today, now)
    _rain(db, today, now)
    _waiting_list(db, today, now)
    reference.mark_demo(db)


def _save_school(db: Documents, today: Date) -> None:
    for ground in DEMO_GROUNDS:
        save_ground(db, ground)
    for table in demo_timetables():
        save_timetable(db, table)
    for term in demo_terms(today):
        save_term(db, term)
    save_week_a(db, today)
    save_students(db, demo_students())
    for team in demo_teams():
        save_team(db, team)


def _save_accounts(db: Documents, now: datetime) -> None:
    """Adds the accounts that are missing, without passwords; the others stay as they are."""
    known = {account.id for account in accounts.find_accounts(db)}
    for actor in DEMO_ACCOUNTS:
        if actor.id not in known:
            with contextlib.suppress(AlreadyExists):  # another process, a moment ago
                accounts.add_account(db, Account(actor.id, actor.name, actor.role), now=now)


def _fortnight(db: Documents, today: Date, now: datetime) -> list[_Plan]:
    """The bookings around ``today``, in order of time."""
    rng = random.Random(f"fortnight {today}")
    zone = settings_of(db).zone
    known = reference.load(db)
    students = [known.student(student.id) for student in demo_students()]
    rained_off = _rain_periods(known.plan(today).periods, today, now, db)
    parties = random.Random(f"parties {today}")
    per_week: Counter[tuple[str, str]] = Counter()
    plans: list[_Plan] = []
    decks: dict[tuple[Status, ...], list[Status]] = {}
    divided = {surface for g in DEMO_GROUNDS if len(g.surfaces) > 1 for surface in g.surfaces}
    taken: set[tuple[str, Date, time]] = set()  # surfaces, with the starts of periods
    for offset in range(_FIRST_DAY, _LAST_DAY + 1):
        date = today + timedelta(days=offset)
        week = timetable.iso_week(date)
        periods = known.plan(date).periods
        busy: set[str] = set()
        for ground in DEMO_GROUNDS:
            fill = _FILL.get(offset, 0.45)
            if not divided.isdisjoint(ground.surfaces):
                fill *= _OF_A_LAYOUT
            for run in _runs(rng, periods, fill):
                closed = date == today and ground == RAINED_OFF and run[-1] in rained_off
                held = {(surface, date, p.start) for surface in ground.surfaces for p in run}
                if closed or not taken.isdisjoint(held):
                    continue
                taken |= held
                # Two a week is what the quota allows by default, and one a day keeps everybody
                # from being in two places at once.
                able = [s for s in students if s.id not in busy and per_week[(s.id, week)] < 2]
                if not able:
                    continue
                student = rng.choice(able)
                busy.add(student.id)
                per_week[(student.id, week)] += 1
                starts_at = timetable.at(date, run[0].start, zone).astimezone(UTC)
                cards = _PAST if starts_at <= now else _AHEAD
                deck = decks.setdefault(cards, [])
                if not deck:
                    deck.extend(rng.sample(cards, len(cards)))
                status = deck.pop()
                request = BookingRequest(
                    ground.id,
                    date,
                    run[0].start,
                    run[-1].end,
                    student.id,
                    rng.choice(ground.games),
                    rng.choice(PURPOSES),
                )
                request = _of_party(parties, request, student)
                if status is Status.LAPSED and date == today:
                    status = Status.APPROVED  # today is not over yet
                plans.append(_plan(rng, request, status, starts_at, now))
    plans.sort(key=lambda plan: (plan.starts_at, plan.request.ground_id))
    ahead = [p for p in plans if p.starts_at > now and p.status is Status.APPROVED]
    for place in _WAITING:
        if place < len(ahead):
            ahead[place].status, ahead[place].reason = Status.PENDING, ""
    return plans


def _of_party(rng: random.Random, request: BookingRequest, student: Student) -> BookingRequest:
    """``request``, now and then for the class of its student or a team, or with a supervisor."""
    draw = rng.random()
    if draw < _FOR_A_CLASS:
        return replace(request, student_id=None, class_name=student.class_name)
    if draw < _FOR_A_TEAM:
        return replace(request, student_id=None, team_id=rng.choice(demo_teams()).id)
    if draw < _SUPERVISED:
        return replace(request, supervisor_id=JOSEPH.id)
    return request


def _practice(db: Documents, today: Date, now: datetime) -> None:
    """A team's practice every week of the term, approved."""
    team, ground = demo_teams()[0], DEMO_GROUNDS[3]
    date = today + timedelta(days=1)
    while len(reference.load(db).plan(date).periods) < _OF_A_WHOLE_DAY:
        date += timedelta(days=1)
    first = BookingRequest(
        ground.id,
        date,
        time(16),
        time(17),
        team_id=team.id,
        game="Throwball",
        purpose="Team practice",
        supervisor_id=MEERA.id,
    )
    series_id = uuid5(_IDS, f"practice {today}")
    made_at = now - timedelta(hours=20)
    # In a database with stricter settings there is none.
    with contextlib.suppress(BookingError):
        series.book_series(
            db,
            SeriesRequest(first=first, until=date + timedelta(weeks=4)),
            by=MEERA,
            submission_id=series_id,
            only_free=True,
            now=made_at,
        )
        series.approve_series(db, str(series_id), by=HEAD, now=now - timedelta(hours=2))


def _waiting_list(db: Documents, today: Date, now: datetime) -> None:
    """A class and a team wait for the first slot after today that is requested."""
    held = next((one for one in queries.pending_queue(db) if one.date > today), None)
    if held is None:
        return
    of_class = BookingRequest(
        held.ground_id,
        held.date,
        held.start,
        held.end,
        game=held.game,
        class_name=demo_students()[0].class_name,
    )
    of_team = replace(of_class, class_name=None, team_id=demo_teams()[1].id)
    for by, wanted, minutes in ((MEERA, of_class, 50), (JOSEPH, of_team, 30)):
        # In a database with stricter settings nobody waits.
        with contextlib.suppress(BookingError):
            waiting.join_waiting_list(
                db,
                wanted,
                by=by,
                entry_id=uuid5(_IDS, f"{by.id} waits for {held.id}"),
                now=now - timedelta(minutes=minutes),
            )


def _runs(rng: random.Random, periods: tuple[Period, ...], fill: float) -> list[tuple[Period, ...]]:
    """Stretches of one period, now and then of two, that take about ``fill`` of the day."""
    runs: list[tuple[Period, ...]] = []
    index = 0
    while index < len(periods):
        length = 1
        if rng.random() < fill:
            length = 2 if rng.random() < 0.12 and index + 1 < len(periods) else 1
            runs.append(periods[index : index + length])
        index += length
    return runs


def _plan(
    rng: random.Random, request: BookingRequest, status: Status, starts_at: datetime, now: datetime
) -> _Plan:
    made_at = starts_at - timedelta(days=rng.randint(1, 5), minutes=rng.randint(0, 180))
    made_at = min(made_at, now - timedelta(minutes=rng.randint(12, 300)))
    decided_at = made_at + timedelta(minutes=rng.randint(6, 400))
    decided_at = min(decided_at, now - timedelta(minutes=4), starts_at - timedelta(minutes=15))
    reasons = {
        Status.REJECTED: REJECTIONS,
        Status.REVOKED: REVOCATIONS,
        Status.CANCELLED: CANCELLATIONS,
    }
    return _Plan(
        uuid5(_IDS, f"{request.ground_id} {request.date} {request.start} {_party_of(request)}"),
        request,
        rng.choice((MEERA, JOSEPH)),
        status,
        starts_at,
        made_at,
        max(decided_at, made_at + timedelta(minutes=1)),
        rng.choice(reasons.get(status, ("",))),
    )


def _party_of(request: BookingRequest) -> str | None:
    return request.student_id or request.class_name or request.team_id


def _carry_out(db: Documents, plan: _Plan) -> None:
    """Makes one booking and takes it to its status."""
    made_at, decided_at, reason = plan.made_at, plan.decided_at, plan.reason
    # Stricter settings (quota, lead time, advance) make a smaller demo; and whatever another
    # process has done already is done.
    with contextlib.suppress(RuleBroken, StudentBusy, SupervisorBusy, SlotTaken, AlreadyDecided):
        booking = bookings.book(db, plan.request, by=plan.by, submission_id=plan.id, now=made_at)
        if plan.status is Status.REJECTED:
            decisions.reject(db, booking.id, by=HEAD, reason=reason, now=decided_at)
        elif plan.status is Status.CANCELLED:
            decisions.cancel(db, booking.id, by=plan.by, reason=reason, now=decided_at)
        elif plan.status in (Status.APPROVED, Status.REVOKED):
            decisions.approve(db, booking.id, by=HEAD, now=decided_at)
            if plan.status is Status.REVOKED:
                later = decided_at + timedelta(seconds=50)
                decisions.revoke(db, booking.id, by=HEAD, reason=reason, now=later)


def _rain_periods(
    periods: tuple[Period, ...], today: Date, now: datetime, db: Documents
) -> tuple[Period, ...]:
    """What is left of today, the period that runs included; in the evening, its last two."""
    zone = settings_of(db).zone
    left = [p for p in periods if timetable.at(today, p.end, zone, closing=True) > now]
    return tuple(left) if len(left) >= 2 else periods[-2:]


def _rain(db: Documents, today: Date, now: datetime) -> None:
    """Closes the cricket nets for the rest of today, and revokes what stood there."""
    known = reference.load(db)
    periods = _rain_periods(known.plan(today).periods, today, now, db)
    starts_at = timetable.at(today, periods[0].start, settings_of(db).zone).astimezone(UTC)
    closed_at = min(now - timedelta(minutes=2), starts_at + timedelta(minutes=10))
    student = demo_students()[0]
    request = BookingRequest(
        RAINED_OFF.id, today, periods[-1].start, periods[-1].end, student.id, "Cricket"
    )
    made_at = starts_at - timedelta(days=1)
    plan = _Plan(
        uuid5(_IDS, f"rained off {today}"),
        request,
        JOSEPH,
        Status.REVOKED,
        starts_at,
        min(made_at, closed_at - timedelta(hours=1)),
        closed_at - timedelta(minutes=1),
        RAIN,
    )
    with contextlib.suppress(NotAPeriod):
        _carry_out(db, plan)
    # It may be closed already, by another process or by a start that was interrupted.
    with contextlib.suppress(GroundClosed, ChangedMeanwhile, InvalidRequest):
        closures.close_grounds(
            db,
            ground_ids=[RAINED_OFF.id],
            first=today,
            last=today,
            start=periods[0].start,
            end=periods[-1].end,
            reason=RAIN,
            by=ADMIN,
            expected=(),
            now=closed_at,
        )
