"""Handing decisions on: a principal's approving, rejecting and revoking, for a range of dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date as Date
from datetime import datetime
from uuid import uuid4

from booking_core.domain import rules
from booking_core.domain.clock import moment
from booking_core.domain.errors import InvalidRequest, NotFound
from booking_core.domain.model import Actor, Role
from booking_core.domain.people import Delegation
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_date, check_id
from booking_core.storage import accounts as accounts_store
from booking_core.storage import delegations as store
from booking_core.storage.database import Documents, settings_of

_DECIDING = frozenset({"approve", "reject", "revoke"})


def delegate(
    db: Documents, *, to: str, first: Date, last: Date, by: Actor, now: datetime | None = None
) -> Delegation:
    """Hands ``by``'s decisions to the account ``to`` from ``first`` to ``last``, both inclusive.

    ``by`` goes on deciding too. Raises InvalidRequest, NotFound where the giver has no active
    account of a principal, NotAllowed, StoreUnavailable.
    """
    rules.check_may("delegate", by)
    to = check_id(to, "to").lower()
    first, last = check_date(first, "first"), check_date(last, "last")
    now = moment(now)
    if last < first:
        raise InvalidRequest("last", "is before the first day")
    if last < _today(db, now):
        raise InvalidRequest("last", "has gone by")
    if to == by.id.lower():
        raise InvalidRequest("to", "must be somebody else")
    taker = accounts_store.read(db, to)
    if taker is None or not taker["active"]:
        raise InvalidRequest("to", "is no active account")
    if by.id not in store.principals(db, [by.id]):
        raise NotFound("account", by.id)
    given = Delegation(str(uuid4()), by.id, by.name, taker["_id"], taker["name"], first, last, now)
    store.insert(db, given, by)
    return given


def end_delegation(
    db: Documents, delegation_id: str, *, by: Actor, now: datetime | None = None
) -> None:
    """Takes decisions back at once. Raises InvalidRequest, NotFound, NotAllowed."""
    rules.check_may("delegate", by)
    store.delete(db, check_id(delegation_id, "delegation_id"), by, moment(now))


def find_delegations(
    db: Documents, *, on: Date | None = None, since: Date | None = None
) -> list[Delegation]:
    """Delegations, the first to begin first: that cover ``on``, or not over before ``since``."""
    if on is not None:
        on = check_date(on, "on")
    if since is not None:
        since = check_date(since, "since")
    return store.find(db, on=on, since=since)


def delegations_of(db: Documents, actor: Actor, now: datetime | None = None) -> list[Delegation]:
    """Those by which ``actor`` decides today, in the school's time, with the givers' names of now.

    Empty for a principal, who decides anyway. One whose giver is no active principal any more does
    not count, nor does any in the hands of who is disabled.
    """
    check_actor(actor)
    now = moment(now)
    if actor.role.decides:
        return []
    found = store.find(db, on=_today(db, now), to=actor.id)
    if not found:
        return []
    taker = accounts_store.read(db, actor.id)
    if taker is None or not taker["active"]:
        return []
    names = store.principals(db, [given.by for given in found])
    return [replace(given, by_name=names[given.by]) for given in found if given.by in names]


def decides(db: Documents, actor: Actor, now: datetime | None = None) -> bool:
    """Whether ``actor`` approves, rejects and revokes today: by role or by delegation."""
    check_actor(actor)
    return actor.role is Role.PRINCIPAL or bool(delegations_of(db, actor, now))


def deciding_for(db: Documents, verb: str, actor: Actor, now: datetime) -> str:
    """For whom ``actor`` does ``verb`` without having the role for it; "" for nobody.

    The look-up happens only for those whose role does not decide.
    """
    if verb not in _DECIDING or actor.role.decides:
        return ""
    given = delegations_of(db, actor, now)
    return given[0].by_name if given else ""


def _today(db: Documents, now: datetime) -> Date:
    return now.astimezone(settings_of(db).zone).date()
