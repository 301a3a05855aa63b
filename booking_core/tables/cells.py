"""Texts that a spreadsheet has changed, and dates and digits as schools write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import date as Date
from datetime import timedelta

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
# As spreadsheets show them, or as a workbook is read: 2026-05-10, 10-May, May-10, 5/10/2026.
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d|\d{{1,2}}[-/. ](?:{_MONTHS})(?:[-/. ]\d{{2,4}})?"
    rf"|(?:{_MONTHS})[-/. ]\d{{1,4}}|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}",
    re.IGNORECASE,
)
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?e\+\d{1,3}", re.IGNORECASE)
_DAY_AND_MONTH = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?")
_EPOCH, _EPOCH_1904 = Date(1899, 12, 30), Date(1904, 1, 1)
_LONGEST = 40


def is_date(text: str) -> bool:
    """Whether ``text`` looks like what a spreadsheet makes of a class like 10-5."""
    return len(text) <= _LONGEST and _DATE.fullmatch(text) is not None


def is_rounded(text: str) -> bool:
    """Whether ``text`` is a number in scientific form, whose last digits are lost."""
    return len(text) <= _LONGEST and _ROUNDED.fullmatch(text) is not None


def ascii_digits(text: str) -> str:
    """``text`` with 0 to 9 in place of the digits of other scripts."""
    if text.isascii():
        return text
    return "".join(
        letter if (digit := unicodedata.decimal(letter, None)) is None else str(digit)
        for letter in text
    )


def date_of(text: str, *, month_first: bool, from_1904: bool = False) -> Date:
    """The date of 2026-05-10, of 10/05/2026, or of a spreadsheet's serial number.

    ``from_1904``: serial numbers count from 1904. Raises ValueError.
    """
    text = ascii_digits(text)
    if match := _DAY_AND_MONTH.fullmatch(text):
        first, second, year = (int(part) for part in match.groups())
        day, month = (second, first) if month_first else (first, second)
        return Date(year, month, day)
    if match := _SERIAL.fullmatch(text):
        epoch = _EPOCH_1904 if from_1904 else _EPOCH
        return epoch + timedelta(days=int(match[1]))
    return Date.fromisoformat(text)
