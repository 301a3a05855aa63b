"""Bookings for several students, a class, a team and staff, and with a supervisor."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    active,
    assert_sound,
    at_once,
    booked,
    minutes_of,
    of_type,
    people_of,
    request_for,
    student_id,
)

from booking_core import (
    Account,
    AlreadyExists,
    Booking,
    BookingError,
    BookingRequest,
    GameNotAllowed,
    InvalidRequest,
    Party,
    Policy,
    QuotaReached,
    Role,
    SeriesRequest,
    StudentBusy,
    StudentInactive,
    SupervisorBusy,
    Team,
    UnknownClass,
    UnknownStudent,
    UnknownTeam,
    account_erasure_of,
    add_account,
    add_team,
    approve,
    book,
    book_series,
    cancel,
    change_account,
    day_board,
    erase_account,
    erase_student,
    find_bookings,
    get_booking,
    load_reference,
    move,
    plan_series,
    quotas_of,
    remove_team,
    save_policy,
    save_student,
    save_team,
    set_active,
    weeks_of,
)
from booking_core.reports import export_bookings, export_changes
from booking_core.storage.bookings import writes

TEAM = Team("u14", "U14 girls", ("S001", "S002"), staff=("meera",))
CLASS = "2-A"  # of S001
ROUNDS = 12


@pytest.fixture
def db(make_db):
    made = make_db(quota=2)
    for who in (MEERA, RAVI):
        add_account(made, Account(who.id, who.name, Role.STAFF))
    save_team(made, TEAM)
    return made


def allowed(db, **values):
    save_policy(db, replace(load_reference(db).policy, **values), by=ADMIN, now=NOW)


PARTIES = {
    "students": {"student_ids": ("S001", "S002")},
    "class": {"class_name": CLASS},
    "team": {"team_id": "u14"},
    "staff": {"for_staff": True},
}


@pytest.mark.parametrize(
    ("party", "whom"),
    [
        ("students", "Student 1, Student 2, 2-A, 3-A"),
        ("class", "2-A, whole class"),
        ("team", "U14 girls"),
        ("staff", "Staff"),
    ],
)
def test_each_party_is_stored_read_and_named(db, party, whom):
    made = booked(db, **PARTIES[party], supervisor_id="meera")

    assert made.party is Party(party)
    assert made.whom == whom
    assert (made.supervisor_id, made.supervisor_name) == ("meera", "Meera")
    assert get_booking(db, made.id) == made
    assert day_board(db, DAY, NOW).holder(made.slot) == made
    assert_sound(db)


def test_one_party_is_named_and_no_second_one():
    with pytest.raises(InvalidRequest) as error:
        request_for(student_id=None)
    assert error.value.field == "student_id"
    for name, value in {"class_name": CLASS, "team_id": "u14", "for_staff": True}.items():
        with pytest.raises(InvalidRequest) as error:
            request_for(student_id="S001", **{name: value})
        assert error.value.field == name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("student_ids", "S001"),
        ("student_ids", ("S001", "S001")),
        ("student_ids", tuple(map(student_id, range(13)))),
        ("student_ids", (1, 2)),
        ("student_ids", 7),
        ("class_name", ""),
        ("class_name", 7),
        ("team_id", "?"),
        ("team_id", 7),
        ("for_staff", "yes"),
        ("supervisor_id", ""),
        ("supervisor_id", 7),
    ],
)
def test_a_wrong_party_is_refused_with_its_field(field, value):
    with pytest.raises(InvalidRequest) as error:
        request_for(**{field: value})
    assert error.value.field == field


def test_a_list_of_one_student_is_that_student():
    assert request_for(student_ids=["S001"]) == request_for(student_id="S001")


def test_unknown_parties_are_refused(db):
    cases = [
        ({"student_ids": ("S001", "nobody")}, UnknownStudent),
        ({"class_name": "99-Z"}, UnknownClass),
        ({"team_id": "none"}, UnknownTeam),
    ]
    for party, error in cases:
        with pytest.raises(error):
            booked(db, **party)
    with pytest.raises(InvalidRequest) as refused:
        booked(db, supervisor_id="nobody")
    assert refused.value.field == "supervisor_id"
    change_account(db, "ravi", active=False, by=ADMIN)
    with pytest.raises(InvalidRequest) as refused:
        booked(db, supervisor_id="ravi")
    assert refused.value.field == "supervisor_id"
    set_active(db, "S002", False, by=ADMIN, now=NOW)
    with pytest.raises(StudentInactive):
        booked(db, student_ids=("S001", "S002"))
    assert not active(db)


def test_a_class_is_spelled_as_its_students_have_it(db):
    assert booked(db, class_name=" 2-a ").class_name == CLASS


def test_each_named_student_is_in_one_place(db):
    first = booked(db, student_ids=("S001", "S002"))
    for student in ("S001", "S002"):
        with pytest.raises(StudentBusy) as error:
            booked(db, ground="ground-2", student=student)
        assert error.value.booking == first
    with pytest.raises(StudentBusy):
        booked(db, ground="ground-2", student_ids=("S003", "S002"))
    assert booked(db, ground="ground-2", student_ids=("S003", "S004")).status.is_active
    assert_sound(db)


def test_the_alternatives_leave_out_what_any_of_the_people_has(db):
    booked(db, student=2, start=10)
    booked(db, student=9, start=11, ground="ground-2", supervisor_id="ravi")
    booked(db, student=3, start=9)
    with pytest.raises(BookingError) as error:
        booked(db, student_ids=("S001", "S002"), start=9, supervisor_id="ravi")
    starts = {slot.start.hour for slot in error.value.alternatives}
    assert starts
    assert not starts & {10, 11}


def test_each_named_student_takes_a_seat_of_the_quota(db):
    booked(db, student_ids=("S001", "S002"), start=9)
    booked(db, student=2, start=10)
    with pytest.raises(QuotaReached) as error:
        booked(db, student_ids=("S001", "S002"), start=11)
    assert error.value.student_id == "S002"
    third = booked(db, student=1, start=11)
    assert third.quota_seat == 1
    assert_sound(db)


@pytest.mark.parametrize(
    ("party", "name", "holder"),
    [("class", "class_quota", CLASS), ("team", "team_quota", "U14 girls"),
     ("staff", "staff_quota", "Meera")],
)  # fmt: skip
def test_each_kind_of_party_has_a_quota_of_its_own(db, party, name, holder):
    for hour in (9, 10, 11):  # without a quota, any number
        assert booked(db, **PARTIES[party], start=hour).quota_window is None
    allowed(db, **{name: 1})
    next_week = DAY + timedelta(days=7)
    first = booked(db, **PARTIES[party], on=next_week, start=9)
    with pytest.raises(QuotaReached) as error:
        booked(db, **PARTIES[party], on=next_week, start=10)
    assert (error.value.student_id, error.value.quota) == (holder, 1)
    cancel(db, first.id, by=MEERA, now=NOW)
    assert booked(db, **PARTIES[party], on=next_week, start=10).quota_seat == 0
    assert_sound(db)


def test_a_lowered_quota_of_a_class_counts_the_seats_that_are_held(db):
    allowed(db, class_quota=3)
    made = [booked(db, class_name=CLASS, start=hour) for hour in (9, 10, 11)]
    allowed(db, class_quota=2)
    cancel(db, made[0].id, by=MEERA, now=NOW)
    with pytest.raises(QuotaReached):
        booked(db, class_name=CLASS, start=12)


def test_seats_are_counted_by_the_index_of_claims(db):
    for number in range(20):
        booked(db, student=number, start=8 + number % 10, on=DAY + timedelta(days=number // 10))
    pairs = [(student_id(number), "2026-W48") for number in (1, 2, 3)]
    db.command("profile", 2)
    assert writes.taken_seats(db, pairs) == {pair: {0} for pair in pairs}
    db.command("profile", 0)
    [read] = db["system.profile"].find({"command.find": "bookings"})
    # One key of each student, and at most one beyond it.
    assert read["keysExamined"] <= 2 * len(pairs) + 1


def test_a_team_claims_its_members_where_the_school_says_so(db):
    free = booked(db, team_id="u14")
    assert free.student_ids == ()
    booked(db, student=1, ground="ground-2")  # at the same time

    allowed(db, claim_members=True)
    with pytest.raises(StudentBusy):
        booked(db, team_id="u14", ground="ground-3")
    claimed = booked(db, team_id="u14", start=10)
    assert claimed.student_ids == TEAM.members
    with pytest.raises(StudentBusy) as error:
        booked(db, student=2, ground="ground-2", start=10)
    assert error.value.booking == claimed
    assert [b.id for b in find_bookings(db, student_id="S002")] == [claimed.id]
    assert get_booking(db, claimed.id) == claimed
    assert_sound(db)


def test_a_supervisor_is_in_one_place(db):
    first = booked(db, supervisor_id="meera")
    with pytest.raises(SupervisorBusy) as error:
        booked(db, student=1, ground="ground-2", supervisor_id="Meera")
    assert error.value.booking == first
    assert error.value.since == NOW
    assert error.value.alternatives
    other = booked(db, student=1, ground="ground-2", start=10, supervisor_id="meera")
    with pytest.raises(SupervisorBusy):
        move(db, other.id, start=first.start, end=first.end, by=MEERA, now=NOW)
    assert get_booking(db, other.id) == other
    assert_sound(db)


def test_a_move_takes_all_people_and_seats_along(db):
    made = booked(db, student_ids=("S001", "S002"), supervisor_id="meera")
    approve(db, made.id, by=HEAD, now=NOW)
    moved = move(db, made.id, date=DAY + timedelta(days=7), by=HEAD, now=NOW)

    assert [s.seat for s in moved.students] == [0, 0]
    assert moved.quota_window != made.quota_window
    assert moved.supervisor_id == "meera"
    assert get_booking(db, made.id) == moved
    booked(db, ground="ground-2", student=2, supervisor_id="meera")  # free again that day
    assert_sound(db)


def test_a_repeated_submission_is_one_booking_and_another_party_is_refused(db):
    id = uuid4()
    first = booked(db, student_ids=("S001", "S002"), submission_id=id)
    assert booked(db, student_ids=("S001", "S002"), submission_id=id) == first
    for other in ({"student_ids": ("S001", "S003")}, {"class_name": CLASS}):
        with pytest.raises(BookingError):
            booked(db, **other, submission_id=id)
    with pytest.raises(BookingError):
        booked(db, student_ids=("S001", "S002"), supervisor_id="meera", submission_id=id)
    assert len(active(db)) == 1


def test_the_fingerprint_of_one_student_is_that_of_earlier_versions(db):
    request = request_for(student=1)
    made = book(db, request, by=MEERA, now=NOW)
    # sha256 of the JSON of the seven fields and the author, as version 6 stored it.
    assert made.fingerprint == "4bb3931f5b76cf0fb8becdc2f3ac22b5"


def test_names_and_classes_follow_each_student_until_the_booking_begins(db):
    made = booked(db, student_ids=("S001", "S002"))
    student = load_reference(db).student("S002")
    save_student(db, replace(student, name="Asha Nair", class_name="9-B"), by=ADMIN, now=NOW)

    read = get_booking(db, made.id)
    assert [s.name for s in read.students] == ["Student 1", "Asha Nair"]
    assert read.party_class == "2-A, 9-B"
    assert [b.id for b in find_bookings(db, class_name="9-b")] == [made.id]
    assert [b.id for b in find_bookings(db, class_name=CLASS)] == [made.id]
    assert [b.id for b in find_bookings(db, student_id="S002")] == [made.id]
    assert [s.seat for s in read.students] == [0, 0]


def test_the_same_submission_is_answered_after_its_supervisor_team_or_class_is_gone(db):
    sent = [
        (uuid4(), {"student": 9, "start": 9, "supervisor_id": "ravi"}),
        (uuid4(), {"team_id": "u14", "start": 10}),
        (uuid4(), {"class_name": CLASS, "start": 11}),
    ]
    made = [booked(db, submission_id=id, **request) for id, request in sent]
    change_account(db, "ravi", active=False, by=ADMIN)
    remove_team(db, "u14", by=ADMIN)
    for number in range(200):
        student = load_reference(db).students[student_id(number)]
        if student.class_name == CLASS:
            set_active(db, student.id, False, by=ADMIN, now=NOW)
    for (id, request), booking in zip(sent, made, strict=True):
        assert booked(db, submission_id=id, **request).id == booking.id
    series_id = uuid4()
    first = request_for(student=8, start=12, supervisor_id="meera")
    request = SeriesRequest(first=first, until=DAY + timedelta(days=7))
    series = book_series(db, request, by=MEERA, submission_id=series_id, now=NOW)
    change_account(db, "meera", active=False, by=ADMIN)
    again = book_series(db, request, by=MEERA, submission_id=series_id, now=NOW)
    assert [b.id for b in again.bookings] == [b.id for b in series.bookings]


def test_the_quota_of_a_member_counts_no_booking_of_the_team(db):
    allowed(db, claim_members=True, team_quota=5, quota=1)
    booked(db, team_id="u14")
    [(name, quota)] = quotas_of(db, request_for(student=1, start=12), by=MEERA)
    assert (name, quota.held, quota.has_room) == ("Student 1", 0, True)
    booked(db, student=1, start=12)
    pair = request_for(student_ids=("S001", "S002"), start=14)
    assert [q.held for _, q in quotas_of(db, pair, by=MEERA)] == [1, 0]
    [(name, quota)] = quotas_of(db, request_for(team_id="u14"), by=MEERA)
    assert (name, quota.held, quota.limit) == ("U14 girls", 1, 5)


def test_all_spellings_of_a_class_have_one_quota(db):
    allowed(db, class_quota=1)
    booked(db, class_name="2-A")
    for spelling in ("2 - a", "2\u2013A"):
        with pytest.raises(QuotaReached):
            booked(db, class_name=spelling, start=11)


def test_a_series_for_a_game_that_the_ground_does_not_have_is_planned(db):
    request = SeriesRequest(
        first=request_for(student=1, game="Cricket"), until=DAY + timedelta(days=7)
    )
    plan = plan_series(db, request, by=MEERA, now=NOW)
    assert [type(one.problem) for one in plan.dates] == [GameNotAllowed] * 2


def test_the_week_of_a_booking_is_that_of_all_its_students(db):
    made = booked(db, student_ids=("S001", "S002"))
    other = booked(db, student=2, start=10)
    booked(db, student=3, start=11)
    assert weeks_of(db, [made, other]) == {made.id: [other], other.id: [made]}


def test_an_erased_student_leaves_the_others_of_a_booking_and_the_team(db):
    made = booked(db, student_ids=("S001", "S002"), purpose="Trial of Student 2")
    set_active(db, "S002", False, by=ADMIN, now=NOW)
    later = NOW + timedelta(days=9)
    assert erase_student(db, "S002", by=ADMIN, now=later) == 1

    kept = get_booking(db, made.id)
    assert [s.name for s in kept.students] == ["Student 1", "Former student"]
    assert kept.student_ids[0] == "S001"
    assert kept.student_ids[1].startswith("former-")
    assert kept.purpose == ""
    assert load_reference(db).team("u14").members == ("S001",)
    assert_sound(db)


def test_an_erased_member_leaves_the_bookings_of_the_team(db):
    allowed(db, claim_members=True)
    made = booked(db, team_id="u14")
    set_active(db, "S002", False, by=ADMIN, now=NOW)
    assert erase_student(db, "S002", by=ADMIN, now=NOW + timedelta(days=9)) == 1
    kept = get_booking(db, made.id)
    assert (kept.whom, kept.members[0]) == ("U14 girls", "S001")
    assert kept.members[1].startswith("former-")


def test_an_erased_account_leaves_its_supervised_bookings_and_teams(db):
    made = booked(db, student=1, by=RAVI, supervisor_id="meera")
    change_account(db, "meera", active=False, by=ADMIN)
    later = NOW + timedelta(days=9)
    assert account_erasure_of(db, "meera", by=ADMIN, now=later) is not None
    erase_account(db, "meera", by=ADMIN, now=later)

    kept = get_booking(db, made.id)
    assert kept.supervisor_id.startswith("former-staff-")
    assert "meera" not in str(db["bookings"].find_one({"_id": made.id}))
    assert load_reference(db).team("u14").staff == ()


def test_exports_and_the_history_name_the_party(db):
    for hour, party in enumerate(PARTIES.values(), start=9):
        booked(db, **party, start=hour, supervisor_id="ravi")
    table = export_bookings(db, order="soonest")
    heading = [name for name, _ in table.columns]
    rows = [dict(zip(heading, row, strict=True)) for row in table.rows]
    assert [row["For"] for row in rows] == ["students", "class", "team", "staff"]
    assert [row["Student"] for row in rows] == ["Student 1, Student 2", None, "U14 girls", "Staff"]
    assert [row["Class"] for row in rows] == ["2-A, 3-A", "2-A", None, None]
    assert {row["Supervisor"] for row in rows} == {"Ravi"}
    day = NOW.date()
    changes = "\n".join(str(row) for row in export_changes(db, by=ADMIN, first=day, last=day).rows)
    for text in ("Student 1, Student 2", "U14 girls", "class_name: 2-A", "party: staff"):
        assert text in changes


def test_a_series_claims_its_party_on_every_date(db):
    first = request_for(student_ids=("S001", "S002"), supervisor_id="meera")
    booked(db, student=9, ground="ground-2", on=DAY + timedelta(days=7), supervisor_id="meera")
    request = SeriesRequest(first=first, until=DAY + timedelta(days=14))
    plan = plan_series(db, request, by=MEERA, now=NOW)
    assert [type(one.problem) for one in plan.dates] == [type(None), SupervisorBusy, type(None)]

    made = book_series(db, request, by=MEERA, submission_id=uuid4(), only_free=True, now=NOW)
    assert [b.student_ids for b in made.bookings] == [("S001", "S002")] * 2
    assert {b.supervisor_id for b in made.bookings} == {"meera"}
    assert_sound(db)


def test_a_series_of_a_class_takes_seats_of_the_class(db):
    allowed(db, class_quota=1)
    booked(db, class_name=CLASS, on=DAY + timedelta(days=7), start=12)
    request = SeriesRequest(first=request_for(class_name=CLASS), until=DAY + timedelta(days=14))
    plan = plan_series(db, request, by=MEERA, now=NOW)
    assert [type(one.problem) for one in plan.dates] == [type(None), QuotaReached, type(None)]


# --- teams


def test_teams_are_added_changed_and_removed(db):
    added = add_team(db, "U14 boys", ("S003",), class_name="9-B", staff=("ravi",), by=ADMIN)
    assert load_reference(db).teams[added.id] == added
    made = booked(db, team_id=added.id)
    save_team(db, replace(added, name="U15 boys"), by=ADMIN, was=added)
    with pytest.raises(BookingError):
        save_team(db, replace(added, name="U16 boys"), by=ADMIN, was=added)
    remove_team(db, added.id, by=ADMIN)
    assert added.id not in load_reference(db).teams
    # The booking keeps its team, and can still be decided on and moved.
    assert approve(db, made.id, by=HEAD, now=NOW).party_name == "U14 boys"
    assert move(db, made.id, ground_id="ground-3", by=HEAD, now=NOW).team_id == added.id
    with pytest.raises(UnknownTeam):
        remove_team(db, added.id, by=ADMIN)


def test_a_wrong_team_is_refused_and_nothing_is_stored(db):
    before = load_reference(db).teams
    with pytest.raises(UnknownStudent):
        save_team(db, Team("a", "A", ("nobody",)))
    with pytest.raises(InvalidRequest) as error:
        save_team(db, Team("a", "A", staff=("nobody",)))
    assert error.value.field == "staff"
    with pytest.raises(InvalidRequest) as error:
        save_team(db, Team("a", "u14 GIRLS"))
    assert error.value.field == "name"
    with pytest.raises(AlreadyExists):
        save_team(db, Team("U14", "Others"))
    with pytest.raises(BookingError):
        save_team(db, TEAM, by=MEERA)
    assert load_reference(db).teams == before


def test_the_audit_log_names_no_member_of_a_team(db):
    save_team(db, replace(TEAM, name="U14"), by=ADMIN)
    assert "S001" not in str(list(db["audit"].find()))


# --- races


def outcomes_of(db, requests):
    return at_once(
        *(lambda request=request: book(db, request, by=MEERA, now=NOW) for request in requests)
    )


def test_of_bookings_that_share_people_one_wins(db):
    """Groups that overlap in one student or in the supervisor, on different grounds."""
    allowed(db, quota=None)
    for number in range(ROUNDS):
        day = DAY + timedelta(days=number)
        requests = []
        for ground in ("ground-1", "ground-2", "ground-3"):
            for hour in (9, 10):
                requests += [
                    request_for(ground=ground, on=day, start=hour, student_ids=("S001", "S002")),
                    request_for(ground=ground, on=day, start=hour, student_ids=("S002", "S003")),
                    request_for(
                        ground=ground, on=day, start=hour, student=4, supervisor_id="meera"
                    ),
                    request_for(
                        ground=ground, on=day, start=hour, class_name=CLASS, supervisor_id="meera"
                    ),
                ]
        random.Random(number).shuffle(requests)
        outcomes = outcomes_of(db, requests)
        assert all(isinstance(one, Booking | BookingError) for one in outcomes), outcomes
        for hour in (9, 10):
            rows = [row for row in active(db, date=day.isoformat()) if hour * 60 in minutes_of(row)]
            held = [person for row in rows for person in people_of(row)]
            assert len(held) == len(set(held))
            assert held.count("student S002") == 1
            assert held.count("staff meera") == 1
    assert_sound(db)


def test_the_seats_of_a_class_hold_in_a_race(db):
    allowed(db, class_quota=2)
    for number in range(ROUNDS):
        day = DAY + timedelta(days=7 * number)
        if day > NOW.date() + timedelta(days=28):
            break
        requests = [
            request_for(ground=ground, on=day, start=hour, class_name=CLASS)
            for ground in ("ground-1", "ground-2", "ground-3")
            for hour in range(9, 13)
        ]
        outcomes = outcomes_of(db, requests)
        assert len(of_type(outcomes, Booking)) == 2
        assert len(of_type(outcomes, QuotaReached)) == len(requests) - 2
    assert_sound(db)


def test_a_request_is_for_one_party_in_every_form():
    """Of the five ways to name a party exactly one is accepted, whatever is given."""
    given = {"student_id": "S001", **{k: v for p in PARTIES.values() for k, v in p.items()}}
    names = list(given)
    for mask in range(2 ** len(names)):
        chosen = {name: given[name] for n, name in enumerate(names) if mask >> n & 1}
        values = {"student_id": None, **chosen}
        template = request_for()
        fields = (template.ground_id, template.date, template.start, template.end)
        if len(chosen) == 1:
            assert BookingRequest(*fields, game="Cricket", **values)
        else:
            with pytest.raises(InvalidRequest):
                BookingRequest(*fields, game="Cricket", **values)
    assert Policy().quota_of(Party.CLASS) is None
