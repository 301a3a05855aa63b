"""Delegations: a principal lets another account decide and ask for a range of dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date as Date
from datetime import datetime
from uuid import uuid4

from booking_core.domain import rules
from booking_core.domain.errors import InvalidRequest, NotFound
from booking_core.domain.model import Actor, Role
from booking_core.domain.names import sign_in_key
from booking_core.domain.people import Delegation
from booking_core.domain.rules import check_actor
from booking_core.domain.validation import check_date, check_id, check_sign_in_name
from booking_core.storage.access import accounts
from booking_core.storage.access import delegations as store
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline

_DELEGATED_VERBS = frozenset({"approve", "reject", "revoke", "ask"})


@within_deadline
def delegate(
    db: Documents, *, to: str, first: Date, last: Date, by: Actor, now: datetime | None = None
) -> Delegation:
    """Lets the account ``to`` decide for ``by`` from ``first`` to ``last``, both inclusive.

    ``by`` can still decide too. Raises InvalidRequest, NotAllowed, StoreUnavailable, and NotFound
    if ``by`` has no active account with the role of a principal.
    """
    rules.check_may("delegate", by)
    to = check_sign_in_name(to, "to")
    first, last = check_date(first, "first"), check_date(last, "last")
    now = moment(db, now)
    if last < first:
        raise InvalidRequest("last", "is before the first day")
    if last < _today(db, now):
        raise InvalidRequest("last", "has gone by")
    if sign_in_key(to) == sign_in_key(by.id):
        raise InvalidRequest("to", "must be somebody else")
    found = accounts.read(db, to)
    if found is None or not found.account.active:
        raise InvalidRequest("to", "is no active account")
    if by.id not in accounts.names_of_active(db, [by.id], Role.PRINCIPAL):
        raise NotFound("account", by.id)
    made = Delegation(
        str(uuid4()), by.id, by.name, found.account.id, found.account.name, first, last, now
    )
    store.insert(db, made, by)
    return made


@within_deadline
def end_delegation(
    db: Documents, delegation_id: str, *, by: Actor, now: datetime | None = None
) -> None:
    """Ends a delegation at once. Raises InvalidRequest, NotFound, NotAllowed, StoreUnavailable."""
    rules.check_may("delegate", by)
    store.delete(db, check_id(delegation_id, "delegation_id"), by, moment(db, now))


@within_deadline
def find_delegations(
    db: Documents, *, on: Date | None = None, since: Date | None = None
) -> list[Delegation]:
    """Delegations that cover ``on``, or that end on ``since`` or later, ordered by first day.

    Raises InvalidRequest, StoreUnavailable.
    """
    if on is not None:
        on = check_date(on, "on")
    if since is not None:
        since = check_date(since, "since")
    return store.find(db, on=on, since=since)


@within_deadline
def delegations_of(db: Documents, actor: Actor, now: datetime | None = None) -> list[Delegation]:
    """The delegations by which ``actor`` decides today, with the principals' present names.

    Today is the date in the school's time zone. The list is empty if the role of ``actor`` decides
    anyway, or if its account is disabled. Delegations by accounts that are no active principals
    any more are left out.
    """
    check_actor(actor)
    now = moment(db, now)
    if rules.may("approve", actor):
        return []
    found = store.find(db, on=_today(db, now), to=actor.id)
    if not found:
        return []
    account = accounts.read(db, actor.id)
    if account is None or not account.account.active:
        return []
    names = accounts.names_of_active(db, [one.by for one in found], Role.PRINCIPAL)
    return [replace(one, by_name=names[one.by]) for one in found if one.by in names]


@within_deadline
def decides(db: Documents, actor: Actor, now: datetime | None = None) -> bool:
    """Whether ``actor`` may approve, reject and revoke today, by its role or by delegation."""
    check_actor(actor)
    return rules.may("approve", actor) or bool(delegations_of(db, actor, now))


def deciding_for(db: Documents, verb: str, actor: Actor, now: datetime) -> str:
    """The name of the principal for whom ``actor`` does ``verb`` today.

    "" if ``verb`` cannot be delegated, if the role of ``actor`` decides (then nothing is read), or
    if there is no delegation.
    """
    if verb not in _DELEGATED_VERBS or rules.may("approve", actor):
        return ""
    found = delegations_of(db, actor, now)
    return found[0].by_name if found else ""


def _today(db: Documents, now: datetime) -> Date:
    return now.astimezone(settings_of(db).zone).date()
