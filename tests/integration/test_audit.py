"""The audit: every change once, with user and moment, and no entry is ever edited."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from closing_steps import closed
from support import ADMIN, DAY, GROUNDS, HEAD, HOURLY, MEERA, NOW, RAVI, booked

import booking_core
from booking_core import (
    InvalidRequest,
    NotAllowed,
    Student,
    approve,
    cancel,
    lapse_pending,
    lift_closure,
    move,
    reject,
    revoke,
    save_days,
    save_ground,
    save_student,
    save_timetable,
)
from booking_core.insight import audit
from booking_core.reports import find_changes

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def found(db, **filters):
    """Returns all changes to bookings and closures, or those by other filters."""
    return find_changes(db, **{"by": ADMIN, "first": FIRST, "last": LAST} | filters)


def line(change) -> tuple[str, str, str]:
    return change.by, change.action, change.what


@pytest.fixture(scope="module")
def history(school):
    """A school with eight changes to bookings and one closing."""
    db, first = school
    approve(db, first.id, by=HEAD, now=later(1))
    move(db, first.id, start=DAYTIME[14], end=DAYTIME[15], by=HEAD, now=later(2))
    revoke(db, first.id, by=HEAD, reason="rain", now=later(3))
    second = booked(db, by=RAVI, student=1, start=10, now=later(4))
    reject(db, second.id, by=HEAD, reason="exam week", now=later(5))
    third = booked(db, by=RAVI, student=2, start=11, now=later(6))
    cancel(db, third.id, by=ADMIN, now=later(7))
    hour = {"start": DAYTIME[8], "end": DAYTIME[9]}
    closing = closed(db, ground_ids=["ground-3"], **hour, reason="flood", now=later(8))
    return db, first, second, third, closing


DAYTIME = {period.start.hour: period.start for period in HOURLY.periods}


def test_every_operation_records_exactly_one_change_with_user_and_moment(history):
    db, first, second, third, closing = history

    seen = [(*line(c), c.id, c.at) for c in found(db) if c.what in ("booking", "closure")]

    assert seen == [
        ("head", "closed", "closure", closing.id, later(8)),
        ("admin", "cancelled", "booking", third.id, later(7)),
        ("ravi", "requested", "booking", third.id, later(6)),
        ("head", "rejected", "booking", second.id, later(5)),
        ("ravi", "requested", "booking", second.id, later(4)),
        ("head", "revoked", "booking", first.id, later(3)),
        ("head", "moved", "booking", first.id, later(2)),
        ("head", "approved", "booking", first.id, later(1)),
        ("meera", "requested", "booking", first.id, NOW),
    ]


def test_a_change_names_the_reason_and_the_slot_at_that_time(history):
    db = history[0]

    by_action = {c.action: c.details for c in found(db, who="head", what="booking")}
    moved = found(db, action="moved")[0].details

    assert (by_action["approved"]["start"], by_action["revoked"]["start"]) == ("09:00", "14:00")
    assert by_action["revoked"]["reason"] == "rain"
    assert moved["moved_from"]["start"] == "09:00"
    assert found(db, what="closure")[0].details["reason"] == "flood"


def test_filters_by_user_kind_and_action_exclude_the_rest(history):
    db = history[0]

    assert [line(c) for c in found(db, who="ravi")] == [("ravi", "requested", "booking")] * 2
    assert [c.action for c in found(db, who="head", what="booking")] == [
        "rejected",
        "revoked",
        "moved",
        "approved",
    ]
    assert [c.action for c in found(db, what="closure")] == ["closed"]
    assert [c.by for c in found(db, action="requested")] == ["ravi", "ravi", "meera"]
    assert [c.by for c in found(db, action="requested", who="meera")] == ["meera"]
    assert found(db, who="head", action="requested") == []
    assert found(db, who="nobody") == found(db, what="nothing") == []


def test_a_closing_is_one_change_and_lifting_it_another(db):
    meera = booked(db, by=MEERA, start=9)
    ravi = booked(db, by=RAVI, student=1, ground="ground-3", on=DAY + timedelta(days=1))

    closing = closed(db, last=DAY + timedelta(days=1), reason="flood", now=later(1))
    lift_closure(db, closing.id, by=ADMIN, now=later(2))
    lifted, *rest = [c for c in found(db) if c.what in ("booking", "closure")]

    assert len(closing.closures) == 6
    assert (*line(lifted), lifted.id) == ("admin", "lifted", "closure", closing.id)
    assert lifted.details == {
        "grounds": ["ground-1", "ground-2", "ground-3"],
        "first": DAY.isoformat(),
        "last": (DAY + timedelta(days=1)).isoformat(),
        "reason": "flood",
    }
    assert sorted((*line(c), c.id) for c in rest) == sorted(
        [
            ("head", "closed", "closure", closing.id),
            ("head", "displaced", "booking", meera.id),
            ("head", "displaced", "booking", ravi.id),
            ("meera", "requested", "booking", meera.id),
            ("ravi", "requested", "booking", ravi.id),
        ]
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"what": "closure"}, ["lifted", "closed"]),
        ({"what": "closure", "who": "head"}, ["closed"]),
        ({"what": "closure", "action": "lifted"}, ["lifted"]),
        ({"action": "closed"}, ["closed"]),
        ({"action": "lifted", "who": "admin"}, ["lifted"]),
        ({"who": "admin", "what": "booking"}, []),
    ],
    ids=str,
)
def test_filters_find_closings_once(db, filters, expected):
    closing = closed(db, last=DAY + timedelta(days=1), now=later(1))
    lift_closure(db, closing.id, by=ADMIN, now=later(2))

    assert [c.action for c in found(db, **filters)] == expected
    assert [c.action for c in found(db, **filters, limit=1)] == expected[:1]


def test_date_filters_cover_whole_days_of_the_school(history):
    db = history[0]
    day = date(2026, 11, 23)  # NOW is 06:00 in the school, and 00:30 in UTC

    assert len(found(db, first=day, last=day, what="booking")) == 8
    assert found(db, first=day - timedelta(1), last=day - timedelta(1), what="booking") == []
    assert found(db, first=day + timedelta(1), last=LAST, what="booking") == []


@pytest.mark.parametrize(
    "filters",
    [{}, {"what": "booking"}, {"who": "head"}, {"action": "requested"}, {"what": "ground"}],
    ids=["all", "bookings", "by one", "one action", "audit log"],
)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_hold_every_change_once_in_order(history, filters, size):
    db = history[0]
    whole = found(db, **filters)

    pages, after = [], None
    while page := found(db, **filters, limit=size, after=after):
        pages += page
        after = page[-1]

    assert pages == whole
    assert len({c.place for c in pages}) == len(whole) > 0


def test_every_save_records_exactly_one_change_with_user_and_moment(db):
    saves = [
        ("ground", lambda: save_ground(db, replace(GROUNDS[0], name="Field"), by=ADMIN)),
        ("timetable", lambda: save_timetable(db, HOURLY, by=ADMIN)),
        ("day", lambda: save_days(db, [DAY], timetable_id=None, note="Holiday", by=ADMIN)),
        ("students", lambda: save_student(db, Student("X1", "Asha", "9-A"), by=ADMIN)),
    ]
    today = datetime.now(UTC).date()
    days = {"first": today - timedelta(1), "last": today + timedelta(1)}

    for what, save in saves:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        save()
        mine = found(db, who="admin", what=what, **days)

        assert [(c.by_name, c.action) for c in mine] == [("Admin", "saved")]
        assert before <= mine[0].at <= datetime.now(UTC)
        assert "Asha" not in str(mine[0].details)
    assert len(found(db, who="admin", **days)) == len(saves)


def test_changes_without_a_user_have_the_id_system_and_a_name(db):
    booked(db)
    lapse_pending(db, now=NOW + timedelta(days=3))

    assert [(c.by, c.by_name) for c in found(db, action="lapsed")] == [("system", "Nobody")]
    assert set(audit.audit_subjects(db, by=ADMIN)) >= {"booking", "ground", "students"}
    assert audit.audit_people(db, by=ADMIN)["meera"] == "Meera"


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=["staff", "principal"])
def test_only_an_admin_reads_the_audit(school, by):
    for ask in (
        lambda: found(school[0], by=by),
        lambda: audit.audit_subjects(school[0], by=by),
        lambda: audit.audit_people(school[0], by=by),
    ):
        with pytest.raises(NotAllowed):
            ask()


@pytest.mark.parametrize(
    ("field", "filters"),
    [
        ("first", {"first": "2026-11-23"}),
        ("last", {"first": LAST, "last": FIRST}),
        ("last", {"first": date(2024, 1, 1)}),
        ("limit", {"limit": 0}),
        ("limit", {"limit": True}),
        ("after", {"after": "x"}),
        ("who", {"who": {"$ne": ""}}),
        ("what", {"what": {"$ne": ""}}),
        ("action", {"action": ["requested"]}),
    ],
)
def test_bad_filters_are_named(school, field, filters):
    with pytest.raises(InvalidRequest) as refused:
        found(school[0], **filters)

    assert refused.value.field == field


def test_nothing_in_the_core_but_an_erasure_changes_or_removes_an_entry():
    """audit_log.py inserts entries; migrations.py inserts only those that old closures lack.

    The erasure of an account puts its pseudonym in the place of its name.
    """
    package = Path(booking_core.__file__).parent
    naming = {}
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = any(
            (isinstance(node, ast.Attribute) and node.attr == "AUDIT")
            or (isinstance(node, ast.Name) and node.id == "AUDIT")
            or (isinstance(node, ast.Constant) and node.value == "audit")
            for node in ast.walk(tree)
        )
        if named:
            naming[path.relative_to(package).as_posix()] = {
                node.func.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            }

    migrations = (package / "storage/schema/migrations.py").read_text(encoding="utf-8").splitlines()
    [write] = [text for text in migrations if "schema.AUDIT" in text]
    assert 'update_one({"_id": id}, {"$setOnInsert": written}, upsert=True)' in write
    del naming["storage/schema/migrations.py"]
    assert set(naming) == {
        *("storage/schema/schema.py", "storage/audit_log.py", "storage/bookings/history.py"),
        *("storage/access/erasure.py", "storage/unreadable.py"),
    }
    writes = {"insert_one", "insert_many", "replace_one", "bulk_write", "drop", "rename"}
    writes |= {"update_one", "update_many", "delete_one", "delete_many", "find_one_and_update"}
    writes |= {"find_one_and_delete", "find_one_and_replace"}
    assert naming["storage/audit_log.py"] & writes == {"insert_one"}
    assert naming["storage/bookings/history.py"] & writes == set()
    assert naming["storage/schema/schema.py"] & writes == set()
