"""Texts that a spreadsheet has changed, and dates and digits as schools write them."""

from __future__ import annotations

from datetime import date

import pytest

from booking_core.tables.cells import ascii_digits, date_of, is_date, is_rounded


@pytest.mark.parametrize("text", ["2026-05-10", "10-May", "May-10", "5/10/2026", "10 may 26"])
def test_what_a_spreadsheet_makes_of_a_class_is_a_date(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize("text", ["10-5", "8-A", "10/5", "May", "Grade 10", "10-Maya", "X-2026"])
def test_a_class_is_no_date(text: str) -> None:
    assert not is_date(text)


def test_a_number_in_scientific_form_is_rounded() -> None:
    assert all(map(is_rounded, ("1.23457E+11", "1,2E+15", "1e+20")))
    assert not any(map(is_rounded, ("1E5", "12E+3", "123457000000", "E+1")))


def test_digits_of_every_script_are_digits() -> None:
    assert ascii_digits("१०-क ٣ A1") == "10-क 3 A1"


def test_a_date_is_read_in_the_order_of_the_school() -> None:
    assert date_of("05/10/2026", month_first=False) == date(2026, 10, 5)
    assert date_of("05.10.2026", month_first=True) == date(2026, 5, 10)
    assert date_of("2026-10-05", month_first=True) == date(2026, 10, 5)
    for text in ("31/02/2026", "5/10/26", "tomorrow", ""):
        with pytest.raises(ValueError):
            date_of(text, month_first=False)


def test_a_serial_number_counts_from_the_epoch_of_its_workbook() -> None:
    assert date_of("46300", month_first=False) == date(2026, 10, 5)
    assert date_of("44838", month_first=False, from_1904=True) == date(2026, 10, 5)
