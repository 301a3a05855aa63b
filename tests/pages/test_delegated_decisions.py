"""The texts for decisions by delegation, and for a principal's bookings that need no approval."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from booking_core import Booking, Decision, Ground, Policy, Status
from pages.shared.text import messages, payloads

ZONE = ZoneInfo("Asia/Kolkata")
AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
ASKED = Decision(AT, "meera", "Meera Nair", "requested")
BY_DELEGATE = Decision(AT, "joseph", "Joseph Mathew", "approved", "", "Dr. Anand Rao")
BY_HEAD = Decision(AT, "head", "Dr. Anand Rao", "approved")


def booking(*history: Decision) -> Booking:
    return Booking(
        id="1" * 32,
        ground_id="ground-1",
        date=date(2026, 11, 24),
        start=time(9),
        end=time(10),
        status=Status.APPROVED,
        student_id="S001",
        student_name="Asha Rao",
        class_name="10-B",
        game="Volleyball",
        purpose="",
        created_by="meera",
        created_by_name="Meera Nair",
        created_at=AT,
        updated_at=AT,
        history=history,
    )


def test_a_decision_by_a_delegate_shows_both_names_and_one_by_the_principal_one() -> None:
    assert messages.decided_by(BY_DELEGATE) == "by Joseph Mathew for Dr. Anand Rao"
    assert messages.decided_by(BY_HEAD) == "by Dr. Anand Rao"


def test_the_history_shows_both_names() -> None:
    lines = [line for line, *_ in payloads.history(booking(ASKED, BY_DELEGATE), ZONE)]

    assert lines == [
        "Mon 23 Nov, 11:30 AM · Requested by Meera Nair",
        "Mon 23 Nov, 11:30 AM · Approved by Joseph Mathew for Dr. Anand Rao",
    ]


def test_a_decided_line_of_approvals_shows_both_names() -> None:
    row = payloads.decision_row(
        booking(ASKED, BY_DELEGATE),
        [],
        {"ground-1": Ground("ground-1", "Ground 1", ("Volleyball",))},
        AT.astimezone(ZONE),
        Policy(),
    )

    assert row["cells"][-1][:2] == ["Approved", "by Joseph Mathew for Dr. Anand Rao"]
