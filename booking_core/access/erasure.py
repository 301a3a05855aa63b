"""Erasing an account: the name of a former user goes everywhere, and the history still reads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_core.access import login_throttle
from booking_core.domain import rules, timetable
from booking_core.domain.errors import InvalidRequest, LastAdmin, NotFound, StoreUnavailable
from booking_core.domain.model import Account, Actor, Role
from booking_core.domain.names import sign_in_key
from booking_core.domain.validation import check_sign_in_name
from booking_core.storage.access import accounts
from booking_core.storage.access import erasure as store
from booking_core.storage.client.database import Documents, moment, settings_of
from booking_core.storage.client.verbs import within_deadline

# Longer than any verb may take: what a verb sent before the erasure is stored by then, or never.
_LATEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AccountErasure:
    """What erasing an account would do.

    ``bookings`` that it made stay under a pseudonym, ``ahead`` of these are active and not over.
    ``elsewhere`` bookings, closures and changes mention the full name or the sign-in name in a
    purpose or a reason: these texts stay.
    """

    bookings: int
    ahead: int
    elsewhere: int


@within_deadline(seconds=store.BULK_SECONDS)
def account_erasure_of(
    db: Documents, account_id: str, *, by: Actor | None, now: datetime | None = None
) -> AccountErasure:
    """What erasing would do; writes nothing.

    Raises NotFound, NotAllowed, InvalidRequest, StoreUnavailable.
    """
    account_id = _checked(account_id, by)
    now, zone = moment(db, now), settings_of(db).zone
    today = now.astimezone(zone).date()
    found = accounts.read(db, account_id)
    if found is None:
        raise NotFound("account", account_id)
    ends = timetable.ends_ahead(today, now, zone)
    made, active, elsewhere = store.count_references(db, found.account, today)
    ahead = sum(booking.date > today or booking.end in ends for booking in active)
    return AccountErasure(made, ahead, elsewhere)


@within_deadline(seconds=store.BULK_SECONDS)
def erase_account(
    db: Documents, account_id: str, *, by: Actor | None, now: datetime | None = None
) -> int:
    """Erases an account and ends its sessions; returns how many of its bookings stay.

    These, also those ahead, and all that the account decided or changed are under one pseudonym
    then. ``by`` None is the command line. ``finish_erasures`` has to follow after five minutes;
    it also does what no time was left for. Raises NotFound, LastAdmin if no active admin would be
    left, InvalidRequest, also for the account of ``by``; NotAllowed, StoreUnavailable.
    """
    account_id, now = _checked(account_id, by), moment(db, now)
    pseudonym = store.new_pseudonym()

    def work(tx: accounts.AccountTransaction) -> tuple[Account, int]:
        account = tx.read(account_id)
        if account is None:
            raise NotFound("account", account_id)
        # As in ``change_account``, the count locks every admin.
        is_admin = account.active and account.role is Role.ADMIN
        if is_admin and tx.lock_active(Role.ADMIN, now) < 2:
            raise LastAdmin(account_id)
        made = store.note(tx, account, pseudonym, now + _LATEST)
        tx.delete(account)
        details = {"name": store.shown_name(pseudonym), "role": account.role.value}
        tx.audit(by, "erased", "account", pseudonym, details, now)
        return account, made

    erased, made = accounts.run(db, work, store.BULK_SECONDS)
    # It is erased. What the rest of the time is too short for, ``finish_erasures`` does.
    with contextlib.suppress(StoreUnavailable):
        login_throttle.forget(db, sign_in_key(erased.id))
        store.take_out(db, pseudonym)
    return made


def _checked(account_id: str, by: Actor | None) -> str:
    account_id = check_sign_in_name(account_id, "account_id")
    if by is not None:
        rules.check_may("administer", by)
        if sign_in_key(by.id) == sign_in_key(account_id):
            raise InvalidRequest("account_id", "is your own; another admin erases it")
    return account_id
