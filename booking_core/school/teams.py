"""Changing teams. A booking keeps the name of its team, also once the team is removed.

In every verb, ``by`` None means that no account acts: the command line or a script.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from booking_core.domain.errors import (
    ChangedMeanwhile,
    InvalidRequest,
    UnknownStudent,
    UnknownTeam,
)
from booking_core.domain.model import Actor, Team
from booking_core.domain.names import new_id
from booking_core.domain.validation import check_id
from booking_core.school.administration import change_school
from booking_core.storage.client.database import Documents, moment
from booking_core.storage.client.verbs import within_deadline
from booking_core.storage.school import teams as store
from booking_core.storage.school.changes import SchoolTransaction


@within_deadline
def save_team(
    db: Documents,
    team: Team,
    *,
    by: Actor | None = None,
    was: Team | None = None,
    now: datetime | None = None,
) -> Team:
    """Adds or replaces a team; existing bookings stay as they are.

    With ``was``, the team that the change was made from, raises ChangedMeanwhile where the stored
    one differs by now. Raises AlreadyExists for an id that differs from another's in capitals only,
    UnknownStudent for a member who is not on record, InvalidRequest, also for a name that another
    team has and for staff without an account, NotAllowed, StoreUnavailable.
    """
    if not isinstance(team, Team):
        raise InvalidRequest("team", "must be a Team")
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Team:
        before = store.read(tx).get(team.id)
        if was is not None and was != before:
            raise ChangedMeanwhile("the team")
        return _write(tx, by, before, team, now)

    return change_school(db, by, now, work)


@within_deadline
def add_team(
    db: Documents,
    name: str,
    members: Iterable[str] = (),
    *,
    class_name: str = "",
    staff: Iterable[str] = (),
    by: Actor | None = None,
    now: datetime | None = None,
) -> Team:
    """Adds a team; its id is made of its name. Raises as ``save_team`` does."""
    wanted = Team("new", name, _list(members, "members"), class_name, _list(staff, "staff"))
    now = moment(db, now)

    def work(tx: SchoolTransaction) -> Team:
        made = replace(wanted, id=new_id(wanted.name, store.read(tx), "team"))
        return _write(tx, by, None, made, now)

    return change_school(db, by, now, work)


@within_deadline
def remove_team(
    db: Documents, team_id: str, *, by: Actor | None = None, now: datetime | None = None
) -> None:
    """Removes a team; its bookings stay, with its name.

    Raises UnknownTeam, InvalidRequest, NotAllowed, StoreUnavailable.
    """
    team_id, now = check_id(team_id, "team_id"), moment(db, now)

    def work(tx: SchoolTransaction) -> None:
        before = store.read(tx).get(team_id)
        if before is None:
            raise UnknownTeam(team_id)
        store.delete(tx, team_id)
        tx.audit(by, "deleted", "team", team_id, {"before": _facts(before), "after": None}, now)

    change_school(db, by, now, work)


def _write(
    tx: SchoolTransaction, by: Actor | None, before: Team | None, team: Team, now: datetime
) -> Team:
    for student_id in store.find_unknown_members(tx, team):
        raise UnknownStudent(student_id)
    for account_id in store.find_unknown_staff(tx, team):
        raise InvalidRequest("staff", f"names {account_id!r}, who has no account")
    store.put(tx, team)
    details = {"before": before and _facts(before), "after": _facts(team)}
    tx.audit(by, "saved" if before else "added", "team", team.id, details, now)
    return team


def _facts(team: Team) -> dict[str, Any]:
    """What the audit log says of a team: the log is never erased, so it names no person."""
    counts = {"members": len(team.members), "in_charge": len(team.staff)}
    return {"name": team.name, "class_name": team.class_name, **counts}


def _list(values: Iterable[str], name: str) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidRequest(name, "must be a list of ids")
    return tuple(values)
