"""Values from the arguments of a command, and files. Each function raises InvalidRequest."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date as Date
from datetime import timedelta
from pathlib import Path

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Role
from booking_core.storage.client.database import BookingDatabase, present
from booking_core.tables.columns import given_columns
from booking_core.tables.table import UPLOAD, Limits, RawTable, Table, check_complete, read_sheet
from booking_core.tables.table import table_of as table_of_columns


def date_of(text: str, db: BookingDatabase) -> Date:
    """The date of ``today``, ``tomorrow`` or an ISO date, in the school's time zone."""
    today = present(db).astimezone(db.booking_settings.zone).date()
    if text in ("today", "tomorrow"):
        return today + timedelta(days=text == "tomorrow")
    try:
        return Date.fromisoformat(text)
    except ValueError as exc:
        raise InvalidRequest("date", f"{text!r} is not like {today}") from exc


def actor_of(text: str) -> Actor:
    """The actor of ``NAME`` or ``NAME:ROLE``; the role is staff when none is given."""
    name, _, role = text.rpartition(":") if ":" in text else (text, "", "staff")
    try:
        return Actor(name, Role(role.strip().casefold()))
    except ValueError as exc:
        choices = ", ".join(role.value for role in Role)
        raise InvalidRequest("--as", f"has no role {role!r}: {choices}") from exc


def table_of(
    file: Path,
    required: tuple[str, ...],
    limits: Limits = UPLOAD,
    given: Sequence[str] = (),
) -> tuple[Table, list[str]]:
    """The rows of a CSV file or an Excel workbook, and lines that say how it was read.

    ``given`` are texts like "Adm No=id": heading and field. They decide before the headings do.
    """
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise InvalidRequest(file.name, f"cannot be read: {exc.strerror}") from exc
    with naming(file):
        sheet = read_sheet(data, file.name, limits=limits)
        chosen = given_columns(sheet.headings, [_pair(text) for text in given], required)
        found = sheet.match(required)
        for name, why in found.unsure.items():
            if name not in chosen:
                raise InvalidRequest(
                    "file", f"is not clear: {why}. Say which with --map “HEADING={name}”"
                )
        columns = _without(found.columns, chosen) | chosen
        check_complete(sheet, [name for name in required if name not in columns])
    read = [
        f"read as {name}: {_headings(sheet, places)}"
        for name, places in columns.items()
        if [sheet.headings[place] for place in places] != [name]
    ]
    if sheet.guessed:
        read.append(f"read in {sheet.encoding}, which is a guess: look at the accents")
    return table_of_columns(sheet, columns), [*read, *sheet.notes]


def _pair(text: str) -> tuple[str, str]:
    heading, _, name = text.rpartition("=")
    if not heading.strip():
        raise InvalidRequest("--map", f'{text!r} is not like "Adm No=id"')
    return heading, name.strip()


def _without(
    found: Mapping[str, tuple[int, ...]], chosen: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    """``found`` without the columns that were chosen for another field."""
    taken = {place for places in chosen.values() for place in places}
    return {name: places for name, places in found.items() if taken.isdisjoint(places)}


def _headings(sheet: RawTable, places: Sequence[int]) -> str:
    return " + ".join(f"“{sheet.headings[place]}”" for place in places)


def write_private(file: Path, text: str) -> None:
    """Replaces ``file``, which only its owner may read, by ``text``."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text.encode(errors="replace"))
        os.replace(part, file)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise InvalidRequest(file.name, f"cannot be written: {exc.strerror or exc}") from exc


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Puts the name of ``file`` into an error about "file": a script may use several files."""
    try:
        yield
    except InvalidRequest as exc:
        if exc.field != "file":
            raise
        raise InvalidRequest(file.name or str(file), exc.problem) from exc
