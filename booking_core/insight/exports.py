"""Exports bookings, changes and usage figures as CSV and as XLSX.

A spreadsheet reads no typed text as a formula, and none of a workbook as an error value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time
from itertools import islice
from typing import Any

from booking_core.booking.queries import find_bookings
from booking_core.domain import rules
from booking_core.domain.labels import class_spellings, game_spellings, label_key
from booking_core.domain.model import Actor, Booking, Party
from booking_core.domain.records import Change
from booking_core.insight.audit import find_changes
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

MAX_ROWS = 50_000
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Value = str | int | float | Date | datetime | time | None
_PAGE = 1000
_BOOKINGS = (
    ("Reference", 11),
    ("Date", 12),
    ("Start", 8),
    ("End", 8),
    ("Ground", 22),
    ("Game", 14),
    ("Roll number", 12),
    ("Student", 24),
    ("Class", 9),
    ("Purpose", 28),
    ("Status", 11),
    ("Asked by", 22),
    ("Asked at", 17),
    ("Last changed by", 22),
    ("Last changed at", 17),
    ("Reason", 28),
    ("For", 10),
    ("Supervisor", 22),
)
_CHANGES = (
    ("At", 17),
    ("By", 22),
    ("Account", 14),
    ("On behalf of", 20),
    ("Action", 12),
    ("What", 12),
    ("Which", 38),
    ("Details", 80),
)
# Spreadsheets read text that begins so, after blanks, as a formula; a Japanese keyboard types the
# wide forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SECONDS = 60.0  # of the longest export, page by page
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}
_LINE_END = re.compile(r"\r\n?")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # for XML


@dataclass(frozen=True, slots=True)
class Export:
    """``columns`` are (heading, width in characters). Moments are in the school's time.

    ``cut``: there are more than MAX_ROWS rows, and ``rows`` are the first.
    """

    title: str
    columns: tuple[tuple[str, int], ...]
    rows: tuple[tuple[Value, ...], ...]
    cut: bool = False


@within_deadline(seconds=_SECONDS)
def export_bookings(db: Documents, **asked: Any) -> Export:
    """Bookings by the filters and in the order of ``find_bookings``, at most 50,000.

    Every role sees them all on Bookings, so every role exports them. Each class and game has one
    spelling: that of most active students or of most grounds in use, else that of the first row.
    Raises InvalidRequest, StoreUnavailable.
    """
    known = reference.load(db)
    grounds = known.grounds
    classes = class_spellings(known.students.values())
    games = game_spellings(grounds.values())
    zone = settings_of(db).zone

    def party(booking: Booking) -> tuple[Value, ...]:
        named = [student.class_name for student in booking.students] or [booking.class_name]
        spelled = [classes.setdefault(label_key(name), name) for name in filter(None, named)]
        is_class = booking.party is Party.CLASS
        return (
            ", ".join(student.id for student in booking.students) or None,
            None if is_class else booking.party_name,
            ", ".join(dict.fromkeys(spelled)) or None,
        )

    def row(booking: Booking) -> tuple[Value, ...]:
        ground = grounds.get(booking.ground_id)
        decided: tuple[Value, ...] = (None, None, None)
        if len(booking.history) > 1:
            last = booking.last_decision
            decided = (last.by_name, _local(last.at, zone), last.reason)
        return (
            booking.reference,
            booking.date,
            booking.start,
            booking.end,
            ground.name if ground else booking.ground_id,
            games.setdefault(label_key(booking.game), booking.game),
            *party(booking),
            booking.purpose,
            booking.status.value,
            booking.created_by_name,
            _local(booking.created_at, zone),
            *decided,
            booking.party.value,
            booking.supervisor_name or None,
        )

    def found() -> Iterator[Booking]:
        page = find_bookings(db, **asked, limit=_PAGE)
        while page:
            yield from page
            page = find_bookings(db, **asked, limit=_PAGE, after=page[-1])

    rows, cut = _bounded(map(row, found()))
    return Export("Bookings", _BOOKINGS, rows, cut)


@within_deadline(seconds=_SECONDS)
def export_changes(db: Documents, *, by: Actor, **filters: Any) -> Export:
    """Changes by the filters of ``find_changes``, newest first, at most 50,000.

    Raises NotAllowed, InvalidRequest, StoreUnavailable.
    """
    zone = settings_of(db).zone

    def row(change: Change) -> tuple[Value, ...]:
        return (
            _local(change.at, zone),
            change.by_name,
            change.by,
            change.on_behalf_of,
            change.action,
            change.what,
            change.id,
            _flat(change.details),
        )

    def found() -> Iterator[Change]:
        page = find_changes(db, by=by, **filters, limit=_PAGE)
        while page:
            yield from page
            page = find_changes(db, by=by, **filters, limit=_PAGE, after=page[-1])

    rows, cut = _bounded(map(row, found()))
    return Export("Changes", _CHANGES, rows, cut)


def check_report(by: Actor) -> str | None:
    """Returns the account whose bookings ``by`` may see; None: all. Raises NotAllowed."""
    rules.check_may("report own", by)
    return None if rules.may("report", by) else by.id


def to_csv(table: Export) -> bytes:
    """Returns UTF-8 with a byte order mark, which Excel needs to recognise the encoding.

    Text that a spreadsheet would read as a formula gets an apostrophe in front.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(_plain(heading) for heading, _ in table.columns)
    for row in table.rows:
        writer.writerow(_plain(value) for value in row)
    return out.getvalue().encode("utf-8-sig", errors="replace")


def to_xlsx(table: Export) -> bytes:
    """Returns a workbook of one sheet; text is text, also where it looks like a formula."""
    # Loaded late, because it is slow to load and only exports need it.
    from xlsxwriter import Workbook

    out = io.BytesIO()
    # Rows go into a temporary file as they are written: memory does not grow with them.
    book = Workbook(out, {"constant_memory": True})
    sheet = book.add_worksheet(table.title)
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    literal = book.add_format({"quote_prefix": True})  # it stays text when somebody edits the cell
    of_moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    of_date = book.add_format({"num_format": "yyyy-mm-dd"})
    of_time = book.add_format({"num_format": "hh:mm"})
    for column, (heading, width) in enumerate(table.columns):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, heading, bold)
    for line, row in enumerate(table.rows, start=1):
        for column, value in enumerate(row):
            match value:
                case None | "":
                    continue
                case str():
                    text = _UNFIT.sub("\ufffd", _LINE_END.sub("\n", value))
                    is_plain = not _is_formula(text) and text not in _ERRORS
                    sheet.write_string(line, column, text, None if is_plain else literal)
                case datetime():
                    sheet.write_datetime(line, column, value, of_moment)
                case Date():
                    sheet.write_datetime(line, column, value, of_date)
                case time():
                    sheet.write_datetime(line, column, value, of_time)
                case _:
                    sheet.write_number(line, column, value)
    book.close()
    return out.getvalue()


def _plain(value: Value) -> Value:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Date):
        return value.isoformat()
    if isinstance(value, str):
        value = value.replace("\0", "")
        return f"'{value}" if _is_formula(value) else value
    return value


def _is_formula(text: str) -> bool:
    return text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)


def _local(moment: datetime, zone: Any) -> datetime:
    """Returns the school's time without a zone: sheets have no zones."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _flat(details: Mapping[str, Any], prefix: str = "") -> str:
    """``name: value; name: value`` on one line."""
    parts = []
    for name, value in details.items():
        if isinstance(value, Mapping):
            parts.append(_flat(value, f"{prefix}{name}."))
        else:
            text = ("no", "yes")[value] if isinstance(value, bool) else value
            parts.append(f"{prefix}{name}: {text}")
    return "; ".join(part for part in parts if part)


def _bounded(rows: Iterable[tuple[Value, ...]]) -> tuple[tuple[tuple[Value, ...], ...], bool]:
    taken = tuple(islice(rows, MAX_ROWS + 1))
    return taken[:MAX_ROWS], len(taken) > MAX_ROWS
