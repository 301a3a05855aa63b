"""Mails to those to whom a principal has handed decisions over.

It is one mail for each delegation: its id follows from that of the delegation, so of several
processes one makes it. It is deleted unsent where the delegation has ended meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date as Date
from datetime import datetime
from email.message import EmailMessage
from uuid import UUID, uuid5

from booking_core.domain import mail as timing
from booking_core.domain import rules
from booking_core.domain.mail import Mail
from booking_core.domain.model import Account, MailWish, Role
from booking_core.domain.people import Delegation
from booking_core.mail.composing import MailLine, MailWriting, Recipient, compose
from booking_core.storage import mails
from booking_core.storage.access import accounts, delegations
from booking_core.storage.client.database import Documents, settings_of

_NAMES = UUID("7a4d9c52-0f6b-4f5e-b1a3-8c2e6d1f9b04")


def gather(db: Documents, readers: Mapping[str, Account], now: datetime) -> None:
    """Makes the mails that are due; ``readers`` are the accounts that get mail, by id."""
    found = delegations.find(db, since=_today(db, now))
    due = {
        _id_of(one): one
        for one, account, _ in _effective(db, found, readers)
        if _is_due(db, one, account, now)
    }
    for id in due.keys() - mails.stored_ids(db, due):
        mails.queue(db, Mail(id, due[id].to, now, (), asks=False, reminds=due[id].id))


def _effective(
    db: Documents, found: Collection[Delegation], readers: Mapping[str, Account]
) -> list[tuple[Delegation, Account, str]]:
    """Those that let an account of ``readers`` decide, with it and the principal's present name."""
    names = accounts.names_of_active(db, [one.by for one in found], Role.PRINCIPAL) if found else {}
    return [
        (one, readers[one.to], names[one.by])
        for one in found
        if one.by in names
        and one.to in readers
        # A role that decides anyway needs no delegation.
        and not rules.may("approve", readers[one.to].actor)
    ]


def _id_of(delegation: Delegation) -> str:
    return str(uuid5(_NAMES, delegation.id))


def _is_due(db: Documents, delegation: Delegation, account: Account, now: datetime) -> bool:
    """Whether it is time to tell ``account`` of it, by the way in which it gets mail."""
    if delegation.at < now - timing.GIVE_UP_AFTER:  # of a time without this worker
        return False
    if account.mail is MailWish.DAILY:
        return delegation.at < timing.last_digest(now, settings_of(db).zone)
    return timing.due_at([delegation.at]) <= now


def composed(
    db: Documents, mail: Mail, account: Account, email: str, writing: MailWriting, now: datetime
) -> EmailMessage | None:
    """The mail as of now; None if it is another one, or its delegation lets nobody decide now."""
    today, settings = _today(db, now), settings_of(db)
    found = [
        one for one in delegations.find(db, to=account.id, since=today) if _id_of(one) == mail.id
    ]
    effective = _effective(db, found, {account.id: account})
    if not effective:
        return None
    [(one, _, name)] = effective
    days = f"on {writing.day(one.first)}"
    if one.first < one.last:
        days = f"from {writing.day(one.first)} until {writing.day(one.last)}"
    return compose(
        settings,
        Recipient(account.name, email),
        id=mail.id,
        at=now.astimezone(settings.zone),
        subject=f"You decide for {name}, {days}",
        lines=[
            MailLine("You decide about requests for", name, f"{days}."),
            MailLine("", "Approvals", "lists what waits then. Others approve your own requests."),
        ],
        # Before the first day Approvals is not for this account.
        link=("approvals", "Open Approvals") if one.first <= today else None,
        why=f"You get this mail because {name} has handed decisions over to you.",
    )


def _today(db: Documents, now: datetime) -> Date:
    return now.astimezone(settings_of(db).zone).date()
