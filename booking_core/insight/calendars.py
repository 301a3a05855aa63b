"""Calendars to subscribe to (iCalendar, RFC 5545): a ground, the whole school, an account.

A calendar program asks for the whole calendar every few minutes or hours. So a calendar is planned
first, by the ids and revisions of what it shows, and has a tag by which the program knows that it
has not changed. It is written only for a program that has another tag. Making the text of an event
takes 0.15 ms and reading its booking as long, so the texts are kept: after a change one is new.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from datetime import date as Date
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar as ICalendar
from icalendar import (
    Event,
    Timezone,
    vCalAddress,
    vCategory,
    vDate,
    vDatetime,
    vInt,
    vText,
    vUri,
)

from booking_core.domain.clock import at
from booking_core.domain.errors import InvalidRequest
from booking_core.domain.model import Booking, Decision, Slot, Status
from booking_core.domain.validation import check_email, check_id, minutes
from booking_core.settings import Settings
from booking_core.storage.bookings import calendar_rows
from booking_core.storage.bookings import queries as booking_queries
from booking_core.storage.bookings.calendar_rows import CalendarRow
from booking_core.storage.client.database import Documents, cache_of, moment, settings_of
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import data as reference

CALENDAR_TYPE = "text/calendar"
DAYS_BACK = 28  # for which past and cancelled events stay in a calendar
_FORM = 1  # of the events; another one gives every calendar a new tag
_PRODUCT = "-//Ground booking//EN"
_HOST = "ground-booking"  # of UIDs: the same at every address of the dashboard
_ASK_AGAIN = "PT1H"
_OWN = "own"  # how much an account's calendar shows: beside WALL_SHOWS
_MOST_KEPT = 30_000  # texts of events, of about 500 bytes each
_KEPT = "calendar events"
_ENDED = {
    Status.REJECTED: "Rejected",
    Status.CANCELLED: "Cancelled",
    Status.REVOKED: "Revoked",
    Status.LAPSED: "Lapsed",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """What the text of an event depends on beside its booking.

    ``shows``: one of WALL_SHOWS, or ``own``.
    """

    shows: str
    zone: str
    school: str
    public_url: str | None


@dataclass(frozen=True, slots=True)
class CalendarPlan:
    """What a calendar shows at a moment, by id and revision. ``tag`` differs for other contents.

    ``left``: the rows of bookings that were moved away from ``ground_ids``, which are those of a
    ground's calendar.
    """

    name: str
    tag: str
    rows: tuple[CalendarRow, ...] = field(repr=False)
    left: tuple[CalendarRow, ...] = field(repr=False)
    ground_ids: frozenset[str]
    grounds: tuple[tuple[str, str], ...]
    since: datetime
    look: _Look


@within_deadline
def ground_calendar(db: Documents, ground_id: str, *, now: datetime | None = None) -> CalendarPlan:
    """The calendar of a ground and of those that share a surface with it.

    It has what the wall may show of each booking, and closures. What was moved to another ground
    stays as cancelled for four weeks. Raises InvalidRequest, UnknownGround, StoreUnavailable.
    """
    known = reference.load(db)
    ground = known.ground(check_id(ground_id, "ground_id"))
    first, since = _window(db, now)
    ids = known.sharing([ground.id])
    rows = calendar_rows.of_grounds(db, ids, first, since)
    left = calendar_rows.moved_away(db, ids, first, since)
    return _plan(db, known, ground.name, known.policy.wall_shows, since, rows, left, ids)


@within_deadline
def school_calendar(db: Documents, *, now: datetime | None = None) -> CalendarPlan:
    """The calendar of all grounds: what the wall may show of each booking, and closures.

    Raises InvalidRequest, StoreUnavailable.
    """
    known = reference.load(db)
    first, since = _window(db, now)
    rows = calendar_rows.of_school(db, first, since)
    return _plan(db, known, "All grounds", known.policy.wall_shows, since, rows)


@within_deadline
def own_calendar(db: Documents, account_id: str, *, now: datetime | None = None) -> CalendarPlan:
    """The bookings that the account made or supervises, with the names of their parties.

    The caller has checked that the reader may see them. Raises InvalidRequest, StoreUnavailable.
    """
    account_id = check_id(account_id, "account_id")
    known = reference.load(db)
    first, since = _window(db, now)
    rows = calendar_rows.of_account(db, account_id, first, since)
    return _plan(db, known, "My bookings", _OWN, since, rows)


@within_deadline
def write_calendar(db: Documents, plan: CalendarPlan) -> bytes:
    """The calendar as iCalendar. Raises StoreUnavailable.

    A booking that has changed since the plan was made is as it is now; the next plan has another
    tag then.
    """
    kept = _kept(db)
    names = dict(plan.grounds)
    wanted = [(row, False) for row in plan.rows] + [(row, True) for row in plan.left]
    keys = _keys(plan, names)
    texts = kept.get(keys)
    missing = [n for n, text in enumerate(texts) if text is None]
    found = booking_queries.of_ids(db, {wanted[n][0].id for n in missing}) if missing else []
    by_id = {booking.id: booking for booking in found}
    for n in missing:
        row, is_left = wanted[n]
        if (booking := by_id.get(row.id)) is None:
            continue  # it cannot be read
        left = _left_slot(booking, plan) if is_left else None
        slot = left or booking.slot
        name = names.get(slot.ground_id, slot.ground_id)
        texts[n] = _event(booking, slot, name, plan.look, is_left=left is not None).to_ical()
        if booking.revision == row.revision:
            kept.put(keys[n], texts[n])
    head = _calendar(plan.look)
    head["X-WR-CALNAME"] = head["NAME"] = vText(f"{plan.name} – {plan.look.school}")
    head["X-WR-TIMEZONE"] = vText(plan.look.zone)
    head["REFRESH-INTERVAL"] = _duration()
    head["X-PUBLISHED-TTL"] = vText(_ASK_AGAIN)
    head.add_component(_timezone(plan.look.zone, *_years(plan.rows + plan.left, plan.since)))
    end = b"END:VCALENDAR\r\n"
    return b"".join([head.to_ical().removesuffix(end), *filter(None, texts), end])


def booking_event(
    booking: Booking, ground_name: str, settings: Settings, *, organizer: str, attendee: str
) -> bytes:
    """An invitation to one booking, for a mail (iTIP, RFC 5546); with the names of its party.

    Its method is REQUEST for an active booking, also after a move, and CANCEL for one that has
    ended. ``organizer`` and ``attendee`` are e-mail addresses: of the school, and of the reader.
    Raises InvalidRequest.
    """
    look = _Look(_OWN, settings.zone.key, settings.school_name, settings.public_url)
    event = _event(booking, booking.slot, ground_name, look)
    for name, address in (("organizer", organizer), ("attendee", attendee)):
        checked = check_email(address)
        if checked is None:
            raise InvalidRequest(name, "is missing")
        event[name.upper()] = vCalAddress(f"mailto:{checked}")
    event["ORGANIZER"].params["CN"] = settings.school_name
    event["ATTENDEE"].params["RSVP"] = "FALSE"
    invitation = _calendar(look)
    invitation["METHOD"] = vText("REQUEST" if booking.status.is_active else "CANCEL")
    invitation.add_component(_timezone(look.zone, booking.date.year, booking.date.year))
    invitation.add_component(event)
    return bytes(invitation.to_ical())


def _window(db: Documents, now: datetime | None) -> tuple[Date, datetime]:
    """The first day of a calendar, and its beginning: so the contents change once a day by time."""
    zone = settings_of(db).zone
    first = moment(db, now).astimezone(zone).date() - timedelta(days=DAYS_BACK)
    return first, datetime.combine(first, datetime.min.time(), zone).astimezone(UTC)


def _plan(
    db: Documents,
    known: reference.Reference,
    name: str,
    shows: str,
    since: datetime,
    rows: Sequence[CalendarRow],
    left: Sequence[CalendarRow] = (),
    ground_ids: Iterable[str] = (),
) -> CalendarPlan:
    settings = settings_of(db)
    look = _Look(shows, settings.zone.key, settings.school_name, settings.public_url)
    ids = frozenset(ground_ids)
    shown = {row.ground_id for row in rows} | (ids if left else set())
    names = tuple((id, ground.name) for id, ground in known.grounds.items() if id in shown)
    # A public calendar shows no details of ended bookings, so the policy does not change them.
    seen = look if any(row.is_active for row in rows) or shows == _OWN else replace(look, shows="")
    events = [" ".join([f"{row.id}:{row.revision}" for row in part]) for part in (rows, left)]
    content = (_FORM, name, seen, _years((*rows, *left), since), events, names)
    tag = hashlib.blake2s(repr(content).encode(), digest_size=16).hexdigest()
    return CalendarPlan(name, tag, tuple(rows), tuple(left), ids, names, since, look)


def _left_slot(booking: Booking, plan: CalendarPlan) -> Slot | None:
    """The last slot that ``booking`` had in the calendar; None if it is there again by now."""
    if booking.ground_id in plan.ground_ids:
        return None
    slots = (entry.moved_from for entry in reversed(booking.history) if entry.at >= plan.since)
    return next((s for s in slots if s is not None and s.ground_id in plan.ground_ids), None)


def _calendar(look: _Look) -> ICalendar:
    calendar = ICalendar()
    calendar["VERSION"] = vText("2.0")
    calendar["PRODID"] = vText(_PRODUCT)
    calendar["CALSCALE"] = vText("GREGORIAN")
    return calendar


def _duration() -> vText:
    duration = vText(_ASK_AGAIN)
    duration.params["VALUE"] = "DURATION"
    return duration


def _years(rows: Iterable[CalendarRow], since: datetime) -> tuple[int, int]:
    """The first and the last year of a calendar."""
    last = max((row.date for row in rows), default="")[:4] or "0"
    return since.year - 1, max(since.year + 1, int(last))


@lru_cache(maxsize=16)
def _timezone(zone: str, first: int, last: int) -> Timezone:
    """The clock changes of ``zone`` in these years, and in the one after."""
    found = Timezone.from_tzinfo(
        ZoneInfo(zone), zone, first_date=Date(first, 1, 1), last_date=Date(last + 2, 1, 1)
    )
    found.pop("COMMENT", None)  # it tells calendar programs nothing
    return found


def _event(
    booking: Booking, slot: Slot, ground_name: str, look: _Look, *, is_left: bool = False
) -> Event:
    """The event of ``booking`` at ``slot``; ``is_left``: it was moved away from there."""
    has_ended = is_left or not booking.status.is_active
    is_pending = booking.status is Status.PENDING
    event = Event()
    event["UID"] = vText(f"{booking.id}@{_HOST}")
    event["SEQUENCE"] = vInt(booking.revision)
    event["DTSTAMP"] = event["LAST-MODIFIED"] = vDatetime(_seconds(booking.updated_at))
    event["CREATED"] = vDatetime(_seconds(booking.created_at))
    _set_times(event, slot, look, is_closure=booking.kind == "closure")
    event["SUMMARY"] = vText(_summary(booking, look.shows, is_left=is_left))
    event["LOCATION"] = vText(f"{ground_name}, {look.school}")
    if description := _description(booking, look.shows, is_left=is_left):
        event["DESCRIPTION"] = vText(description)
    status = "CANCELLED" if has_ended else "TENTATIVE" if is_pending else "CONFIRMED"
    event["STATUS"] = vText(status)
    # Only the bookings of the reader take the reader's time.
    is_busy = look.shows == _OWN and not has_ended
    event["TRANSP"] = vText("OPAQUE" if is_busy else "TRANSPARENT")
    if booking.game and _is_told(booking, look.shows, is_left=is_left):
        event["CATEGORIES"] = vCategory([booking.game])
    if look.public_url and booking.kind == "booking":
        address = f"{look.public_url.rstrip('/')}/bookings?search={booking.reference}"
        event["URL"] = vUri(address)
    return event


def _set_times(event: Event, slot: Slot, look: _Look, *, is_closure: bool) -> None:
    if is_closure and minutes(slot.start) == 0 and minutes(slot.end, closing=True) == 24 * 60:
        for name, date in (("DTSTART", slot.date), ("DTEND", slot.date + timedelta(days=1))):
            event[name] = vDate(date)
            event[name].params["VALUE"] = "DATE"
        return
    zone = ZoneInfo(look.zone)
    times = (at(slot.date, slot.start, zone), at(slot.date, slot.end, zone, closing=True))
    for name, local in zip(("DTSTART", "DTEND"), times, strict=True):
        event[name] = vDatetime(local.replace(tzinfo=None))
        event[name].params["TZID"] = look.zone


def _is_told(booking: Booking, shows: str, *, is_left: bool) -> bool:
    """Whether an event says what was booked and for whom: as the wall, of active bookings alone."""
    return shows == _OWN or (shows != "none" and booking.status.is_active and not is_left)


def _summary(booking: Booking, shows: str, *, is_left: bool) -> str:
    if booking.kind == "closure":
        reason = f"Closed: {booking.purpose}" if booking.purpose else "Closed"
        return reason if booking.status.is_active else "No longer closed"
    if shows == _OWN:
        state = "Requested" if booking.status is Status.PENDING else _ENDED.get(booking.status)
        return ": ".join(filter(None, (state, booking.game, booking.whom)))
    if not booking.status.is_active or is_left:
        return "Moved" if booking.status.is_active else "Cancelled"
    is_pending = booking.status is Status.PENDING
    if shows == "none":
        return "Requested" if is_pending else "Booked"
    who = booking.whom if shows == "student" else booking.party_group
    return f"{'Requested: ' if is_pending else ''}{booking.game}, {who}"


def _description(booking: Booking, shows: str, *, is_left: bool) -> str:
    """Lines for people. A public calendar has none but that of a request: the rest is not told."""
    if booking.kind == "closure":
        return ""
    if shows != _OWN:
        is_asked = booking.status is Status.PENDING and not is_left
        return "This request waits for a decision." if is_asked else ""
    lines = [f"For: {booking.whom}", f"Game: {booking.game}"]
    if booking.supervisor_name:
        lines.append(f"Supervisor: {booking.supervisor_name}")
    if booking.purpose:
        lines.append(f"Purpose: {booking.purpose}")
    lines.append(f"Asked by: {booking.created_by_name}")
    lines.append(f"Reference: {booking.reference}")
    lines.append(_state(booking, booking.last_decision))
    return "\n".join(lines)


def _state(booking: Booking, decision: Decision) -> str:
    if booking.status is Status.PENDING:
        return "This request waits for a decision."
    if booking.status is Status.APPROVED:
        return "Approved."
    if booking.status is Status.LAPSED:
        return "Lapsed: nobody decided before the slot was over."
    reason = f": {decision.reason}" if decision.reason else "."
    return f"{_ENDED[booking.status]} by {decision.by_name}{reason}"


def _seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


_Key = tuple[str, int, str, str]


def _keys(plan: CalendarPlan, names: dict[str, str]) -> list[_Key]:
    """What the text of each event follows from: of the rows, then of those that have left."""
    look = repr(plan.look)
    # The former ground of a booking is one of these.
    places = "/".join(sorted(plan.ground_ids) + [name for _, name in plan.grounds])
    return [
        (row.id, row.revision, names.get(row.ground_id, row.ground_id), look) for row in plan.rows
    ] + [(row.id, row.revision, places, f"left {look}") for row in plan.left]


class _KeptTexts:
    """The texts of events; of more than 30,000 the least recently used go."""

    def __init__(self) -> None:
        self._texts: OrderedDict[_Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, keys: Sequence[_Key]) -> list[bytes | None]:
        with self._lock:
            found = [self._texts.get(key) for key in keys]
            for key, text in zip(keys, found, strict=True):
                if text is not None:
                    self._texts.move_to_end(key)
        return found

    def put(self, key: _Key, text: bytes | None) -> None:
        if text is None:
            return
        with self._lock:
            self._texts[key] = text
            while len(self._texts) > _MOST_KEPT:
                self._texts.popitem(last=False)


def _kept(db: Documents) -> _KeptTexts:
    kept: _KeptTexts = cache_of(db).setdefault(_KEPT, _KeptTexts())
    return kept
