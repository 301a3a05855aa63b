"""What a school allows: when and how often to book, what a wall tells, how to sign in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from booking_core.domain import timetable
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Booking, Party, Period
from booking_core.domain.validation import check_time

WALL_SHOWS = ("none", "class", "student")  # from least to most
MAIL_DECISIONS = ("nobody", "without_second_factor", "everybody")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the school allows. Made from the settings, until an admin saves another.

    ``advance_days``: how far ahead may be booked; ``lead_minutes``: booking ends this long before
    the start; ``quota``: active bookings a student may hold per ISO week, None for no limit.
    ``cut_off``: booking for a date ends at this time of the day before, on a 5-minute mark and
    local to the school; None for never. ``wall_shows``: one of WALL_SHOWS.
    ``second_factor``: principals and admins sign in with a second factor. ``series_days``: how far
    ahead a series may reach, where that is farther than ``advance_days``. ``class_quota``,
    ``team_quota`` and ``staff_quota``: as ``quota``, for a class, a team, and the bookings that one
    member of staff makes for staff. ``claim_members``: a booking for a team claims its members, so
    that none of them is in two places. ``waiting_places``: how many may wait for a slot that is
    taken. ``mail_decisions``: who decides from a mail, one of MAIL_DECISIONS: nobody, those without
    a second factor where none is required of them, or everybody who decides. ``remind_hours``: so
    long before the start its booker gets a mail; 0 for none. ``ask_again_hours`` and
    ``ask_soon_hours``: those who decide get another mail about requests that wait so long after
    the last one, and so long before the slot of one begins; 0 for none. ``day_list_at``: when the
    caretakers of grounds get a mail with the list of the day, a time as ``cut_off``; None for
    never.
    Raises InvalidRequest with the name of the field.
    """

    advance_days: int = 30
    lead_minutes: int = 0
    quota: int | None = 2
    cut_off: time | None = None
    wall_shows: str = "class"
    second_factor: bool = False
    series_days: int = 180
    class_quota: int | None = None
    team_quota: int | None = None
    staff_quota: int | None = None
    claim_members: bool = False
    waiting_places: int = 5
    mail_decisions: str = "without_second_factor"
    remind_hours: int = 0
    ask_again_hours: int = 24
    ask_soon_hours: int = 3
    day_list_at: time | None = None

    MOST_DAYS: ClassVar[int] = 400
    MOST_LEAD_MINUTES: ClassVar[int] = 60 * 24 * 30
    MOST_QUOTA: ClassVar[int] = 100
    MOST_WAITING: ClassVar[int] = 50
    MOST_REMIND_HOURS: ClassVar[int] = 72
    QUOTAS: ClassVar[dict[Party, str]] = {
        Party.STUDENTS: "quota",
        Party.CLASS: "class_quota",
        Party.TEAM: "team_quota",
        Party.STAFF: "staff_quota",
    }

    def __post_init__(self) -> None:
        _check_number(self.advance_days, "advance_days", 0, self.MOST_DAYS)
        _check_number(self.lead_minutes, "lead_minutes", 0, self.MOST_LEAD_MINUTES)
        _check_number(self.series_days, "series_days", 0, self.MOST_DAYS)
        for name in self.QUOTAS.values():
            if (limit := getattr(self, name)) is not None:
                _check_number(limit, name, 1, self.MOST_QUOTA)
        if not isinstance(self.claim_members, bool):
            raise InvalidRequest("claim_members", "must be true or false")
        _check_number(self.waiting_places, "waiting_places", 0, self.MOST_WAITING)
        for name in ("remind_hours", "ask_again_hours", "ask_soon_hours"):
            _check_number(getattr(self, name), name, 0, self.MOST_REMIND_HOURS)
        if self.cut_off is not None:
            check_time(self.cut_off, "cut_off")
            # For tomorrow it is too late by then, and the day after is not open yet.
            if self.advance_days == 0:
                raise InvalidRequest(
                    "cut_off", "leaves nothing to book while only today may be booked"
                )
        if self.day_list_at is not None:
            check_time(self.day_list_at, "day_list_at")
        if self.wall_shows not in WALL_SHOWS:
            raise InvalidRequest("wall_shows", f"must be one of {', '.join(WALL_SHOWS)}")
        if self.mail_decisions not in MAIL_DECISIONS:
            raise InvalidRequest("mail_decisions", f"must be one of {', '.join(MAIL_DECISIONS)}")
        if not isinstance(self.second_factor, bool):
            raise InvalidRequest("second_factor", "must be true or false")

    def quota_of(self, party: Party) -> int | None:
        """How many active bookings such a party may hold per ISO week; None for no limit."""
        limit: int | None = getattr(self, self.QUOTAS[party])
        return limit

    def lowers_quota(self, other: Policy) -> bool:
        """Whether a quota here is lower than in ``other``."""
        pairs = [(getattr(self, name), getattr(other, name)) for name in self.QUOTAS.values()]
        return any(mine is not None and (theirs is None or mine < theirs) for mine, theirs in pairs)

    def for_series(self) -> Policy:
        """This policy as it holds for the dates of a series."""
        return replace(self, advance_days=max(self.advance_days, self.series_days))

    def last_date(self, now: datetime, zone: ZoneInfo) -> Date:
        """The last date that may be booked at ``now``."""
        return now.astimezone(zone).date() + timedelta(days=self.advance_days)

    def first_date(self, now: datetime, zone: ZoneInfo, periods: Sequence[Period]) -> Date:
        """The first date with something to book at ``now``; ``periods`` are those of today.

        Today, or tomorrow once the last of its periods has begun. Dates after their cut-off are
        skipped, up to the last date.
        """
        first, last = now.astimezone(zone).date(), self.last_date(now, zone)
        if not periods or (
            timetable.at(first, periods[-1].start, zone).timestamp() <= now.timestamp()
        ):
            first = min(first + timedelta(days=1), last)
        while first < last and self.is_cut_off(first, now, zone):
            first += timedelta(days=1)
        return first

    def closes_at(self, date: Date, zone: ZoneInfo) -> datetime | None:
        """When booking for ``date`` ends by the cut-off (aware); None without one."""
        if self.cut_off is None:
            return None
        moment = timetable.at(date - timedelta(days=1), self.cut_off, zone)
        # A time that a clock change skips comes back as the one that the clock shows then.
        return datetime.fromtimestamp(moment.timestamp(), zone)

    def is_cut_off(self, date: Date, now: datetime, zone: ZoneInfo) -> bool:
        """Whether booking for ``date`` has ended at ``now``: at the very moment it has."""
        closes_at = self.closes_at(date, zone)
        # By timestamps: within one zone, aware datetimes compare by the wall clock.
        return closes_at is not None and closes_at.timestamp() <= now.timestamp()

    def is_late(self, date: Date, start: time, now: datetime, zone: ZoneInfo) -> bool:
        """Whether the lead time of what begins at ``start`` has run out at ``now``.

        The edge of the lead time is still in time.
        """
        # Through timestamps, so that the hour that a clock change adds or drops counts.
        left = timetable.at(date, start, zone).timestamp() - now.timestamp()
        return left < self.lead_minutes * 60


@dataclass(frozen=True, slots=True)
class Quota:
    """The bookings of a student that count in a week, and how many may; ``limit`` None: any."""

    held: int
    limit: int | None

    @property
    def has_room(self) -> bool:
        """Whether the student may have one more in that week."""
        return self.limit is None or self.held < self.limit

    @classmethod
    def of(cls, week: Iterable[Booking], policy: Policy) -> Quota:
        """The quota of a student whose active bookings of the week are ``week``.

        Without a limit all of them count; with one, those that took a seat of it.
        """
        # The seat of a team is not one of a member.
        counted = [
            b
            for b in week
            if policy.quota is None or (b.quota_window is not None and b.party is Party.STUDENTS)
        ]
        return cls(len(counted), policy.quota)


def _check_number(value: Any, field: str, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidRequest(field, f"must be a whole number from {low} to {high}")
