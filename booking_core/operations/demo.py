"""A demo school for the first start: grounds, timetables, students and a fortnight of bookings.

The bookings go through the verbs, each at the moment at which it would have happened, so their
history reads like a real one. The moment at which loading began is claimed in the database: a
second process, or a load taken up after an interruption, works from that same moment with the same
ids, and so ends with the same school instead of two.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from uuid import UUID, uuid5

from booking_core.access import accounts
from booking_core.booking import claims as bookings
from booking_core.booking import closures, decisions
from booking_core.domain import timetable
from booking_core.domain.clock import moment
from booking_core.domain.errors import (
    AlreadyDecided,
    AlreadyExists,
    ChangedMeanwhile,
    GroundClosed,
    InvalidRequest,
    NotAPeriod,
    RuleBroken,
    SlotTaken,
    StudentBusy,
)
from booking_core.domain.model import (
    Account,
    Actor,
    BookingRequest,
    Ground,
    Period,
    Role,
    Status,
    Student,
    Timetable,
)
from booking_core.school.grounds import save_ground
from booking_core.school.students import save_students
from booking_core.school.timetables import save_timetable
from booking_core.storage import school_data as reference
from booking_core.storage.database import Documents, settings_of

DEMO_ACCOUNTS = (
    Actor("meera", Role.STAFF, "Meera Nair"),
    Actor("joseph", Role.STAFF, "Joseph Mathew"),
    Actor("head", Role.PRINCIPAL, "Dr. Anand Rao"),
    Actor("admin", Role.ADMIN, "Farah Sheikh"),
)
_MEERA, _JOSEPH, _HEAD, _ADMIN = DEMO_ACCOUNTS

DEMO_GROUNDS = (
    Ground("main-ground", "Main ground", ("Football", "Cricket", "Athletics", "Throwball"), 1),
    Ground("ground-2", "Ground 2", ("Football", "Throwball", "Athletics"), 2),
    Ground("volleyball-court", "Volleyball court", ("Volleyball", "Throwball"), 3),
    Ground("basketball-court", "Basketball court", ("Basketball",), 4),
    Ground("tennis-court", "Tennis court", ("Tennis", "Badminton"), 5),
    Ground("cricket-nets", "Cricket nets", ("Cricket",), 6),
)
RAINED_OFF = DEMO_GROUNDS[-1]
RAIN = "Rain: pitch under water"

_IDS = UUID("5b1d2c0e-8f2b-5c55-9d1a-6f0c5f1f7e11")
_CLASSES = ("8-A", "8-B", "9-A", "9-B", "10-A", "10-B", "11-A", "11-B")
_PER_CLASS = 15
_FIRST_NAMES = (
    "Aarav Aditi Aisha Akash Amit Ananya Anika Arjun Arya Asha Bhavna Chetan Deepa Dev Diya Esha "
    "Farhan Gauri Harsh Imran Isha Ishaan Jaya Kabir Karthik Kavya Kiran Lakshmi Manav Maya Megha "
    "Mohan Naina Neha Nikhil Nisha Ojas Pooja Pranav Priya Rahul Riya Rohan Sahil Sana Sanjay Sara "
    "Shreya Siddharth Sneha Tanvi Tara Uday Varun Vidya Vikram Yash Zoya"
)
_LAST_NAMES = (
    "Agarwal Banerjee Bose Chatterjee Das Desai D'Souza Fernandes Ghosh Gupta Iyer Jain Joshi Kaur "
    "Khan Kulkarni Kumar Mehta Menon Mishra Nair Patel Pillai Rao Reddy Sen Shah Sharma Shetty "
    "Singh Thomas Varma Yadav"
)
_PURPOSES = (
    "",
    "",
    "",
    "Inter-house practice",
    "Zonal trials",
    "Team practice",
    "Warm-up for the district meet",
    "Friendly match",
    "Sports day rehearsal",
)
_REJECTIONS = ("Clashes with the unit test", "Reserved for the zonal trials", "Too many this week")
_REVOCATIONS = ("Staff meeting, nobody to supervise", "Needed for the inspection")
_CANCELLATIONS = ("Student is unwell", "Moved to another week", "")

# How much of a day is taken, by its distance from today (days).
_FILL = {-1: 0.45, 0: 0.45, 1: 0.42, 2: 0.35, 3: 0.3, 4: 0.25, 5: 0.2, 6: 0.15}
_FIRST_DAY, _LAST_DAY = -7, 6
# What became of twenty requests of the past; of those for today and later, before some of them
# are made to wait (by their place in the order of time, so that some are for today or tomorrow).
_PAST = (
    (Status.APPROVED,) * 13
    + (Status.REJECTED, Status.CANCELLED, Status.LAPSED) * 2
    + (Status.REVOKED,)
)
_AHEAD = (Status.APPROVED,) * 10 + (Status.CANCELLED, Status.REJECTED)
_WAITING = (0, 2, 5, 9, 16, 30)


@dataclass(slots=True)
class _Plan:
    """One booking to make, and what becomes of it. Moments are aware, in UTC."""

    id: UUID
    request: BookingRequest
    by: Actor
    status: Status
    starts_at: datetime
    made_at: datetime
    decided_at: datetime
    reason: str = ""


def is_empty(db: Documents) -> bool:
    """Whether nothing is stored yet, but for a demo whose loading was interrupted."""
    return reference.is_empty(db)


def load_demo(db: Documents, now: datetime | None = None) -> None:
    """Fills an empty database with the demo school as of ``now``; does nothing to any other,

    but that a demo school from before there were accounts gets those that it lacks. Safe to run
    again after an interruption, and in two processes at once. Raises InvalidRequest,
    StoreUnavailable.
    """
    now = moment(now)
    if not is_empty(db):
        if reference.load(db).demo:
            _save_accounts(db, now)
        return
    now = reference.claim_demo(db, now)
    _save_school(db)
    _save_accounts(db, now)
    today = now.astimezone(settings_of(db).zone).date()
    plans = _fortnight(db, today, now)
    for offset in range(_FIRST_DAY, _LAST_DAY + 1):
        date = today + timedelta(days=offset)
        for plan in plans:
            if plan.request.date == date:
                _carry_out(db, plan)
        if date < today:  # whatever nobody decided lapses when the day is over
            decisions.lapse_pending(
                db, now=timetable.at(date, time(0), settings_of(db).zone, closing=True)
            )
    _rain(db, today, now)
    reference.mark_demo(db)


def _save_school(db: Documents) -> None:
    for ground in DEMO_GROUNDS:
        save_ground(db, ground)
    regular, half = _periods(8, 18), _periods(8, 13)
    save_timetable(db, Timetable("regular", regular, (0, 1, 2, 3, 4), "Regular day"))
    # Sunday too, so that a demo opened on a Sunday has something to show.
    save_timetable(db, Timetable("half-day", half, (5, 6), "Half day"))
    save_students(db, demo_students())


def _save_accounts(db: Documents, now: datetime) -> None:
    """Those that are missing, without passwords; the others stay as they were made to be."""
    known = {account.id for account in accounts.find_accounts(db)}
    for actor in DEMO_ACCOUNTS:
        if actor.id not in known:
            with contextlib.suppress(AlreadyExists):  # another process, a moment ago
                accounts.add_account(db, Account(actor.id, actor.name, actor.role), now=now)


def _periods(first: int, last: int) -> tuple[Period, ...]:
    return tuple(
        Period(f"{_clock(hour)}-{_clock(hour + 1)} {_half(hour + 1)}", time(hour), time(hour + 1))
        for hour in range(first, last)
    )


def _clock(hour: int) -> int:
    return (hour - 1) % 12 + 1


def _half(hour: int) -> str:
    return "AM" if hour < 12 else "PM"


def demo_students() -> list[Student]:
    """The students of the demo school, class by class: always the same ones."""
    rng = random.Random(120)
    names = [f"{first} {last}" for first in _FIRST_NAMES.split() for last in _LAST_NAMES.split()]
    chosen = iter(rng.sample(names, len(_CLASSES) * _PER_CLASS))
    return [
        Student(f"S{1 + number:03d}", next(chosen), _CLASSES[number // _PER_CLASS])
        for number in range(len(_CLASSES) * _PER_CLASS)
    ]


def _fortnight(db: Documents, today: Date, now: datetime) -> list[_Plan]:
    """The bookings around ``today``, in order of time."""
    rng = random.Random(f"fortnight {today}")
    zone = settings_of(db).zone
    known = reference.load(db)
    students = [known.student(student.id) for student in demo_students()]
    rained_off = _rain_periods(known.plan(today).periods, today, now, db)
    per_week: Counter[tuple[str, str]] = Counter()
    plans: list[_Plan] = []
    decks: dict[tuple[Status, ...], list[Status]] = {}
    for offset in range(_FIRST_DAY, _LAST_DAY + 1):
        date = today + timedelta(days=offset)
        week = timetable.iso_week(date)
        periods = known.plan(date).periods
        busy: set[str] = set()
        for ground in DEMO_GROUNDS:
            for run in _runs(rng, periods, _FILL.get(offset, 0.45)):
                closed = date == today and ground == RAINED_OFF and run[-1] in rained_off
                if closed:
                    continue
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
                    rng.choice(_PURPOSES),
                )
                if status is Status.LAPSED and date == today:
                    status = Status.APPROVED  # today is not over yet
                plans.append(_plan(rng, request, status, starts_at, now))
    plans.sort(key=lambda plan: (plan.starts_at, plan.request.ground_id))
    ahead = [p for p in plans if p.starts_at > now and p.status is Status.APPROVED]
    for place in _WAITING:
        if place < len(ahead):
            ahead[place].status, ahead[place].reason = Status.PENDING, ""
    return plans


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
        Status.REJECTED: _REJECTIONS,
        Status.REVOKED: _REVOCATIONS,
        Status.CANCELLED: _CANCELLATIONS,
    }
    return _Plan(
        uuid5(_IDS, f"{request.ground_id} {request.date} {request.start} {request.student_id}"),
        request,
        rng.choice((_MEERA, _JOSEPH)),
        status,
        starts_at,
        made_at,
        max(decided_at, made_at + timedelta(minutes=1)),
        rng.choice(reasons.get(status, ("",))),
    )


def _carry_out(db: Documents, plan: _Plan) -> None:
    """Makes one booking and takes it to its status."""
    made_at, decided_at, reason = plan.made_at, plan.decided_at, plan.reason
    # Stricter settings (quota, lead time, advance) make a smaller demo; and whatever another
    # process has done already is done.
    with contextlib.suppress(RuleBroken, StudentBusy, SlotTaken, AlreadyDecided):
        booking = bookings.book(db, plan.request, by=plan.by, submission_id=plan.id, now=made_at)
        if plan.status is Status.REJECTED:
            decisions.reject(db, booking.id, by=_HEAD, reason=reason, now=decided_at)
        elif plan.status is Status.CANCELLED:
            decisions.cancel(db, booking.id, by=plan.by, reason=reason, now=decided_at)
        elif plan.status in (Status.APPROVED, Status.REVOKED):
            decisions.approve(db, booking.id, by=_HEAD, now=decided_at)
            if plan.status is Status.REVOKED:
                later = decided_at + timedelta(seconds=50)
                decisions.revoke(db, booking.id, by=_HEAD, reason=reason, now=later)


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
        _JOSEPH,
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
            by=_ADMIN,
            expected=(),
            now=closed_at,
        )
