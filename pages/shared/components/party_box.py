"""The choice of a party in one field: a student, a class, a team or staff."""

from __future__ import annotations

from collections.abc import Sequence

from booking_core import Booking, Party, PartyFields, Reference, find_groups
from pages.shared.components.student_box import student_box

APART = "|"  # in the value of a class, a team or staff; no roll number has it


def party_box(known: Reference, *, key: str) -> str | None:
    """Draws the field; the roll number, or the ``value_of`` a party. None without a choice."""
    return student_box(
        known,
        key=key,
        label="Student, class or team",
        active=True,
        placeholder="Name, roll number, class or team",
        others=lambda text: _groups(known, text),
    )


def value_of(party: Party, name: str) -> str:
    """The value of the field for a class, a team or staff; no roll number looks so."""
    return f"{party.value}{APART}{name}"


def values_of(booking: Booking) -> list[str]:
    """The values of the field for the party of ``booking``: the first, and more students."""
    names = {
        Party.CLASS: booking.class_name,
        Party.TEAM: booking.team_id or "",
        Party.STAFF: "",
    }
    if booking.party in names:
        return [value_of(booking.party, names[booking.party])]
    return list(booking.student_ids)


def request_fields(
    value: str, more: Sequence[str] = (), supervisor_id: str | None = None
) -> PartyFields:
    """The fields of a BookingRequest for a value of the field, and ``more`` students."""
    kind, apart, name = value.partition(APART)
    of_party: dict[str, PartyFields] = {
        Party.CLASS.value: {"class_name": name},
        Party.TEAM.value: {"team_id": name},
        Party.STAFF.value: {"for_staff": True},
    }
    fields: PartyFields = {"student_ids": (value, *more)}
    fields = of_party.get(kind, fields) if apart else fields
    return {**fields, "supervisor_id": supervisor_id}


def _groups(known: Reference, text: str) -> dict[str, str]:
    """The options that are no students: value -> label."""
    classes, teams = find_groups(known, text)
    found = {value_of(Party.CLASS, name): f"{name} · whole class" for name in classes}
    found |= {value_of(Party.TEAM, team.id): f"{team.name} · team" for team in teams}
    if not text or text.strip().lower() in "staff":
        found[value_of(Party.STAFF, "")] = "Staff"
    return found
