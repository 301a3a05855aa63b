"""Calendars to subscribe to: what they show of which bookings, read back by other parsers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import icalendar
import pytest
from calendar_reading import events_of, later, parsed, plans, texts, zone_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    RAVI,
    booked,
    close_one,
)

from booking_core import (
    Account,
    BookingError,
    Ground,
    InvalidRequest,
    Policy,
    Role,
    Settings,
    Student,
    UnknownGround,
    add_account,
    approve,
    cancel,
    change_ground,
    get_booking,
    lapse_pending,
    lift_closure,
    move,
    reject,
    revoke,
    save_ground,
    save_policy,
    save_student,
    undo_change,
)
from booking_core.calendars import (
    booking_event,
    ground_calendar,
    own_calendar,
)

KOLKATA = ZoneInfo("Asia/Kolkata")


def uid(booking) -> str:
    return f"{booking.id}@ground-booking"


def shown(db, calendar: str, booking, now=NOW) -> icalendar.Event | None:
    return events_of(texts(db, now)[calendar]).get(uid(booking))


def local(moment: datetime, zone: ZoneInfo = KOLKATA) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def test_a_request_is_tentative_and_an_approved_booking_confirmed_at_its_local_time(db):
    booking = booked(db, purpose="House match")
    save_policy(db, Policy(wall_shows="class"), by=ADMIN)

    event = shown(db, "ground", booking)
    assert event["STATUS"] == "TENTATIVE"
    assert event["SUMMARY"] == "Requested: Volleyball, 1-A"
    assert event["DESCRIPTION"] == "This request waits for a decision."
    assert event["DTSTART"].params["TZID"] == "Asia/Kolkata"
    assert local(event["DTSTART"].dt) == datetime.combine(DAY, time(9))
    assert local(event["DTEND"].dt) == datetime.combine(DAY, time(10))
    assert event["LOCATION"] == f"Ground 1, {db.booking_settings.school_name}"
    approved = approve(db, booking.id, by=HEAD, expected=booking.slot, now=later(5))

    event = shown(db, "ground", booking)
    assert (event["STATUS"], event["SUMMARY"]) == ("CONFIRMED", "Volleyball, 1-A")
    assert event["CATEGORIES"].to_ical() == b"Volleyball"
    assert event["SEQUENCE"] == approved.revision
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == later(5)
    assert "URL" not in event  # there is no PUBLIC_URL
    own = shown(db, "own", booking)
    assert own["SUMMARY"] == "Volleyball: Student 0, 1-A"
    assert "Purpose: House match\n" in own["DESCRIPTION"]
    assert (own["TRANSP"], event["TRANSP"]) == ("OPAQUE", "TRANSPARENT")


@pytest.mark.parametrize("shows", ["none", "class", "student"])
def test_a_public_calendar_says_as_much_as_the_wall_may_show(db, shows):
    save_student(db, Student("S000", "Zarqaquill Vex", "7-Q"))
    booking = booked(db, purpose="Secret plan", as_approved=True, by=HEAD)
    gone = booked(db, start=12, student=0)
    cancel(db, gone.id, by=MEERA, reason="Zarqaquill is unwell", now=NOW)
    save_policy(db, Policy(wall_shows=shows), by=ADMIN)

    for text in (texts(db)["school"], texts(db)["ground"]):
        event = events_of(text)[uid(booking)]
        expected = {
            "none": "Booked",
            "class": "Volleyball, 7-Q",
            "student": "Volleyball, Zarqaquill Vex, 7-Q",
        }
        assert event["SUMMARY"] == expected[shows]
        assert (b"Zarqaquill" in text) == (shows == "student")
        assert ("CATEGORIES" in event) == (shows != "none")
        assert not {b"Secret", b"unwell", HEAD.name.encode(), MEERA.name.encode()} & {
            word for word in (b"Secret", b"unwell", b"Head", b"Meera") if word in text
        }
        ended = events_of(text)[uid(gone)]
        assert (ended["SUMMARY"], ended["STATUS"]) == ("Cancelled", "CANCELLED")
        assert "CATEGORIES" not in ended


def test_the_own_calendar_has_what_the_account_made_or_supervises_and_nothing_else(db):
    add_account(db, Account("meera", "Meera", Role.STAFF))
    made = booked(db)
    there = booked(db, start=10, student=1, by=RAVI, supervisor_id="meera")
    other = booked(db, start=11, student=2, by=RAVI)

    found = events_of(texts(db)["own"])

    assert found.keys() == {uid(made), uid(there)}
    assert "Supervisor: Meera" in found[uid(there)]["DESCRIPTION"]
    assert "Asked by: Ravi" in found[uid(there)]["DESCRIPTION"]
    assert uid(other) in events_of(texts(db)["school"])


ENDS = {
    "cancelled": lambda db, b: cancel(db, b.id, by=MEERA, now=later(60)),
    "rejected": lambda db, b: reject(db, b.id, by=HEAD, reason="No", now=later(60)),
    "revoked": lambda db, b: (
        approve(db, b.id, by=HEAD, expected=b.slot, now=later(5)),
        revoke(db, b.id, by=HEAD, reason="No", now=later(60)),
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_has_ended_stays_as_cancelled_for_four_weeks(db, end):
    on = DAY + timedelta(days=29)
    booking = booked(db, on=on, now=NOW)
    before = shown(db, "own", booking)
    ENDS[end](db, booking)

    for calendar in ("school", "ground", "own"):
        event = shown(db, calendar, booking, NOW + timedelta(days=28))
        assert event["STATUS"] == "CANCELLED"
        assert event["UID"] == before["UID"]
        assert event["SEQUENCE"] > before["SEQUENCE"]
        assert event["TRANSP"] == "TRANSPARENT"
        assert shown(db, calendar, booking, NOW + timedelta(days=29)) is None


def test_a_request_that_has_lapsed_stays_as_cancelled(db):
    booking = booked(db)
    over = datetime(2026, 11, 24, 12, tzinfo=UTC)
    lapse_pending(db, now=over)

    event = shown(db, "own", booking, over)

    assert (event["STATUS"], event["SUMMARY"]) == (
        "CANCELLED",
        "Lapsed: Volleyball: Student 0, 1-A",
    )


def test_what_is_over_stays_for_four_weeks(db):
    booking = booked(db)

    for calendar in ("school", "ground", "own"):
        assert shown(db, calendar, booking, NOW + timedelta(days=29)) is not None
        assert shown(db, calendar, booking, NOW + timedelta(days=30)) is None


def test_a_booking_that_moves_to_another_ground_is_cancelled_in_the_calendar_of_the_first(db):
    booking = booked(db)
    before = shown(db, "ground", booking)
    move(db, booking.id, ground_id="ground-3", start=time(12), end=time(13), by=MEERA, now=later(5))

    event = shown(db, "ground", booking)
    assert (event["STATUS"], event["SUMMARY"]) == ("CANCELLED", "Moved")
    assert event["DTSTART"].dt == before["DTSTART"].dt
    assert "Ground 1" in event["LOCATION"]
    school = shown(db, "school", booking)
    assert school["STATUS"] == "TENTATIVE"
    assert local(school["DTSTART"].dt) == datetime.combine(DAY, time(12))
    back = move(
        db, booking.id, ground_id="ground-1", start=time(9), end=time(10), by=MEERA, now=later(9)
    )
    again = shown(db, "ground", booking)
    assert again["STATUS"] == "TENTATIVE"
    assert before["SEQUENCE"] < event["SEQUENCE"] < again["SEQUENCE"] == back.revision
    assert shown(db, "ground", booking, NOW + timedelta(days=29)) is not None


def test_a_move_to_another_ground_leaves_the_calendar_of_the_first_after_four_weeks(db):
    on = DAY + timedelta(days=29)
    booking = booked(db, on=on)
    move(db, booking.id, ground_id="ground-3", by=MEERA, now=later(5))

    assert shown(db, "ground", booking, NOW + timedelta(days=28)) is not None
    assert shown(db, "ground", booking, NOW + timedelta(days=29)) is None


def test_the_calendar_of_a_half_has_what_is_booked_on_the_whole(db):
    whole = Ground("pitch", "Pitch", ("Volleyball",), order=9, surfaces=("ground-1", "half-2"))
    save_ground(db, whole)
    booking = booked(db, ground="pitch")

    event = shown(db, "ground", booking)

    assert event["LOCATION"].startswith("Pitch, ")


def test_closures_are_whole_days_or_times_and_cancelled_once_they_are_lifted(db):
    whole = close_one(
        db, ground_id="ground-1", date=DAY, start=time(), end=time(), reason="Re-seeding",
        by=HEAD, now=NOW,
    )  # fmt: skip
    part = close_one(
        db, ground_id="ground-1", date=DAY + timedelta(1), start=time(9), end=time(11),
        reason="Fair", by=HEAD, now=NOW,
    )  # fmt: skip
    save_policy(db, Policy(wall_shows="none"), by=ADMIN)

    for calendar in ("school", "ground"):
        event = shown(db, calendar, whole)
        assert (event["DTSTART"].dt, event["DTEND"].dt) == (DAY, DAY + timedelta(days=1))
        assert (event["SUMMARY"], event["TRANSP"]) == ("Closed: Re-seeding", "TRANSPARENT")
        timed = shown(db, calendar, part)
        assert local(timed["DTSTART"].dt) == datetime.combine(DAY + timedelta(1), time(9))
    assert shown(db, "own", whole) is None
    assert own_calendar(db, HEAD.id, now=NOW).rows == ()
    lift_closure(db, whole.closure_group, by=HEAD, now=later(5))
    lifted = shown(db, "ground", whole)
    assert (lifted["STATUS"], lifted["SUMMARY"]) == ("CANCELLED", "No longer closed")


def test_a_booking_that_was_imported_as_over_was_never_in_a_calendar(db):
    booking = booked(db)
    cancel(db, booking.id, by=MEERA, now=NOW)
    rows = db["bookings"]
    entry = rows.find_one({"_id": booking.id})["history"][-1] | {"action": "imported"}
    rows.update_one({"_id": booking.id}, {"$set": {"history": [entry]}})

    assert {calendar: shown(db, calendar, booking) for calendar in texts(db)} == {
        "school": None, "ground": None, "own": None,
    }  # fmt: skip


def test_a_calendar_names_itself_and_asks_to_be_asked_hourly(db):
    calendar = parsed(texts(db)["ground"])

    assert calendar["X-WR-CALNAME"] == f"Ground 1 – {db.booking_settings.school_name}"
    assert calendar["REFRESH-INTERVAL"].params["VALUE"] == "DURATION"
    assert calendar["REFRESH-INTERVAL"].to_ical() == b"PT1H"
    assert calendar["X-PUBLISHED-TTL"] == "PT1H"
    assert calendar["VERSION"] == "2.0"


def test_an_unknown_ground_and_a_malformed_one_have_no_calendar(db):
    with pytest.raises(UnknownGround):
        ground_calendar(db, "ground-9")
    with pytest.raises(InvalidRequest, match="ground_id"):
        ground_calendar(db, "x" * 500)


# Zone -> local times and the hours that they are ahead of UTC.
ZONES = {
    "Europe/Berlin": {
        "2026-10-25T01:59": 2, "2026-10-25T03:01": 1, "2027-03-28T01:59": 1, "2027-03-28T03:01": 2,
    },
    "America/New_York": {
        "2026-10-31T12:00": -4, "2026-11-01T03:00": -5,
        "2027-03-14T01:59": -5, "2027-03-14T03:01": -4,
    },
    "Asia/Kolkata": {"2026-01-01T12:00": 5.5, "2026-07-01T12:00": 5.5, "2027-12-01T12:00": 5.5},
}  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_the_time_zone_has_the_right_offsets_on_both_sides_of_each_clock_change(make_db, zone):
    db = make_db(time_zone=zone)
    booked(db)
    text = texts(db)["own"]

    read = zone_of(text)

    for moment, hours in ZONES[zone].items():
        assert read.utcoffset(datetime.fromisoformat(moment)) == timedelta(hours=hours), moment
    changes = text.count(b"BEGIN:DAYLIGHT")
    assert (changes == 0) == (zone == "Asia/Kolkata")
    event = next(iter(events_of(text).values()))
    expected = datetime.combine(DAY, time(9), ZoneInfo(zone))
    assert event["DTSTART"].dt.timestamp() == expected.timestamp()
    naive = event["DTSTART"].dt.replace(tzinfo=read)
    assert naive.utcoffset() == expected.utcoffset()


HOSTILE = [
    "Asha, Nair; the 2nd",
    "END:VEVENT BEGIN:VEVENT",
    "आशा नायर देवनागरी " * 4,
    "🏏🏐⚽" * 20,
    'a "quoted" name \\ with; all, of: it',
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_read_back_and_no_line_is_longer_than_75_octets(db, name):
    name = name.strip()
    save_student(db, Student("S000", name, "7-Q"))
    purpose = f"{name}\nBEGIN:VEVENT\r\nSUMMARY:{name}\nEND:VCALENDAR"
    booking = booked(db, purpose=purpose)
    save_policy(db, Policy(wall_shows="student"), by=ADMIN)

    for calendar, text in texts(db).items():
        assert all(len(line) <= 75 for line in text.split(b"\r\n")), calendar
        assert b"\n" not in text.replace(b"\r\n", b"")
        text.decode()
        assert len(events_of(text)) == 1
        event = events_of(text)[uid(booking)]
        assert name in event["SUMMARY"]
    event = events_of(texts(db)["own"])[uid(booking)]
    assert f"\nPurpose: {booking.purpose}\n" in event["DESCRIPTION"]


NO_QUOTA = Policy(quota=None)
VERBS = {
    "approve": lambda db, b, n: approve(db, b.id, by=HEAD, expected=b.slot, now=n),
    "reject": lambda db, b, n: reject(db, b.id, by=HEAD, reason="No", now=n),
    "revoke": lambda db, b, n: revoke(db, b.id, by=HEAD, reason="No", now=n),
    "cancel": lambda db, b, n: cancel(db, b.id, by=MEERA, now=n),
    "move": lambda db, b, n: move(db, b.id, start=time(11), end=time(12), by=MEERA, now=n),
    "move away": lambda db, b, n: move(db, b.id, ground_id="ground-3", by=HEAD, now=n),
    "move back": lambda db, b, n: move(db, b.id, ground_id="ground-1", by=HEAD, now=n),
    "undo": lambda db, b, n: undo_change(
        db, b.id, revision=b.revision, by=HEAD if b.history[-1].by == HEAD.id else MEERA, now=n
    ),
    "nothing": lambda db, b, n: None,
    "rename the student": lambda db, b, n: save_student(
        db, Student("S000", f"Student {n.timestamp()}", "1-A")
    ),
    "rename the ground": lambda db, b, n: change_ground(
        db, "ground-1", name=f"Ground {n.timestamp()}", by=ADMIN, now=n
    ),
    "show less": lambda db, b, n: save_policy(db, replace(NO_QUOTA, wall_shows="none"), by=ADMIN),
    "show names": lambda db, b, n: save_policy(
        db, replace(NO_QUOTA, wall_shows="student"), by=ADMIN
    ),
    "another booking": lambda db, b, n: booked(
        db, student=7, ground="ground-2", start=9 + n.minute % 8, now=n
    ),
}  # fmt: skip


@settings(max_examples=25)
@given(steps=st.lists(st.sampled_from(sorted(VERBS)), min_size=1, max_size=8))
@example(steps=["cancel", "show less"])
@example(steps=["move away", "rename the ground", "move back", "cancel", "undo"])
def test_over_any_verbs_the_uid_stays_the_sequence_grows_and_the_tag_follows_the_content(db, steps):
    db["bookings"].delete_many({})
    save_policy(db, NO_QUOTA, by=ADMIN)
    first = booked(db)
    minute = count(1)
    tags = {name: plan.tag for name, plan in plans(db).items()}
    before = texts(db)
    for step in steps:
        booking = get_booking(db, first.id)
        with suppress(BookingError):  # what the rules refuse leaves the calendars as they are
            VERBS[step](db, booking, later(next(minute)))
        after = texts(db)
        fresh = {name: plan.tag for name, plan in plans(db).items()}
        for name in before:
            assert (fresh[name] == tags[name]) == (after[name] == before[name]), (step, name)
            old, new = (events_of(text)[uid(first)] for text in (before[name], after[name]))
            assert new["SEQUENCE"] >= old["SEQUENCE"]
            moved = old["DTSTART"].dt != new["DTSTART"].dt or old["STATUS"] != new["STATUS"]
            assert not moved or new["SEQUENCE"] > old["SEQUENCE"], step
        cold = make_cold(db)
        assert cold == after, "a kept text of an event is not that of the booking"
        before, tags = after, fresh


def make_cold(db) -> dict[str, bytes]:
    """The calendars, without the texts of events that this process has kept."""
    db.booking_caches.pop("calendar events", None)
    return texts(db)


def test_a_calendar_that_has_not_changed_reads_no_booking(db):
    booking = booked(db)
    texts(db)
    db["bookings"].update_one({"_id": booking.id}, {"$set": {"purpose": "unseen"}})

    assert b"unseen" not in texts(db)["own"]


@pytest.mark.parametrize("ended", [False, True])
def test_the_event_of_one_booking_is_an_invitation_or_takes_it_back(db, ended):
    booking = booked(db, purpose="House; match, 1")
    if ended:
        booking = cancel(db, booking.id, by=MEERA, now=later(5))
    where = Settings(
        mongodb_uri="mongodb://localhost", public_url="https://grounds.example/app/",
        school_name="St. Mary, North", time_zone="Europe/Berlin",
    )  # fmt: skip

    text = booking_event(
        booking, "Ground 1", where, organizer="office@school.example", attendee="m@school.example"
    )

    calendar = parsed(text)
    [event] = calendar.walk("VEVENT")
    assert calendar["METHOD"] == ("CANCEL" if ended else "REQUEST")
    assert event["STATUS"] == ("CANCELLED" if ended else "TENTATIVE")
    assert event["ORGANIZER"] == "mailto:office@school.example"
    assert event["ORGANIZER"].params["CN"] == "St. Mary, North"
    assert event["ATTENDEE"] == "mailto:m@school.example"
    assert event["URL"] == f"https://grounds.example/app/bookings?search={booking.reference}"
    assert event["UID"] == uid(booking)
    assert zone_of(text).utcoffset(datetime.fromisoformat("2026-07-01")) == timedelta(hours=2)
    with pytest.raises(InvalidRequest, match="attendee"):
        booking_event(booking, "Ground 1", where, organizer="o@school.example", attendee="")
