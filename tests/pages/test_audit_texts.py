"""The text of a change, for every kind of object."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from support import GROUNDS

from booking_core import Change
from pages.admin.audit import texts

ZONE = ZoneInfo("Asia/Kolkata")
AT = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=ZONE)
KNOWN = {ground.id: ground for ground in GROUNDS}
SLOT = {"ground_id": "ground-1", "date": "2026-11-24", "start": "09:00", "end": "10:00"}


CLOSING = {
    "grounds": ["ground-1", "gone"],
    "first": "2026-11-24",
    "last": "2026-11-25",
    "start": "09:00",
    "end": "10:00",
}
WHOLE_DAY = {"grounds": ["ground-1"], "last": "2026-11-24", "start": "00:00", "end": "00:00"}


def change(what: str, action: str = "saved", id: str = "x", **details) -> Change:
    return Change(AT, "admin", "Farah", "", action, what, id, details, (AT, "entry", 0))


@pytest.mark.parametrize(
    ("made", "main", "under"),
    [
        (
            change("booking", "approved", **SLOT, game="Football", student_name="Asha"),
            "Ground 1, Tue 24 Nov",
            "9–10 AM · Football · Asha",
        ),
        (
            change("booking", "moved", **SLOT, game="Football", correction=True, reason="rain"),
            "Ground 1, Tue 24 Nov",
            "9–10 AM · Football · as a correction · “rain”",
        ),
        (
            change("closure", "closed", **CLOSING, reason="rain", displaced=2),
            "Ground 1 and gone, Tue 24 Nov 2026 – Wed 25 Nov 2026",
            "9–10 AM · “rain” · 2 bookings displaced",
        ),
        (
            change("closure", "closed", **CLOSING | WHOLE_DAY, reason="rain", displaced=0),
            "Ground 1, Tue 24 Nov 2026",
            "all day · “rain”",
        ),
        (change("closure", "lifted", days=6, reason="rain"), "Closure", "“rain”"),
        (change("ground", id="g", after={"_id": "g", "name": "Field"}), "Field", "g"),
        (
            change("ground", before={"name": "A", "games": []}, after={"name": "B", "games": []}),
            "B",
            "changed: name",
        ),
        (
            change("day", id="2026-12-25", after={"timetable_id": None, "note": "Christmas"}),
            "Fri 25 Dec 2026",
            "Christmas",
        ),
        (change("students", id="", count=120), "120 students", "no names are kept here"),
        (change("account", "disabled", id="meera"), "meera", ""),
        (change("settings", id=""), "Settings", ""),
        (change("something new", id="", odd={"deep": [1, {"x": None}]}), "Something new", ""),
    ],
)
def test_a_line_names_the_changed_object(made, main, under):
    found, below = texts.subject(made, KNOWN)

    assert found == main
    assert below.endswith(under)
    assert texts.row(made, KNOWN, NOW)["cells"][0] == ["Yesterday, Mon 23 Nov", "6:00:00 AM"]


def test_details_show_every_fact():
    period = {"label": "First", "start": "08:00", "end": "09:00"}
    by_times = {"label": "09:00-10:00", "start": "09:00", "end": "10:00"}
    before = {"name": "Old", "retired": False, "periods": []}
    after = {"name": "New", "retired": True, "periods": [period, by_times], "must_change": None}
    made = change("timetable", before=before, after=after)

    assert texts.lines(made, KNOWN, ZONE) == [
        ("When", "Mon 23 Nov 2026, 6:00:00 AM"),
        ("By", "Farah (admin)"),
        ("Done", "Saved: timetable"),
        ("Name", "Old → New"),
        ("Retired", "no → yes"),
        ("Periods", "– → First (8–9 AM), 9–10 AM"),
        ("Record", "x"),
    ]


def test_other_people_of_a_booking_are_no_other_party():
    made = Change(AT, "head", "Head", "", "party changed", "booking", "b", SLOT, (AT, "b", 1))
    assert dict(texts.lines(made, KNOWN, ZONE))["Done"] == "People changed: booking"


def test_a_move_names_both_slots_and_a_delegate_the_principal():
    made = Change(
        *(AT, "deputy", "Ravi", "Dr. Rao", "moved", "booking", "b"),
        {**SLOT, "moved_from": SLOT | {"start": "14:00", "end": "15:00"}, "reason": "2026-11-25"}
        | {"correction": True},
        (AT, "b", 1),
    )

    lines = dict(texts.lines(made, KNOWN, ZONE))

    assert lines["Slot"] == "Ground 1, Tue 24 Nov, 9–10 AM"
    assert lines["Reason given"] == "2026-11-25"  # as it was typed
    assert lines["Moved from"] == "Ground 1, Tue 24 Nov, 2–3 PM"
    assert lines["On behalf of"] == "Dr. Rao"
    assert lines["Correction"] == "yes"
    assert texts.row(made, KNOWN, NOW)["cells"][1] == ["Ravi", "for Dr. Rao"]


def test_details_of_a_closing_show_grounds_days_and_times():
    made = change("closure", "closed", id="g", **CLOSING, reason="rain", displaced=2)

    assert texts.lines(made, KNOWN, ZONE)[2:] == [
        ("Done", "Closed: closure"),
        ("Times", "9–10 AM"),
        ("Grounds", "Ground 1, gone"),
        ("First", "Tue 24 Nov 2026"),
        ("Last", "Wed 25 Nov 2026"),
        ("Reason given", "rain"),
        ("Displaced", "2"),
        ("Record", "g"),
    ]
