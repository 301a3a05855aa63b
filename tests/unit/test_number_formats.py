"""Numbers and dates as the cells of a sheet display them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_core.tables.number_formats import shown_moment, shown_number


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (1, "00000", "00001"),
        (1.0, "00000", "00001"),
        (123456, "0000", "123456"),
        (-3, "000", "-003"),
        (1, '"S"000', "S001"),
        (7, r"\S000", "S007"),
        (12, "00-000", "00-012"),
        (1234567, "00-000-00", "12-345-67"),
        (1, "00000_);[Red](00000)", "00001"),
        (-1, "00000_);[Red](00000)", "(00001)"),
        (0, "0;-0;;@", ""),
        (5, "[Blue]000", "005"),
        (8.0, "General", "8"),
        (101, "0.00", "101"),
        (12.5, "General", "12.5"),
        (0.1 + 0.2, "General", "0.3"),
        (2.5, "0", "3"),
        (3.14159, "0.00", "3.14"),
        (12.5, "0.00", "12.50"),
        (-0.04, "0", "0"),
        (1234, "#,##0", "1234"),
        (0.85, "0%", "85%"),
        (0.855, "0.0%", "85.5%"),
        (2, "0%", "200%"),
        (5, "[$€-407] 0", "€ 5"),
        (123456, "0.00E+00", "123456"),
        (0.5, "# ?/?", "0.5"),
        (5, "[<10]00;0", "5"),
        (5, "@", "5"),
        (5, "", "5"),
        (202611240001, "General", "202611240001"),
        (1e30, "00000", "1e+30"),
        (float("nan"), "0", "nan"),
    ],
)
def test_a_number_reads_as_its_format_displays_it(value, number_format, shown):
    assert shown_number(value, number_format) == shown


@given(number=st.integers(0, 10**14), width=st.integers(1, 14))
def test_a_whole_number_keeps_its_digits_with_any_padding(number, width):
    for value in (number, float(number)):
        assert shown_number(value, "0" * width) == str(number).zfill(width)
        assert shown_number(value, "General") == str(number)


@given(st.floats(), st.text(alphabet='0#?.,%;"\\[]()_*@$E+-/ aS', max_size=12))
def test_every_number_and_format_reads_as_some_text(value, number_format):
    assert isinstance(shown_number(value, number_format), str)


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (datetime(2026, 6, 1), "dd/mm/yyyy", "2026-06-01"),  # noqa: DTZ001 - a sheet has no time zone
        (datetime(2026, 6, 1, 9, 30), "dd/mm/yyyy", "2026-06-01"),  # noqa: DTZ001
        (datetime(2026, 6, 1, 9, 30), "d.m.yy h:mm", "2026-06-01 09:30"),  # noqa: DTZ001
        (datetime(2026, 6, 1, 9, 30), "h:mm AM/PM", "09:30"),  # noqa: DTZ001
        (datetime(2026, 6, 1), "yyyy-mm-dd h:mm:ss", "2026-06-01"),  # noqa: DTZ001
        (datetime(2026, 6, 1), 'd" hours "', "2026-06-01"),  # noqa: DTZ001
        (date(2026, 6, 2), "yyyy-mm-dd", "2026-06-02"),
        (time(9, 15), "h:mm", "09:15"),
        (timedelta(days=1), "[h]:mm", "24:00"),
        (timedelta(hours=9, minutes=5), "[h]:mm", "09:05"),
    ],
)
def test_a_date_or_a_time_reads_as_the_parts_that_its_format_displays(value, number_format, shown):
    assert shown_moment(value, number_format) == shown
