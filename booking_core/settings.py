"""Configuration: the environment first, then ``.streamlit/secrets.toml``, then the defaults."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError

from booking_core.domain.errors import InvalidRequest
from booking_core.domain.policy import WALL_SHOWS, Policy
from booking_core.domain.validation import check_email, check_name, check_text

# field of Settings -> the name it has in the environment and in secrets.toml
_NAMES = {
    "mongodb_uri": "MONGODB_URI",
    "database": "MONGODB_DATABASE",
    "time_zone": "SCHOOL_TIME_ZONE",
    "locale": "SCHOOL_LOCALE",
    "school_name": "SCHOOL_NAME",
    "advance_days": "BOOKING_ADVANCE_DAYS",
    "lead_minutes": "BOOKING_LEAD_MINUTES",
    "quota": "BOOKING_QUOTA_PER_WEEK",
    "data_directory": "DATA_DIRECTORY",
    "wall_shows": "WALL_SHOWS",
    "public_url": "PUBLIC_URL",
    "floor_seconds": "LIVE_FLOOR_SECONDS",
    "alone_seconds": "LIVE_ALONE_SECONDS",
    "live_connections": "LIVE_CONNECTIONS",
    "trust_proxy": "TRUST_PROXY",
    "contact": "SCHOOL_CONTACT",
    "backup_directory": "BACKUP_DIRECTORY",
    "backup_at": "BACKUP_AT",
    "backup_keep": "BACKUP_KEEP",
    "smtp_host": "SMTP_HOST",
    "smtp_port": "SMTP_PORT",
    "smtp_security": "SMTP_SECURITY",
    "smtp_user": "SMTP_USER",
    "smtp_password": "SMTP_PASSWORD",
    "mail_from": "MAIL_FROM",
}
_NUMBERS = (
    *("advance_days", "lead_minutes", "floor_seconds", "alone_seconds", "live_connections"),
    *("smtp_port", "backup_keep"),
)
# SMTP_SECURITY -> the port where SMTP_PORT names none.
_MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_SWITCH = {"on": True, "true": True, "yes": True, "1": True}
_SWITCH |= {"off": False, "false": False, "no": False, "0": False}
_DATABASE = re.compile(r"[A-Za-z0-9_-]{1,63}")
_ADDRESS = re.compile(r"https?://[^\s/?#][^\s?#]{0,200}")
# A language, perhaps a script, and a territory: without it nothing says 12 or 24 hours.
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z][a-z]{3})?_([A-Z]{2}|\d{3})")
_BACKUP_AT = re.compile(r"off|([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_BACKUP_TIME = "02:30"
_RESERVED = ("admin", "config", "local")


@dataclass(frozen=True, slots=True)
class AutomaticBackups:
    """Where and when backups are made, in local time, and for how many days they are kept."""

    directory: Path
    at: time
    keep_days: int


def _is_writable(address: str) -> bool:
    """Whether the headers of a mail can have the address as it is."""
    try:
        return address.isascii() and Address(addr_spec=address).addr_spec == address
    except (ValueError, IndexError, AttributeError, HeaderParseError):
        return False


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs.

    ``mongodb_uri`` None means the embedded server under ``data_directory``. ``advance_days``,
    ``lead_minutes``, ``quota`` and ``wall_shows`` are what holds until an admin saves a policy:
    ``policy`` has them together.
    ``public_url``: where the dashboard is reached, for the wall's code to scan; None: where the
    wall itself was opened. ``locale`` decides how the screens write dates, times and numbers.
    A screen draws itself anew every ``floor_seconds`` while push reaches it, and every
    ``alone_seconds`` while it does not; ``live_connections``: screens that push serves.
    ``trust_proxy``: a proxy on this computer says from where people come, and failed sign-ins are
    counted by that; ``contact``: whom to ask for an account or a new password.
    ``backup_directory``, ``backup_at`` (like 02:30, or off) and ``backup_keep`` (days) are those of
    automatic backups: ``automatic_backups`` has them together.
    ``smtp_host``: the server that takes mail, None: there is no mail. ``smtp_security`` is
    ``starttls``, ``tls`` or ``none``; ``mail_from`` is the address of the sender.
    """

    mongodb_uri: str | None = None
    database: str = "ground_booking"
    time_zone: str = "Asia/Kolkata"
    locale: str = "en_IN"
    school_name: str = "School grounds"
    advance_days: int = 30
    lead_minutes: int = 0
    quota: int | None = 2
    data_directory: str = ".data"
    wall_shows: str = "class"
    public_url: str | None = None
    floor_seconds: int = 15
    alone_seconds: int = 1
    live_connections: int = 2000
    trust_proxy: bool = False
    contact: str = "the school's administrator"
    backup_directory: str | None = None
    backup_at: str | None = None
    backup_keep: int = 14
    smtp_host: str | None = None
    smtp_port: int | None = None
    smtp_security: str = "starttls"
    smtp_user: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    mail_from: str | None = None

    def __post_init__(self) -> None:
        texts = ("database", "time_zone", "locale", "school_name", "data_directory", "contact")
        for name in texts:
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
        if not _is_locale(self.locale):
            raise InvalidRequest(
                _NAMES["locale"],
                f"must be a known language and territory, such as en_IN or de_DE, not "
                f"{self.locale[:40]!r}",
            )
        _check_number(self.advance_days, "advance_days", 0, Policy.MOST_DAYS)
        _check_number(self.lead_minutes, "lead_minutes", 0, Policy.MOST_LEAD_MINUTES)
        _check_number(self.floor_seconds, "floor_seconds", 1, 3600)
        _check_number(self.alone_seconds, "alone_seconds", 1, 60)
        _check_number(self.live_connections, "live_connections", 1, 100_000)
        if not isinstance(self.trust_proxy, bool):
            raise InvalidRequest(_NAMES["trust_proxy"], "must be on or off")
        if self.wall_shows not in WALL_SHOWS:
            raise InvalidRequest(_NAMES["wall_shows"], f"must be one of {', '.join(WALL_SHOWS)}")
        if self.public_url is not None and not _ADDRESS.fullmatch(str(self.public_url)):
            raise InvalidRequest(_NAMES["public_url"], "must start with http:// or https://")
        if self.backup_directory is not None:
            check_text(self.backup_directory, _NAMES["backup_directory"], limit=1000, required=True)
        if self.backup_at is not None and (
            not isinstance(self.backup_at, str) or not _BACKUP_AT.fullmatch(self.backup_at)
        ):
            raise InvalidRequest(_NAMES["backup_at"], "must be a time like 02:30, or off")
        has_place = self.backup_directory is not None or self.mongodb_uri is None
        if self.backup_at not in (None, "off") and not has_place:
            raise InvalidRequest(
                _NAMES["backup_directory"], "is missing, and BACKUP_AT asks for backups"
            )
        _check_number(self.backup_keep, "backup_keep", 1, 3650)
        if self.quota is not None:
            _check_number(self.quota, "quota", 1, Policy.MOST_QUOTA)
        self._check_mail()

    def _check_mail(self) -> None:
        for name in ("smtp_host", "smtp_user", "smtp_password"):
            if (value := getattr(self, name)) is not None:
                check_name(value, _NAMES[name], limit=253)
                # More than that, smtplib does not send.
                if name != "smtp_host" and not value.isascii():
                    raise InvalidRequest(_NAMES[name], "may hold ASCII characters only")
        if self.smtp_host is not None and re.search(r"[\s/@]", self.smtp_host):
            raise InvalidRequest(_NAMES["smtp_host"], "must be the name of a server alone")
        if self.smtp_port is not None:
            _check_number(self.smtp_port, "smtp_port", 1, 65535)
        if self.smtp_security not in tuple(_MAIL_PORTS):
            raise InvalidRequest(
                _NAMES["smtp_security"], f"must be one of {', '.join(_MAIL_PORTS)}"
            )
        if (self.smtp_user is None) != (self.smtp_password is None):
            missing = "smtp_user" if self.smtp_user is None else "smtp_password"
            raise InvalidRequest(_NAMES[missing], "is missing: user and password go together")
        if self.smtp_password is not None and self.smtp_security == "none":
            raise InvalidRequest(
                _NAMES["smtp_security"], "must be starttls or tls with a password: none shows it"
            )
        try:
            sender = check_email(self.mail_from)
        except InvalidRequest as exc:
            raise InvalidRequest(_NAMES["mail_from"], exc.problem) from exc
        if sender is not None and (sender != self.mail_from or not _is_writable(sender)):
            raise InvalidRequest(
                _NAMES["mail_from"], "must be an e-mail address alone, of ASCII characters"
            )
        if self.smtp_host is not None and sender is None:
            raise InvalidRequest(_NAMES["mail_from"], "is missing: mail needs a sender")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def is_month_first(self) -> bool:
        """Whether the school's locale writes the month of a date before its day."""
        pattern = Locale.parse(self.locale).date_formats["short"].pattern
        return bool(pattern.find("M") < pattern.find("d"))

    @property
    def mail_port(self) -> int:
        """The port of ``smtp_host``."""
        return self.smtp_port or _MAIL_PORTS[self.smtp_security]

    @property
    def policy(self) -> Policy:
        """What holds where an admin has saved nothing else."""
        return Policy(
            advance_days=self.advance_days,
            lead_minutes=self.lead_minutes,
            quota=self.quota,
            wall_shows=self.wall_shows,
        )

    @property
    def data_path(self) -> Path:
        return Path(self.data_directory).absolute()

    @property
    def automatic_backups(self) -> AutomaticBackups | None:
        """When and where the app makes backups by itself; None where it makes none.

        It does beside the embedded server, and beside another one where there is a directory.
        """
        if self.backup_at == "off" or (
            self.backup_directory is None and self.mongodb_uri is not None
        ):
            return None
        directory = self.backup_directory
        place = self.data_path / "backups" if directory is None else Path(directory).absolute()
        at = time.fromisoformat(self.backup_at or _BACKUP_TIME)
        return AutomaticBackups(place, at, self.backup_keep)

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
            if item.name in _NUMBERS:
                raw = _number(raw, name)
            elif item.name == "smtp_security":
                raw = str(raw).lower()
            elif item.name == "trust_proxy":
                raw = _SWITCH.get(str(raw).lower(), raw)
            elif item.name == "quota":
                raw = None if str(raw).lower() in ("none", "0") else _number(raw, name)
            values[item.name] = raw
        return cls(**values)


def _is_locale(name: str) -> bool:
    try:
        return _LOCALE.fullmatch(name) is not None and Locale.parse(name) is not None
    except (UnknownLocaleError, ValueError):
        return False


def _number(raw: Any, name: str) -> int:
    try:
        return int(str(raw))
    except ValueError as exc:
        raise InvalidRequest(name, "must be a whole number") from exc


def _check_number(value: Any, field: str, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidRequest(_NAMES[field], f"must be a whole number from {low} to {high}")
