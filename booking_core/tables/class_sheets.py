"""Workbooks with a sheet for each class: the names of the sheets take the place of the column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from booking_core.domain.names import label_key
from booking_core.tables.column_names import NAMES, heading_key

SHEET_NAME = "Name of the sheet"  # the heading of the column that the names make
# The key of a class: a number up to 99 or a Roman one, with a section of some letters or a stream,
# or a class before the first. A year, "Sheet1" and "Term 1" are none.
_CLASS = re.compile(
    r"(?:(?:class|grade|std\.?|standard|form|year|kaksha|कक्षा)[ -]?)?"
    r"(?:\d{1,2}|[ivx]{1,4})(?:st|nd|rd|th|e|[eè]me)?"
    r"(?:[ ./-]?(?!(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b)"
    r"(?:[^\W\d_]{1,3}|science|commerce|arts|humanities))?"
    r"|nursery|prep|reception|[lu]?kg(?:[ -]?(?:\d|[^\W\d_]))?"
)


def are_classes(headings: Sequence[str], sheets: Sequence[str]) -> bool:
    """Whether ``sheets``, of a list of students without a column for the class, have its names."""
    keys = {heading_key(heading) for heading in headings}
    # A booking without a student is for its class: that of a sheet would book for all of it.
    others = {*NAMES["class"], *NAMES["date"]}
    return (
        len(sheets) > 1
        and keys.isdisjoint(others)
        and all(_CLASS.fullmatch(label_key(name)) for name in sheets)
    )
