"""The texts of the waiting list, the ends of an entry, and the id under which it is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import streamlit as st

from booking_core import BookingRequest, Role, Slot, WaitingEntry
from pages.book import draft, joining
from pages.shared.text import formats, waiting_texts

ZONE = ZoneInfo("Asia/Kolkata")
DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 23, 12, tzinfo=ZONE)
SLOT = Slot("ground-1", DAY, time(9), time(10))
WANTED = BookingRequest("ground-1", DAY, time(9), time(10), "S001", "Football")


def entry(id: str, **changes: object) -> WaitingEntry:
    made = WaitingEntry(id, WANTED, datetime(2026, 11, 23, tzinfo=UTC), "meera", "M", Role.STAFF)
    return replace(made, **changes)


def test_ordinals() -> None:
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)
    assert [formats.ordinal(number) for number in numbers] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th",
    ]  # fmt: skip


def test_counts_and_places() -> None:
    line = [entry("a"), entry("b")]
    assert waiting_texts.count([]) == "Nobody waits for this slot yet."
    assert waiting_texts.count(line[:1]) == "1 waits for this slot."
    assert waiting_texts.count(line) == "2 wait for this slot."
    assert waiting_texts.place(line, line[1]) == "2nd of 2"
    assert waiting_texts.place(line, entry("c")) == ""


def test_until_when_an_entry_waits() -> None:
    ends = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)  # 8 PM of the school
    assert waiting_texts.until(entry("a"), NOW) == "until it begins"
    assert waiting_texts.until(entry("a", not_after=ends), NOW) == "until Mon 23 Nov, 8 PM"


@pytest.mark.parametrize(
    ("now", "names"),
    [
        (NOW, ["It begins", "1 hour before", "The evening before"]),
        (datetime(2026, 11, 23, 20, tzinfo=ZONE), ["It begins", "1 hour before"]),
        (datetime(2026, 11, 24, 8, tzinfo=ZONE), ["It begins"]),
    ],
)
def test_an_end_that_has_gone_by_is_not_offered(now: datetime, names: list[str]) -> None:
    assert list(joining.ends(SLOT, now)) == names


def test_the_evening_before_is_at_eight() -> None:
    offered = joining.ends(SLOT, NOW)
    assert offered["It begins"] is None
    assert offered["1 hour before"] == datetime(2026, 11, 24, 8, tzinfo=ZONE)
    assert offered["The evening before"] == datetime(2026, 11, 23, 20, tzinfo=ZONE)


def test_an_entry_that_is_sent_again_has_its_id_until_its_content_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(st, "session_state", {})
    first = draft.entry_id(WANTED, False, None)

    assert draft.entry_id(WANTED, False, None) == first
    for other in (
        (replace(WANTED, game="Hockey"), False, None),
        (WANTED, True, None),
        (WANTED, False, NOW + timedelta(hours=1)),
    ):
        assert draft.entry_id(*other) != first


def test_who_waits_behind_the_dates_of_a_series() -> None:
    one, two = [entry("a")], [entry("a"), entry("b")]

    assert waiting_texts.behind_dates([]) == waiting_texts.behind_dates([[], []]) == ""
    assert waiting_texts.behind_dates([one, []]) == "1 waits on 1 date"
    assert waiting_texts.behind_dates([two, [], one]) == "3 wait on 2 dates"
