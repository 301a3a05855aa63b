"""What the dialog of Cancel offers for a date of a series."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import streamlit as st

from booking_core import Booking, Decision, Status
from pages.bookings import cancelling
from pages.bookings.cancelling import ALL, FOLLOWING, ONE
from pages.shared.live.runtime import Services

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
SHARED = cast(Services, SimpleNamespace(db=None))


def booking(week: int) -> Booking:
    return Booking(
        id=f"b{week}",
        ground_id="g1",
        date=date(2026, 12, 1) + timedelta(weeks=week),
        start=time(9),
        end=time(10),
        status=Status.PENDING,
        student_id="S001",
        student_name="Asha Rao",
        class_name="10-B",
        game="Volleyball",
        purpose="",
        created_by="meera",
        created_by_name="Meera Nair",
        created_at=AT,
        updated_at=AT,
        history=(Decision(AT, "meera", "Meera Nair", "requested"),),
        series="s1",
    )


DATES = tuple(map(booking, range(4)))


def offered(monkeypatch: pytest.MonkeyPatch, ahead: tuple[Booking, ...], of: Booking) -> Any:
    def series_ahead(_db: Any, id: str, *, from_date: date | None = None) -> tuple[Booking, ...]:
        assert id == "s1"
        return tuple(one for one in ahead if from_date is None or one.date >= from_date)

    monkeypatch.setattr(cancelling, "series_ahead", series_ahead)
    return cancelling.offered_for(SHARED, of)


@pytest.mark.parametrize(
    ("first", "of", "counts"),
    [
        (0, 1, {ONE: 1, FOLLOWING: 3, ALL: 4}),
        (0, 0, {ONE: 1, FOLLOWING: 4}),
        (0, 3, {ONE: 1, ALL: 4}),
        (3, 3, {ONE: 1}),
        (1, 0, {ONE: 1}),  # this one has begun, and would not be cancelled with the others
    ],
)
def test_each_choice_cancels_other_dates(
    monkeypatch: pytest.MonkeyPatch, first: int, of: int, counts: dict[str, int]
) -> None:
    found = offered(monkeypatch, DATES[first:], DATES[of])

    assert {name: len(dates) for name, dates in found.items()} == counts
    assert found[ONE] == (DATES[of],)


def test_a_choice_whose_dates_are_gone_falls_back_to_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(st, "session_state", {cancelling._WHICH: FOLLOWING})
    monkeypatch.setattr(st, "radio", lambda *_, key, **__: st.session_state[key])
    kept = {ONE: DATES[:1], FOLLOWING: DATES}

    assert cancelling._choice(kept) == FOLLOWING
    assert cancelling._choice({ONE: DATES[:1], ALL: DATES}) == ONE
