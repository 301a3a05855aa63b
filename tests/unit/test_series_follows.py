"""Which dates of a series move with it: those that nobody has moved by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from booking_core import Booking, Decision, Slot, Status
from booking_core.domain.series import follows

AT = datetime(2026, 11, 23, 5, tzinfo=UTC)
SLOT = Slot("oval", date(2026, 11, 24), time(9), time(10))


def entry(action: str, **facts: object) -> Decision:
    return replace(Decision(AT, "meera", "Meera", action), **facts)


MOVED, OF_SERIES = entry("moved", moved_from=SLOT), entry("moved", moved_from=SLOT, of_series=True)


@pytest.mark.parametrize(
    ("later", "is_own"),
    [
        ((), True),
        ((MOVED,), False),
        ((OF_SERIES,), True),
        ((MOVED, entry("undone", moved_from=SLOT)), True),
        ((MOVED, OF_SERIES), True),
        ((OF_SERIES, MOVED), False),
        ((MOVED, MOVED, entry("undone", moved_from=SLOT)), False),
        ((entry("cancelled"), entry("undone")), True),
    ],
)
def test_a_date_follows_its_series_unless_its_last_move_that_stands_is_its_own(later, is_own):
    booking = Booking(
        id="b", ground_id="oval", date=SLOT.date, start=SLOT.start, end=SLOT.end,
        status=Status.PENDING, student_id="S1", student_name="Asha", class_name="9-A", game="F",
        purpose="", created_by="meera", created_by_name="Meera", created_at=AT, updated_at=AT,
        history=(entry("requested"), *later), series="s",
    )  # fmt: skip
    assert follows(booking) is is_own
