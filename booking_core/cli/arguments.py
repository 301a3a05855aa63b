"""Values from the arguments of a command, and files. Each function raises InvalidRequest."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import date as Date
from datetime import timedelta
from pathlib import Path

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Actor, Role
from booking_core.storage.client.database import BookingDatabase, present
from booking_core.tables.table import UPLOAD, Limits, Table, read_table


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


def table_of(file: Path, columns: tuple[str, ...], limits: Limits = UPLOAD) -> Table:
    """The rows of a CSV file or an Excel workbook."""
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise InvalidRequest(file.name, f"cannot be read: {exc.strerror}") from exc
    with naming(file):
        return read_table(data, file.name, columns, limits=limits)


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
