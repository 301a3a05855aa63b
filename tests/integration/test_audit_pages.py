"""Pages of the audit: complete and in order for any filter, and read by an index."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pytest
from support import ADMIN, HEAD, NOW, RAVI, booked

from booking_core import approve
from booking_core.insight import audit
from booking_core.reports import find_changes
from booking_core.storage.bookings import history as history_store
from booking_core.storage.schema import schema

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def found(db, **filters):
    """Returns all changes of the year that meet the filters."""
    return find_changes(db, **{"by": ADMIN, "first": FIRST, "last": LAST} | filters)


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


def test_hundreds_of_changes_of_one_moment_are_each_on_one_page(db):
    """Bookings and audit entries that all changed at the same moment, as an import makes them."""
    row = db[schema.BOOKINGS].find_one({"_id": booked(db).id})
    row.pop("quota", None)
    entry = row["history"][0]
    twice = [entry | {"by": "meera"}, entry | {"by": "ravi"}, entry | {"by": "meera"}]
    closure = {k: v for k, v in row.items() if k != "student_id"} | {"kind": "closure"}
    rows = [row | {"_id": f"b{n:03d}"} for n in range(150)]
    closures = [closure | {"_id": f"c{n:03d}"} for n in range(30)]
    db[schema.BOOKINGS].delete_many({})
    db[schema.BOOKINGS].insert_many(
        r | {"status": "Cancelled", "history": twice} for r in rows + closures
    )
    entry_of_ground = {
        "at": NOW,
        "by": "meera",
        "by_name": "Meera",
        "action": "requested",
        "what": "ground",
    }
    db[schema.AUDIT].delete_many({})
    db[schema.AUDIT].insert_many(
        entry_of_ground | {"_id": f"b{n:03d}x", "id": ""} for n in range(120)
    )
    # Changes of the moments before and after lie at the edges of the pages.
    db[schema.AUDIT].insert_many(
        entry_of_ground | {"_id": f"e{n}", "id": "", "at": later(n)} for n in (-1, 1)
    )
    everything = [(NOW, r["_id"], place, "booking", e["by"]) for r in rows
                  for place, e in enumerate(twice)]  # fmt: skip
    everything += [(NOW, f"b{n:03d}x", 0, "ground", "meera") for n in range(120)]
    everything += [(later(n), f"e{n}", 0, "ground", "meera") for n in (-1, 1)]
    everything.sort(reverse=True)

    for filters in ({}, {"who": "ravi"}, {"what": "booking"}, {"what": "ground"},
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


def test_any_filter_and_page_size_finds_what_a_sort_of_all_entries_finds(db):
    """Compares interleaved histories with a list that the test sorts."""
    dice = random.Random(4)
    row = db[schema.BOOKINGS].find_one({"_id": booked(db).id})
    row.pop("quota", None)
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


@pytest.mark.parametrize(
    ("index", "filters"),
    [
        ("changes", {}),
        ("changes_by", {"by": "ravi", "action": "requested"}),
        ("changes_to", {"action": "requested"}),
    ],
)
def test_a_page_is_read_by_an_index_and_examines_only_its_own_entries(db, index, filters):
    row = db[schema.BOOKINGS].find_one({"_id": booked(db, by=RAVI).id})
    row.pop("quota", None)
    db[schema.BOOKINGS].insert_many(
        row
        | {
            "_id": f"copy-{n:04d}",
            "status": "Cancelled",
            "history": [entry | {"at": later(-n)} for entry in row["history"]],
        }
        for n in range(2000)
    )
    wanted = history_store.Wanted(*audit.span(db, FIRST, LAST), **filters)

    plan = history_store.histories(db, wanted).limit(50).explain()

    assert index in str(plan["queryPlanner"]["winningPlan"])
    assert "SORT" not in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["totalKeysExamined"] <= 60
    assert plan["executionStats"]["totalDocsExamined"] <= 60


def test_a_later_page_reads_few_histories_that_continue_after_it(db, monkeypatch):
    row = db[schema.BOOKINGS].find_one({"_id": booked(db, by=RAVI).id})
    row.pop("quota", None)
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
    unwind = history_store._changes
    monkeypatch.setattr(history_store, "_changes", lambda r, w: read.append(r) or unwind(r, w))
    older = found(db, limit=400, what="booking")[-1]

    read.clear()
    page = found(db, limit=10, what="booking", after=older)

    assert len(page) == 10
    assert len(read) <= 15


def test_the_audit_log_is_read_by_an_index(db):
    for filters in ({}, {"by": "admin"}, {"what": "ground"}):
        wanted = history_store.Wanted(*audit.span(db, FIRST, LAST), **filters)
        explained = history_store.audit_entries(db, wanted).limit(50).explain()
        plan = str(explained["queryPlanner"]["winningPlan"])

        assert "IXSCAN" in plan
        assert "'SORT'" not in plan
