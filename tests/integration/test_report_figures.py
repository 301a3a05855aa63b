"""The figures of the reports, against a plain count of the stored bookings of random schools."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from support import (
    DAY,
    GROUNDS,
    HEAD,
    HOURLY,
    MEERA,
    NOW,
    RAVI,
    booked,
    close_one,
    open_school,
    student_id,
)

from booking_core import (
    Holiday,
    NotAllowed,
    Party,
    Period,
    Settings,
    Status,
    Team,
    Term,
    Timetable,
    UnknownGround,
    approve,
    cancel,
    connect,
    reject,
    revoke,
    save_days,
    save_team,
    save_term,
    save_timetable,
)
from booking_core.domain.claims import claims_of
from booking_core.domain.clock import at
from booking_core.domain.model import Decision, NamedStudent
from booking_core.domain.validation import minutes
from booking_core.insight.demand import export_demand
from booking_core.insight.fairness import export_fairness
from booking_core.insight.usage import export_usage
from booking_core.reports import demand, fairness, usage, usage_total
from booking_core.school.history import plans_between
from booking_core.storage.client.database import collection, settings_of
from booking_core.storage.documents import booking_document

# The clock of Berlin goes back on the first and forward on the second.
RANGES = {
    "Asia/Kolkata": (DAY, DAY + timedelta(days=20)),
    "Europe/Berlin": (date(2026, 10, 20), date(2026, 11, 2)),
    "America/New_York": (date(2027, 3, 9), date(2027, 3, 20)),
}
NIGHT = Timetable(
    "night",
    tuple(Period(f"p{h}", time(h), time((h + 1) % 24)) for h in (1, 2, 3, 9, 14, 15, 23)),
    (5, 6),
)


def fill(db, seed, first, last):
    """Stores random bookings and closures, and returns them."""
    dice = random.Random(seed)
    zone = settings_of(db).zone
    save_timetable(db, NIGHT)
    holiday = first + timedelta(days=3)
    save_term(db, Term("term", "Term", first, last, (Holiday("Fair", holiday, holiday),)))
    save_days(db, [first + timedelta(days=4)], timetable_id="night", note="Gala")
    save_team(db, Team("eleven", "First eleven", ("S001", "S002")))
    like = booked(db, by=HEAD, as_approved=False)
    collection(db, "bookings").delete_one({"_id": like.id})
    slots = [
        (ground.id, first + timedelta(days=day), time(hour), time(hour + 1))
        for ground in GROUNDS
        for day in range((last - first).days + 1)
        for hour in (1, 2, 8, 9, 10, 14, 15)
    ]
    made, taken = [], set()
    for number, (ground, on, start, end) in enumerate(dice.sample(slots, 90)):
        if dice.random() < 0.2:
            end = time(start.hour, 30) if start.hour != 15 else time(17)
        starts_at = at(on, start, zone)
        asked_at = starts_at - timedelta(minutes=dice.randrange(1, 60 * 24 * 12))
        asked_at = asked_at.astimezone(NOW.tzinfo)
        by = dice.choice((MEERA, RAVI))
        status = dice.choice([*Status, Status.APPROVED, Status.APPROVED])
        history = [Decision(asked_at, by.id, by.name, "requested")]
        waited = timedelta(minutes=dice.choice((0, 7, 40, 600, 3000)))
        later = asked_at + waited
        if status in (Status.APPROVED, Status.REVOKED) or dice.random() < 0.3:
            history.append(Decision(later, "head", "Head", "approved"))
        reason = dice.choice(("", "Exams", "exams", "Too late"))
        ends = {
            Status.REJECTED: ("rejected", later),
            Status.REVOKED: (dice.choice(("revoked", "displaced")), later),
            Status.LAPSED: ("lapsed", starts_at.astimezone(NOW.tzinfo)),
            Status.CANCELLED: (
                "cancelled",
                (starts_at - timedelta(minutes=dice.choice((5, 1439, 1440, 3000)))).astimezone(
                    NOW.tzinfo
                ),
            ),
        }
        if status is Status.REJECTED:
            history = history[:1]
        if status in ends:
            action, moment = ends[status]
            correction = status is Status.CANCELLED and dice.random() < 0.3
            history.append(Decision(moment, "head", "Head", action, reason, correction=correction))
        booking = replace(
            like,
            id=str(uuid4()),
            ground_id=ground,
            date=on,
            start=start,
            end=end,
            status=status,
            game=dice.choice(("Football", "football", "Cricket")),
            created_by=by.id,
            created_at=asked_at,
            updated_at=history[-1].at,
            history=tuple(history),
            quota_window=None,
            quota_seat=None,
            **party(dice, number),
        )
        claims = set(claims_of(booking)) if status.is_active else set()
        if taken.isdisjoint(claims):
            taken |= claims
            made.append(booking)
    collection(db, "bookings").insert_many(map(booking_document, made))
    return made


def party(dice, number):
    """The fields of a random party. Students and classes repeat."""
    who = dice.randrange(12)
    if who < 5:
        return {"student_id": student_id(who), "student_name": "A", "class_name": f"{who % 3}-A"}
    if who < 7:
        others = (NamedStudent("S008", "B", "0-A"), NamedStudent("S009", "C", "2-a"))
        return {
            "student_id": student_id(who),
            "student_name": "A",
            "class_name": "0-A",
            "others": others[: 1 + number % 2],
        }
    none = {"student_id": None, "student_name": "", "class_name": ""}
    if who < 9:
        return none | {"party": Party.CLASS, "class_name": "2-A"}
    if who < 11:
        names = {"team_id": "eleven", "student_name": "First eleven", "members": ("S001",)}
        return none | names | {"party": Party.TEAM}
    return none | {"party": Party.STAFF}


def spent(booking):
    return (minutes(booking.end, closing=True) - minutes(booking.start)) / 60


def classes_of(booking):
    names = [student.class_name for student in booking.students] or [booking.class_name]
    return {name.upper() for name in names if name}


def common(one, other):
    """Minutes that two spans have in common."""
    ends = min(minutes(one.end, closing=True), minutes(other.end, closing=True))
    return max(ends - max(minutes(one.start), minutes(other.start)), 0)


@pytest.fixture(params=[*RANGES], scope="module")
def random_school(request, mongod_uri):
    name = f"test_{uuid4().hex[:12]}"
    settings = Settings(mongodb_uri=mongod_uri, database=name, time_zone=request.param)
    db = connect(replace(settings, advance_days=400))
    open_school(db)
    first, last = RANGES[request.param]
    made = fill(db, request.param, first, last)
    for ground, hours in (("ground-1", (6, 9)), ("ground-2", (15, 20))):
        on = first + timedelta(days=1)
        taken = [b for b in made if b.ground_id == ground and b.date == on]
        start, end = time(hours[0]), time(hours[1])
        if not any(b.status.is_active and common(b, Period("x", start, end)) for b in taken):
            slot = {"ground_id": ground, "date": on, "start": start, "end": end}
            close_one(db, **slot, reason="Rain", by=HEAD, now=datetime(2026, 9, 1, tzinfo=UTC))
    closures = [
        (row["ground_id"], date.fromisoformat(row["date"]), row["start"], row["end"])
        for row in collection(db, "bookings").find({"kind": "closure"})
    ]
    yield db, made, closures, first, last
    db.client.drop_database(name)
    db.client.close()


@pytest.mark.parametrize("ground", [None, "ground-1"])
@pytest.mark.parametrize("by", [HEAD, RAVI], ids=lambda actor: actor.id)
def test_the_use_equals_a_plain_count(random_school, by, ground):
    db, made, closures, first, last = random_school
    mine = [b for b in made if by is HEAD or b.created_by == by.id]
    active = [b for b in mine if b.status.is_active and ground in (None, b.ground_id)]
    cells, weeks = Counter(), Counter()
    for on, school in plans_between(db, first, last).items():
        monday = on - timedelta(days=on.weekday())
        for period in school.plan.periods:
            length = minutes(period.end, closing=True) - minutes(period.start)
            for one in school.grounds:
                if ground not in (None, one.id):
                    continue
                used = sum(
                    common(b, period) / length
                    for b in active
                    if (b.ground_id, b.date) == (one.id, on)
                )
                closed = sum(
                    common(Period("x", time.fromisoformat(s), time.fromisoformat(e)), period)
                    / length
                    for g, d, s, e in closures
                    if (g, d) == (one.id, on)
                )
                for what, count in (("used", used), ("open", 1 - closed)):
                    cells[on.weekday(), period.start, what] += count
                    weeks[monday, what] += count

    found = usage(db, by=by, first=first, last=last, ground_id=ground)

    assert found.total.bookings == len(active)
    assert found.total.hours == pytest.approx(sum(map(spent, active)))
    assert {
        (x.weekday, x.start, what): pytest.approx(getattr(x, what))
        for x in found.periods
        for what in ("used", "open")
    } == dict(cells)
    assert {
        (x.first - timedelta(days=x.first.weekday()), what): pytest.approx(getattr(x, what))
        for x in found.weeks
        for what in ("used", "open")
    } == dict(weeks)
    assert (found.weeks[0].first, found.weeks[-1].last) == (first, last)
    assert sum(x.used for x in found.periods) == pytest.approx(found.total.used)
    assert sum(x.open for x in found.weeks) == pytest.approx(found.total.open)
    counted = Counter(name for b in active for name in classes_of(b))
    assert {x.name.upper(): x.bookings for x in found.classes} == counted
    assert {x.name: x.bookings for x in found.games} == Counter(b.game.title() for b in active)
    teams = sum(b.party is Party.TEAM for b in active)
    assert [(x.name, x.bookings) for x in found.teams] == [("First eleven", teams)] * (teams > 0)
    of_ground = [b for b in mine if ground in (None, b.ground_id)]
    assert {s: n for s, n in found.statuses.items() if n} == Counter(b.status for b in of_ground)
    assert usage_total(db, by=by, first=first, last=last, ground_id=ground) == found.total
    exported = export_usage(found).rows
    assert exported[0][2:4] == (found.total.bookings, round(found.total.hours, 2))
    assert sum(row[0] == "Weekday and period" for row in exported) == len(found.periods)


@pytest.mark.parametrize("ground", [None, "ground-1"])
@pytest.mark.parametrize("by", [HEAD, RAVI], ids=lambda actor: actor.id)
def test_the_demand_equals_a_plain_count(random_school, by, ground):
    db, made, _, first, last = random_school
    zone = settings_of(db).zone
    asked = [b for b in made if by is HEAD or b.created_by == by.id]
    asked = [b for b in asked if ground in (None, b.ground_id)]
    waits, late, reasons = [], 0, Counter()
    for b in asked:
        answer = next((e for e in b.history if e.action in ("approved", "rejected")), None)
        if answer is not None and answer.at > b.created_at:
            waits.append((answer.at - b.created_at) // timedelta(minutes=1))
        end = b.history[-1]
        if b.status is Status.CANCELLED and not end.correction:
            before = b.slot.starts_at(zone).timestamp() - end.at.timestamp()
            late += before < 24 * 3600
        if b.status is Status.REJECTED:
            reasons[end.reason.lower()] += 1
    waits.sort()

    found = demand(db, by=by, first=first, last=last, ground_id=ground)

    assert found.requested == len(asked)
    assert {s: n for s, n in found.outcomes.items() if n} == Counter(b.status for b in asked)
    displaced = [b for b in asked if b.history[-1].action == "displaced"]
    assert found.revoked_by_closure == len(displaced)
    assert {reason.lower(): count for reason, count in found.reasons} == reasons
    assert found.answered == len(waits)
    assert found.median_minutes == waits[(len(waits) + 1) // 2 - 1]
    assert found.p90_minutes == waits[-(-len(waits) * 9 // 10) - 1]
    assert found.late == late
    assert found.days_ahead == Counter(
        (b.date - b.created_at.astimezone(zone).date()).days for b in asked
    )
    exported = {row[:2]: row[2] for row in export_demand(found).rows}
    assert exported["Requested", ""] == len(asked)
    assert exported["Cancelled", "less than 24 hours before"] == late


@pytest.mark.parametrize("ground", [None, "ground-1"])
def test_the_fairness_equals_a_plain_count(random_school, ground):
    db, made, _, first, last = random_school
    asked = [b for b in made if ground in (None, b.ground_id)]
    hours, requested, of_student = Counter(), Counter(), Counter()
    for b in asked:
        for name in classes_of(b):
            requested[name] += 1
            hours[name] += spent(b) * b.status.is_active
        for student in b.students:
            of_student[student.id] += spent(b) * b.status.is_active

    found = fairness(db, by=HEAD, first=first, last=last, ground_id=ground)

    assert {x.name.upper(): x.requested for x in found.classes if x.requested} == requested
    assert {x.name.upper(): x.hours for x in found.classes if x.hours} == pytest.approx(+hours)
    assert {x.student.id: x.hours for x in found.students if x.hours} == pytest.approx(+of_student)
    assert len(found.students) == 200
    assert len(found.without) == 200 - len(+of_student)
    ordered = [x.hours for x in found.students]
    assert ordered == sorted(ordered)
    assert found.quartiles == (ordered[49], ordered[99], ordered[149])
    assert [x.held_share for x in found.short] == sorted(x.held_share for x in found.short)
    rows = export_fairness(found).rows
    assert len(rows) == len(found.classes) + 200


def test_without_bookings_nothing_is_counted_and_nobody_goes_first(make_db):
    db = make_db()
    asked = {"by": HEAD, "first": DAY, "last": DAY}

    assert {x.share for x in usage(db, **asked).periods} == {0.0}
    wanted = demand(db, **asked)
    assert (wanted.requested, wanted.median_minutes, wanted.median_days_ahead) == (0, None, None)
    spread = fairness(db, **asked)
    assert (spread.quartiles, len(spread.without), spread.short) == ((0, 0, 0), 200, ())


def test_one_booking_is_the_median_and_what_was_decided_counts_once(make_db):
    db = make_db()
    first = booked(db)
    asked = {"by": HEAD, "first": DAY, "last": DAY}
    approve(db, first.id, by=HEAD, now=NOW + timedelta(minutes=12))

    found = demand(db, **asked)
    assert (found.answered, found.median_minutes, found.p90_minutes) == (1, 12, 12)
    assert found.days_ahead == {1: 1}

    revoke(db, first.id, by=HEAD, reason="Exams", now=NOW + timedelta(minutes=50))
    found = demand(db, **asked)
    assert (found.answered, found.median_minutes, found.revoked_by_closure) == (1, 12, 0)
    assert found.outcomes[Status.REVOKED] == found.requested == 1


@pytest.mark.parametrize(("hours", "late"), [(24, 0), (23, 1)])
def test_a_cancellation_is_late_less_than_a_day_before_the_start(make_db, hours, late):
    db = make_db()
    booking = booked(db, start=12)
    starts_at = datetime.combine(DAY, time(12), settings_of(db).zone)
    cancel(db, booking.id, by=MEERA, now=starts_at - timedelta(hours=hours))

    assert demand(db, by=HEAD, first=DAY, last=DAY).late == late


def test_a_principals_own_booking_and_a_request_without_an_answer_have_not_waited(make_db):
    db = make_db()
    booked(db, by=HEAD, as_approved=True)
    booked(db, student=1, start=11)
    rejected = booked(db, student=2, start=14)
    reject(db, rejected.id, by=HEAD, reason="Exams ", now=NOW + timedelta(hours=1))

    found = demand(db, by=HEAD, first=DAY, last=DAY)

    assert (found.answered, found.median_minutes) == (1, 60)
    assert found.reasons == (("Exams", 1),)


def test_fairness_is_for_those_who_see_everybodys_figures(school):
    with pytest.raises(NotAllowed):
        fairness(school[0], by=MEERA, first=DAY, last=DAY)


@pytest.mark.parametrize("report", [usage, usage_total, demand, fairness])
def test_an_unknown_ground_is_named(school, report):
    with pytest.raises(UnknownGround):
        report(school[0], by=HEAD, first=DAY, last=DAY, ground_id="none")


def test_the_periods_of_a_day_are_those_of_the_week(make_db):
    found = usage(make_db(), by=HEAD, first=DAY, last=DAY + timedelta(days=7))

    assert [(x.start, x.open) for x in found.periods if x.weekday == DAY.weekday()] == [
        (period.start, 6.0) for period in HOURLY.periods
    ]
    assert [x.first for x in found.weeks] == [DAY, DAY + timedelta(days=6)]
