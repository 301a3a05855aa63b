"""A line of Approvals: the purpose, who really approved, and a move after the approval."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking_core import Booking, Decision, Ground, Policy, SchoolYear, Status, Term
from pages.approvals import queue_rows
from pages.shared.text import payloads

ZONE = ZoneInfo("Asia/Kolkata")
AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
ASKED = Decision(AT, "meera", "Meera Nair", "requested")
APPROVED = Decision(AT, "joseph", "Joseph Mathew", "approved", "", "Dr. Anand Rao")
MOVED = Decision(AT, "head", "Dr. Anand Rao", "moved")
MOVED_BY_STAFF = Decision(AT, "meera", "Meera Nair", "moved")
DISPLACED = Decision(AT, "admin", "Farah Sheikh", "displaced", "Rain")
REINSTATED = Decision(AT, "admin", "Farah Sheikh", "reinstated")
REVOKED = Decision(AT, "head", "Dr. Anand Rao", "revoked", "Exam week")
IMPORTED = Decision(AT, "import", "Farah Sheikh", "imported")


def booking(status: Status, *history: Decision, purpose: str = "") -> Booking:
    return Booking(
        id="1" * 32,
        ground_id="ground-1",
        date=date(2026, 11, 24),
        start=time(9),
        end=time(10),
        status=status,
        student_id="S001",
        student_name="Asha Rao",
        class_name="10-B",
        game="Volleyball",
        purpose=purpose,
        created_by="meera",
        created_by_name="Meera Nair",
        created_at=AT,
        updated_at=AT,
        history=history,
    )


def row(one: Booking) -> dict[str, Any]:
    grounds = {"ground-1": Ground("ground-1", "Ground 1", ("Volleyball",))}
    return payloads.decision_row(one, [], grounds, AT.astimezone(ZONE), Policy())


@pytest.mark.parametrize(
    ("status", "history", "lines"),
    [
        (Status.APPROVED, [ASKED, APPROVED], ["by Joseph Mathew for Dr. Anand Rao"]),
        (
            Status.APPROVED,
            [ASKED, APPROVED, MOVED],
            ["by Joseph Mathew for Dr. Anand Rao", "moved after approval by Dr. Anand Rao"],
        ),
        (
            Status.APPROVED,
            [ASKED, APPROVED, DISPLACED, REINSTATED],
            ["by Joseph Mathew for Dr. Anand Rao"],
        ),
        (Status.APPROVED, [ASKED, MOVED, APPROVED], ["by Joseph Mathew for Dr. Anand Rao"]),
        (Status.APPROVED, [IMPORTED], ["by Farah Sheikh"]),
        (
            Status.REVOKED,
            [ASKED, APPROVED, MOVED, REVOKED],
            [
                "by Dr. Anand Rao",
                "approved by Joseph Mathew for Dr. Anand Rao",
                "moved after approval by Dr. Anand Rao",
            ],
        ),
    ],
)
def test_a_decided_line_names_who_approved_and_who_moved_since(
    status: Status, history: list[Decision], lines: list[str]
) -> None:
    assert row(booking(status, *history))["cells"][-1][1].split("\n") == lines


def test_a_waiting_line_says_that_the_request_was_moved_after_approval() -> None:
    cells = row(booking(Status.PENDING, ASKED, APPROVED, MOVED_BY_STAFF))["cells"]

    assert cells[3] == ["Meera Nair", "11:30 AM\nmoved after approval by Meera Nair"]
    assert row(booking(Status.PENDING, ASKED, MOVED_BY_STAFF))["cells"][3][1] == "11:30 AM"


def test_a_line_has_the_purpose_and_details_whatever_its_status() -> None:
    for status in Status:
        line = row(booking(status, ASKED, purpose="Practice for the final"))

        assert line["cells"][1] == ["Ground 1", "Volleyball", "", "Practice for the final"]
        assert [a["name"] for a in line["actions"]].count("details") == 1


def test_the_history_says_which_move_came_after_the_approval() -> None:
    moves = booking(Status.PENDING, ASKED, MOVED_BY_STAFF, APPROVED, MOVED)

    assert [line.partition(" · ")[2] for line, *_ in payloads.history(moves, ZONE)] == [
        "Requested by Meera Nair",
        "Moved by Meera Nair",
        "Approved by Joseph Mathew for Dr. Anand Rao",
        "Moved after approval by Dr. Anand Rao",
    ]


YEAR = SchoolYear(
    (
        Term("t1", "Term 1", date(2026, 11, 2), date(2026, 11, 29)),
        Term("t2", "Term 2", date(2026, 11, 30), date(2026, 12, 18)),
    ),
    week_a=date(2026, 11, 23),
)


def on(*dates: date) -> tuple[Booking, ...]:
    return tuple(replace(booking(Status.PENDING, ASKED), date=one) for one in dates)


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ([date(2026, 11, 24)], "Term 1, week A"),
        ([date(2026, 12, 1), date(2026, 12, 3)], "Term 2, week B"),
        ([date(2026, 12, 1), date(2026, 12, 8)], "Term 2"),
        ([date(2026, 11, 24), date(2026, 12, 8)], "Term 1 and Term 2"),
        ([date(2026, 12, 8), date(2027, 2, 2)], "Term 2"),
        ([date(2027, 2, 2)], "Week A"),
    ],
)
def test_a_row_says_the_term_and_the_week_of_its_dates(dates: list[date], said: str) -> None:
    assert queue_rows.term(YEAR, on(*dates)) == said
    assert queue_rows.term(SchoolYear(), on(*dates)) == ""


def test_the_term_stands_below_the_time_of_a_request() -> None:
    one = booking(Status.PENDING, ASKED)
    shown = payloads.decision_row(one, [], {}, AT.astimezone(ZONE), Policy(), "Term 1, week A")

    assert shown["cells"][0] == ["Tomorrow 9–10 AM", "in 21 h 30 min", "", "Term 1, week A"]


def test_a_question_and_an_answer_are_no_reasons():
    entries = [
        Decision(AT, "head", "Head", action, "Text")
        for action in ("asked", "answered", "rejected", "party changed")
    ]
    found = payloads.history(booking(Status.REJECTED, *entries), ZONE)
    assert [label for _, label, _ in found] == ["Question:", "Answer:", *["Reason given:"] * 2]
    assert found[-1][0].endswith("People changed by Head")
