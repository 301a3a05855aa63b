"""The audit page's one view: every change once, by whom and when; found by index, never edited."""

from __future__ import annotations

import ast
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support import ADMIN, DAY, GROUNDS, HEAD, HOURLY, MEERA, NOW, RAVI, booked, close_one

import booking_core
from booking_core import (
    InvalidRequest,
    NotAllowed,
    Student,
    approve,
    cancel,
    find_changes,
    lapse_pending,
    move,
    reject,
    revoke,
    save_days,
    save_ground,
    save_student,
    save_timetable,
)
from booking_core.insight import audit
from booking_core.storage import history as changes
from booking_core.storage import schema

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def found(db, **filters):
    """All changes to bookings and closures, or by other filters."""
    return find_changes(db, **{"by": ADMIN, "first": FIRST, "last": LAST} | filters)


def told(change) -> tuple[str, str, str]:
    return change.by, change.action, change.what


@pytest.fixture(scope="module")
def history(school):
    """A school with a hand-made past: nine changes to bookings, one to a closure."""
    db, first = school
    approve(db, first.id, by=HEAD, now=later(1))
    move(db, first.id, start=DAYTIME[14], end=DAYTIME[15], by=MEERA, now=later(2))
    revoke(db, first.id, by=HEAD, reason="rain", now=later(3))
    second = booked(db, by=RAVI, student=1, start=10, now=later(4))
    reject(db, second.id, by=HEAD, reason="exam week", now=later(5))
    third = booked(db, by=RAVI, student=2, start=11, now=later(6))
    cancel(db, third.id, by=ADMIN, now=later(7))
    closed = close_one(
        db,
        ground_id="ground-3",
        date=DAY,
        start=DAYTIME[8],
        end=DAYTIME[9],
        reason="flood",
        by=HEAD,
        now=later(8),
    )
    return db, first, second, third, closed


DAYTIME = {period.start.hour: period.start for period in HOURLY.periods}


def test_every_verb_leaves_exactly_one_change_with_who_and_when(history):
    db, first, second, third, closed = history

    seen = [(*told(c), c.id, c.at) for c in found(db) if c.what in ("booking", "closure")]

    assert seen == [
        ("head", "closed", "closure", closed.id, later(8)),
        ("admin", "cancelled", "booking", third.id, later(7)),
        ("ravi", "requested", "booking", third.id, later(6)),
        ("head", "rejected", "booking", second.id, later(5)),
        ("ravi", "requested", "booking", second.id, later(4)),
        ("head", "revoked", "booking", first.id, later(3)),
        ("meera", "moved", "booking", first.id, later(2)),
        ("head", "approved", "booking", first.id, later(1)),
        ("meera", "requested", "booking", first.id, NOW),
    ]


def test_a_change_names_the_slot_as_it_was_then_and_the_reason(history):
    db = history[0]

    by_action = {c.action: c.details for c in found(db, who="head", what="booking")}
    moved = found(db, action="moved")[0].details

    assert (by_action["approved"]["start"], by_action["revoked"]["start"]) == ("09:00", "14:00")
    assert by_action["revoked"]["reason"] == "rain"
    assert moved["moved_from"]["start"] == "09:00"
    assert found(db, what="closure")[0].details["reason"] == "flood"


def test_filters_by_who_what_and_action_leave_the_rest_out(history):
    db = history[0]

    assert [told(c) for c in found(db, who="ravi")] == [("ravi", "requested", "booking")] * 2
    assert [c.action for c in found(db, who="head", what="booking")] == [
        "rejected",
        "revoked",
        "approved",
    ]
    assert [c.action for c in found(db, what="closure")] == ["closed"]
    assert [c.by for c in found(db, action="requested")] == ["ravi", "ravi", "meera"]
    assert [c.by for c in found(db, action="requested", who="meera")] == ["meera"]
    assert found(db, who="head", action="requested") == []
    assert found(db, who="nobody") == found(db, what="nothing") == []


def test_dates_are_whole_days_of_the_school(history):
    db = history[0]
    day = date(2026, 11, 23)  # NOW is its 06:00 in the school, and 00:30 of it in UTC

    assert len(found(db, first=day, last=day, what="booking")) == 8
    assert found(db, first=day - timedelta(1), last=day - timedelta(1), what="booking") == []
    assert found(db, first=day + timedelta(1), last=LAST, what="booking") == []


@pytest.mark.parametrize(
    "filters",
    [{}, {"what": "booking"}, {"who": "head"}, {"action": "requested"}, {"what": "ground"}],
    ids=["all", "bookings", "by one", "one action", "journal"],
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


def test_changes_of_one_moment_are_paged_without_loss(db):
    ids = {booked(db, student=n, start=8 + n).id for n in range(6)}
    for booking_id in ids:
        approve(db, booking_id, by=HEAD, now=NOW)

    seen, after = [], None
    while page := found(db, what="booking", limit=1, after=after):
        seen += page
        after = page[-1]

    assert sorted((c.id, c.action) for c in seen) == sorted(
        (i, action) for i in ids for action in ("requested", "approved")
    )


def test_hundreds_of_changes_of_one_instant_are_each_on_one_page(db):
    """As an import makes them: of bookings, closures and the journal, all at the same moment."""
    row = db[schema.BOOKINGS].find_one({"_id": booked(db).id})
    del row["quota"]
    entry = row["history"][0]
    twice = [entry | {"by": "meera"}, entry | {"by": "ravi"}, entry | {"by": "meera"}]
    closure = {k: v for k, v in row.items() if k != "student_id"} | {"kind": "closure"}
    rows = [row | {"_id": f"b{n:03d}"} for n in range(150)]
    rows += [closure | {"_id": f"c{n:03d}"} for n in range(30)]
    db[schema.BOOKINGS].delete_many({})
    db[schema.BOOKINGS].insert_many(r | {"status": "Cancelled", "history": twice} for r in rows)
    noted = {"at": NOW, "by": "meera", "by_name": "Meera", "action": "requested", "what": "ground"}
    db[schema.AUDIT].delete_many({})
    db[schema.AUDIT].insert_many(noted | {"_id": f"b{n:03d}x", "id": ""} for n in range(120))
    # Those of a moment before and after lie on the pages' edges.
    db[schema.AUDIT].insert_many(
        noted | {"_id": f"e{n}", "id": "", "at": later(n)} for n in (-1, 1)
    )
    everything = [(NOW, r["_id"], place, r["kind"], e["by"]) for r in rows
                  for place, e in enumerate(twice)]  # fmt: skip
    everything += [(NOW, f"b{n:03d}x", 0, "ground", "meera") for n in range(120)]
    everything += [(later(n), f"e{n}", 0, "ground", "meera") for n in (-1, 1)]
    everything.sort(reverse=True)

    for filters in ({}, {"who": "ravi"}, {"what": "closure"}, {"what": "ground"},
                    {"action": "requested"}, {"who": "meera", "action": "requested"}):  # fmt: skip
        expected = [
            change[:3]
            for change in everything
            if filters.get("what") in (None, change[3]) and filters.get("who") in (None, change[4])
        ]
        for size in (50, 141):
            seen, after = [], None
            while page := found(db, **filters, limit=size, after=after):
                seen += [change.place for change in page]
                after = page[-1]
                assert len(seen) <= len(expected)
            assert seen == expected, (filters, size)


def test_any_filter_and_page_size_finds_what_a_look_at_everything_finds(db):
    """Histories that interleave, against a sort of all entries made here."""
    dice = random.Random(4)
    row = db[schema.BOOKINGS].find_one({"_id": booked(db).id})
    del row["quota"]
    entry = row["history"][0]
    people, actions = ("meera", "ravi", "head"), ("requested", "approved", "cancelled")
    rows = []
    for n in range(80):
        moments = sorted(dice.choices(range(40), k=dice.randint(1, 5)))
        history = [
            entry | {"at": later(m), "by": dice.choice(people), "action": dice.choice(actions)}
            for m in moments
        ]
        rows.append(row | {"_id": f"{n:04d}", "status": "Cancelled", "history": history})
    db[schema.BOOKINGS].delete_many({})
    db[schema.BOOKINGS].insert_many(rows)
    everything = sorted(
        ((e["at"], r["_id"], place, e["by"], e["action"]))
        for r in rows
        for place, e in enumerate(r["history"])
    )

    for who in (None, *people, "nobody"):
        for action in (None, *actions):
            expected = [
                e[:3]
                for e in reversed(everything)
                if who in (None, e[3]) and action in (None, e[4])
            ]
            size, seen, after = dice.choice((7, 30)), [], None
            while page := found(
                db, what="booking", who=who, action=action, limit=size, after=after
            ):
                seen += [c.place for c in page]
                after = page[-1]
            assert seen == expected, (who, action, size)


def test_every_save_leaves_exactly_one_change_with_who_and_when(db):
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


def test_a_script_and_the_clock_are_named_too(db):
    booked(db)
    lapse_pending(db, now=NOW + timedelta(days=3))

    assert [(c.by, c.by_name) for c in found(db, action="lapsed")] == [("system", "Nobody")]
    assert set(audit.subjects(db, by=ADMIN)) >= {"booking", "closure", "ground", "students"}
    assert audit.people(db, by=ADMIN)["meera"] == "Meera"


@pytest.mark.parametrize("by", [MEERA, HEAD], ids=["staff", "principal"])
def test_only_an_admin_reads_it(school, by):
    for ask in (
        lambda: found(school[0], by=by),
        lambda: audit.subjects(school[0], by=by),
        lambda: audit.people(school[0], by=by),
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


@pytest.mark.parametrize(
    ("index", "filters"),
    [
        ("changes", {}),
        ("changes_by", {"by": "ravi", "action": "requested"}),
        ("changes_to", {"action": "requested"}),
    ],
)
def test_a_page_is_read_by_index_and_costs_what_it_shows(db, index, filters):
    row = db[schema.BOOKINGS].find_one({"_id": booked(db, by=RAVI).id})
    del row["quota"]
    db[schema.BOOKINGS].insert_many(
        row
        | {
            "_id": f"copy-{n:04d}",
            "status": "Cancelled",
            "history": [entry | {"at": later(-n)} for entry in row["history"]],
        }
        for n in range(2000)
    )
    wanted = changes.Wanted(*audit.span(db, FIRST, LAST), **filters)

    plan = changes.histories(db, wanted, ["booking"]).limit(50).explain()

    assert index in str(plan["queryPlanner"]["winningPlan"])
    assert "SORT" not in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["totalKeysExamined"] <= 60
    assert plan["executionStats"]["totalDocsExamined"] <= 60


def test_a_later_page_reads_no_more_of_histories_that_went_on_after_it(db, monkeypatch):
    row = db[schema.BOOKINGS].find_one({"_id": booked(db, by=RAVI).id})
    del row["quota"]
    entry = row["history"][0]
    db[schema.BOOKINGS].insert_many(
        row
        | {
            "_id": f"copy-{n:04d}",
            "status": "Cancelled",
            "history": [entry | {"at": later(n)}, entry | {"at": later(1000 + n)}],
        }
        for n in range(300)
    )
    read = []
    unwind = changes._changes
    monkeypatch.setattr(changes, "_changes", lambda r, w: read.append(r) or unwind(r, w))
    older = found(db, limit=400, what="booking")[-1]

    read.clear()
    page = found(db, limit=10, what="booking", after=older)

    assert len(page) == 10
    assert len(read) <= 15


def test_the_journal_is_read_by_index(db):
    for filters in ({}, {"by": "admin"}, {"what": "ground"}):
        wanted = changes.Wanted(*audit.span(db, FIRST, LAST), **filters)
        plan = str(changes.journal(db, wanted).limit(50).explain()["queryPlanner"]["winningPlan"])

        assert "IXSCAN" in plan
        assert "'SORT'" not in plan


def test_nothing_in_the_core_changes_or_removes_an_entry():
    """The journal is written by one insert, and named by nobody who writes otherwise."""
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

    assert set(naming) == {"storage/schema.py", "storage/audit_log.py", "storage/history.py"}
    writes = {"insert_one", "insert_many", "replace_one", "bulk_write", "drop", "rename"}
    writes |= {"update_one", "update_many", "delete_one", "delete_many", "find_one_and_update"}
    writes |= {"find_one_and_delete", "find_one_and_replace"}
    assert naming["storage/audit_log.py"] & writes == {"insert_one"}
    assert naming["storage/history.py"] & writes == set()
    assert naming["storage/schema.py"] & writes == set()
