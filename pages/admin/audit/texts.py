"""The texts of the audit log: rows and details of a change. No queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from booking_core import Change, Ground
from pages.admin import widgets
from pages.shared.text import formats

_NAMES = {
    "advance_days": "Days ahead",
    "claim_members": "A booking for a team books its members",
    "class_name": "Class",
    "class_quota": "Bookings of a class in a week",
    "created_by": "Asked by",
    "ground_ids": "Grounds",
    "cut_off": "Booking ends the day before, at",
    "day_list_at": "Caretakers get the day's list at",
    "game": "Game",
    "mail": "Mails",
    "mail_decisions": "Decides from a mail",
    "lead_minutes": "Minutes before the start",
    "moved_from": "Moved from",
    "must_change": "Must choose a new password",
    "party changed": "People changed",
    "quota": "Bookings in a week",
    "remind_hours": "Hours before the start for a reminder",
    "ask_again_hours": "Hours until a mail about requests again",
    "ask_soon_hours": "Hours before the start for a mail about requests",
    "reason": "Reason given",
    "series_days": "Days ahead for a series",
    "second_factor": "Principals and admins sign in with a second factor",
    "staff_quota": "Bookings for staff in a week",
    "waiting_places": "How many may wait for a slot",
    "student_id": "Roll number",
    "student_name": "Student",
    "team_quota": "Bookings of a team in a week",
    "timetable_id": "Timetable",
    "wall_shows": "The wall shows",
    "week_a": "A day of a week A",
}
_DATES = frozenset(("date", "first", "last"))
_TIMES = ("start", "end")
_SLOT = ("ground_id", "date", *_TIMES)


def kind(name: str) -> str:
    """The kind of object that was changed, such as ``Booking`` or ``Ground``."""
    return _plain(name)


# What became of the bookings of a retired ground.
_OF_BOOKINGS = ("moved", "revoked", "kept")


def row(change: Change, grounds: Mapping[str, Ground], now: datetime) -> dict[str, Any]:
    """A row of the audit list."""
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    local = change.at.astimezone(zone)
    main, under = subject(change, grounds)
    about = f"{_plain(change.action)}: {main}"
    return {
        "id": key(change),
        "about": about,
        "selectable": False,
        "cells": [
            [formats.day_heading(local.date(), now.date()), formats.to_the_second(local)],
            [change.by_name, _principal_or_id(change) or "no account"],
            [_plain(change.action), kind(change.what)],
            [main, under],
        ],
        "actions": [
            {"name": "details", "label": "Details", "tone": "", "about": f"Details: {about}"}
        ],
    }


def key(change: Change) -> str:
    """A text that differs for each change."""
    _, id, place = change.place or (None, change.id, 0)
    return f"{id}:{place}"


def subject(change: Change, grounds: Mapping[str, Ground]) -> tuple[str, str]:
    """The name of what was changed, and the line below it."""
    facts = change.details
    if change.what == "closure":
        return _closure(change, grounds)
    if change.what == "booking":
        place, time_of_day = slot(facts, grounds).rsplit(", ", 1)
        parts = [
            str(facts[name]) for name in ("game", "student_name", "class_name") if facts.get(name)
        ]
        if facts.get("correction"):
            parts.append("as a correction")
        if facts.get("by_mail"):
            parts.append("by mail")
        if facts.get("reason"):
            parts.append(f"“{facts['reason']}”")
        return place, " · ".join([time_of_day, *parts])
    after, before = (_mapping(facts.get(side)) for side in ("after", "before"))
    name = str(after.get("name") or before.get("name") or facts.get("name") or change.id)
    if change.what == "day" and change.id:
        name = _date(change.id)
    count = facts.get("count")
    if not name and count is not None:
        return f"{count} {change.what}", "of students no names are kept here"
    if before and after:
        changed = [f for f in _changed(before, after) if f != "_id"]
        under = "changed: " + ", ".join(_plain(field).lower() for field in changed)
        counts = [f"{facts[word]} {word}" for word in _OF_BOOKINGS if facts.get(word)]
        if counts:
            under += f" · bookings: {', '.join(counts)}"
        if facts.get("reason"):
            under += f" · “{facts['reason']}”"
    else:
        under = str(after.get("note") or (change.id if change.id != name else ""))
    return name or kind(change.what), under


def _closure(change: Change, grounds: Mapping[str, Ground]) -> tuple[str, str]:
    """The grounds and days of a closure; entries of older versions may lack both."""
    facts = change.details
    names = [_ground_name(id, grounds) for id in facts.get("grounds", ())]
    days = [_date(facts[name]) for name in ("first", "last") if name in facts]
    main = ", ".join(
        [formats.listed(names) if names else "Closure", " – ".join(dict.fromkeys(days))]
    )
    under = [times] if (times := _times(facts)) else []
    if facts.get("weekdays"):
        under.append(f"on {widgets.weekday_names(facts['weekdays'])} only")
    if facts.get("keep_booked"):
        under.append("around what is booked")
    if facts.get("reason"):
        under.append(f"“{facts['reason']}”")
    for name, word in (("moved", "moved"), ("displaced", "displaced")):
        if count := facts.get(name):
            under.append(f"{widgets.counted(count, 'booking')} {word}")
    return main.removesuffix(", "), " · ".join(under)


def _times(facts: Mapping[str, Any]) -> str:
    """The part of a day that a closure covers; "" if the entry does not name it."""
    if not all(name in facts for name in _TIMES):
        return ""
    return formats.stretch(*(time.fromisoformat(facts[name]) for name in _TIMES))


def _ground_name(id: str, grounds: Mapping[str, Ground]) -> str:
    ground = grounds.get(id)
    return ground.name if ground else id


def slot(facts: Mapping[str, Any], grounds: Mapping[str, Ground]) -> str:
    """``Ground 1, Tue 24 Nov, 9–10 AM``."""
    date = Date.fromisoformat(facts["date"])
    span = formats.span(*(time.fromisoformat(facts[name]) for name in ("start", "end")))
    return f"{_ground_name(facts['ground_id'], grounds)}, {formats.short_date(date)}, {span}"


def lines(change: Change, grounds: Mapping[str, Ground], zone: ZoneInfo) -> list[tuple[str, str]]:
    """(name, value) of each fact of a change."""
    local = change.at.astimezone(zone)
    found = [
        (
            "When",
            f"{formats.full_date(local.date())}, {formats.to_the_second(local)}",
        ),
        ("By", f"{change.by_name} ({change.by})" if _principal_or_id(change) else change.by_name),
    ]
    if change.on_behalf_of:
        found.append(("On behalf of", change.on_behalf_of))
    found.append(("Done", f"{_plain(change.action)}: {kind(change.what).lower()}"))
    facts = change.details
    if "ground_id" in facts and "date" in facts:
        found.append(("Slot", slot(facts, grounds)))
    elif times := _times(facts):
        found.append(("Times", times))
    in_slot = _SLOT if "ground_id" in facts else _TIMES
    for name, value in facts.items():
        if name in ("before", "after", *in_slot):
            continue
        if name == "moved_from" and isinstance(value, Mapping):
            found.append((_plain(name), slot(value, grounds)))
        elif isinstance(value, Mapping):
            found += [(f"{_plain(name)}, {_plain(k).lower()}", _value(v)) for k, v in value.items()]
        elif name in ("grounds", "ground_ids") and isinstance(value, list):
            found.append((_plain(name), ", ".join(_ground_name(id, grounds) for id in value)))
        elif name in _DATES:
            found.append((_plain(name), _date(str(value))))
        else:
            found.append((_plain(name), _value(value)))
    before, after = (_mapping(facts.get(side)) for side in ("before", "after"))
    for name in _changed(before, after):
        if name != "_id":
            old, new = (_side(side, name, grounds) for side in (before, after))
            both = bool(before) and bool(after)
            found.append((_plain(name), f"{old} → {new}" if both else new if after else old))
    if change.id:
        found.append(("Record", change.id))
    return found


def board_then(change: Change, zone: ZoneInfo) -> str | None:
    """The path of the board after a change of a booking or a closure; None for another change."""
    date = change.details.get("date" if change.what == "booking" else "first")
    if change.what not in ("booking", "closure") or date is None:
        return None
    at = change.at.astimezone(zone)
    return f"reports?board={date}&at={at:%Y-%m-%dT%H:%M}"


def _principal_or_id(change: Change) -> str:
    """The line below a name: the principal of a delegate, else the account id if it differs."""
    if change.on_behalf_of:
        return f"for {change.on_behalf_of}"
    return "" if change.by.casefold() == change.by_name.casefold() else change.by


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _side(facts: Mapping[str, Any], name: str, grounds: Mapping[str, Ground]) -> str:
    """The value of a field before or after a change."""
    if name == "ground_ids":
        ids = facts.get(name) or ()
        return ", ".join(_ground_name(id, grounds) for id in ids) or "All grounds"
    return _value(facts.get(name), name)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = [*after, *(name for name in before if name not in after)]
    return [name for name in names if before.get(name) != after.get(name) or not before]


def _plain(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").capitalize())


def _value(value: Any, name: str = "") -> str:
    """A value as text; ``name`` is its field."""
    match value:
        case None | "":
            return "–"
        case str() if name in ("cut_off", "day_list_at"):
            return formats.clock(time.fromisoformat(value))
        case str() if name in _DATES or name == "week_a":
            return _date(value)
        case list() if name == "weekdays":
            return widgets.weekdays(value)
        case bool():
            return "yes" if value else "no"
        case {"label": label, "start": str(start), "end": str(end)}:
            times = time.fromisoformat(start), time.fromisoformat(end)
            span = formats.span(*times)
            return span if formats.is_span(label, *times) else f"{label} ({span})"
        case {"name": name, "first": str(first), "last": str(last)}:
            return f"{name} ({' – '.join(dict.fromkeys(map(_date, (first, last))))})"
        case Mapping():
            return ", ".join(f"{_plain(str(k))}: {_value(v)}" for k, v in value.items()) or "–"
        case list() | tuple():
            return ", ".join(map(_value, value)) or "–"
        case datetime():
            return f"{formats.full_date(value.date())}, {formats.clock(value.time())}"
    return str(value)


def _date(text: str) -> str:
    try:
        date = Date.fromisoformat(text)
    except ValueError:
        return text
    return formats.full_date(date)
