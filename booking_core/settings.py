"""Configuration: the environment first, then ``.streamlit/secrets.toml``, then the defaults."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from booking_core.errors import InvalidRequest
from booking_core.model import check_text

# field of Settings -> the name it has in the environment and in secrets.toml
_NAMES = {
    "mongodb_uri": "MONGODB_URI",
    "database": "MONGODB_DATABASE",
    "time_zone": "SCHOOL_TIME_ZONE",
    "school_name": "SCHOOL_NAME",
    "advance_days": "BOOKING_ADVANCE_DAYS",
    "lead_minutes": "BOOKING_LEAD_MINUTES",
    "quota": "BOOKING_QUOTA_PER_WEEK",
    "data_directory": "DATA_DIRECTORY",
}
_DATABASE = re.compile(r"[A-Za-z0-9_-]{1,63}")
_RESERVED = ("admin", "config", "local")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs.

    ``mongodb_uri`` None means the embedded server under ``data_directory``. ``advance_days``: how
    far ahead may be booked (days); ``lead_minutes``: booking ends this long before the start;
    ``quota``: active bookings a student may hold per ISO week, None for no limit.
    """

    mongodb_uri: str | None = None
    database: str = "ground_booking"
    time_zone: str = "Asia/Kolkata"
    school_name: str = "School grounds"
    advance_days: int = 30
    lead_minutes: int = 0
    quota: int | None = 2
    data_directory: str = ".data"

    def __post_init__(self) -> None:
        for name in ("database", "time_zone", "school_name", "data_directory"):
            value = getattr(self, name)
            check_text(value, _NAMES[name], limit=1000, required=True)
        # What a server refuses as a name, and its own databases.
        if not _DATABASE.fullmatch(self.database) or self.database in _RESERVED:
            raise InvalidRequest(_NAMES["database"], "is no name that a database may have")
        uri = self.mongodb_uri
        if uri is not None and (
            not isinstance(uri, str) or not uri.startswith(("mongodb://", "mongodb+srv://"))
        ):
            raise InvalidRequest(
                _NAMES["mongodb_uri"], "must start with mongodb:// or mongodb+srv://"
            )
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise InvalidRequest(_NAMES["time_zone"], f"no time zone {self.time_zone!r}") from exc
        _check_number(self.advance_days, "advance_days", 0, 400)
        _check_number(self.lead_minutes, "lead_minutes", 0, 60 * 24 * 30)
        if self.quota is not None:
            _check_number(self.quota, "quota", 1, 100)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def data_path(self) -> Path:
        return Path(self.data_directory).absolute()

    @classmethod
    def load(
        cls,
        environment: Mapping[str, str] | None = None,
        secrets: Path = Path(".streamlit/secrets.toml"),
    ) -> Settings:
        """Settings of this process; raises InvalidRequest that names the setting at fault."""
        environment = os.environ if environment is None else environment
        stored: dict[str, Any] = {}
        if secrets.is_file():
            try:
                stored = tomllib.loads(secrets.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
                raise InvalidRequest(str(secrets), f"is not valid TOML: {exc}") from exc
        values: dict[str, Any] = {}
        for item in fields(cls):
            name = _NAMES[item.name]
            raw = environment.get(name) or stored.get(name)
            if raw is None or raw == "":
                continue
            if item.name in ("advance_days", "lead_minutes"):
                raw = _number(raw, name)
            elif item.name == "quota":
                raw = None if str(raw).lower() in ("none", "0") else _number(raw, name)
            values[item.name] = raw
        return cls(**values)


def _number(raw: Any, name: str) -> int:
    try:
        return int(str(raw))
    except ValueError as exc:
        raise InvalidRequest(name, "must be a whole number") from exc


def _check_number(value: Any, field: str, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidRequest(_NAMES[field], f"must be a whole number from {low} to {high}")
