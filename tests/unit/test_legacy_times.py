"""Times of the old system, against every slot of a day written in every way."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.domain.errors import InvalidRequest
from booking_core.operations.legacy_documents import read_booking, read_times

DASHES = [
    "-",
    "\u2010",
    "\u2011",
    "\u2012",
    "\u2013",
    "\u2014",
    "\u2015",
    "\u2212",
    "\ufe63",
    "\uff0d",
]
SPACES = ["", " ", "  ", "\u00a0", "\u202f", "\t"]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("9-10 AM", time(9), time(10)),
        ("11 AM-12 PM", time(11), time(12)),
        ("12-1 PM", time(12), time(13)),
        ("11-12 PM", time(11), time(12)),
        ("11-1 PM", time(11), time(13)),
        ("1-5 PM", time(13), time(17)),
        ("09:00-10:00", time(9), time(10)),
        ("9:30-10:15 am", time(9, 30), time(10, 15)),
        ("9.30 a.m. to 10.15 a.m.", time(9, 30), time(10, 15)),
        ("９－１０ ＡＭ", time(9), time(10)),
        ("9 AM-10", time(9), time(10)),
        ("11 AM-1", time(11), time(13)),
        ("11 AM-13:00", time(11), time(13)),
        ("12-1 AM", time(0), time(1)),
        ("0-1 AM", time(0), time(1)),
        ("11 PM-12 AM", time(23), time(0)),
        ("23:00-24:00", time(23), time(0)),
        ("23:00-00:00", time(23), time(0)),
        ("09:00:00-10:00:00", time(9), time(10)),
    ],
)
def test_each_spelling_is_read(text: str, start: time, end: time) -> None:
    assert read_times(text) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "25-10 AM",
        "9-10",
        "9",
        "",
        "13-14 PM",
        "10-9 AM, 5",
        "10 AM-9 AM",
        "10:00-09:00",
        "09:60-10:00",
        "24:00-01:00",
        "09:00-24:30",
        "9-10-11 AM",
        "nine to ten",
        "9-10 XM",
        "9" * 300,
        "٩-١٠ AM",
    ],
)
def test_what_is_no_time_names_the_field(text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_times(text)

    assert raised.value.field == "time"


def twelve(minute: int) -> tuple[str, str]:
    """A time of day as a clock of twelve hours shows it, and AM or PM."""
    hour, minute = divmod(minute % 1440, 60)
    shown = str((hour + 11) % 12 + 1) + (f":{minute:02d}" if minute else "")
    return shown, "AM" if hour < 12 else "PM"


@st.composite
def written(draw: st.DrawFn) -> tuple[str, time, time]:
    """A slot of up to 11 hours in one of the spellings, with its start and end."""
    begin = 5 * draw(st.integers(0, 286))
    end = 5 * draw(st.integers(begin // 5 + 1, min(288, begin // 5 + 132)))
    space = st.sampled_from(SPACES)
    dash = draw(space) + draw(st.sampled_from(DASHES)) + draw(space)
    start_text, start_half = twelve(begin)
    end_text, end_half = twelve(end)
    kind = draw(st.sampled_from(["24", "both", "once"]))
    if kind == "24":
        text = f"{begin // 60:02d}:{begin % 60:02d}{dash}{end // 60:02d}:{end % 60:02d}"
    elif kind == "both" or end - begin > 660:
        text = f"{start_text}{draw(space)}{start_half}{dash}{end_text}{draw(space)}{end_half}"
    else:
        text = f"{start_text}{dash}{end_text}{draw(space)}{end_half}"
    if draw(st.booleans()):
        text = text.lower()
    return text, time(begin // 60, begin % 60), time(end // 60 % 24, end % 60)


@given(written())
def test_every_slot_is_read_as_it_was_written(case: tuple[str, time, time]) -> None:
    text, start, end = case

    assert read_times(text) == (start, end)


@given(st.text(max_size=300))
def test_any_text_is_a_slot_or_an_error_about_the_time(text: str) -> None:
    try:
        start, end = read_times(text)
    except InvalidRequest as exc:
        field = exc.field
    else:
        field = "time" if end == time(0) or start < end else "no slot"

    assert field == "time"


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Europe/Berlin"])
@pytest.mark.parametrize(
    "stored",
    [
        "2025-11-14",
        datetime(2025, 11, 14, tzinfo=UTC),  # a date alone
        "midnight of the school",
    ],
)
def test_a_date_is_the_schools_in_every_zone(stored: str | datetime, zone: str) -> None:
    if stored == "midnight of the school":
        stored = datetime(2025, 11, 14, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    values = {
        "ground": "Ground 1",
        "date": stored,
        "time": "9-10 AM",
        "status": "Approved",
        "game": "Cricket",
    }
    assert read_booking(values, None, {}, ZoneInfo(zone)).date == date(2025, 11, 14)
