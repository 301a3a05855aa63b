"""The list of a day, mailed to the caretakers of grounds at a set time.

A list is one mail for each address and day: its id follows from both, so of several processes one
makes it, and what changes later is not mailed again. No mail has the address: it is looked up among
the grounds when the mail is sent, and a list to an address that no ground has is deleted unsent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime
from email.message import EmailMessage
from urllib.parse import urlencode
from uuid import UUID, uuid5

from booking_core.booking.boards import Board, day_board
from booking_core.domain.mail import Mail, is_day_list_due
from booking_core.domain.model import Ground
from booking_core.insight.sheets import entry_of, held_on
from booking_core.mail.composing import MailLine, MailWriting, Recipient, compose
from booking_core.storage import mails
from booking_core.storage.client.database import Documents, settings_of
from booking_core.storage.school import data as reference

_NAMES = UUID("d3a0f3de-6c44-4b0b-9a53-2a2c7ac0a1e7")
_NO_ACCOUNT = "-"
_WALL = "wall"  # the page of the dashboard that needs no sign-in


def gather(db: Documents, now: datetime) -> None:
    """Makes the mails that are due."""
    today = now.astimezone(settings_of(db).zone).date()
    due = _due(db, today, now)
    for id in due.keys() - mails.stored_ids(db, due):
        mails.queue(db, Mail(id, _NO_ACCOUNT, now, (), asks=False, day_list=today))


def composed(db: Documents, mail: Mail, writing: MailWriting, now: datetime) -> EmailMessage | None:
    """The list as of now; None if its day is over, or the school mails it to nobody any more."""
    settings, school = settings_of(db), reference.load(db)
    local = now.astimezone(settings.zone)
    due = _due(db, local.date(), now)
    if mail.day_list != local.date() or mail.id not in due:
        return None
    grounds = due[mail.id]
    board = day_board(db, local.date(), now)
    lines = [
        MailLine("As of", writing.clock(local), "today. What changes later is not mailed again.")
    ]
    for ground in grounds:
        lines += _lines(board, ground, school.policy.wall_shows, writing)
    names = ", ".join(ground.name for ground in grounds)
    # The wall shows one ground, or all.
    wall = f"{_WALL}?{urlencode({'ground': grounds[0].id})}" if len(grounds) == 1 else _WALL
    return compose(
        settings,
        Recipient("", grounds[0].caretaker_email),
        id=mail.id,
        at=local,
        subject=f"{writing.day(local.date())}: {names}",
        lines=lines,
        link=(wall, "See the day live"),
        why=f"You get this mail because the school has your address for {names}. "
        "Ask the school if you want no more of them.",
    )


def _due(db: Documents, today: Date, now: datetime) -> dict[str, list[Ground]]:
    """The grounds of each address to which the list of ``today`` is due, by the id of its mail."""
    school, zone = reference.load(db), settings_of(db).zone
    when = school.policy.day_list_at
    by_address: defaultdict[str, list[Ground]] = defaultdict(list)
    if when is not None:
        for ground in school.open_grounds:
            if ground.caretaker_email:
                by_address[ground.caretaker_email].append(ground)
    plan = school.plan(today) if by_address else None
    found = {}
    for email, grounds in by_address.items():
        assert plan is not None
        ends = [period.end for period in plan.periods_of(ground.id for ground in grounds)]
        if is_day_list_due(when, today, ends, now, zone):
            found[str(uuid5(_NAMES, f"{today.isoformat()}:{email}"))] = grounds
    return found


def _lines(board: Board, ground: Ground, shows: str, writing: MailWriting) -> Sequence[MailLine]:
    """The name of the ground and its bookings, one line each."""
    held = held_on(board, ground)
    if not held:
        return [MailLine("", ground.name, "Nothing is booked.")]
    lines = [MailLine("", ground.name, "")]
    for one in held:
        entry = entry_of(one, ground, board, shows)
        told = filter(None, (entry[name] for name in ("who", "group", "there", "tag")))
        lines.append(MailLine(writing.stretch(one.start, one.end), entry["what"], ", ".join(told)))
    return lines
