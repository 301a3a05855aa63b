"""A school with a mail server, and what its mails say."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from support import ADMIN, HEAD, MEERA, NOW, RAVI

from booking_core import Account, add_account, send_mails, write_notices
from pages.shared.text.mails import WRITING

PUBLIC_URL = "https://grounds.school.example"


def at(**later: float) -> datetime:
    return NOW + timedelta(**later)


def school_with_mail(make_db: Any, port: int, **settings: Any) -> Any:
    """A school whose mails go to that port, and accounts of Meera, Ravi, Head and Admin."""
    values = {
        "quota": None,
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "mail_from": "grounds@school.example",
        "public_url": PUBLIC_URL,
    }
    db = make_db(**values | settings)
    for actor in (MEERA, RAVI, HEAD, ADMIN):
        email = f"{actor.id}@school.example"
        add_account(db, Account(actor.id, actor.name, actor.role, email), now=NOW)
    return db


def send(db: Any, now: datetime) -> float:
    write_notices(db, now=now)
    return send_mails(db, WRITING, now=now)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def tokens_in(mail: EmailMessage, path: str = "decide") -> list[str]:
    """The tokens of the links below ``path``, in their order."""
    return re.findall(rf"{re.escape(PUBLIC_URL)}/{path}/([\w-]+)", text_of(mail))
