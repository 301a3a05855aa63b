"""Dates, times and numbers in the forms of several locales."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale, localedata
from hypothesis import given
from hypothesis import strategies as st
from streamlit.elements.widgets.time_widgets import ALLOWED_DATE_FORMATS

from booking_core import Settings
from pages.shared.text import formats

LOCALES = ("en_IN", "en_GB", "en_US", "de_DE")
MONDAY = date(2026, 11, 23)
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@pytest.fixture(autouse=True)
def _default_afterwards() -> Iterator[None]:
    yield
    formats.use(Settings().locale)


def read_clock(text: str) -> time:
    """Returns the time that ``text`` says, read by the standard library."""
    if text[-1] != "M":
        form = "%H:%M"
    else:
        form = "%I:%M %p" if ":" in text else "%I %p"
    return datetime.strptime(text, form).time()  # noqa: DTZ007 - a time of day has no zone


@pytest.mark.parametrize(
    ("locale", "clocks", "spans"),
    [
        (
            name,
            ["12 AM", "9:05 AM", "12 PM", "2:30 PM"],
            ["9–10 AM", "11 AM – 1 PM", "11 PM – 12 AM"],
        )
        for name in ("en_IN", "en_US")
    ]
    + [
        (name, ["00:00", "09:05", "12:00", "14:30"], ["09:00–10:00", "11:00–13:00", "23:00–00:00"])
        for name in ("en_GB", "de_DE")
    ]
    + [("es_ES", ["0:00", "9:05", "12:00", "14:30"], ["9:00–10:00", "11:00–13:00", "23:00–0:00"])],
)
def test_times_are_in_12_or_24_hours(locale, clocks, spans):
    formats.use(locale)

    times = (time(0), time(9, 5), time(12), time(14, 30))
    ends = ((9, 10), (11, 13), (23, 0))
    assert [formats.clock(value) for value in times] == clocks
    assert [formats.span(time(first), time(last)) for first, last in ends] == spans
    assert formats.time_field() == ("12h" if clocks[0] == "12 AM" else "24h")


@pytest.mark.parametrize(
    ("locale", "short", "full", "long", "near", "field"),
    [
        ("en_IN", "Mon 23 Nov", "Mon 23 Nov 2026", "Monday 23 November", "16 Nov", "DD/MM/YYYY"),
        ("en_GB", "Mon 23 Nov", "Mon 23 Nov 2026", "Monday 23 November", "16 Nov", "DD/MM/YYYY"),
        ("en_US", "Mon Nov 23", "Mon Nov 23, 2026", "Monday November 23", "Nov 16", "MM/DD/YYYY"),
        ("de_DE", "Mon 23 Nov", "Mon 23 Nov 2026", "Monday 23 November", "16 Nov", "DD.MM.YYYY"),
        ("sv_SE", "Mon Nov 23", "Mon Nov 23, 2026", "Monday November 23", "Nov 16", "YYYY-MM-DD"),
    ],
)
def test_dates_are_in_the_order_of_the_locale_and_in_english(
    locale, short, full, long, near, field
):
    formats.use(locale)

    zone = ZoneInfo("Asia/Kolkata")
    noon = datetime(2026, 11, 23, 12, tzinfo=zone)
    assert formats.short_date(MONDAY) == short
    assert formats.day_heading(MONDAY, MONDAY) == f"Today, {short}"
    assert formats.full_date(MONDAY) == full
    assert formats.long_date(MONDAY) == long
    assert formats.said_at(noon - timedelta(days=7), noon, zone) == near
    assert formats.date_field() == field


@pytest.mark.parametrize(
    ("locale", "number", "small", "percent", "first"),
    [
        ("en_IN", "12,34,567", "1,234.5", "86%", 6),
        ("en_GB", "1,234,567", "1,234.5", "86%", 0),
        ("en_US", "1,234,567", "1,234.5", "86%", 6),
        ("de_DE", "1.234.567", "1.234,5", "86\u00a0%", 0),
        ("fr_FR", "1\u00a0234\u00a0567", "1\u00a0234,5", "86\u00a0%", 0),
    ],
)
def test_numbers_and_weeks_are_those_of_the_locale(locale, number, small, percent, first):
    formats.use(locale)

    assert formats.number(1_234_567) == formats.number(1_234_567.04) == number
    assert formats.number(1234.52) == small
    assert formats.up_to(12, 1000) == "12"
    assert formats.up_to(1_234_568, 1_234_567) == f"{number}+"
    assert formats.percent(0.855) == percent
    assert formats.weekdays() == [(first + n) % 7 for n in range(7)]
    for day in (MONDAY + timedelta(days=n) for n in range(14)):
        begin = formats.start_of_week(day)
        assert begin.weekday() == first
        assert timedelta() <= day - begin < timedelta(days=7)


def test_weekdays_and_months_are_english():
    formats.use("de_DE")

    names = [formats.weekday_name(day) for day in range(7)]
    assert names[0] == "Monday"
    assert [formats.weekday(day) for day in range(7)] == [name[:3] for name in names]
    assert formats.short_date(date(2026, 10, 6)) == "Tue 6 Oct"
    assert formats.short_date(date(2026, 9, 6)) == "Sun 6 Sep"


@given(value=TIMES, locale=st.sampled_from(LOCALES))
def test_a_shown_time_is_read_back_as_the_same_time(value, locale):
    formats.use(locale)

    shown = formats.clock(value)
    assert read_clock(shown) == value
    assert shown.isascii()  # no narrow space before AM and PM


@given(start=TIMES, end=TIMES, locale=st.sampled_from(LOCALES))
def test_a_span_has_both_times_and_is_known_in_every_locale(start, end, locale):
    formats.use(locale)
    shown = formats.span(start, end)
    first, last = (part.strip() for part in shown.split("–"))
    if last[-1] == "M" and first[-1] != "M":
        first = f"{first} {last[-2:]}"

    assert (read_clock(first), read_clock(last)) == (start, end)
    for other in LOCALES:
        formats.use(other)
        assert formats.is_span(shown, start, end)


@pytest.mark.parametrize(
    ("label", "is_times"),
    [
        ("2-3", True),
        ("2 – 3 pm", True),
        ("2:00PM–3:00PM", True),
        ("14:00-15:00", True),
        ("14.00 – 15.00", True),
        ("14-15", False),
        ("2–3 AM", False),
        ("2:30–3 PM", False),
        ("2–4 PM", False),
        ("Games", False),
        ("Games 2–3 PM", False),
        ("", False),
        ("2–3 PM" * 20, False),
    ],
)
def test_a_label_that_only_says_its_times_is_recognised(label, is_times):
    assert formats.is_span(label, time(14), time(15)) is is_times


@given(st.text(max_size=120), TIMES, TIMES)
def test_every_label_is_compared_with_times(label, start, end):
    assert formats.is_span(label, start, end) in (True, False)


def test_seconds_are_written_in_every_locale():
    moment = datetime(2026, 11, 23, 0, 5, 9, tzinfo=ZoneInfo("Asia/Kolkata"))

    shown = {}
    for name in (*LOCALES, "es_ES"):
        formats.use(name)
        shown[name] = formats.to_the_second(moment)

    assert shown == {
        "en_IN": "12:05:09 AM",
        "en_US": "12:05:09 AM",
        "en_GB": "00:05:09",
        "de_DE": "00:05:09",
        "es_ES": "0:05:09",
    }


def test_hours_that_a_locale_writes_with_a_letter_are_still_24_hours():
    formats.use("fr_CA")  # 14 h 30

    assert formats.clock(time(14, 30)) == "14:30"


def test_every_locale_has_forms_that_the_fields_know():
    names = [name for name in localedata.locale_identifiers() if Locale.parse(name).territory]
    assert len(names) > 500

    for name in names:
        formats.use(name)
        assert ALLOWED_DATE_FORMATS.match(formats.date_field()), name
        assert formats.clock(time(21, 30)) in ("9:30 PM", "21:30"), name
        texts = (formats.number(1_234_567.8), formats.percent(0.5), formats.full_date(MONDAY))
        assert not {"\u202f", "\u200f"} & set("".join(texts)), name
