"""Bookings of the system before this one, from its database and from files of mongoexport."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time as clock
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson import DatetimeMS, DBRef, Decimal128, Int64, ObjectId, json_util
from command_line import ROOT, assert_one_sentence, run, runner
from pymongo import MongoClient
from support import (
    DAY,
    HEAD,
    MEERA,
    NOW,
    active,
    assert_sound,
    at_once,
    booked,
    eventually,
    request_for,
)

from booking_core import (
    Booking,
    BookingError,
    InvalidRequest,
    Party,
    Status,
    approve,
    book,
    cancel,
    find_bookings,
    load_reference,
)
from booking_core.legacy import LegacyDatabase, LegacyFile, LegacyReport, import_legacy
from booking_core.storage.client.database import BookingDatabase

PAST = "2025-11-14"
AHEAD = DAY.isoformat()


class Old:
    """The old database: its collections can be filled, and read through ``source``."""

    def __init__(self, uri: str) -> None:
        self.client: MongoClient[dict[str, Any]] = MongoClient(uri)
        self.db = self.client[f"old_{uuid4().hex[:12]}"]
        self.source = LegacyDatabase(uri, self.db.name)

    def add(self, *documents: dict[str, Any]) -> list[Any]:
        return self.db["bookings"].insert_many(documents).inserted_ids


@pytest.fixture
def old(mongod_uri: str) -> Iterator[Old]:
    made = Old(mongod_uri)
    yield made
    made.client.drop_database(made.db.name)
    made.client.close()


def document(**values: Any) -> dict[str, Any]:
    """A past approved booking of S001; a value of None leaves the field out."""
    usual = {
        "ground": "Ground 1",
        "date": PAST,
        "time": "9-10 AM",
        "status": "Approved",
        "game": "Football",
        "roll_number": "S001",
    }
    return {key: value for key, value in (usual | values).items() if value is not None}


def taken(db: BookingDatabase, source: Any, **options: Any) -> LegacyReport:
    return import_legacy(db, source, now=NOW, **options)


def everything(db: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        name: list(db[name].find().sort("_id"))
        for name in sorted(db.list_collection_names())
        if not name.startswith("system.")
    }


def only(db: BookingDatabase) -> Booking:
    [booking] = find_bookings(db)
    return booking


# The forms of a document


@pytest.mark.parametrize(
    ("values", "student"),
    [
        ({}, "S001"),
        ({"roll_number": None, "rollNo": "S001"}, "S001"),
        ({"roll_number": None, "student": "Student 1"}, "S001"),
        ({"roll_number": None, "student_name": "student  1"}, "S001"),
        ({"roll_number": None, "student_id": "S001"}, "S001"),
        ({"roll_number": None, "student": {"name": "Somebody", "Roll Number": "S001"}}, "S001"),
        ({"roll_number": "", "student": {"name": "Student 1"}}, "S001"),
        ({"time": "09:00\u201310:00", "status": " APPROVED "}, "S001"),
        ({"date": datetime(2025, 11, 13, 18, 30, tzinfo=UTC)}, "S001"),
        ({"date": "2025-11-14T00:00:00"}, "S001"),
        ({"date": "2025-11-13T18:30:00Z"}, "S001"),
        ({"game": None, "sport": "football"}, "S001"),
    ],
)
def test_each_form_of_a_document_is_read(
    db: BookingDatabase, old: Old, values: dict[str, Any], student: str
) -> None:
    old.add(document(**values))

    report = taken(db, old.source)

    assert (report.added, report.not_taken) == (1, ())
    booking = only(db)
    assert (booking.ground_id, booking.date) == ("ground-1", date(2025, 11, 14))
    assert (booking.start, booking.end, booking.status) == (time(9), time(10), "Approved")
    assert (booking.student_id, booking.game) == (student, "Football")
    assert [entry.action for entry in booking.history] == ["imported"]


@pytest.mark.parametrize("field", ["student", "student_id", "user_id", "booked_by"])
@pytest.mark.parametrize("form", ["object id", "text", "reference", "embedded"])
def test_a_student_may_be_a_user_of_the_old_system(
    db: BookingDatabase, old: Old, field: str, form: str
) -> None:
    id = ObjectId()
    old.db["users"].insert_one({"_id": id, "name": "Other", "roll_no": "S007", "email": "a@b.org"})
    link = {
        "object id": id,
        "text": str(id).upper(),
        "reference": DBRef("users", id),
        "embedded": {"_id": id},
    }[form]
    old.add(document(roll_number=None, **{field: link}))

    assert taken(db, old.source).added == 1

    assert only(db).student_id == "S007"


@pytest.mark.parametrize(("stored", "linked"), [(7, 7), (7, "7"), ("u7", "u7"), (Int64(7), 7)])
def test_users_may_have_other_ids(db: BookingDatabase, old: Old, stored: Any, linked: Any) -> None:
    old.db["users"].insert_one({"_id": stored, "name": "Student 7"})
    old.add(document(roll_number=None, user_id=linked))

    assert taken(db, old.source).added == 1

    assert only(db).student_id == "S007"


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_kept(db: BookingDatabase, old: Old, status: Status) -> None:
    old.add(document(status=status.value.lower()))

    report = taken(db, old.source)

    assert report.findings.statuses == {status: 1}
    assert only(db).status is status


def test_a_booking_was_made_when_its_document_says_else_at_the_time_in_its_id(
    db: BookingDatabase, old: Old
) -> None:
    made = datetime(2025, 11, 10, 8, tzinfo=UTC)
    in_id = datetime(2025, 11, 9, 8, tzinfo=UTC)
    id = ObjectId.from_datetime(in_id)
    old.add(document(created_at=made), document(_id=id, time="10-11 AM"))
    old.add(document(_id="late", time="11 AM-12 PM", created_at=NOW + timedelta(days=400)))

    taken(db, old.source)

    moments = {booking.start: booking.created_at for booking in find_bookings(db)}
    starts_at = datetime(2025, 11, 14, 5, 30, tzinfo=UTC)
    assert moments == {time(9): made, time(10): in_id, time(11): starts_at}


def test_a_booking_without_a_student_is_for_staff_and_says_so(
    db: BookingDatabase, old: Old
) -> None:
    gone = ObjectId()
    old.add(document(roll_number=None, date=AHEAD, purpose="Match"))
    old.add(document(roll_number=None, date=AHEAD, ground="Ground 2", student=gone))
    old.add(document(roll_number=None, date=AHEAD, ground="Ground 2", time="1-2 PM", student="?x"))

    report = taken(db, old.source)

    assert report.findings.without_student == report.added == 2
    [refused] = report.not_taken
    assert (refused.field, refused.reason) == ("student", "'?x' is not on record")
    found = {b.ground_id: b for b in find_bookings(db)}
    assert {b.party for b in found.values()} == {Party.STAFF}
    assert found["ground-1"].purpose == "Match\nThe old system names no student."
    assert str(gone) in found["ground-2"].purpose


def test_unknown_grounds_and_students_are_made_where_that_is_wanted(
    db: BookingDatabase, old: Old
) -> None:
    user = {"_id": ObjectId(), "name": "Asha Rao", "roll_number": 41, "email": "asha@x.org"}
    old.db["users"].insert_one(user | {"class": "8-B"})
    old.add(document(ground="Hockey pitch", roll_number=None, student=user["_id"], game="Hockey"))

    refused = taken(db, old.source)
    made = taken(db, old.source, create_missing=True)

    assert [(one.field, one.reason) for one in refused.not_taken] == [
        ("ground", "'Hockey pitch' is not on record")
    ]
    assert made.findings.new_grounds == ("Hockey pitch",)
    student = load_reference(db).student("41")
    assert (student.name, student.class_name, student.email) == ("Asha Rao", "8-B", "asha@x.org")
    assert only(db).student_name == "Asha Rao"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"date": None}, "date"),
        ({"date": "14.11.2025"}, "date"),
        ({"date": 20251114}, "date"),
        ({"date": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "date"),
        ({"date": datetime(1, 1, 1, tzinfo=UTC)}, "date"),
        ({"time": None}, "time"),
        ({"time": "25-10 AM"}, "time"),
        ({"time": "9:03-10:00 AM"}, "start"),
        ({"time": float("nan")}, "time"),
        ({"time": {"from": 9, "to": 10}}, "time"),
        ({"ground": None}, "ground"),
        ({"ground": 1}, "ground"),
        ({"ground": float("nan")}, "ground"),
        ({"ground": Decimal128("NaN")}, "ground"),
        ({"ground": ["Ground 1"]}, "ground"),
        ({"status": None}, "status"),
        ({"status": "Maybe"}, "status"),
        ({"status": True}, "status"),
        ({"game": None}, "game"),
        ({"game": "x" * 500}, "game"),
        ({"game": "a\u202eb"}, "game"),
        ({"roll_number": float("nan")}, "roll_number"),
        ({"roll_number": float("inf")}, "roll_number"),
        ({"roll_number": None, "student": [["nested"]]}, "student"),
        ({"roll_number": None, "student": True}, "student"),
    ],
)
def test_what_cannot_be_read_is_named_by_id_field_and_reason(
    db: BookingDatabase, old: Old, values: dict[str, Any], field: str
) -> None:
    [wrong, _] = old.add(document(**values), document(time="1-2 PM"))

    report = taken(db, old.source)

    [refused] = report.not_taken
    assert (refused.id, refused.field) == (str(wrong), field)
    assert refused.reason
    assert only(db).start == time(13)


def test_a_deeply_nested_document_is_read(db: BookingDatabase, old: Old) -> None:
    deep: Any = "x"
    for _ in range(90):
        deep = {"in": deep}
    old.add(document(student=deep, roll_number=None), document(time="1-2 PM", note=deep))

    report = taken(db, old.source)

    assert (report.added, report.findings.without_student) == (2, 1)


def test_a_date_beyond_the_calendar_makes_one_document_unreadable(
    db: BookingDatabase, old: Old, tmp_path: Path
) -> None:
    far = document(date=DatetimeMS(2**62))
    old.add(far, document(time="1-2 PM"))
    file = tmp_path / "bookings.json"
    file.write_text("\n".join(map(json_util.dumps, (far, document(time="2-3 PM")))))

    for source in (old.source, LegacyFile(file)):
        report = taken(db, source)

        assert (report.added, [one.field for one in report.not_taken]) == (1, ["date"])


# Bookings that exclude each other


def test_of_two_bookings_of_a_slot_the_approved_one_is_kept_then_the_earlier_one(
    db: BookingDatabase, old: Old
) -> None:
    old.db["bookings"].create_index(
        [("ground", 1), ("date", 1), ("time", 1), ("status", 1)], unique=True
    )
    early, late = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
    [pending, approved, first, second, part, student] = old.add(
        document(date=AHEAD, status="Pending", created_at=early),
        document(date=AHEAD, created_at=late, roll_number="S002"),
        document(date=AHEAD, time="1-2 PM", status="Pending", created_at=early, roll_number="S003"),
        document(date=AHEAD, time="13:00-14:00", status="Pending", created_at=late),
        document(date=AHEAD, time="1:30-2:30 PM", status="Pending", roll_number="S004"),
        document(date=AHEAD, ground="Ground 2", status="Pending", roll_number="S002"),
    )

    report = taken(db, old.source)

    doubles = {
        one.other.id: (one.kept.id, one.first.id, one.of_student) for one in report.findings.doubles
    }
    assert doubles == {
        str(pending): (str(approved), str(pending), False),
        str(second): (str(first), str(first), False),
        str(part): (str(first), str(first), False),
        str(student): (str(approved), str(approved), True),
    }
    assert {b.student_id for b in find_bookings(db)} == {"S002", "S003"}
    assert {one.id for one in report.not_taken} == set(doubles)
    assert_sound(db)


def test_a_settled_booking_excludes_no_other(db: BookingDatabase, old: Old) -> None:
    old.add(
        document(date=AHEAD), *(document(date=AHEAD, status=s) for s in ("Rejected", "Revoked"))
    )

    report = taken(db, old.source)

    assert (report.added, report.findings.doubles) == (3, [])


def test_a_document_that_is_approved_between_two_runs_does_not_displace_what_was_taken(
    db: BookingDatabase, old: Old
) -> None:
    [pending] = old.add(document(date=AHEAD, status="Pending"))
    taken(db, old.source)
    [later] = old.add(document(date=AHEAD, roll_number="S002"))

    second = taken(db, old.source)
    cancel(db, only(db).id, by=HEAD, now=NOW)
    third = taken(db, old.source)

    assert [(one.kept.id, one.other.id) for one in second.findings.doubles] == [
        (str(pending), str(later))
    ]
    assert (third.added, third.already, third.not_taken) == (1, 1, ())
    assert len(active(db)) == 1


# Runs


def test_what_is_ahead_is_a_live_booking(db: BookingDatabase, old: Old) -> None:
    old.add(document(date=AHEAD, status="Pending"))

    taken(db, old.source)

    with pytest.raises(BookingError):
        booked(db)
    assert approve(db, only(db).id, by=HEAD, now=NOW).status is Status.APPROVED


def test_a_second_run_adds_nothing(db: BookingDatabase, old: Old, tmp_path: Path) -> None:
    rows = [
        document(date=AHEAD),
        document(),
        document(date=AHEAD, time="1-2 PM", status="Pending"),
        document(_id="x", status="Rejected"),
    ]
    old.add(*rows)
    file = tmp_path / "bookings.json"
    file.write_text("\n".join(json_util.dumps(row) for row in old.db["bookings"].find()))

    first = taken(db, old.source)
    before = everything(db)
    again = taken(db, old.source)
    from_file = taken(db, LegacyFile(file))

    assert first.added == 4
    assert (again.added, again.already) == (from_file.added, from_file.already) == (0, 4)
    assert everything(db) == before


def test_a_dry_run_writes_nothing_and_foresees_the_same(db: BookingDatabase, old: Old) -> None:
    booked(db, start=14)
    old.add(
        document(date=AHEAD, ground="New ground", roll_number="N1"),
        document(date=AHEAD, time="2-3 PM", roll_number="S005"),
        document(date=AHEAD, time="3-4 PM", roll_number="S005"),
        document(date=AHEAD, time="3-4 PM", roll_number="S006", status="Pending"),
    )
    before, before_there = everything(db), everything(old.db)

    tried = taken(db, old.source, dry_run=True, create_missing=True)

    assert everything(db) == before
    done = taken(db, old.source, create_missing=True)
    assert (tried.added, tried.not_taken) == (done.added, done.not_taken)
    assert done.added == 2
    assert {one.field for one in done.not_taken} == {"ground", "time"}
    assert everything(old.db) == before_there
    assert list(old.db["bookings"].index_information()) == ["_id_"]


def test_what_was_found_is_known_before_the_first_write(db: BookingDatabase, old: Old) -> None:
    old.add(document(date=AHEAD, ground="New"), document())
    seen: list[Any] = []

    def look(findings: Any) -> None:
        seen.append((findings.documents, findings.first, findings.last, everything(db)))

    before = everything(db)
    taken(db, old.source, create_missing=True, found=look)

    assert seen == [(2, date(2025, 11, 14), DAY, before)]


def test_a_passer_by_and_the_import_never_share_a_slot(
    make_db: Callable[..., BookingDatabase], old: Old
) -> None:
    db = make_db(quota=None)
    old.add(*(document(date=AHEAD, time=f"{h:02d}:00-{h + 1:02d}:00") for h in range(8, 18)))

    def passer_by() -> list[int]:
        won = []
        for hour in range(17, 7, -1):
            try:
                book(db, request_for(student=9, start=hour), by=MEERA, now=NOW)
                won.append(hour)
            except BookingError:
                pass
        return won

    report, won = at_once(lambda: taken(db, old.source), passer_by)

    assert len(active(db)) == 10
    assert report.added == 10 - len(won)
    assert len(report.not_taken) == len(won)
    assert_sound(db)
    again = taken(db, old.source)
    assert (again.added, again.already) == (0, report.added)


KILLED = """
import sys
from booking_core import Settings, connect
from booking_core.legacy import LegacyDatabase, import_legacy
from booking_core.operations import import_lines

import_lines._CHUNK = 5
uri, new, old = sys.argv[1:]
db = connect(Settings(mongodb_uri=uri, database=new, time_zone="Asia/Kolkata"))
print("ready", flush=True)
import_legacy(db, LegacyDatabase(uri, old), create_missing=True)
"""


def test_a_run_that_was_killed_is_completed_by_the_next(
    make_db: Callable[..., BookingDatabase], old: Old, mongod_uri: str
) -> None:
    rows = [
        document(
            _id=f"{day}-{hour}", date=f"2027-01-{day:02d}", time=f"{hour:02d}:00-{hour + 1}:00"
        )
        | {"ground": f"Old {day % 3}", "roll_number": f"N{day}", "status": status}
        for day in range(1, 29)
        for hour in range(8, 16)
        for status in ["Approved" if hour % 2 else "Pending"]
    ]
    old.add(*rows)
    old.add(*(row | {"_id": f"{row['_id']}b", "status": "Pending"} for row in rows))
    whole, killed = make_db(), make_db()
    import_legacy(whole, old.source, create_missing=True)

    for least in (1, 40, 120):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, mongod_uri, killed.name, old.db.name],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        eventually(lambda least=least: killed["bookings"].estimated_document_count() >= least)
        process.kill()
        process.communicate()
    partly = killed["bookings"].count_documents({})
    report = import_legacy(killed, old.source, create_missing=True)

    def facts(db: BookingDatabase) -> list[tuple[Any, ...]]:
        return [
            (row["_id"], row["ground_id"], row["status"], row["student_id"])
            for row in db["bookings"].find().sort("_id")
        ]

    assert partly < len(rows)
    assert report.added + report.already == len(rows)
    assert facts(killed) == facts(whole)
    assert len(report.not_taken) == len(rows)
    assert_sound(killed)


def test_twenty_thousand_documents_take_bounded_time_and_memory(
    make_db: Callable[..., BookingDatabase], old: Old
) -> None:
    db = make_db()
    begin = date(2016, 1, 1)
    old.db["bookings"].insert_many(
        document(
            date=(begin + timedelta(days=n // 30)).isoformat(),
            ground=f"Ground {n % 3 + 1}",
            time=f"{n // 3 % 10 + 8:02d}:00-{n // 3 % 10 + 9:02d}:00",
            roll_number=f"S{n % 200:03d}",
            status="Approved" if n % 5 else "Cancelled",
        )
        for n in range(20_000)
    )
    tracemalloc.start()
    begun = clock.monotonic()
    try:
        report = taken(db, old.source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    took = clock.monotonic() - begun

    assert report.added == 20_000
    assert took < 300, took
    assert peak < 400_000_000, peak


# Files


@pytest.mark.parametrize("form", ["lines", "array", "pretty", "crlf"])
def test_a_file_of_mongoexport_is_read(db: BookingDatabase, tmp_path: Path, form: str) -> None:
    user = ObjectId()
    rows = [
        document(_id=ObjectId(), date=datetime(2025, 11, 13, 18, 30, tzinfo=UTC)),
        document(_id=ObjectId(), time="1-2 PM", roll_number=None, student=user),
    ]
    users = [{"_id": user, "name": "Student 7"}, {"_id": ObjectId(), "name": "x"}]

    def text(values: list[dict[str, Any]]) -> str:
        if form in ("array", "pretty"):
            return json_util.dumps(values, indent=2 if form == "pretty" else None)
        ends = "\r\n" if form == "crlf" else "\n"
        return "\ufeff" * (form == "crlf") + ends.join(map(json_util.dumps, values)) + ends

    file, people = tmp_path / "bookings.json", tmp_path / "users.json"
    file.write_bytes(text(rows).encode())
    people.write_bytes(text(users).encode())

    report = taken(db, LegacyFile(file, people))

    assert report.added == 2
    assert {b.student_id for b in find_bookings(db)} == {"S001", "S007"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no documents"),
        (b"[]", "holds no documents"),
        (b'{"_id": 1}\n{"_id": ', "is no JSON from line 2 on"),
        (b"[" * 100_000, "holds no documents"),
        (b'{"a":' * 100_000, "is no JSON from line 1 on"),
        (b'{"_id": 1}\n7\n', "holds no document on line 2"),
        (b"\xff\xfe\x00", "is no UTF-8 text"),
    ],
)
def test_a_damaged_file_is_refused_by_name(
    db: BookingDatabase, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "bookings.json"
    file.write_bytes(content)

    with pytest.raises(InvalidRequest) as raised:
        taken(db, LegacyFile(file))

    assert raised.value.field == "bookings.json"
    assert words in raised.value.problem
    assert find_bookings(db) == []


def test_a_document_with_wrong_extended_json_is_refused_alone(
    db: BookingDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "bookings.json"
    good = json_util.dumps(document(_id=ObjectId()))
    file.write_text(f'{{"_id": {{"$oid": 5}}}}\n{good}\n{{"$numberLong": "5"}}\n{{"t": NaN}}')

    report = taken(db, LegacyFile(file))

    assert report.added == 1
    assert [(one.id, one.field) for one in report.not_taken] == [
        ("line 1", "document"),
        ("line 3", "document"),
        ("line 4", "time"),
    ]


# What is no old system


def test_a_database_of_this_application_is_no_source(db: BookingDatabase, mongod_uri: str) -> None:
    booked(db)

    with pytest.raises(InvalidRequest) as raised:
        taken(db, LegacyDatabase(mongod_uri, db.name))

    assert (raised.value.field, len(find_bookings(db))) == ("database", 1)


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (("http://example.org", "old"), "uri"),
        (("mongodb://", "old"), "uri"),
        (("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", "old"), "uri"),
        ((None, "a b"), "database"),
        ((None, ""), "database"),
        ((None, "old", "nothing"), "collection"),
        ((None, "old", "$x"), "collection"),
    ],
)
def test_a_wrong_source_names_what_is_wrong(
    db: BookingDatabase, mongod_uri: str, source: tuple[Any, ...], field: str
) -> None:
    uri, *names = source

    with pytest.raises(InvalidRequest) as raised:
        taken(db, LegacyDatabase(uri or mongod_uri, *names))

    assert raised.value.field == field
    assert "password" not in repr(LegacyDatabase("mongodb://a:password@b", "old"))


# The command


def test_the_command_says_what_it_finds_and_lists_what_is_not_taken_over(
    db: BookingDatabase, old: Old, mongod_uri: str, tmp_path: Path
) -> None:
    command = runner(db)
    file = tmp_path / "bookings.json"
    made = datetime(2026, 11, 1, tzinfo=UTC)
    rows = [
        document(_id="a", created_at=made),
        document(_id="b", status="Pending", created_at=made - timedelta(days=1)),
        document(_id="c", time="25-10 AM"),
    ]
    file.write_text("\n".join(map(json_util.dumps, rows)))
    list_file = tmp_path / "bookings.json.not-taken.json"

    tried = command("import", "legacy", "--file", str(file), "--dry-run")
    assert not list_file.exists()
    done = command("import", "legacy", "--file", str(file))

    assert tried.returncode == 0, tried.stderr
    assert done.stdout.splitlines() == [
        "found: 3 documents (1 Pending, 1 Approved)",
        "dates: 2025-11-14 to 2025-11-14",
        "booked twice: ground-1 2025-11-14 09:00-10:00",
        "    kept: a (Approved, Student 1, made 2026-11-01 05:30)",
        "    left: b (Pending, Student 1, made 2026-10-31 05:30, asked first)",
        "cannot be read: c: time '25-10 AM' is not like 9-10 AM or 09:00-10:00",
        "1 added, 0 already there, 2 not taken over",
        f"What is not taken over is in {list_file}.",
    ]
    assert done.returncode == 1
    assert stat.S_IMODE(list_file.stat().st_mode) == 0o600
    assert [(row["id"], row["field"]) for row in json.loads(list_file.read_text())] == [
        ("c", "time"),
        ("b", "time"),
    ]
    file.write_text(json_util.dumps(rows[0]))
    assert command("import", "legacy", "--file", str(file)).returncode == 0
    assert not list_file.exists()


def test_the_command_reads_a_database_and_takes_its_address_from_the_environment(
    db: BookingDatabase, old: Old, mongod_uri: str
) -> None:
    old.add(document())
    uri = str(db.booking_settings.mongodb_uri)
    names = {"MONGODB_URI": uri, "MONGODB_DATABASE": db.name, "LEGACY_URI": mongod_uri}

    done = run("import", "legacy", "--database", old.db.name, **names)

    assert done.stdout.splitlines()[-1] == "1 added, 0 already there, 0 not taken over"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--uri and --database are needed"),
        (("--database", "old"), "--uri and --database are needed"),
        (("--users", "u.json", "--uri", "mongodb://a", "--database", "b"), "--users goes with"),
        (("--file", "f.json", "--database", "b"), "exclude each other"),
        (("--file", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
def test_the_command_names_a_wrong_option(
    db: BookingDatabase, options: tuple[str, ...], words: str
) -> None:
    assert_one_sentence(runner(db)("import", "legacy", *options), words)
