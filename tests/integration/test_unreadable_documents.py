"""Documents of another program, or damaged by hand: left out, named, and in nobody's way."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import version_one
from PIL import Image
from sign_in_client import PASSWORD
from support import (
    ADMIN,
    DAY,
    HEAD,
    MEERA,
    NOW,
    booked,
    close_one,
    open_school,
    request_for,
)

from booking_core import (
    Account,
    BookingError,
    CellState,
    GroundClosed,
    Holiday,
    NotFound,
    Policy,
    Role,
    Settings,
    SlotTaken,
    StudentBusy,
    Term,
    add_account,
    approved_upcoming,
    book,
    close_grounds,
    connect,
    count_bookings,
    day_board,
    decided_lately,
    delegate,
    disconnect,
    erase_student,
    find_accounts,
    find_bookings,
    find_closures,
    find_delegations,
    find_reinstatable,
    find_students,
    ground_photo,
    has_admin,
    lapse_pending,
    load_reference,
    misfits,
    move,
    notices_for,
    pending_queue,
    roll_over_plan,
    save_days,
    save_ground_photo,
    save_policy,
    save_school_logo,
    save_term,
    save_week_a,
    set_active,
    wall_cards,
    week_of,
)
from booking_core.access import sessions
from booking_core.domain.messages import UNREADABLE_BOOKING
from booking_core.insight import audit, exports
from booking_core.operations import doctor
from booking_core.reports import find_changes, usage
from booking_core.school.history import plans_between
from booking_core.sessions import open_session, session_of, sign_in
from booking_core.storage import readable

LATER = DAY + timedelta(days=7)
TODAY = datetime.now(ZoneInfo("Asia/Kolkata")).date()  # in the zone of the school
TOMORROW = TODAY + timedelta(days=1)  # the day may end while the tests run
# The required fields of a document of each kind, as its readers see it.
_SLOT = ("ground_id", "date", "start", "end")
_ENTRY = ("at", "by", "by_name", "action", "reason")
_HISTORY = ("history", "history.0", *(f"history.0.{name}" for name in _ENTRY))
_BOOKING = (
    *("kind", *_SLOT, "status", "student_name", "class_name", "game", "purpose", "created_by"),
    *("created_by_name", "created_at", "updated_at", "revision", "fingerprint", *_HISTORY),
)
FIELDS = {
    "grounds": ("name", "games", "order", "retired"),
    "timetables": (
        "name",
        "weekdays",
        "periods",
        "periods.0",
        "periods.0.label",
        "periods.0.start",
        "periods.0.end",
    ),
    "days": ("timetable_id", "note"),
    "terms": (
        *("name", "first", "last", "holidays", "holidays.0"),
        *(f"holidays.0.{name}" for name in ("name", "first", "last")),
    ),
    "students": ("name", "class_name", "email", "active"),
    "meta": ("policy.quota", "policy.advance_days", "policy.cut_off", "recount_until", "week_a"),
    "school_history": (
        "grounds",
        "timetables",
        "days",
        "grounds.0.name",
        "timetables.0.periods",
        "terms.0.first",
    ),
    "ground_photos": ("webp",),
    "logo": ("png", "width", "height"),
    "accounts": ("name", "role", "email", "active", "must_change", "epoch", "password_hash"),
    "sessions": ("account_id", "epoch", "created_at", "seen_at", "expires_at"),
    "delegations": ("by", "by_name", "to", "to_name", "first", "last", "at"),
    "notices": (
        "at",
        "to",
        "kind",
        "booking_id",
        "slot",
        "reason",
        "by_name",
        "read",
        *(f"slot.{name}" for name in _SLOT),
    ),
    "audit": ("at", "by", "by_name", "action", "what", "id"),
    "bookings": (*_BOOKING, "student_id", "quota.window", "quota.seat"),
    "closures": _BOOKING,
}
# That a document may lack, or hold as null.
_OPTIONAL = {"policy.quota", "policy.advance_days", "policy.cut_off", "recount_until"} | {
    "week_a",
    "holidays.0",
    "password_hash",
    "periods.0",
}
_MISSING, _SOMETHING, _NUMBER = "missing", {"x": 1}, 3.5


@pytest.fixture(scope="module")
def stored(mongod_uri):
    """A school with a document of each kind, and the one of each that a test damages."""
    settings = Settings(
        mongodb_uri=mongod_uri, database=f"test_{uuid4().hex[:12]}", time_zone="Asia/Kolkata"
    )
    db = connect(settings)
    open_school(db)
    save_policy(db, Policy(quota=2, cut_off=time(18)), by=ADMIN)
    for id, role in (("head", Role.PRINCIPAL), ("meera", Role.STAFF), ("admin", Role.ADMIN)):
        add_account(db, Account(id, id.capitalize(), role), password=PASSWORD)
    booking = booked(db, start=9)
    displaced = booked(db, start=10, student=1)
    closure = close_one(
        db, ground_id="ground-2", date=DAY, start=time(9), end=time(10), reason="Rain", by=HEAD,
        now=NOW,
    )  # fmt: skip
    close_grounds(
        db, ground_ids=["ground-1"], first=DAY, last=DAY, start=time(10), end=time(11),
        reason="Fair", by=HEAD, expected=[displaced.id], now=NOW,
    )  # fmt: skip
    save_days(db, [LATER], timetable_id=None, note="Holiday")
    holiday = Holiday("Holiday", LATER, LATER)
    save_term(db, Term("term-1", "Term", DAY, LATER, (holiday,)))
    save_week_a(db, DAY)
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "green").save(picture, "PNG")
    save_ground_photo(db, "ground-3", picture.getvalue())
    save_school_logo(db, picture.getvalue())
    token = open_session(db, "meera")
    delegate(db, to="meera", first=TODAY, last=TOMORROW, by=HEAD)
    db["meta"].update_one({"_id": "revision"}, {"$set": {"recount_until": DAY.isoformat()}})
    copied = {name: list(db[name].find()) for name in ("grounds", "timetables", "days", "terms")}
    db["school_history"].update_many({}, {"$set": copied})
    ids = {
        "grounds": "ground-3",
        "students": "S007",
        "timetables": "regular",
        "days": LATER.isoformat(),
        "meta": "revision",
        "ground_photos": "ground-3",
        "accounts": "meera",
        "bookings": booking.id,
        "closures": closure.id,
    }
    kept = {}
    for kind in FIELDS:
        where = {"_id": ids[kind]} if kind in ids else {}
        kept[kind] = db["bookings" if kind == "closures" else kind].find_one(where)
    yield settings, kept, token
    db.client.drop_database(db.name)
    db.client.close()


def damaged(document, path, value):
    """A copy of ``document`` with another value at ``path``, or without that field."""
    name, _, rest = path.partition(".")
    place = int(name) if isinstance(document, list) else name
    copy = list(document) if isinstance(document, list) else dict(document)
    if rest:
        copy[place] = damaged(copy[place], rest, value)
    elif value == _MISSING:
        del copy[place]
    else:
        copy[place] = value
    return copy


def all_lists(db, token):
    """Calls everything that a screen reads."""
    known = load_reference(db)
    board = day_board(db, DAY, now=NOW)
    wall_cards(board)
    for read in (pending_queue, decided_lately, find_accounts, has_admin):
        read(db)
    approved_upcoming(db, now=NOW)
    find_bookings(db)
    find_bookings(db, class_name="1-A", order="latest", when="over", now=NOW)
    count_bookings(db, created_by="meera")
    find_bookings(db, class_name="1-A")
    find_bookings(db, date_from=DAY, date_to=DAY)
    find_bookings(db, date_from=DAY, status="Pending")
    find_closures(db, from_date=DAY)
    find_delegations(db)
    find_reinstatable(db, from_date=DAY, now=NOW)
    find_students(known.students.values(), "student")
    misfits(db, from_date=DAY)
    week_of(db, "S000", DAY)
    notices_for(db, "meera", unread_only=False)
    session_of(db, token)
    sessions.touch_session(db, token, now=datetime.now(UTC) + timedelta(minutes=10))
    ground_photo(db, "ground-3")
    roll_over_plan(db, {"1-A": "2-A"})
    plans_between(db, TODAY - timedelta(days=2), TOMORROW)
    usage(db, by=ADMIN, first=DAY, last=DAY)
    exports.export_bookings(db)
    for first, last in ((NOW.date(), NOW.date()), (TODAY, TOMORROW)):
        for who in (None, "meera"):
            find_changes(db, by=ADMIN, first=first, last=last, who=who)
        exports.export_changes(db, by=ADMIN, first=first, last=last)
    audit.audit_people(db, by=ADMIN)
    audit.audit_subjects(db, by=ADMIN)
    lapse_pending(db, now=NOW)


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, paths in FIELDS.items() for path in paths]
)
def test_a_document_that_cannot_be_read_is_named_and_holds_nothing_up(stored, kind, path):
    settings, kept, token = stored
    name = "bookings" if kind == "closures" else kind
    raw = connect(settings)
    target = raw[name]
    whole = kept[kind]
    values = [_SOMETHING, _NUMBER] if path in _OPTIONAL else [_MISSING, _SOMETHING, _NUMBER]
    try:
        for value in values:
            target.replace_one(
                {"_id": whole["_id"]}, damaged(whole, path, value), bypass_document_validation=True
            )

            db = connect(settings)  # another process

            all_lists(db, token)
            with pytest.raises(BookingError):
                sign_in(db, "nobody", PASSWORD, address="192.0.2.1")
            if path != "status":
                with pytest.raises(BookingError):  # held, of a ground or a student not on record
                    book(db, request_for(start=9, student=3), by=MEERA, now=NOW)
            [found] = [
                one for one in doctor.examine_database(db, without=["feed"])
                if one.name == "documents"
            ]  # fmt: skip
            assert not found.ok, value
            assert f"{name}/{whole['_id']} (" in found.detail
            disconnect(db)
    finally:
        raw[name].replace_one({"_id": whole["_id"]}, whole)
        disconnect(raw)


def test_a_document_that_cannot_be_read_says_what_it_lacks(db):
    db["grounds"].insert_one(
        {"_id": "ground-9", "games": [], "order": 9, "retired": False},
        bypass_document_validation=True,
    )

    [found] = [f for f in doctor.examine_database(db, without=["feed"]) if f.name == "documents"]

    assert found.detail == "1 that cannot be read: grounds/ground-9 (no name)"
    assert f"in the database {db.name}, give each the fields that it lacks" in found.remedy


def test_a_document_that_cannot_be_read_is_logged_once(db, caplog):
    id = f"ground-{uuid4().hex[:8]}"
    db["grounds"].insert_one({"_id": id}, bypass_document_validation=True)
    caplog.set_level(logging.WARNING, readable.__name__)

    for _ in range(3):
        db["meta"].update_one({"_id": "revision"}, {"$inc": {"grounds": 1}})
        assert id not in load_reference(db).grounds

    assert [record.getMessage() for record in caplog.records if id in record.getMessage()] == [
        f"skipped a document that cannot be read: grounds/{id} (no name)"
    ]


@pytest.mark.parametrize("lacks", ["ground_id", "start", "purpose"])
def test_a_slot_that_an_unreadable_booking_holds_is_shown_as_closed_and_refused_so(db, lacks):
    mine, other = booked(db, start=9), booked(db, student=1, start=12)
    db["bookings"].update_one(
        {"_id": mine.id}, {"$unset": {lacks: ""}}, bypass_document_validation=True
    )

    cell = day_board(db, DAY, now=NOW).cell("ground-1", time(9))
    assert (cell.state, cell.note) == (CellState.CLOSED, UNREADABLE_BOOKING)
    with pytest.raises(GroundClosed) as taken:
        booked(db, student=2, start=9)
    with pytest.raises(StudentBusy) as busy:
        booked(db, ground="ground-3", start=9)
    with pytest.raises(GroundClosed):
        move(db, other.id, start=time(9), end=time(10), by=MEERA, now=NOW)

    assert taken.value.reason == UNREADABLE_BOOKING
    assert time(9) not in {option.start for option in taken.value.alternatives}
    assert busy.value.booking is None
    with pytest.raises(NotFound):
        move(db, mine.id, start=time(10), end=time(11), by=MEERA, now=NOW)


def test_a_closing_over_an_unreadable_booking_names_it(db):
    mine = booked(db, start=9)
    db["bookings"].update_one(
        {"_id": mine.id}, {"$unset": {"purpose": ""}}, bypass_document_validation=True
    )

    with pytest.raises(GroundClosed) as refused:
        close_one(
            db, ground_id="ground-1", date=DAY, start=time(8), end=time(12), reason="Rain", by=HEAD,
            now=NOW,
        )  # fmt: skip

    assert refused.value.reason == UNREADABLE_BOOKING


def test_an_active_document_of_an_older_system_lets_its_day_be_booked(db):
    row = {"ground": "Ground 1", "date": DAY.isoformat(), "time": "9-10", "status": "Approved"}
    db["bookings"].insert_one(row, bypass_document_validation=True)
    booked(db, start=9)

    with pytest.raises(SlotTaken) as taken:
        booked(db, student=2, start=9)

    assert taken.value.held_by.student_id == "S000"
    assert booked(db, student=2, start=10).status == "Pending"


def test_a_page_is_full_although_some_of_its_documents_cannot_be_read(db):
    made = [booked(db, student=n, start=8 + n) for n in range(6)]
    for booking in made[2:5]:
        db["bookings"].update_one(
            {"_id": booking.id}, {"$set": {"purpose": 5}}, bypass_document_validation=True
        )

    first = find_bookings(db, limit=2)
    second = find_bookings(db, limit=2, after=first[-1])

    assert {b.id for b in first + second} == {made[n].id for n in (0, 1, 5)}
    assert pending_queue(db, limit=3) == [made[0], made[1], made[5]]
    by_time = find_bookings(db, order="soonest", limit=2)
    by_time += find_bookings(db, order="soonest", limit=2, after=by_time[-1])
    assert by_time == [made[0], made[1], made[5]]
    assert count_bookings(db) == 3


def test_a_migration_leaves_what_it_cannot_read_as_it_is(db):
    db.client.drop_database(db.name)
    version_one.create(db, [version_one.row(), version_one.row(start="10:00", end="11:00")])
    broken = {"_id": "ground-9", "games": "Chess"}
    db["grounds"].insert_one(broken, bypass_document_validation=True)
    db["accounts"].insert_one({"_id": "x", "name": "X", "role": "boss"})
    old = {"_id": "old", "status": "Pending", "date": DAY.isoformat()}
    db["bookings"].insert_one(old, bypass_document_validation=True)

    again = connect(db.booking_settings)

    assert db["grounds"].find_one({"_id": "ground-9"}) == broken
    assert all("claims" in row for row in db["bookings"].find({"kind": "booking"}))
    assert [f.ok for f in doctor.examine_database(again, without=["feed"])
            if f.name in ("documents", "claims", "indexes")] == [True, True, False]  # fmt: skip
    disconnect(again)


def test_a_former_student_leaves_no_booking_that_cannot_be_read(db):
    booked(db, student=5, start=9)
    db["bookings"].update_many(
        {}, {"$set": {"purpose": 5, "status": "Cancelled"}}, bypass_document_validation=True
    )
    set_active(db, "S005", False, by=ADMIN)

    erase_student(db, "S005", by=ADMIN, now=NOW)

    assert db["bookings"].count_documents({"student_id": "S005"}) == 0
